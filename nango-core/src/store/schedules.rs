//! Schedules of syncs: which sync is due when, apart from what its attribute declares.
//!
//! A schedule stores overrides only: the frequency of a connection, and whether it is paused. A sync that the program
//! no longer declares keeps its schedule, which is never due. The due times are computed by the engine; the database
//! stores the next one, so that due schedules are found by an index.

use std::{collections::BTreeMap, time::Duration};

use super::{DueRun, FunctionKey, Run, StoreFuture, StoredCheckpoint};
use crate::time::Timestamp;

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The sync of a connection, with its variant.
    pub key: FunctionKey,
    /// Whether the schedule is paused.
    pub paused: bool,
    /// The frequency that overrides the declared one.
    pub frequency: Option<String>,
    /// The distance of the due times from which `next_at` was computed; `None` if the sync runs only when triggered.
    pub interval: Option<Duration>,
    /// The start of the grid of due times.
    pub anchor: Timestamp,
    /// The next due time; `None` if the sync runs only when triggered.
    pub next_at: Option<Timestamp>,
}

/// A schedule that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether a run of the sync is active, so that this due time is skipped.
    pub is_running: bool,
}

/// The next due time of a schedule that was due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleAdvance {
    /// The sync of the schedule.
    pub key: FunctionKey,
    /// The due time that was read. Nothing is changed if another process has advanced the schedule.
    pub was_due_at: Timestamp,
    /// The next due time.
    pub next_at: Option<Timestamp>,
    /// The distance of the due times.
    pub interval: Option<Duration>,
    /// Whether a run becomes due.
    pub enqueue: bool,
}

/// A change of a schedule; `None` keeps a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleChange {
    /// Whether the schedule is paused.
    pub paused: Option<bool>,
    /// The frequency that overrides the declared one; `Some(None)` removes it.
    pub frequency: Option<Option<String>>,
    /// The distance of the due times and the next one, computed from the frequency.
    pub next: Option<(Option<Duration>, Option<Timestamp>)>,
}

/// Selects schedules; `None` selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleFilter {
    /// The integration's unique key.
    pub integration: Option<String>,
    /// The connection's id.
    pub connection: Option<String>,
    /// The sync's name.
    pub sync: Option<String>,
}

/// Number of runs in a [`SyncActivity`].
pub(super) const RECENT_RUNS: u32 = 2;

/// The runs and the checkpoint of a sync.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncActivity {
    /// The run that is due.
    pub due: Option<DueRun>,
    /// The latest two runs, newest first: at most the first is active, so that the last run that ended is one of them.
    pub runs: Vec<Run>,
    /// The checkpoint with its version.
    pub checkpoint: StoredCheckpoint,
}

/// The name of a sync: its integration and its name.
pub(crate) type SyncName = (String, String);

/// The schedules of a database.
pub trait Schedules {
    /// Returns the number of the connection that was added last; it grows with each new connection.
    fn last_connection(&self) -> StoreFuture<'_, i64>;

    /// Returns the base variants of these syncs that have no schedule, one per connection of their integration with a
    /// greater number than `after`. Connections become visible in the order of their numbers.
    fn unscheduled(&self, syncs: Vec<SyncName>, after: i64) -> StoreFuture<'_, Vec<FunctionKey>>;

    /// Adds schedules whose connection exists, and returns the number of those that are new. An existing schedule stays
    /// as it is.
    fn add_schedules(&self, schedules: Vec<Schedule>) -> StoreFuture<'_, u64>;

    /// Returns the selected schedules, sorted by key.
    fn schedules(&self, filter: ScheduleFilter) -> StoreFuture<'_, Vec<Schedule>>;

    /// Returns the schedule of a sync of a connection.
    fn schedule(&self, key: &FunctionKey) -> StoreFuture<'_, Option<Schedule>>;

    /// Returns the runs and the checkpoints of syncs. A sync that has none may be missing.
    fn sync_activities(&self, keys: Vec<FunctionKey>) -> StoreFuture<'_, BTreeMap<FunctionKey, SyncActivity>>;

    /// Changes a schedule. Returns `false` if it does not exist.
    fn change_schedule(&self, key: &FunctionKey, change: ScheduleChange) -> StoreFuture<'_, bool>;

    /// Removes a schedule with its due run. Returns `false` if it does not exist.
    fn remove_schedule(&self, key: &FunctionKey) -> StoreFuture<'_, bool>;

    /// Returns schedules of these syncs that are due, earliest first.
    fn due_schedules(&self, now: Timestamp, syncs: Vec<SyncName>, limit: u32) -> StoreFuture<'_, Vec<DueSchedule>>;

    /// Stores the next due times, and enqueues the runs that became due. A run that is due already stays as it is.
    fn advance_schedules(&self, now: Timestamp, advances: Vec<ScheduleAdvance>) -> StoreFuture<'_, ()>;
}
