//! Due runs of syncs, and their start within limits.
//!
//! Invariants, whichever database is used:
//! - A sync of a connection has at most one due run and at most one running run. A second request is merged into the
//!   due run.
//! - **Claims** exclude each other, on all processes, so that a limit is never exceeded. A claim moves due runs to
//!   running runs whose lease belongs to the claiming process.
//! - **Blocked runs.** A due run that a limit prevents from starting is marked, and no claim reads it again before a
//!   run that counts towards the limit has ended. The cost of a claim therefore does not grow with a backlog.
//! - **Attempts.** A run that was interrupted becomes due again in the transaction that ends it; it belongs to the same
//!   logical run.

use std::time::Duration;

use uuid::Uuid;

use super::{DueRun, FunctionKey, NewDueRun, QueuedOptions, Run, RunEnd, RunToken, StoreFuture, schedules::SyncName};
use crate::time::Timestamp;

/// The order in which due runs start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// The run was triggered, or continues an interrupted one.
    Triggered,
    /// The run is due by its schedule.
    Scheduled,
}

impl Priority {
    /// All priorities, in the order in which their runs start.
    pub(super) const ALL: [Self; 2] = [Self::Triggered, Self::Scheduled];

    /// Returns the stored form.
    pub(super) const fn to_stored(self) -> i64 {
        match self {
            Self::Triggered => 0,
            Self::Scheduled => 1,
        }
    }
}

/// The numbers of runs that wait or are active.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// The number of runs that may start now, including those that wait for a limit.
    pub due: u64,
    /// The number of active runs.
    pub running: u64,
}

/// A request to start due runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The time of the database's clock.
    pub now: Timestamp,
    /// The duration of a lease without a heartbeat.
    pub lease: Duration,
    /// The maximum number of runs to start.
    pub slots: u32,
    /// The maximum number of active runs of a connection.
    pub per_connection: u32,
    /// The maximum number of active runs of an integration.
    pub per_integration: u32,
    /// The syncs that this process can run.
    pub syncs: Vec<SyncName>,
}

/// A run that a claim has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRun {
    /// The right to write.
    pub token: RunToken,
    /// The sync to run.
    pub key: FunctionKey,
    /// The options of the run.
    pub options: QueuedOptions,
    /// The number of this attempt in its logical run, counted from 1.
    pub attempt: u32,
    /// The number of attempts without progress before this one.
    pub idle: u32,
    /// The position that the attempt before this one reached.
    pub mark: Option<String>,
    /// The version of the checkpoint at the start.
    pub checkpoint_version: i64,
}

/// A continuation of a logical run in another attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextAttempt {
    /// The earliest start.
    pub due_at: Timestamp,
    /// The options of the attempt.
    pub options: QueuedOptions,
    /// The number of attempts without progress so far.
    pub idle: u32,
    /// The position that was reached.
    pub mark: Option<String>,
}

/// An active run whose lease has expired: its process has crashed or does not respond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredRun {
    /// The run with the right to write, which is still valid until another run takes over.
    pub run: ClaimedRun,
    /// Whether the run was due before it started. Other runs are not continued.
    pub is_queued: bool,
    /// The number of pages that it committed.
    pub pages: u64,
}

/// The due runs of a database.
pub trait Queue {
    /// Makes a run due, or merges the request into the run of the sync that is due already. Returns the id of the run.
    fn enqueue_run(&self, due: NewDueRun) -> StoreFuture<'_, Uuid>;

    /// Starts due runs within the limits, triggered runs first, then in the order of their due times.
    fn claim_runs(&self, request: ClaimRequest) -> StoreFuture<'_, Vec<ClaimedRun>>;

    /// Returns the earliest time after `now` at which a run or a schedule becomes due.
    fn next_due_at(&self, now: Timestamp) -> StoreFuture<'_, Option<Timestamp>>;

    /// Returns whether a claim at `now` would find a due run of these syncs.
    fn has_due_run(&self, now: Timestamp, syncs: Vec<SyncName>) -> StoreFuture<'_, bool>;

    /// Counts the runs that are due at `now`, and those that are active.
    fn run_counts(&self, now: Timestamp) -> StoreFuture<'_, RunCounts>;

    /// Returns the due run with an id.
    fn due_run(&self, id: Uuid) -> StoreFuture<'_, Option<DueRun>>;

    /// Returns the due run of a sync.
    fn due_run_of(&self, key: &FunctionKey) -> StoreFuture<'_, Option<DueRun>>;

    /// Removes the due run of a sync and marks its active runs as cancelled, which ends their right to write. Returns
    /// the ids of the active runs.
    fn cancel_runs(&self, key: &FunctionKey) -> StoreFuture<'_, Vec<Uuid>>;

    /// Marks one run as cancelled, or removes it if it is due. Returns `false` if it is neither due nor active.
    fn cancel_run(&self, id: Uuid) -> StoreFuture<'_, bool>;

    /// Ends a run like [`end_run`](super::Runs::end_run), and makes the next attempt of its logical run due.
    fn end_attempt(&self, run: &RunToken, end: RunEnd, next: Option<NextAttempt>) -> StoreFuture<'_, Run>;

    /// Returns active runs whose lease is not active at this time.
    fn expired_runs(&self, now: Timestamp, limit: u32) -> StoreFuture<'_, Vec<ExpiredRun>>;

    /// Removes the reason for which due runs were not started, so that the next claim reads all of them again: the
    /// limits may have changed.
    fn unblock_runs(&self) -> StoreFuture<'_, ()>;

    /// Removes runs that ended before this time, with their counters and log lines. The latest ended run of each
    /// function stays, and the first run of a logical run that is due or active. Removes at most `limit` runs, and
    /// returns their number.
    fn purge_runs(&self, before: Timestamp, limit: u32) -> StoreFuture<'_, u64>;
}
