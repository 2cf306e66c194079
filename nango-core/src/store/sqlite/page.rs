//! Commit of pages: the steps of [`crate::store::commit`].

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::{
    Db, checkpoints,
    dataset::Dataset,
    delete_states, encryption,
    error::{DbError, DbResult},
    fence, logs, parents,
    rows::{self, ChangeWriter},
};
use crate::{
    store::{
        Change, CheckpointWrite, Committed, DatasetKey, FunctionKey, LogLine, Page, ParentWrite, ResumeWrite,
        RowOutcome, RunToken, StoreError, Totals, Write,
        commit::{self, CommitSteps, Opened},
        decide::WriteContext,
        encryption::EncryptionPolicy,
        hashed_page::{HashedPage, PreparedWrite},
    },
    time::Timestamp,
};

/// Writes a page, and rejects it if its run may no longer write.
pub(super) fn commit(db: &Db, hashed: HashedPage) -> DbResult<Committed> {
    let outcome = poll_once(commit::commit(&mut Steps(db), &hashed))?;
    Ok(outcome.into_committed(hashed))
}

/// Returns the result of a future that never waits.
fn poll_once<T>(future: impl Future<Output = DbResult<T>>) -> DbResult<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(StoreError::Database("a step of a commit waits".into()).into()),
    }
}

/// The steps of a commit on the connection that writes. None of them waits.
struct Steps<'a>(&'a Db);

impl CommitSteps for Steps<'_> {
    type Error = DbError;
    type Dataset = Dataset;

    async fn count_page(&mut self, page: &Page) -> DbResult<()> {
        fence::ensure_running_and_count(self.0, &page.run, page.pages, page.requests, page.skipped_invalid)
    }

    async fn open(&mut self, keys: &[&DatasetKey]) -> DbResult<Opened<Dataset>> {
        let datasets = keys.iter().map(|key| Dataset::open(self.0, key)).collect::<DbResult<Vec<_>>>()?;
        let latest = datasets.iter().map(|dataset| dataset.committed_at).max().unwrap_or_default();
        let policy = encryption::current_policy(self.0)?;
        Ok(Opened { datasets, committed_at: self.0.shared.clock.at_least(latest), policy })
    }

    async fn write_change(
        &mut self,
        dataset: &mut Dataset,
        policy: &EncryptionPolicy,
        context: WriteContext<'_>,
        change: &Change,
        prepared: &PreparedWrite,
    ) -> DbResult<Vec<RowOutcome>> {
        let seal = self.0.shared.vault.seal_for_writing(policy, &change.dataset);
        let at = ChangeWriter { db: self.0, seal, context };
        match &change.write {
            Write::Save(batch) => rows::save(&at, dataset, batch, prepared),
            Write::Replace(batch) => rows::replace(&at, dataset, batch, prepared),
            Write::Delete(deletes) => rows::delete(&at, dataset, deletes, prepared),
            Write::Patch(patches) => rows::patch(&at, dataset, patches, prepared),
            Write::Seen(ids) => rows::seen(&at, dataset, ids, prepared),
        }
    }

    fn has_candidates(dataset: &Dataset) -> bool {
        dataset.has_candidates
    }

    async fn drop_candidates(&mut self, dataset: &Dataset, ids: &[&str]) -> DbResult<()> {
        delete_states::drop_states(self.0, dataset.id, ids)
    }

    async fn save_dataset(&mut self, dataset: &Dataset, committed_at: Timestamp) -> DbResult<()> {
        dataset.save(self.0, committed_at)
    }

    async fn write_checkpoint(&mut self, key: &FunctionKey, write: &CheckpointWrite) -> DbResult<i64> {
        checkpoints::write(self.0, key, write)
    }

    async fn write_resume(&mut self, _: &EncryptionPolicy, key: &FunctionKey, write: &ResumeWrite) -> DbResult<()> {
        checkpoints::write_resume(self.0, key, write)
    }

    async fn write_parents(
        &mut self,
        _: &EncryptionPolicy,
        key: &FunctionKey,
        parents: &[ParentWrite],
    ) -> DbResult<()> {
        parents::write(self.0, key, parents)
    }

    async fn write_logs(&mut self, run: &RunToken, lines: &[LogLine]) -> DbResult<()> {
        logs::write(self.0, run.row, lines)
    }

    async fn count_models(&mut self, run: &RunToken, totals: &Totals) -> DbResult<()> {
        fence::count_models(self.0, run.row, &totals.models)
    }
}
