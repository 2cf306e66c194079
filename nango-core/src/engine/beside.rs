//! Run of a function by a program beside the process that serves the database: a sync is executed there, within its
//! limits, and followed here.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    error::EngineError,
    follow::follow_run,
    triggers::{TriggerOptions, Triggered, trigger},
};
use crate::{
    error::Result,
    run::{Observer, RunReport, RunRequest, Runtime, Target, execute},
    store::{BASE_VARIANT, FunctionKey, StoreError},
};

/// Runs a function in this process, or makes a sync due and follows it if a process serves the database. A sync with
/// metadata or a checkpoint of its own, a dry run and a variant without a schedule run in this process. The
/// cancellation cancels the run.
///
/// # Errors
///
/// Fails if the run cannot start, or the database fails.
pub(crate) async fn run_beside_server(
    runtime: &Arc<Runtime>,
    request: RunRequest,
    cancellation: CancellationToken,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    if let Some(key) = key_of_served_run(runtime, &request).await.map_err(StoreError::into_error)? {
        let RunRequest { reset, empty_cache, full, allow_deletes, .. } = request;
        let options = TriggerOptions { reset, empty_cache, full, allow_deletes };
        let Triggered { run, .. } = trigger(runtime, &key, options).await.map_err(EngineError::into_error)?;
        let followed = follow_run(runtime, run, cancellation.clone(), observer.clone()).await;
        match followed {
            Err(error) if matches!(error.find(), Some(EngineError::NotServed)) => {}
            ended => return ended,
        }
    }
    execute(runtime, request, cancellation, observer).await
}

/// Returns the key of a sync that the serving process can execute as requested.
async fn key_of_served_run(runtime: &Runtime, request: &RunRequest) -> Result<Option<FunctionKey>, StoreError> {
    let Target::Sync(sync) = &request.function else { return Ok(None) };
    if request.dry_run || request.metadata.is_some() || request.checkpoint.is_some() {
        return Ok(None);
    }
    if !runtime.store.is_served().await? {
        return Ok(None);
    }
    let RunRequest { integration, connection, variant, .. } = request.clone();
    let key = FunctionKey { variant, ..FunctionKey::sync(integration, connection, sync) };
    // An unknown connection is reported by the run.
    let is_known = runtime.store.connection(&key.integration, &key.connection).await?.is_some()
        && runtime.registry.sync(&key.integration, sync).is_some()
        && (key.variant == BASE_VARIANT || runtime.store.schedule(&key).await?.is_some());
    Ok(is_known.then_some(key))
}
