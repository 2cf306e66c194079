//! Runs: what was executed, what is being executed, and who may write.
//!
//! A run of a sync holds its key by a lease. The lease is renewed while the run goes on, and the token that was given
//! with it fences every write: when a lease ends and another process takes the key, the old token writes nothing.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{CheckpointWrite, Committed, LogLine, ResumeWrite, RowOutcome, StoreFuture};
use crate::declare::FunctionKind;

/// A function of a connection: what a checkpoint belongs to, and what a sync's runs take turns on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionKey {
    /// What the function is.
    pub kind: FunctionKind,
    /// The integration.
    pub integration: String,
    /// The connection's id.
    pub connection: String,
    /// The function's name.
    pub function: String,
    /// The variant of a sync, `base` otherwise.
    pub variant: String,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunStatus {
    /// It goes on.
    Running,
    /// It came to its end.
    Success,
    /// It was asked to stop, or its process died. What it committed stays, and the next run goes on from there.
    Interrupted,
    /// It failed.
    Error,
    /// Somebody cancelled it.
    Cancelled,
}

impl RunStatus {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Interrupted => "interrupted",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads back what [`Self::name`] wrote.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Running, Self::Success, Self::Interrupted, Self::Error, Self::Cancelled];
        all.into_iter().find(|status| status.name() == name)
    }
}

/// A run that begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// What runs.
    pub key: FunctionKey,
    /// The row of the connection, which must still be there; `None` for one that is only being validated.
    pub connection: Option<i64>,
    /// Whether no other run of this key may go on meanwhile: true for syncs.
    pub exclusive: bool,
    /// How long the lease is without a heartbeat.
    pub lease: Duration,
}

/// The right to write for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunToken {
    /// The run's public id.
    pub id: Uuid,
    /// The database's number of the run.
    pub row: i64,
    /// The number of the lease: a greater one fences off this one.
    pub fence: i64,
}

/// What a run did to the records of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelCounts {
    /// Records that were not there, or were deleted.
    pub added: u64,
    /// Records that changed.
    pub updated: u64,
    /// Live records that are deleted now.
    pub deleted: u64,
    /// Records that were saved as they already were.
    pub unchanged: u64,
    /// Writes that gave way to a newer one of another run.
    pub skipped_newer: u64,
    /// Writes that were older than what is stored, by the time of the record's last update.
    pub skipped_older: u64,
}

/// What a run did, as counted in its pages' transactions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// By model.
    pub models: BTreeMap<String, ModelCounts>,
    /// Pages that were read and committed.
    pub pages: u64,
    /// Requests that were sent, retries included.
    pub requests: u64,
    /// Raw records that were left out because they do not fit.
    pub left_out: u64,
}

impl Totals {
    /// Adds the outcomes of a committed page.
    pub fn count(&mut self, committed: &Committed) {
        for done in &committed.changes {
            self.add_outcomes(&done.change.dataset.model, &done.rows);
        }
    }

    /// Adds the outcomes of one write to a model.
    pub(super) fn add_outcomes(&mut self, model: &str, rows: &[RowOutcome]) {
        let counts = match self.models.get_mut(model) {
            Some(counts) => counts,
            None => self.models.entry(model.to_owned()).or_default(),
        };
        for row in rows {
            match row {
                RowOutcome::Added => counts.added += 1,
                RowOutcome::Updated => counts.updated += 1,
                RowOutcome::Deleted => counts.deleted += 1,
                RowOutcome::Unchanged => counts.unchanged += 1,
                RowOutcome::SkippedNewer => counts.skipped_newer += 1,
                RowOutcome::SkippedOlder => counts.skipped_older += 1,
                RowOutcome::Duplicate | RowOutcome::Missing | RowOutcome::Seen => {}
            }
        }
    }
}

/// A moment for people.
pub(super) fn format_timestamp(at: i64) -> String {
    Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |at| format!("{at:.0}"))
}

/// How long it is until then.
pub(super) fn remaining(until: i64, now: i64) -> Duration {
    Duration::from_micros(u64::try_from(until.saturating_sub(now)).unwrap_or(0))
}

/// A length of time in microseconds, such that a moment can be added to it.
pub(super) fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX).min(i64::MAX / 2)
}

/// How a run ends.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// The final status.
    pub status: RunStatus,
    /// Why it failed: `{ "kind", "message" }`.
    pub error: Option<Value>,
    /// Requests that were sent since the last page.
    pub requests: u64,
    /// The last lines of the log.
    pub logs: Vec<LogLine>,
    /// A change of the checkpoint that ends with the run.
    pub checkpoint: Option<CheckpointWrite>,
    /// A change of the resume state that ends with the run.
    pub resume: Option<ResumeWrite>,
}

/// A run as the database holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its public id.
    pub id: Uuid,
    /// What ran.
    pub key: FunctionKey,
    /// How it stands.
    pub status: RunStatus,
    /// When it started, microseconds since 1970.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// What it did.
    pub totals: Totals,
    /// Why it failed: `{ "kind", "message" }`.
    pub error: Option<Value>,
}

/// The runs of a database.
pub trait Runs {
    /// Begins a run. A running run of the same key whose lease has ended, or ends later than its length allows, is
    /// marked as interrupted and fenced off.
    ///
    /// An exclusive key that is held answers [`super::StoreError::Busy`], a connection that was removed meanwhile
    /// [`super::StoreError::NoConnection`].
    fn start_run(&self, new: NewRun) -> StoreFuture<'_, RunToken>;

    /// Renews the lease by the length that it was begun with.
    fn heartbeat(&self, run: &RunToken) -> StoreFuture<'_, ()>;

    /// Ends a run: status, counters, log lines, checkpoint, resume state and the release of its locks are one
    /// transaction.
    fn end_run(&self, run: &RunToken, end: RunEnd) -> StoreFuture<'_, Run>;

    /// A run by its public id.
    fn run(&self, id: Uuid) -> StoreFuture<'_, Option<Run>>;

    /// The latest runs of a function, the newest first.
    fn runs_of(&self, key: &FunctionKey, limit: u32) -> StoreFuture<'_, Vec<Run>>;

    /// Takes a named lock for at most `ttl`, unless another run holds it. Taking it again extends it.
    fn try_lock(&self, run: &RunToken, key: &str, ttl: Duration) -> StoreFuture<'_, bool>;

    /// Gives a lock back. `false`: this run did not hold it.
    fn unlock(&self, run: &RunToken, key: &str) -> StoreFuture<'_, bool>;

    /// Moves the ends of all leases, as if the clock had run ahead when they were written.
    #[cfg(test)]
    fn move_leases(&self, micros: i64) -> StoreFuture<'_, ()>;
}
