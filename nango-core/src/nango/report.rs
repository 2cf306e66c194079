//! Report of a run about its walks and about deletes that await confirmation.

use std::sync::{Arc, atomic::Ordering};

use serde_json::{Value, json};

use super::{
    context::{Context, lock},
    findings::{DeferredDeletes, ParentCounts, RunFindings, WalkMark},
};
use crate::{
    declare::Deletes,
    http,
    paginate::{Gap, WalkEnd, WalkOutcome},
    store::{DeletePolicy, FullRuns, HeldBy, Level, PendingDeletes, ScanOutcome, ScanWalk},
};

impl Context {
    /// Records the start of a walk, and returns a callback for its end.
    pub(super) fn begin_walk(self: &Arc<Self>) -> impl FnOnce(WalkEnd) + Send + Sync + use<> {
        let index = {
            let mut tracker = lock(&self.walks);
            tracker.ends.push(None);
            tracker.ends.len() - 1
        };
        let context = self.clone();
        move |end| {
            if let WalkOutcome::Incomplete(gap) = &end.outcome
                && *gap != Gap::Stopped
            {
                context.log(Level::Warn, &format!("walk incomplete after {} pages: {gap}", end.pages), Value::Null);
            }
            context.add_walk_end(end.clone());
            if let Some(slot) = lock(&context.walks).ends.get_mut(index) {
                *slot = Some(end);
            }
        }
    }

    /// Records a response to a request outside of walks.
    pub(super) fn note_request(&self, response: &http::Response) {
        let gap = if response.credentials_withheld {
            let other = response.url.origin().ascii_serialization();
            Some(Gap::OtherOrigin { own: self.client.base_url().origin().ascii_serialization(), other })
        } else {
            (response.status == 206).then_some(Gap::PartialContent)
        };
        lock(&self.walks).note_request(gap);
    }

    /// Adds the end of a walk to the report; the least complete walk determines the combined end.
    pub(crate) fn add_walk_end(&self, end: WalkEnd) {
        let mut findings = lock(&self.findings);
        findings.walk = Some(match findings.walk.take() {
            Some(before) => before.and(end),
            None => end,
        });
    }

    /// Adds the end of the walk over the list of a parent to the report. The walks end in any order.
    pub(crate) fn add_parent_walk_end(&self, end: WalkEnd) {
        let mut findings = lock(&self.findings);
        findings.walk = Some(match findings.walk.take() {
            Some(before) => before.and_of_parent(end),
            None => end,
        });
    }

    /// Sets the numbers of walked and skipped parents in the report.
    pub(crate) fn set_parents(&self, walked: u64, skipped: u64) {
        lock(&self.findings).parents = Some(ParentCounts { walked, skipped });
    }

    /// Adds the deletes that await confirmation after a scan to the report, and logs them.
    pub(super) fn report_deletes(&self, model: &str, finished: &ScanOutcome) {
        self.report_deferred_deletes(
            model,
            DeferredDeletes {
                held: finished.held,
                unconfirmed: finished.unconfirmed,
                held_by: finished.held_by,
                next_full: finished.next_full,
            },
        );
    }

    /// Adds and logs the pending deletes of a run that deletes nothing itself.
    pub(crate) fn report_outlook(&self, model: &str, outlook: &PendingDeletes) {
        self.report_deferred_deletes(
            model,
            DeferredDeletes {
                held: outlook.held,
                unconfirmed: outlook.unconfirmed,
                held_by: outlook.held_by,
                next_full: outlook.next_full,
            },
        );
    }

    fn report_deferred_deletes(&self, model: &str, waiting: DeferredDeletes) {
        let fields = || json!({ "model": model, "held": waiting.held, "unconfirmed": waiting.unconfirmed });
        if waiting.held > 0 {
            let why = match waiting.held_by {
                Some(HeldBy::MaxDeletes) => "more than `max_deletes` are missing",
                _ => "the list is empty, or more than half of the records are missing",
            };
            let message = format!(
                "{} deletes of `{model}` are held: {why}; a later complete walk, or a run that allows them, \
                 releases them",
                waiting.held
            );
            self.log(Level::Warn, &message, fields());
        } else if waiting.unconfirmed > 0 {
            let message = format!("{} deletes of `{model}` await confirmation by another walk", waiting.unconfirmed);
            self.log(Level::Info, &message, fields());
        }
        if waiting.held + waiting.unconfirmed > 0 {
            lock(&self.findings).deferred_deletes.insert(model.to_owned(), waiting);
        }
    }

    pub(super) fn walk_mark(&self) -> WalkMark {
        lock(&self.walks).mark()
    }

    pub(super) fn walks_since(&self, mark: WalkMark) -> (ScanWalk, WalkOutcome) {
        lock(&self.walks).combined(mark)
    }

    /// Returns the number of open scans of hand-written walks.
    pub(super) fn open_scans(&self) -> usize {
        self.open_scans.load(Ordering::Relaxed)
    }

    /// Returns the walks of the run, and the deletes that await confirmation.
    pub(crate) fn findings(&self) -> RunFindings {
        lock(&self.findings).clone()
    }

    /// Builds the delete policy of a sync from its declaration and the options of the run.
    pub(crate) fn delete_policy(&self, deletes: &Deletes, fingerprint: [u8; 16], full_runs: FullRuns) -> DeletePolicy {
        let allow = self.options().allow_deletes;
        DeletePolicy { allow, fingerprint, ..DeletePolicy::of(deletes, full_runs) }
    }
}
