//! Logical run over the lists of parents: what their walks share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use super::progress::{Progress, Tally};
use crate::{
    error::{Error, Result},
    nango::{PageCommit, lock_state as lock},
    paginate::WalkEnd,
    run::{
        mapper::{mapper_run::MapperRun, scan::OpenScan},
        resume::{self, EachProgress, SyncState},
    },
    store::{Level, NextFullRun, ParentKey, ResumeWrite},
};

/// Logical run over the lists of parents. A run continues the logical run of an interrupted one.
pub(crate) struct ParentsRun<'a> {
    pub(crate) run: &'a MapperRun<'a>,
    /// State of the function without the progress of the parents.
    pub(crate) state: SyncState,
    /// Identity of the logical run, with the progress at the start of this run.
    logical: EachProgress,
    /// Scan of each model, which all walks share; empty if the sync deletes nothing.
    pub(crate) scans: Vec<OpenScan>,
    /// Parents whose delete candidates bring their next complete walk forward, for each model.
    early: Vec<HashMap<ParentKey, NextFullRun>>,
    progress: Mutex<Progress>,
}

impl<'a> ParentsRun<'a> {
    /// Creates a logical run that starts, or that continues after the stored progress.
    pub(crate) fn new(
        run: &'a MapperRun<'a>,
        state: SyncState,
        logical: EachProgress,
        scans: Vec<OpenScan>,
        early: Vec<HashMap<ParentKey, NextFullRun>>,
    ) -> Self {
        let progress = Progress::after_id(logical.after.as_deref().map(Arc::from));
        Self { run, state, logical, scans, early, progress: Mutex::new(progress) }
    }

    /// Returns the number that marks the parents that are done.
    pub(crate) fn number(&self) -> i64 {
        self.logical.number
    }

    /// Returns the identity of the logical run, with the progress at the start of this run.
    pub(crate) fn logical(&self) -> &EachProgress {
        &self.logical
    }

    /// Returns when the delete candidates of each model make the walk of a parent read the complete list.
    pub(super) fn next_full_runs(&self, parent: ParentKey) -> impl Iterator<Item = NextFullRun> + '_ {
        self.early.iter().filter_map(move |early| early.get(&parent).copied())
    }

    /// Records that the walk of the next parent starts.
    pub(crate) fn start(&self, id: &Arc<str>) {
        lock(&self.progress).frontier.start(id.clone());
    }

    /// Records that the next parent is done since an earlier run.
    pub(crate) fn pass(&self, id: &Arc<str>) {
        let mut progress = lock(&self.progress);
        progress.frontier.pass(id.clone());
        progress.tally.walked_before += 1;
    }

    /// Records the end of a parent's walk, after it was committed.
    pub(crate) fn add_walked(&self, id: &str, end: WalkEnd) {
        lock(&self.progress).add_walked(id, &end);
        self.run.context.add_parent_walk_end(end);
        self.report();
    }

    /// Records and logs that a parent was skipped.
    pub(crate) fn add_skipped(&self, id: &str, error: Error) {
        self.log(Level::Warn, &format!("skipped {}: {error}", shown(id)));
        lock(&self.progress).add_skipped(id, error);
        self.report();
    }

    /// Returns the numbers of walked and skipped parents, and the first error that skipped one.
    pub(crate) fn take_result(&self) -> (Tally, Option<Error>) {
        let mut progress = lock(&self.progress);
        (progress.tally.clone(), progress.first_error.take())
    }

    /// Adds a line about a parent to the log of the run. The number of these lines is limited.
    pub(crate) fn log(&self, level: Level, message: &str) {
        let line = lock(&self.progress).take_line();
        if let Some(is_last) = line {
            self.run.context.log(level, message, Value::Null);
            if is_last {
                let message = "further lines about single parents are left out of the log of this run";
                self.run.context.log(Level::Info, message, Value::Null);
            }
        }
    }

    /// Adds the progress to a commit, unless it was stored recently. Parents that are done beyond it are skipped by
    /// their own rows. `ends_walk`: the commit also stores the end of a walk.
    pub(super) fn add_progress(&self, commit: &mut PageCommit, ends_walk: bool) -> Result<()> {
        let now = self.run.runtime.store.now();
        let each = {
            let mut progress = lock(&self.progress);
            if !progress.take_due(now, ends_walk) {
                return Ok(());
            }
            EachProgress {
                last_page_at: now,
                after: progress.frontier.done_up_to().map(str::to_owned),
                walked: self.logical.walked || ends_walk || progress.tally.walked + progress.tally.walked_before > 0,
                skipped: self.logical.skipped || progress.tally.skipped > 0,
                ..self.logical.clone()
            }
        };
        let state = SyncState { each: Some(each), ..self.state.clone() };
        let sealed = resume::seal(self.run.runtime, self.run.context.key(), &state)?;
        commit.resume = Some(ResumeWrite::Set(sealed));
        Ok(())
    }

    /// Returns the write that ends the logical run.
    pub(crate) fn end(&self) -> Result<ResumeWrite> {
        if self.state.is_empty() {
            return Ok(ResumeWrite::Clear);
        }
        resume::seal(self.run.runtime, self.run.context.key(), &self.state).map(ResumeWrite::Set)
    }

    fn report(&self) {
        let (walked, skipped) = {
            let progress = lock(&self.progress);
            (progress.tally.walked, progress.tally.skipped)
        };
        self.run.context.set_parents(walked, skipped);
    }
}

/// Returns a parent's id for a message, shortened.
pub(crate) fn shown(id: &str) -> String {
    const MAX: usize = 100;
    match id.char_indices().nth(MAX) {
        Some((end, _)) => format!("parent `{}…`", &id[..end]),
        None => format!("parent `{id}`"),
    }
}
