//! States of syncs: their schedules, and their due, active and last runs.

use super::{
    error::EngineError,
    schedule::{effective_frequency, new_schedule},
    triggers::declared,
};
use crate::{
    declare::{Frequency, Registry},
    run::Runtime,
    store::{
        BASE_VARIANT, DueRun, FunctionKey, Run, RunStatus, Schedule, ScheduleFilter, StoredCheckpoint, SyncActivity,
    },
};

/// State of a sync of a connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SyncState {
    /// Schedule of the sync, with its key.
    pub(crate) schedule: Schedule,
    /// Whether the program declares the sync.
    pub(crate) is_declared: bool,
    /// Frequency that applies; `None` if the sync runs only when triggered.
    pub(crate) frequency: Option<Frequency>,
    /// Run that is due.
    pub(crate) due: Option<DueRun>,
    /// Run that is active.
    pub(crate) active: Option<Run>,
    /// Last run that ended.
    pub(crate) last: Option<Run>,
    /// Checkpoint of the sync, with its version.
    pub(crate) checkpoint: StoredCheckpoint,
}

/// Returns the states of syncs of an integration or of all, of one connection or of all. `syncs` selects names and
/// variants; without a variant, all variants. An empty selection stands for all syncs. A selected sync whose schedule
/// was not added yet is part of the result if one connection is selected.
///
/// # Errors
///
/// Fails if a selected sync is not declared and has no schedule, or the database fails.
pub(crate) async fn statuses(
    runtime: &Runtime,
    integration: Option<&str>,
    connection: Option<&str>,
    syncs: &[(String, Option<String>)],
) -> Result<Vec<SyncState>, EngineError> {
    let filter = ScheduleFilter {
        integration: integration.map(str::to_owned),
        connection: connection.map(str::to_owned),
        sync: None,
    };
    let mut schedules = runtime.store.schedules(filter).await?;
    let is_selected = |key: &FunctionKey| {
        syncs.is_empty()
            || syncs.iter().any(|(name, variant)| {
                *name == key.function && variant.as_ref().is_none_or(|variant| *variant == key.variant)
            })
    };
    schedules.retain(|schedule| is_selected(&schedule.key));
    if let (Some(integration), Some(connection)) = (integration, connection) {
        for (name, variant) in syncs {
            let is_known = |schedule: &Schedule| {
                schedule.key.function == *name
                    && variant.as_ref().is_none_or(|variant| *variant == schedule.key.variant)
            };
            if !schedules.iter().any(is_known) && variant.as_deref().is_none_or(|variant| variant == BASE_VARIANT) {
                let key = FunctionKey::sync(integration, connection, name);
                let def = declared(runtime, &key)?;
                schedules.push(new_schedule(key, def, runtime.store.now()));
            }
        }
    }
    let keys = schedules.iter().map(|schedule| schedule.key.clone()).collect();
    let mut activities = runtime.store.sync_activities(keys).await?;
    let state = |schedule: Schedule| {
        let activity = activities.remove(&schedule.key).unwrap_or_default();
        state(runtime, schedule, activity)
    };
    Ok(schedules.into_iter().map(state).collect())
}

fn state(runtime: &Runtime, schedule: Schedule, activity: SyncActivity) -> SyncState {
    let key = &schedule.key;
    let (active, ended): (Vec<Run>, Vec<Run>) =
        activity.runs.into_iter().partition(|run| run.status == RunStatus::Running);
    let def = Registry::sync(&runtime.registry, &key.integration, &key.function);
    SyncState {
        is_declared: def.is_some(),
        frequency: effective_frequency(schedule.frequency.as_deref(), def),
        due: activity.due,
        active: active.into_iter().next(),
        last: ended.into_iter().next(),
        checkpoint: activity.checkpoint,
        schedule,
    }
}
