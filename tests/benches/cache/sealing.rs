//! Cost of encrypted payloads: a first run, an unchanged run and a read of 100,000 records in pages of 100, compared
//! with payloads in plain text.

use std::sync::Arc;

use nango_core::internal::{
    auth::KeyRing,
    store::{Page, ReadQuery},
};
use nango_tests::measure::{self, Cost, Outcome, median};
use tokio::runtime::Runtime;

use crate::filled::{BenchStore, Document};

const RECORDS: u64 = 100_000;
const PAGE: u64 = 100;
const ROUNDS: usize = 5;
const PARTS: [&str; 3] = ["first run", "unchanged run", "read"];

pub(crate) fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut ratios = PARTS.map(|_| Vec::new());
    for round in 1..=ROUNDS {
        let plain = measure_parts(&runtime, false)?;
        let sealed = measure_parts(&runtime, true)?;
        for (part, ratios) in ratios.iter_mut().enumerate() {
            let (name, plain, sealed) = (PARTS[part], plain[part], sealed[part]);
            let ratio = sealed.cpu / plain.cpu;
            println!("sealing, {name}, round {round}: plain {plain}, sealed {sealed}, ratio {ratio:.2}");
            ratios.push(ratio);
        }
    }
    for (name, ratios) in PARTS.iter().zip(ratios) {
        println!("sealing, {name}: median ratio {:.2}", median(ratios));
    }
    Ok(())
}

/// Returns the costs of [`PARTS`], on a new database.
fn measure_parts(runtime: &Runtime, sealed: bool) -> Outcome<[Cost; 3]> {
    let folder = tempfile::tempdir()?;
    let filled = runtime.block_on(async {
        let filled = BenchStore::open(folder.path(), 0).await?;
        filled.store.use_keys(Arc::new(KeyRing::ephemeral()?), sealed).await?;
        Outcome::Ok(filled)
    })?;
    // Created before the measurement, which covers the cache only.
    let page = |n| filled.page((n * PAGE..(n + 1) * PAGE).map(Document::new));
    let pages: Vec<Page> = (0..RECORDS / PAGE).map(page).collect::<Outcome<_>>()?;
    let save_all = || measure::in_process(|| runtime.block_on(save(&filled, &pages)));
    Ok([save_all()?, save_all()?, measure::in_process(|| runtime.block_on(read(&filled)))?])
}

async fn save(filled: &BenchStore, pages: &[Page]) -> Outcome {
    for page in pages {
        filled.store.commit(page.clone()).await?;
    }
    Ok(())
}

async fn read(filled: &BenchStore) -> Outcome {
    let mut query = ReadQuery::default();
    loop {
        query.cursor = filled.store.read(&filled.dataset, query.clone()).await?.next_cursor;
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}
