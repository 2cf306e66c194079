//! Changes of schedules: pause, resume, and overrides of the frequency.

#[cfg(feature = "server")]
use super::schedule::{effective_frequency, interval_of, rescheduled};
use uuid::Uuid;

use super::{error::EngineError, schedule::new_schedule, triggers::require};
#[cfg(feature = "server")]
use crate::declare::Frequency;
use crate::{
    declare::SyncDef,
    run::Runtime,
    store::{FunctionKey, Schedule, ScheduleChange},
};

/// Pauses a schedule, and cancels the due and the running run of the sync. Returns the ids of the runs that were
/// active.
///
/// # Errors
///
/// Fails if the sync or its connection does not exist, or the database fails.
pub(crate) async fn pause(runtime: &Runtime, key: &FunctionKey) -> Result<Vec<Uuid>, EngineError> {
    let def = require(runtime, key).await?;
    stored(runtime, key, def).await?;
    let change = ScheduleChange { paused: Some(true), ..ScheduleChange::default() };
    runtime.store.change_schedule(key, change).await?;
    Ok(runtime.store.cancel_runs(key).await?)
}

/// Resumes a schedule. A due time that has passed meanwhile is made up for at once, by one run.
///
/// # Errors
///
/// Fails if the sync or its connection does not exist, or the database fails.
pub(crate) async fn resume(runtime: &Runtime, key: &FunctionKey) -> Result<(), EngineError> {
    let def = require(runtime, key).await?;
    stored(runtime, key, def).await?;
    let change = ScheduleChange { paused: Some(false), ..ScheduleChange::default() };
    runtime.store.change_schedule(key, change).await?;
    Ok(())
}

/// Overrides the frequency of a sync of a connection; `None` returns to the declared one. The grid of due times keeps
/// its anchor. Returns the frequency that applies.
///
/// # Errors
///
/// Fails if the sync or its connection does not exist, or the database fails.
#[cfg(feature = "server")]
pub(crate) async fn set_frequency(
    runtime: &Runtime,
    key: &FunctionKey,
    frequency: Option<Frequency>,
) -> Result<Option<Frequency>, EngineError> {
    let def = require(runtime, key).await?;
    let schedule = stored(runtime, key, def).await?;
    let over = frequency.as_ref().map(|frequency| frequency.text().to_owned());
    let applied = effective_frequency(over.as_deref(), Some(def));
    let interval = interval_of(applied.as_ref());
    let next_at = rescheduled(&schedule, interval, runtime.store.now());
    let change = ScheduleChange { paused: None, frequency: Some(over), next: Some((interval, next_at)) };
    runtime.store.change_schedule(key, change).await?;
    Ok(applied)
}

/// Returns the schedule of a sync, and adds it if the dispatcher has not done so yet.
async fn stored(runtime: &Runtime, key: &FunctionKey, def: &SyncDef) -> Result<Schedule, EngineError> {
    if let Some(schedule) = runtime.store.schedule(key).await? {
        return Ok(schedule);
    }
    let new = new_schedule(key.clone(), def, runtime.store.now());
    runtime.store.add_schedules(vec![new.clone()]).await?;
    Ok(runtime.store.schedule(key).await?.unwrap_or(new))
}
