//! End of a mapper's walk: state for the next run, and deletes of records that the walk did not see.

use serde_json::json;

use super::{
    fingerprint,
    list_walk::{EndedWalk, ListWalk},
    mapper_run::MapperRun,
    progress::Progress,
    scan::OpenScan,
};
use crate::{
    declare::{Delta, Pagination, SinceFrom},
    error::Result,
    nango::PageCommit,
    paginate::{FeedPosition, WalkEnd, WalkOutcome},
    run::{
        delta::{self, DeltaState, NextPosition},
        resume::{self, SyncState},
        since,
    },
    store::{DeletePolicy, FinishScan, FullRuns, Level, ResumeWrite, ScanWalk, StoreError},
};

impl ListWalk<'_> {
    /// Ends a walk: stores the state for the next run, and deletes the records that a complete walk did not see. An
    /// incomplete walk deletes nothing and does not advance `since` or the position of a feed.
    pub(super) async fn finish(&self, ended: EndedWalk, has_stored_state: bool) -> Result<()> {
        let EndedWalk { progress, end, position, .. } = ended;
        self.log_end(&end);
        let state = self.next_state(&progress, &end, position);
        let resume = if state.is_empty() {
            ResumeWrite::Clear
        } else {
            ResumeWrite::Set(resume::seal(self.run.runtime, self.run.context.key(), &state)?)
        };
        let walks: Vec<ScanWalk> = (0..progress.scans.len()).map(|model| progress.scan_walk(model, &end)).collect();
        self.run.context.add_walk_end(end);
        if progress.scans.is_empty() {
            if resume != ResumeWrite::Clear || has_stored_state || progress.pages > 0 {
                self.run.commit(PageCommit { resume: Some(resume), ..PageCommit::default() }).await?;
            }
            return self.report_deferred_deletes().await;
        }
        self.finish_scans(progress.scans.into_iter().zip(walks).collect(), resume).await
    }

    /// Ends the scans of all models in one transaction, which also stores the state for the next run. Complete walks
    /// delete the records that they did not see.
    pub(super) async fn finish_scans(&self, ends: Vec<(OpenScan, ScanWalk)>, resume: ResumeWrite) -> Result<()> {
        let is_complete = ends.first().is_some_and(|(_, walk)| walk.complete);
        let policy = self.delete_policy();
        let mut resume = Some(resume);
        let mut finishes = Vec::with_capacity(ends.len());
        for (model, (open, walk)) in ends.into_iter().enumerate() {
            if is_complete && !walk.complete {
                self.log_unread_ids(&open.dataset.model);
            }
            // The attribute refuses requests that confirm deletes of several models.
            let is_confirmed = model == 0 && walk.complete;
            let confirmations = if is_confirmed { self.confirm(&open, policy.fingerprint).await? } else { Vec::new() };
            finishes.push(FinishScan {
                run: self.run.context.token().await?,
                function: self.run.context.key().clone(),
                dataset: open.dataset,
                scan: open.scan,
                walk,
                policy: policy.clone(),
                confirmations,
                resume: resume.take(),
                by_parent: self.run.mapper.each.is_some(),
            });
        }
        self.run.finish_scans(finishes).await
    }

    /// Reports the pending deletes of a run that reads only changes: the candidates of the last full run.
    async fn report_deferred_deletes(&self) -> Result<()> {
        if self.run.def.track_deletes {
            let policy = self.delete_policy();
            for (i, model) in self.run.def.models.iter().enumerate() {
                let outlook = self.run.runtime.store.pending_deletes(&self.run.dataset(i), &policy).await;
                self.run.context.report_outlook(model.name, &outlook.map_err(StoreError::into_error)?);
            }
        }
        Ok(())
    }

    /// Returns the state for the next run.
    pub(super) fn next_state(&self, progress: &Progress, end: &WalkEnd, position: Option<FeedPosition>) -> SyncState {
        let unchanged = SyncState { walk: None, ..self.state.clone() };
        if !end.outcome.is_complete() {
            return unchanged;
        }
        if let Some(delta) = self.run.mapper.delta {
            return SyncState { delta: self.next_position(delta, progress, position), ..unchanged };
        }
        let Some(since) = &self.run.mapper.since else { return unchanged };
        let shifts = end.pagination == Pagination::Position && end.pages > 1;
        let next = since::next_value(since, progress.newest, progress.first_date);
        if let (SinceFrom::Field(field), Some(newest), Some(date)) = (since.from, progress.newest, progress.first_date)
            && newest > date
        {
            let message = format!(
                "`{field}` of a record is later than the API's clock at the first page: the next run requests changes \
                 since that clock time"
            );
            self.log(Level::Info, &message);
        }
        let mut state = since::advance(&self.state, next, shifts);
        if progress.is_full() {
            state.full_at = Some(progress.started_at);
        }
        state
    }

    /// Returns the position for the next run after a complete walk, and logs that no page had one.
    fn next_position(&self, delta: &Delta, progress: &Progress, found: Option<FeedPosition>) -> Option<DeltaState> {
        let stored = self.state.delta.as_ref();
        let consequence = match delta::next_position(stored, found, progress.is_full(), &self.list_fingerprint()) {
            NextPosition::Stored(state) => return Some(state),
            // An API may return no position where nothing has changed.
            NextPosition::Kept if progress.records == 0 => return stored.cloned(),
            NextPosition::Kept => "the next run requests the same changes again",
            NextPosition::Missing => "the next run reads the complete list",
        };
        let path = delta.position.path();
        self.log(Level::Warn, &format!("no page of the walk has a position at `{path}`: {consequence}"));
        stored.cloned()
    }

    /// Builds the delete policy, with the fingerprint of the list.
    pub(super) fn delete_policy(&self) -> DeletePolicy {
        let fingerprint = fingerprint::of_list(self.parts());
        let MapperRun { context, def, .. } = self.run;
        context.delete_policy(&def.deletes, fingerprint, FullRuns::of(&def.run))
    }

    /// Logs that a complete walk deletes no record of a model, because a raw record was skipped.
    fn log_unread_ids(&self, model: &str) {
        let message = format!(
            "no `{model}` is deleted: a skipped record of the list may have some, and their ids cannot be read"
        );
        self.log(Level::Warn, &message);
    }

    fn log_end(&self, end: &WalkEnd) {
        let MapperRun { context, def, mapper, .. } = self.run;
        let fields = json!({
            "complete": end.outcome.is_complete(),
            "reason": end.outcome.reason(),
            "pages": end.pages,
            "shifted": end.shifted,
            "pagination": end.pagination.name(),
        });
        match &end.outcome {
            WalkOutcome::Complete(reason) => {
                context.log(Level::Info, &format!("walk complete after {} pages: {reason}", end.pages), fields);
            }
            WalkOutcome::Incomplete(gap) => {
                let reads_again = mapper.since.is_some() || self.state.delta.is_some();
                let consequence = match (def.track_deletes, reads_again) {
                    (true, true) => "; nothing is deleted, and the next run requests the same changes again",
                    (true, false) => "; nothing is deleted",
                    (false, true) => "; the next run requests the same changes again",
                    (false, false) => "",
                };
                let message = format!("walk incomplete after {} pages: {gap}{consequence}", end.pages);
                context.log(Level::Warn, &message, fields);
            }
        }
    }
}
