//! Feed benchmark: reads 100,000 records in pages as JSON responses, compared with raw SQL and minimal serialisation of
//! the same content.

use nango_core::internal::{store::ReadQuery, wire::write_page};
use nango_tests::measure::{self, Outcome, median};

use crate::{filled::BenchStore, raw_feed::raw};

const RECORDS: u64 = 100_000;
const ROUNDS: usize = 5;

pub(crate) fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let filled = runtime.block_on(BenchStore::open(folder.path(), RECORDS))?;
    for limit in [100, 1000] {
        let mut ratios = Vec::new();
        for round in 1..=ROUNDS {
            let (mut ours, mut raw_bytes) = (0, 0);
            let product = measure::in_process(|| runtime.block_on(read(&filled, limit)).map(|bytes| ours = bytes))?;
            let raw =
                measure::in_process(|| raw(&folder.path().join("nango.db"), limit).map(|bytes| raw_bytes = bytes))?;
            println!(
                "feed, pages of {limit}, round {round}: raw {raw} for {} MB, store {product} for {} MB, ratio {:.2}",
                raw_bytes >> 20,
                ours >> 20,
                product.cpu / raw.cpu
            );
            ratios.push(product.cpu / raw.cpu);
        }
        println!("feed, pages of {limit}: median ratio {:.2}", median(ratios));
    }
    Ok(())
}

async fn read(filled: &BenchStore, limit: u32) -> Outcome<usize> {
    let (mut cursor, mut bytes, mut records) = (None, 0, 0);
    let mut out = Vec::new();
    loop {
        let page = filled.store.read(&filled.dataset, ReadQuery { cursor, limit, ..ReadQuery::default() }).await?;
        out.clear();
        write_page(&page, &mut out);
        bytes += out.len();
        records += page.records.len() as u64;
        cursor = page.next_cursor;
        if cursor.is_none() {
            assert_eq!(records, RECORDS);
            return Ok(bytes);
        }
    }
}
