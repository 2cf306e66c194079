//! Requests to run a sync outside its schedule.

use uuid::Uuid;

use super::{error::EngineError, schedule::declared_syncs};
use crate::{
    declare::SyncDef,
    run::Runtime,
    store::{BASE_VARIANT, FunctionKey, NewDueRun, QueuedOptions},
};

/// Options of a triggered run.
pub(crate) type TriggerOptions = QueuedOptions;

/// Result of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Triggered {
    /// Id of the run that is due.
    pub(crate) run: Uuid,
    /// Ids of the active runs that were cancelled.
    pub(crate) cancelled: Vec<Uuid>,
}

/// Makes a sync due at once, or adds the options to its due run. With `reset`, an active run is cancelled first.
///
/// # Errors
///
/// Fails if the sync, its connection or its variant does not exist, or the database fails.
pub(crate) async fn trigger(
    runtime: &Runtime,
    key: &FunctionKey,
    options: TriggerOptions,
) -> Result<Triggered, EngineError> {
    require(runtime, key).await?;
    let cancelled = if options.reset { runtime.store.cancel_runs(key).await? } else { Vec::new() };
    let due = NewDueRun { key: key.clone(), due_at: runtime.store.now(), options };
    Ok(Triggered { run: runtime.store.enqueue_run(due).await?, cancelled })
}

/// Returns the sync of a key.
pub(super) fn declared(runtime: &Runtime, key: &FunctionKey) -> Result<&'static SyncDef, EngineError> {
    runtime.registry.sync(&key.integration, &key.function).ok_or_else(|| EngineError::UnknownSync {
        integration: key.integration.clone(),
        sync: key.function.clone(),
        known: declared_syncs(&runtime.registry)
            .into_iter()
            .filter(|(integration, _)| *integration == key.integration)
            .map(|(_, name)| name)
            .collect(),
    })
}

/// Returns the sync of a key whose connection and variant exist.
pub(super) async fn require(runtime: &Runtime, key: &FunctionKey) -> Result<&'static SyncDef, EngineError> {
    let def = declared(runtime, key)?;
    if runtime.store.connection(&key.integration, &key.connection).await?.is_none() {
        let (integration, connection) = (key.integration.clone(), key.connection.clone());
        return Err(EngineError::UnknownConnection { integration, connection });
    }
    if key.variant != BASE_VARIANT && runtime.store.schedule(key).await?.is_none() {
        let FunctionKey { connection, function: sync, variant, .. } = key.clone();
        return Err(EngineError::UnknownVariant { sync, connection, variant });
    }
    Ok(def)
}
