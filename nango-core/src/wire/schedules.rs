//! JSON of schedules.

use serde::Serialize;
use uuid::Uuid;

use super::time::micros;
use crate::{engine::SyncState, store::Run};

/// Schedule of a sync of a connection.
#[derive(Debug, Serialize)]
pub(crate) struct ScheduleRow<'a> {
    integration: &'a str,
    connection: &'a str,
    sync: &'a str,
    variant: &'a str,
    state: &'static str,
    declared: bool,
    frequency: Option<&'a str>,
    frequency_override: Option<&'a str>,
    next_run_at: Option<String>,
    due_run_id: Option<String>,
    running_run_id: Option<String>,
    last_run: Option<LastRun>,
}

/// Last run of a sync that has ended.
#[derive(Debug, Serialize)]
struct LastRun {
    run_id: String,
    status: &'static str,
    started_at: String,
    finished_at: Option<String>,
}

impl<'a> ScheduleRow<'a> {
    /// Creates the row of a state.
    pub(crate) fn new(state: &'a SyncState) -> Self {
        let schedule = &state.schedule;
        let next_at = schedule.next_at.filter(|_| !schedule.paused && state.is_declared);
        Self {
            integration: &schedule.key.integration,
            connection: &schedule.key.connection,
            sync: &schedule.key.function,
            variant: &schedule.key.variant,
            state: if schedule.paused { "paused" } else { "started" },
            declared: state.is_declared,
            frequency: state.frequency.as_ref().map(crate::declare::Frequency::text),
            frequency_override: schedule.frequency.as_deref(),
            next_run_at: next_at.map(micros),
            due_run_id: state.due.as_ref().map(|run| run.id.to_string()),
            running_run_id: state.active.as_ref().map(|run| run.id.to_string()),
            last_run: state.last.as_ref().map(LastRun::new),
        }
    }
}

impl LastRun {
    fn new(run: &Run) -> Self {
        Self {
            run_id: run.id.to_string(),
            status: run.status.name(),
            started_at: micros(run.started_at),
            finished_at: run.finished_at.map(micros),
        }
    }
}

/// Run that a trigger made due.
#[derive(Debug, Serialize)]
pub(crate) struct TriggeredRun {
    run_id: String,
}

impl TriggeredRun {
    /// Creates the answer of a trigger.
    pub(crate) fn new(run: Uuid) -> Self {
        Self { run_id: run.to_string() }
    }
}
