//! Commit of pages: each transaction is written entirely or not at all.
//!
//! A page of records costs, whatever its size, the message that starts the transaction and these statements: the fence
//! and the counters of the run, the lock of the dataset together with the encryption policy, the lookup of the keys,
//! the marks of an open scan, one statement for new and one for changed records, the row of the dataset if its sequence
//! number advanced, the counters of the model, the commit. Beyond 16 MB of payloads, records are sent in several
//! statements.

use std::sync::Arc;

use super::{
    Db, checkpoints,
    dataset::{self, Dataset},
    deletes, encryption,
    error::DbResult,
    logs,
    rows::{self, WriteContext},
    runs,
};
use crate::{
    declare::Merging,
    store::{
        ChangeOutcome, Committed, DatasetKey, RowOutcome, Totals, Write, deletes::touched, failpoint::failpoint,
        hashed_page::HashedPage,
    },
};

/// Outcome of a page.
#[derive(Debug)]
pub(super) struct PageOutcome {
    rows: Vec<Vec<RowOutcome>>,
    checkpoint_version: Option<i64>,
}

impl PageOutcome {
    /// Joins the changes of the page with their outcomes.
    pub(super) fn into_committed(self, hashed: HashedPage) -> Committed {
        let changes = hashed
            .page
            .changes
            .into_iter()
            .zip(self.rows)
            .map(|(change, rows)| ChangeOutcome { change, rows })
            .collect();
        Committed { changes, checkpoint_version: self.checkpoint_version }
    }
}

/// Writes consecutive pages in one transaction.
pub(super) async fn commit_all(db: &mut Db, pages: &[HashedPage]) -> DbResult<Vec<PageOutcome>> {
    let mut outcomes = Vec::with_capacity(pages.len());
    for page in pages {
        outcomes.push(commit(db, page).await?);
    }
    Ok(outcomes)
}

async fn commit(db: &mut Db, hashed: &HashedPage) -> DbResult<PageOutcome> {
    let page = &hashed.page;
    runs::ensure_running_and_count(db, &page.run, page.pages, page.requests, page.left_out).await?;
    failpoint!("page:counted");

    let mut keys: Vec<&DatasetKey> = Vec::with_capacity(1);
    let mut dataset_indexes = Vec::with_capacity(page.changes.len());
    for change in &page.changes {
        // Several changes of one dataset share its row: the second must see the counts after the first.
        let known = keys.iter().position(|key| **key == change.dataset);
        dataset_indexes.push(known.unwrap_or_else(|| {
            keys.push(&change.dataset);
            keys.len() - 1
        }));
    }
    let mut datasets = if keys.is_empty() { Vec::new() } else { dataset::open(db, &keys).await? };
    let committed_at = datasets.iter().map(|dataset| dataset.committed_at).max().unwrap_or(0);
    let policy = match datasets.first() {
        Some(dataset) => encryption::policy_of_version(db, dataset.policy_version).await?,
        None => encryption::current_policy(db).await?,
    };
    let prepared = hashed.writes_hashed_by(&policy.hasher);

    let mut totals = Totals::default();
    let mut outcomes = Vec::with_capacity(page.changes.len());
    for ((change, prepared), index) in page.changes.iter().zip(&*prepared).zip(dataset_indexes) {
        let at = WriteContext {
            seal: db.shared.vault.seal_for_writing(&policy, &change.dataset),
            policy: Arc::clone(&policy),
            run: page.run.row,
            committed_at,
            skip_newer_than: (change.merging == Merging::Newer).then_some(page.requested_at),
            full_walk: change.full_walk,
        };
        let dataset: &mut Dataset = &mut datasets[index];
        let rows = match &change.write {
            Write::Save(batch) => rows::save(db, &at, dataset, batch, prepared).await?,
            Write::Delete(deletes) => rows::delete(db, &at, dataset, deletes, prepared).await?,
            Write::Patch(patches) => rows::patch(db, &at, dataset, patches, prepared).await?,
            Write::Seen(ids) => rows::seen(db, dataset, ids, prepared).await?,
        };
        if dataset.has_candidates {
            deletes::drop_states(db, dataset.id, &touched(&change.write, &rows)).await?;
        }
        totals.add_outcomes(&change.dataset.model, &rows);
        outcomes.push(rows);
    }
    failpoint!("page:records");
    for dataset in &datasets {
        dataset.save(db, committed_at).await?;
    }
    failpoint!("page:dataset");
    let checkpoint_version = match &page.checkpoint {
        Some(write) => Some(checkpoints::write(db, &page.function, write).await?),
        None => None,
    };
    if checkpoint_version.is_some() {
        failpoint!("page:checkpoint");
    }
    if let Some(write) = &page.resume {
        checkpoints::write_resume(db, Some(&policy), &page.function, write).await?;
        failpoint!("page:resume");
    }
    logs::write(db, page.run.row, &page.logs).await?;
    runs::count_models(db, page.run.row, &totals.models).await?;
    failpoint!("page:end");
    Ok(PageOutcome { rows: outcomes, checkpoint_version })
}
