//! Walk of a parent's list: what depends on the parent, and what is stored about it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio_util::sync::CancellationToken;

use super::run::{ParentsRun, shown};
use crate::{
    declare::EachScope,
    error::Result,
    nango::PageCommit,
    run::{
        mapper::scan::OpenScan,
        resume::{self, InterruptedWalk, SyncState},
    },
    store::{Level, NextFullRun, ParentEnd, ParentKey, ParentScan, ParentWrite},
    time::Timestamp,
};

/// Parent whose list is walked.
pub(crate) struct Parent {
    pub(crate) id: Arc<str>,
    /// Time at which the parent's record was first seen; `None` for an element of a list in the metadata.
    pub(crate) first_seen_at: Option<Timestamp>,
    /// Decoded parent, with the metadata.
    pub(crate) scope: EachScope,
}

/// Part of a [`ListWalk`](super::super::list_walk::ListWalk) that depends on its parent.
pub(crate) struct ParentWalk<'a> {
    parents: &'a ParentsRun<'a>,
    parent: Parent,
    /// Whether the list is read completely only to confirm delete candidates.
    pub(crate) is_early: bool,
    stop: WalkStop,
}

/// Stop of a walk after an error of another one.
#[derive(Debug, Clone)]
pub(crate) struct WalkStop {
    /// Stops all walks of the run.
    pub(crate) token: CancellationToken,
    /// Whether this walk is committing: it is stopped after its commit.
    pub(crate) is_committing: Arc<AtomicBool>,
}

/// Marks a walk as committing until it is dropped.
pub(crate) struct Committing<'a>(&'a AtomicBool);

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<'a> ParentWalk<'a> {
    /// Creates the walk of a parent's list.
    pub(crate) fn new(parents: &'a ParentsRun<'a>, parent: Parent, stop: WalkStop) -> Self {
        Self { parents, parent, is_early: false, stop }
    }

    /// Returns the number of the logical run.
    pub(crate) fn number(&self) -> i64 {
        self.parents.number()
    }

    /// Returns the key that the records of the list get.
    pub(crate) fn key(&self) -> ParentKey {
        ParentKey::of(&self.parent.id)
    }

    /// Returns the values that the function and the requests use.
    pub(crate) fn scope(&self) -> &EachScope {
        &self.parent.scope
    }

    /// Returns the scan of each model in which all walks of the run take part.
    pub(crate) fn scans(&self) -> &[OpenScan] {
        &self.parents.scans
    }

    /// Returns whether the logical run reads complete lists.
    pub(crate) fn is_full_requested(&self) -> bool {
        self.parents.logical().full
    }

    /// Returns when the delete candidates of each model make the walk read the complete list.
    pub(crate) fn next_full_runs(&self) -> impl Iterator<Item = NextFullRun> + '_ {
        self.parents.next_full_runs(self.key())
    }

    /// Returns whether an interrupted walk continues in this run. A complete walk continues only in its own scan.
    /// `forced`: complete lists are requested, which an older walk may not have read.
    pub(crate) fn may_resume(&self, walk: &InterruptedWalk, forced: bool) -> bool {
        let is_full = walk.since.is_none() && walk.delta.is_none();
        let is_of_run = is_full && walk.started_at >= self.parents.logical().started_at;
        let scan = self.scans().first().map(|open| open.scan.number);
        (!is_full || walk.scan == scan) && (!forced || is_of_run)
    }

    /// Marks the walk as committing until the result is dropped. After the stop, a walk waits here until it is dropped.
    pub(crate) async fn begin_commit(&self) -> Committing<'_> {
        if self.stop.token.is_cancelled() {
            std::future::pending::<()>().await;
        }
        self.stop.is_committing.store(true, Ordering::Relaxed);
        Committing(&self.stop.is_committing)
    }

    /// Adds the state of the parent to a commit, and the progress of the run if it is due. `is_done`: the walk has
    /// ended.
    pub(crate) fn add_state(
        &self,
        commit: &mut PageCommit,
        state: &SyncState,
        end: Option<ParentEnd>,
        is_done: bool,
    ) -> Result<()> {
        let (id, run) = (self.parent.id.to_string(), self.parents.run);
        let state = if state.is_empty() {
            None
        } else {
            Some(resume::seal_parent(run.runtime, run.context.key(), &id, state)?)
        };
        let scan = end.zip(self.scans().first()).map(|(end, open)| ParentScan { number: open.scan.number, end });
        let done = is_done.then(|| self.number());
        let first_seen_at = self.parent.first_seen_at;
        commit.parents.push(ParentWrite { id, first_seen_at, state, done, scan, is_early: self.is_early });
        self.parents.add_progress(commit, is_done)
    }

    /// Adds a line about the parent to the log of the run.
    pub(crate) fn log(&self, level: Level, message: &str) {
        self.parents.log(level, &format!("{}: {message}", shown(&self.parent.id)));
    }
}
