//! Database for the cache benchmarks, filled with records of about 2.5 KB.

use std::{path::Path, time::Duration};

use nango_core::{
    internal::{
        declare::{FunctionKind, Merging},
        model::Batch,
        store::{
            self, BASE_VARIANT, Change, DatasetKey, FunctionKey, NewRun, Page, PatchRow, RunToken, SharedStore, Write,
        },
    },
    prelude::*,
};
use nango_tests::measure::Outcome;

/// A record of about 2.5 KB.
#[model]
pub(crate) struct Document {
    /// Key of the record.
    pub id: u64,
    /// Title that changes.
    pub title: String,
    /// Number of reads; the update benchmark changes it.
    pub views: u64,
    /// Text that makes up most of the size.
    pub body: String,
}

impl Document {
    pub(crate) fn new(id: u64) -> Self {
        let line = format!("of document {id}: the quick brown fox jumps over the lazy dogs, as ever\n");
        let body = line.repeat(2400 / line.len() + 1);
        Self { id, title: format!("Document {id}"), views: id % 97, body }
    }
}

/// An open database, with a run that may write.
pub(crate) struct BenchStore {
    pub(crate) store: SharedStore,
    pub(crate) dataset: DatasetKey,
    run: RunToken,
    function: FunctionKey,
}

impl BenchStore {
    /// Opens `nango.db` in a folder and saves this number of records, 100 per page.
    pub(crate) async fn open(folder: &Path, records: u64) -> Outcome<Self> {
        let store = store::open(&format!("sqlite:{}", folder.join("nango.db").display())).await?;
        let [integration, connection, variant] = ["bench", "one", BASE_VARIANT].map(str::to_owned);
        let function = FunctionKey {
            kind: FunctionKind::Sync,
            integration: integration.clone(),
            connection: connection.clone(),
            function: "documents".to_owned(),
            variant: variant.clone(),
        };
        let lease = Duration::from_hours(1);
        let run = store.start_run(NewRun { key: function.clone(), connection: None, exclusive: true, lease }).await?;
        let dataset = DatasetKey { integration, connection, model: "Document".to_owned(), variant };
        let bench_store = Self { store, dataset, run, function };
        for first in (0..records).step_by(100) {
            bench_store.save((first..records.min(first + 100)).map(Document::new)).await?;
        }
        Ok(bench_store)
    }

    /// Saves documents as one page.
    pub(crate) async fn save(&self, documents: impl IntoIterator<Item = Document>) -> Outcome {
        self.store.commit(self.page(documents)?).await?;
        Ok(())
    }

    /// Applies patches as one page.
    pub(crate) async fn patch(&self, rows: Vec<PatchRow>) -> Outcome {
        self.store.commit(self.page_with(Write::Patch(rows))).await?;
        Ok(())
    }

    /// Returns a page that saves documents.
    pub(crate) fn page(&self, documents: impl IntoIterator<Item = Document>) -> Outcome<Page> {
        let mut batch = Batch::default();
        for document in documents {
            batch.push(&document)?;
        }
        Ok(self.page_with(Write::Save(batch)))
    }

    fn page_with(&self, write: Write) -> Page {
        Page {
            run: self.run,
            function: self.function.clone(),
            requested_at: self.store.now(),
            changes: vec![Change {
                dataset: self.dataset.clone(),
                merging: Merging::Newer,
                full_walk: None,
                parent: None,
                write,
            }],
            checkpoint: None,
            resume: None,
            parents: Vec::new(),
            pages: 1,
            requests: 1,
            skipped_invalid: 0,
            logs: Vec::new(),
        }
    }
}
