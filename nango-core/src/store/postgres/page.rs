//! Commit of pages: the steps of [`crate::store::commit`].
//!
//! A page of records costs, whatever its size, the message that starts the transaction and these statements: the fence
//! and the counters of the run, the lock of the dataset together with the encryption policy, the lookup of the keys,
//! the marks of an open scan, one statement for new and one for changed records, the row of the dataset if its sequence
//! number advanced, the counters of the model, the commit. Beyond 16 MB of payloads, records are sent in several
//! statements.

use super::{
    Db, checkpoints,
    dataset::{self, Dataset},
    delete_states, encryption,
    error::{DbError, DbResult},
    fence, logs, parents,
    rows::{self, ChangeWriter},
};
use crate::{
    store::{
        Change, CheckpointWrite, DatasetKey, FunctionKey, LogLine, Page, ParentWrite, ResumeWrite, RowOutcome,
        RunToken, Totals, Write,
        commit::{self, CommitSteps, Opened, PageOutcome},
        decide::WriteContext,
        encryption::EncryptionPolicy,
        hashed_page::{HashedPage, PreparedWrite},
    },
    time::Timestamp,
};

/// Writes consecutive pages in one transaction.
pub(super) async fn commit_all(db: &mut Db, pages: &[HashedPage]) -> DbResult<Vec<PageOutcome>> {
    let mut outcomes = Vec::with_capacity(pages.len());
    for page in pages {
        outcomes.push(commit::commit(db, page).await?);
    }
    Ok(outcomes)
}

impl CommitSteps for Db {
    type Error = DbError;
    type Dataset = Dataset;

    async fn count_page(&mut self, page: &Page) -> DbResult<()> {
        fence::ensure_running_and_count(self, &page.run, page.pages, page.requests, page.skipped_invalid).await
    }

    async fn open(&mut self, keys: &[&DatasetKey]) -> DbResult<Opened<Dataset>> {
        let datasets = if keys.is_empty() { Vec::new() } else { dataset::open(self, keys).await? };
        let policy = match datasets.first() {
            Some(dataset) => encryption::policy_of_version(self, dataset.policy_version).await?,
            None => encryption::current_policy(self).await?,
        };
        let committed_at = datasets.iter().map(|dataset| dataset.committed_at).max().unwrap_or_default();
        Ok(Opened { datasets, committed_at, policy })
    }

    async fn write_change(
        &mut self,
        dataset: &mut Dataset,
        policy: &EncryptionPolicy,
        context: WriteContext<'_>,
        change: &Change,
        prepared: &PreparedWrite,
    ) -> DbResult<Vec<RowOutcome>> {
        let seal = self.shared.vault.seal_for_writing(policy, &change.dataset);
        let at = ChangeWriter { context, policy, seal };
        match &change.write {
            Write::Save(batch) => rows::save(self, &at, dataset, batch, prepared).await,
            Write::Replace(batch) => rows::replace(self, &at, dataset, batch, prepared).await,
            Write::Delete(deletes) => rows::delete(self, &at, dataset, deletes, prepared).await,
            Write::Patch(patches) => rows::patch(self, &at, dataset, patches, prepared).await,
            Write::Seen(ids) => rows::seen(self, &at, dataset, ids, prepared).await,
        }
    }

    fn has_candidates(dataset: &Dataset) -> bool {
        dataset.has_candidates
    }

    async fn drop_candidates(&mut self, dataset: &Dataset, ids: &[&str]) -> DbResult<()> {
        delete_states::drop_states(self, dataset.id, ids).await
    }

    async fn save_dataset(&mut self, dataset: &Dataset, committed_at: Timestamp) -> DbResult<()> {
        dataset.save(self, committed_at).await
    }

    async fn write_checkpoint(&mut self, key: &FunctionKey, write: &CheckpointWrite) -> DbResult<i64> {
        checkpoints::write(self, key, write).await
    }

    async fn write_resume(
        &mut self,
        policy: &EncryptionPolicy,
        key: &FunctionKey,
        write: &ResumeWrite,
    ) -> DbResult<()> {
        checkpoints::write_resume(self, Some(policy), key, write).await
    }

    async fn write_parents(
        &mut self,
        policy: &EncryptionPolicy,
        key: &FunctionKey,
        parents: &[ParentWrite],
    ) -> DbResult<()> {
        parents::write(self, policy, key, parents).await
    }

    async fn write_logs(&mut self, run: &RunToken, lines: &[LogLine]) -> DbResult<()> {
        logs::write(self, run.row, lines).await
    }

    async fn count_models(&mut self, run: &RunToken, totals: &Totals) -> DbResult<()> {
        fence::count_models(self, run.row, &totals.models).await
    }
}
