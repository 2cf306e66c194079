//! Commit of a page: the order of its steps, the same for every database.
//!
//! A page is one transaction. Its steps, in [`commit`]:
//!
//! 1. The fence of the run is checked and its counters are increased, so that a run that lost its lease writes nothing.
//! 2. The datasets are opened and locked, each once, and the commit time and the encryption policy are read under these
//!    locks.
//! 3. The changes are written in the order of the page. Records that were seen or written lose their delete state in
//!    the same step.
//! 4. The row of each dataset is written.
//! 5. Checkpoint, resume state, parents and log lines are written.
//! 6. The counters of the run per model are increased.
//!
//! A database implements [`CommitSteps`]. The steps of an embedded database never wait: it polls the future once.

use std::sync::Arc;

use super::{
    Change, ChangeOutcome, CheckpointWrite, Committed, DatasetKey, FunctionKey, LogLine, Page, ParentWrite,
    ResumeWrite, RowOutcome, RunToken, Totals,
    decide::{WriteContext, touched},
    encryption::EncryptionPolicy,
    failpoint::failpoint,
    hashed_page::{HashedPage, PreparedWrite},
};
use crate::time::Timestamp;

/// The steps of a commit, each in the transaction of the page.
pub(super) trait CommitSteps {
    /// The error of a step, after which the transaction is rolled back.
    type Error;
    /// A dataset inside the transaction that has locked it.
    type Dataset;

    /// Fails if the run may no longer write; otherwise adds the page to its counters.
    async fn count_page(&mut self, page: &Page) -> Result<(), Self::Error>;

    /// Opens distinct datasets in the order of `keys`, and creates those that do not exist.
    async fn open(&mut self, keys: &[&DatasetKey]) -> Result<Opened<Self::Dataset>, Self::Error>;

    /// Writes a change of a dataset. Returns the outcome of each row.
    async fn write_change(
        &mut self,
        dataset: &mut Self::Dataset,
        policy: &EncryptionPolicy,
        context: WriteContext<'_>,
        change: &Change,
        prepared: &PreparedWrite,
    ) -> Result<Vec<RowOutcome>, Self::Error>;

    /// Returns whether the dataset may have delete candidates.
    fn has_candidates(dataset: &Self::Dataset) -> bool;

    /// Deletes the stored states of delete candidates.
    async fn drop_candidates(&mut self, dataset: &Self::Dataset, ids: &[&str]) -> Result<(), Self::Error>;

    /// Writes the row of a dataset if it changed.
    async fn save_dataset(&mut self, dataset: &Self::Dataset, committed_at: Timestamp) -> Result<(), Self::Error>;

    /// Changes the checkpoint and returns its new version.
    async fn write_checkpoint(&mut self, key: &FunctionKey, write: &CheckpointWrite) -> Result<i64, Self::Error>;

    /// Changes the resume state.
    async fn write_resume(
        &mut self,
        policy: &EncryptionPolicy,
        key: &FunctionKey,
        write: &ResumeWrite,
    ) -> Result<(), Self::Error>;

    /// Writes the rows of parents.
    async fn write_parents(
        &mut self,
        policy: &EncryptionPolicy,
        key: &FunctionKey,
        parents: &[ParentWrite],
    ) -> Result<(), Self::Error>;

    /// Appends lines to the log of the run.
    async fn write_logs(&mut self, run: &RunToken, lines: &[LogLine]) -> Result<(), Self::Error>;

    /// Adds to the counters of the run per model.
    async fn count_models(&mut self, run: &RunToken, totals: &Totals) -> Result<(), Self::Error>;
}

/// The datasets of a page, opened for writing.
#[derive(Debug)]
pub(super) struct Opened<D> {
    /// The datasets in the order of their keys.
    pub datasets: Vec<D>,
    /// The time of the commit: not before the latest commit of any of them.
    pub committed_at: Timestamp,
    /// The encryption policy of the transaction.
    pub policy: Arc<EncryptionPolicy>,
}

/// The outcome of a page.
#[derive(Debug)]
pub(super) struct PageOutcome {
    rows: Vec<Vec<RowOutcome>>,
    checkpoint_version: Option<i64>,
    totals: Totals,
}

impl PageOutcome {
    /// Joins the changes of the page with their outcomes.
    pub(super) fn into_committed(self, hashed: HashedPage) -> Committed {
        let changes = hashed.page.changes.into_iter().zip(self.rows);
        let changes = changes.map(|(change, rows)| ChangeOutcome { change, rows }).collect();
        Committed { changes, checkpoint_version: self.checkpoint_version, totals: self.totals }
    }
}

/// Writes a page by the steps of a database.
pub(super) async fn commit<S: CommitSteps>(steps: &mut S, hashed: &HashedPage) -> Result<PageOutcome, S::Error> {
    let page = &hashed.page;
    steps.count_page(page).await?;
    failpoint!("page:counted");

    let (keys, indexes) = distinct_datasets(&page.changes);
    let Opened { mut datasets, committed_at, policy } = steps.open(&keys).await?;
    let prepared = hashed.writes_hashed_by(&policy.hasher);

    let mut totals = Totals {
        pages: page.pages,
        requests: page.requests,
        skipped_invalid: page.skipped_invalid,
        ..Totals::default()
    };
    let mut outcomes = Vec::with_capacity(page.changes.len());
    for ((change, prepared), index) in page.changes.iter().zip(&*prepared).zip(indexes) {
        let context = WriteContext::new(page, change, &policy.hasher, committed_at);
        let dataset = &mut datasets[index];
        let rows = steps.write_change(dataset, &policy, context, change, prepared).await?;
        if S::has_candidates(dataset) {
            steps.drop_candidates(dataset, &touched(&change.write, &rows)).await?;
        }
        totals.add_outcomes(&change.dataset.model, &rows);
        outcomes.push(rows);
    }
    failpoint!("page:records");
    for dataset in &datasets {
        steps.save_dataset(dataset, committed_at).await?;
    }
    failpoint!("page:dataset");
    let mut checkpoint_version = None;
    if let Some(write) = &page.checkpoint {
        checkpoint_version = Some(steps.write_checkpoint(&page.function, write).await?);
        failpoint!("page:checkpoint");
    }
    if let Some(write) = &page.resume {
        steps.write_resume(&policy, &page.function, write).await?;
        failpoint!("page:resume");
    }
    if !page.parents.is_empty() {
        steps.write_parents(&policy, &page.function, &page.parents).await?;
        failpoint!("page:parents");
    }
    steps.write_logs(&page.run, &page.logs).await?;
    steps.count_models(&page.run, &totals).await?;
    failpoint!("page:end");
    Ok(PageOutcome { rows: outcomes, checkpoint_version, totals })
}

/// Returns the distinct datasets of these changes, and for each change the index of its dataset: several changes of one
/// dataset share its row, because the second must see the counts after the first.
fn distinct_datasets(changes: &[Change]) -> (Vec<&DatasetKey>, Vec<usize>) {
    let mut keys: Vec<&DatasetKey> = Vec::with_capacity(1);
    let mut indexes = Vec::with_capacity(changes.len());
    for change in changes {
        let known = keys.iter().position(|key| **key == change.dataset);
        indexes.push(known.unwrap_or_else(|| {
            keys.push(&change.dataset);
            keys.len() - 1
        }));
    }
    (keys, indexes)
}

#[cfg(test)]
mod tests;
