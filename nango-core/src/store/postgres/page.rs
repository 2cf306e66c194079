//! The commit of a page: everything in one transaction, or nothing.
//!
//! A page of records costs, whatever its size, the message that begins the transaction and these statements: the run's
//! fence and counters, the dataset's lock with the policy of encryption, the look-up of the keys, the marks of an open scan, one for the new records and
//! one for the changed ones, the dataset's row if its sequence moved, the model's counters, the commit. Beyond 16 MB of
//! payloads the records are sent in several statements.

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

/// What became of a page.
#[derive(Debug)]
pub(super) struct PageOutcome {
    rows: Vec<Vec<RowOutcome>>,
    checkpoint_version: Option<i64>,
}

impl PageOutcome {
    /// The answer: the changes are given back with what became of them.
    pub(super) fn into_committed(self, draft: HashedPage) -> Committed {
        let changes = draft
            .page
            .changes
            .into_iter()
            .zip(self.rows)
            .map(|(change, rows)| ChangeOutcome { change, rows })
            .collect();
        Committed { changes, checkpoint_version: self.checkpoint_version }
    }
}

/// Writes pages that follow each other.
pub(super) async fn commit_all(db: &mut Db, drafts: &[HashedPage]) -> DbResult<Vec<PageOutcome>> {
    let mut carried = Vec::with_capacity(drafts.len());
    for draft in drafts {
        carried.push(commit(db, draft).await?);
    }
    Ok(carried)
}

async fn commit(db: &mut Db, draft: &HashedPage) -> DbResult<PageOutcome> {
    let page = &draft.page;
    runs::ensure_running_and_count(db, &page.run, page.pages, page.requests, page.left_out).await?;
    failpoint!("page:counted");

    let mut keys: Vec<&DatasetKey> = Vec::with_capacity(1);
    let mut dataset_indexes = Vec::with_capacity(page.changes.len());
    for change in &page.changes {
        // Several changes of one dataset share its row: the second must see what the first counted.
        let known = keys.iter().position(|key| **key == change.dataset);
        dataset_indexes.push(known.unwrap_or_else(|| {
            keys.push(&change.dataset);
            keys.len() - 1
        }));
    }
    let mut datasets = if keys.is_empty() { Vec::new() } else { dataset::open(db, &keys).await? };
    let stamp = datasets.iter().map(|dataset| dataset.committed_at).max().unwrap_or(0);
    let regime = match datasets.first() {
        Some(dataset) => encryption::policy_of_version(db, dataset.policy_version).await?,
        None => encryption::current_policy(db).await?,
    };
    let ready = draft.writes_hashed_by(&regime.hasher);

    let mut totals = Totals::default();
    let mut outcomes = Vec::with_capacity(page.changes.len());
    for ((change, ready), place) in page.changes.iter().zip(&*ready).zip(dataset_indexes) {
        let at = WriteContext {
            seal: db.shared.vault.seal_for_writing(&regime, &change.dataset),
            policy: Arc::clone(&regime),
            run: page.run.row,
            committed_at: stamp,
            skip_newer_than: (change.merging == Merging::Newer).then_some(page.requested_at),
            full_walk: change.full_walk,
        };
        let dataset: &mut Dataset = &mut datasets[place];
        let rows = match &change.write {
            Write::Save(batch) => rows::save(db, &at, dataset, batch, ready).await?,
            Write::Delete(deletes) => rows::delete(db, &at, dataset, deletes, ready).await?,
            Write::Patch(patches) => rows::patch(db, &at, dataset, patches, ready).await?,
            Write::Seen(ids) => rows::seen(db, dataset, ids, ready).await?,
        };
        if dataset.has_candidates {
            deletes::drop_states(db, dataset.id, &touched(&change.write, &rows)).await?;
        }
        totals.add_outcomes(&change.dataset.model, &rows);
        outcomes.push(rows);
    }
    failpoint!("page:records");
    for dataset in &datasets {
        dataset.save(db, stamp).await?;
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
        checkpoints::write_resume(db, Some(&regime), &page.function, write).await?;
        failpoint!("page:resume");
    }
    logs::write(db, page.run.row, &page.logs).await?;
    runs::count_models(db, page.run.row, &totals.models).await?;
    failpoint!("page:end");
    Ok(PageOutcome { rows: outcomes, checkpoint_version })
}
