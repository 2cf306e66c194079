//! Partial updates of 10,000 records: `batch_update`, compared with reading, changing and saving complete records.
//! Pages of 100.

use nango_core::{Patch, internal::store::PatchRow};
use nango_tests::measure::{self, Outcome, median};
use serde_json::json;

use crate::filled::{BenchStore, Document};

const RECORDS: u64 = 10_000;
const ROUNDS: u64 = 5;

pub(crate) fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let filled = runtime.block_on(BenchStore::open(folder.path(), RECORDS))?;
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let patched = measure::in_process(|| runtime.block_on(patch(&filled, round * 1000)))?;
        let whole = measure::in_process(|| runtime.block_on(read_and_save(&filled, round * 1000 + 1)))?;
        let ratio = patched.cpu / whole.cpu;
        println!("update, round {round}: batch_update {patched}, records_by_id + batch_save {whole}, ratio {ratio:.2}");
        ratios.push(ratio);
    }
    println!("update: median ratio {:.2}", median(ratios));
    Ok(())
}

async fn patch(filled: &BenchStore, views: u64) -> Outcome {
    let serde_json::Value::Object(fields) = json!({ "views": views }) else { return Err("no object".into()) };
    for first in (0..RECORDS).step_by(100) {
        let row = |id: u64| PatchRow { id: id.to_string(), fields: fields.clone(), updated: Patch::Keep };
        filled.patch((first..first + 100).map(row).collect()).await?;
    }
    Ok(())
}

async fn read_and_save(filled: &BenchStore, views: u64) -> Outcome {
    for first in (0..RECORDS).step_by(100) {
        let ids = (first..first + 100).map(|id| id.to_string()).collect();
        let mut documents: Vec<Document> = Vec::new();
        for row in filled.store.records_by_id(&filled.dataset, ids).await? {
            documents.push(serde_json::from_slice(row.payload.as_deref().unwrap_or_default())?);
        }
        filled.save(documents.into_iter().map(|document| Document { views, ..document })).await?;
    }
    Ok(())
}
