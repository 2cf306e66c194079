//! End of a mapper's walk: state for the next run, and deletes of records that the walk did not see.

use serde_json::{Value, json};

use super::{MapperRun, Progress, fingerprint};
use crate::{
    declare::{Pagination, SinceFrom},
    error::Result,
    nango::PageCommit,
    paginate::{WalkEnd, WalkOutcome},
    run::{
        resume::{self, SyncState},
        since,
    },
    store::{DeletePolicy, FinishScan, Level, ResumeWrite, ScanWalk, StoreError},
};

impl MapperRun<'_> {
    /// Ends the walk of the run. An incomplete walk deletes nothing and does not advance `since`.
    pub(super) async fn finish(&self, progress: Progress, end: WalkEnd) -> Result<()> {
        self.log_end(&end);
        let complete = end.outcome.is_complete();
        let state = self.next_state(&progress, &end);
        let resume = if state.is_empty() {
            ResumeWrite::Clear
        } else {
            ResumeWrite::Set(resume::seal(self.runtime, self.context.key(), &state)?)
        };
        self.context.add_walk_end(end.clone());
        let Some((dataset, scan)) = progress.scan else {
            if resume != ResumeWrite::Clear || self.has_stored_state || progress.pages > 0 {
                self.commit(PageCommit { resume: Some(resume), ..PageCommit::default() }).await?;
            }
            return self.report_deferred_deletes().await;
        };
        let confirmations = if complete { self.confirm(&dataset, scan).await? } else { Vec::new() };
        let walk = ScanWalk {
            complete,
            position_based: end.pagination == Pagination::Position,
            requests: end.pages,
            shifted: end.shifted,
            list_empty: progress.records == 0,
        };
        let finish = FinishScan {
            run: self.context.token(),
            function: self.context.key().clone(),
            dataset,
            scan,
            walk,
            policy: self.delete_policy(),
            confirmations,
            resume: Some(resume),
        };
        self.context.finish_scan(finish).await.map(drop)
    }

    /// Reports the pending deletes of a run that reads only changes: the candidates of the last full run.
    async fn report_deferred_deletes(&self) -> Result<()> {
        if self.def.track_deletes {
            let outlook = self.runtime.store.pending_deletes(&self.dataset(), &self.delete_policy()).await;
            self.context.report_outlook(self.def.models[0].name, &outlook.map_err(StoreError::into_error)?);
        }
        Ok(())
    }

    fn next_state(&self, progress: &Progress, end: &WalkEnd) -> SyncState {
        let unchanged = SyncState { walk: None, ..self.state.clone() };
        if !end.outcome.is_complete() {
            return unchanged;
        }
        let Some(since) = &self.mapper.since else { return unchanged };
        let shifts = end.pagination == Pagination::Position && end.pages > 1;
        let next = since::next_value(since, progress.newest, progress.first_date);
        if let (SinceFrom::Field(field), Some(newest), Some(date)) = (since.from, progress.newest, progress.first_date)
            && newest > date
        {
            let message = format!(
                "`{field}` of a record is later than the API's clock at the first page: the next run requests changes \
                 since that clock time"
            );
            self.context.log(Level::Info, &message, Value::Null);
        }
        let mut state = since::advance(&self.state, next, shifts);
        if progress.since.is_none() {
            state.full_at = Some(progress.started_at);
        }
        state
    }

    /// Builds the delete policy, with the fingerprint of the list.
    pub(super) fn delete_policy(&self) -> DeletePolicy {
        let fingerprint = fingerprint::of_list(self.context.base_url(), &self.request, self.mapper.paginate.as_ref());
        self.context.delete_policy(&self.def.deletes, fingerprint, self.mapper.since.is_none())
    }

    fn log_end(&self, end: &WalkEnd) {
        let fields = json!({
            "complete": end.outcome.is_complete(),
            "reason": end.outcome.reason(),
            "pages": end.pages,
            "shifted": end.shifted,
            "pagination": end.pagination.name(),
        });
        match &end.outcome {
            WalkOutcome::Complete(reason) => {
                self.context.log(Level::Info, &format!("walk complete after {} pages: {reason}", end.pages), fields);
            }
            WalkOutcome::Incomplete(gap) => {
                let consequence = match (self.def.track_deletes, self.mapper.since.is_some()) {
                    (true, true) => "; nothing is deleted, and the next run requests the same changes again",
                    (true, false) => "; nothing is deleted",
                    (false, true) => "; the next run requests the same changes again",
                    (false, false) => "",
                };
                let message = format!("walk incomplete after {} pages: {gap}{consequence}", end.pages);
                self.context.log(Level::Warn, &message, fields);
            }
        }
    }
}
