//! Runs: history, active executions, and the right to write.
//!
//! A run of a sync acquires a lease of its key and renews it while it is active. The token of the lease fences every
//! write: after the lease expired and another process acquired the key, the old token cannot write.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::{CheckpointWrite, FunctionKey, LogLine, NewDueRun, ResumeWrite, RunToken, StoreError, StoreFuture, Totals};
use crate::{declare::FunctionKind, time::Timestamp};

/// The status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunStatus {
    /// The run is active.
    Running,
    /// The run completed.
    Success,
    /// The run was stopped by a signal, or its process crashed. Its commits stay, and the next run resumes after them.
    Interrupted,
    /// The run failed.
    Error,
    /// A user cancelled the run.
    Cancelled,
}

impl RunStatus {
    /// Returns the stable name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Interrupted => "interrupted",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }

    /// Every status, in the order of the documentation.
    pub(crate) const ALL: [Self; 5] = [Self::Running, Self::Success, Self::Interrupted, Self::Error, Self::Cancelled];

    /// Parses a name of [`Self::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// The parameters of a run to start.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The function to run.
    pub key: FunctionKey,
    /// The number of the connection, which must still exist; `None` for a connection that is only validated.
    pub connection: Option<i64>,
    /// Whether the run excludes other runs of its key: true for syncs.
    pub exclusive: bool,
    /// The duration of the lease without a heartbeat.
    pub lease: Duration,
}

impl NewRun {
    /// Returns the error for a connection that was removed.
    pub(super) fn no_connection(&self) -> StoreError {
        let FunctionKey { integration, connection, .. } = self.key.clone();
        StoreError::NoConnection { integration, connection }
    }
}

/// The result of a run.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// The final status.
    pub status: RunStatus,
    /// The error as `{ "kind", "message" }`, if the run failed.
    pub error: Option<Value>,
    /// The number of requests sent since the last page.
    pub requests: u64,
    /// The last lines of the log.
    pub logs: Vec<LogLine>,
    /// The change of the checkpoint in the same transaction, if any.
    pub checkpoint: Option<CheckpointWrite>,
    /// The change of the resume state in the same transaction, if any.
    pub resume: Option<ResumeWrite>,
    /// The syncs that become due in the same transaction, because the run triggered them.
    pub triggered: Vec<NewDueRun>,
}

impl RunEnd {
    /// Creates a result without an error, requests, logs and writes.
    pub fn new(status: RunStatus) -> Self {
        Self {
            status,
            error: None,
            requests: 0,
            logs: Vec::new(),
            checkpoint: None,
            resume: None,
            triggered: Vec::new(),
        }
    }
}

/// A run that has ended without a write, and is stored afterwards. It excluded no other run.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRun {
    /// The run's public id.
    pub id: Uuid,
    /// The function that ran.
    pub key: FunctionKey,
    /// The number of the connection. A run whose connection was removed meanwhile is not stored.
    pub connection: i64,
    /// The final status.
    pub status: RunStatus,
    /// The start time.
    pub started_at: Timestamp,
    /// The end time.
    pub finished_at: Timestamp,
    /// The error as `{ "kind", "message" }`, if the run failed.
    pub error: Option<Value>,
    /// The number of sent requests.
    pub requests: u64,
    /// The lines of the log.
    pub logs: Vec<LogLine>,
}

/// A run as it is stored in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The run's public id.
    pub id: Uuid,
    /// The function that ran.
    pub key: FunctionKey,
    /// The current status.
    pub status: RunStatus,
    /// The start time.
    pub started_at: Timestamp,
    /// The end time; `None` while the run is active.
    pub finished_at: Option<Timestamp>,
    /// The counters of the run.
    pub totals: Totals,
    /// The error as `{ "kind", "message" }`, if the run failed.
    pub error: Option<Value>,
}

impl Run {
    /// Returns the time from the start to the end; `None` while the run is active.
    pub(crate) fn duration(&self) -> Option<Duration> {
        self.finished_at.map(|end| end.saturating_duration_since(self.started_at))
    }
}

/// Selects runs; `None` selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// The integration's unique key.
    pub integration: Option<String>,
    /// The connection's id.
    pub connection: Option<String>,
    /// The function's name.
    pub function: Option<String>,
    /// The function's type.
    pub kind: Option<FunctionKind>,
    /// The current status.
    pub status: Option<RunStatus>,
    /// The earliest start time.
    pub since: Option<Timestamp>,
    /// The maximum number of runs.
    pub limit: u32,
}

impl RunFilter {
    /// Returns whether the filter selects few functions, so that their runs are found by an index.
    pub(super) fn is_narrow(&self) -> bool {
        self.connection.is_some() || self.function.is_some()
    }
}

/// The runs of a database.
pub trait Runs {
    /// Starts a run. An active run of the same key whose lease has expired, or expires later than its length allows, is
    /// marked as interrupted and fenced off.
    ///
    /// Returns [`super::StoreError::Busy`] if the key is exclusive and in use, and [`super::StoreError::NoConnection`]
    /// if the connection was removed meanwhile.
    fn start_run(&self, new: NewRun) -> StoreFuture<'_, RunToken>;

    /// Starts a run like [`Self::start_run`], with an id and a start time that were assigned before.
    fn start_run_as(&self, new: NewRun, id: Uuid, started_at: Timestamp) -> StoreFuture<'_, RunToken>;

    /// Renews the lease of a run by its original length.
    fn heartbeat(&self, run: &RunToken) -> StoreFuture<'_, ()>;

    /// Ends a run: status, counters, log lines, checkpoint, resume state and the release of its locks are one
    /// transaction.
    fn end_run(&self, run: &RunToken, end: RunEnd) -> StoreFuture<'_, Run>;

    /// Stores runs that have ended, in one transaction. A run that is stored already, and one whose connection was
    /// removed, is skipped.
    fn write_finished_runs(&self, runs: Vec<FinishedRun>) -> StoreFuture<'_, ()>;

    /// Returns a run by its public id.
    fn run(&self, id: Uuid) -> StoreFuture<'_, Option<Run>>;

    /// Returns the latest runs of a function, newest first.
    fn runs_of(&self, key: &FunctionKey, limit: u32) -> StoreFuture<'_, Vec<Run>>;

    /// Returns the latest of the selected runs, newest first.
    fn find_runs(&self, filter: RunFilter) -> StoreFuture<'_, Vec<Run>>;

    /// Acquires a named lock for at most `ttl`, or extends it if this run has it. Returns `false` if another run has
    /// the lock.
    fn try_lock(&self, run: &RunToken, key: &str, ttl: Duration) -> StoreFuture<'_, bool>;

    /// Releases a lock. Returns `false` if this run does not have it.
    fn unlock(&self, run: &RunToken, key: &str) -> StoreFuture<'_, bool>;

    /// Moves the expiry of all leases by this number of microseconds, which may be negative, as if the clock had been
    /// wrong when they were written. For the conformance suite; a release build does not contain it.
    #[cfg(debug_assertions)]
    #[doc(hidden)]
    fn move_leases(&self, micros: i64) -> StoreFuture<'_, ()>;
}
