//! End of runs whose process has crashed, renewal of this process's mark, and removal of old runs.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{dispatch::Dispatcher, retention, settings::SERVING_LEASE};
use crate::{
    error::{Error, Result},
    run::{Continuation, Runtime, continuation},
    store::{ExpiredRun, NextAttempt, RunEnd, RunStatus, StoreError},
};

/// Interval between two checks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Number of checks between two removals of old runs.
const RETENTION_CHECKS: u32 = 1_800;
/// Number of expired runs that are ended per check.
const BATCH: u32 = 100;

/// Repeats the checks until the process stops.
pub(super) async fn run(dispatcher: Arc<Dispatcher>, process: Uuid) {
    let runtime = &dispatcher.runtime;
    let mut checks = 0;
    while !dispatcher.stopping.is_cancelled() {
        // An error of the database is reported by the dispatcher; the next check tries again.
        let _ = runtime.store.renew_serving(process, SERVING_LEASE).await;
        if let Ok(true) = end_expired(runtime).await {
            dispatcher.woken.notify_one();
        }
        if checks % RETENTION_CHECKS == 0
            && let Some(age) = dispatcher.settings.keep_runs
        {
            let stopping = || dispatcher.stopping.is_cancelled();
            let _ = retention::purge(&runtime.store, runtime.store.now() - age, stopping).await;
        }
        checks = checks.wrapping_add(1);
        tokio::select! {
            () = dispatcher.stopping.cancelled() => {}
            () = runtime.clock.sleep(INTERVAL) => {}
        }
    }
}

/// Ends runs whose lease has expired: a sync that was due before it started is continued in another attempt, if this
/// program declares it. Returns whether there were any.
///
/// # Errors
///
/// Fails if the database fails.
pub(super) async fn end_expired(runtime: &Runtime) -> Result<bool> {
    let expired = runtime.store.expired_runs(runtime.store.now(), BATCH).await.map_err(StoreError::into_error)?;
    let any = !expired.is_empty();
    for run in expired {
        end_one(runtime, run).await?;
    }
    Ok(any)
}

async fn end_one(runtime: &Runtime, expired: ExpiredRun) -> Result<()> {
    let ExpiredRun { run, is_queued, pages } = expired;
    let mut next: Option<NextAttempt> = None;
    let mut error: Option<Error> = None;
    if is_queued {
        match continuation(runtime, &run, pages).await? {
            Some(Continuation::Next(attempt)) => next = Some(attempt),
            Some(Continuation::NoProgress) => error = Some(Continuation::no_progress()),
            // Another program declares the sync and continues it.
            None => return Ok(()),
        }
    }
    let end = RunEnd {
        status: if error.is_some() { RunStatus::Error } else { RunStatus::Interrupted },
        error: error.map(|error| serde_json::json!({ "kind": error.kind().name(), "message": error.to_string() })),
        requests: 0,
        logs: Vec::new(),
        checkpoint: None,
        resume: None,
    };
    match runtime.store.end_attempt(&run.token, end, next).await {
        // Another process ended it.
        Ok(_) | Err(StoreError::LeaseLost) => Ok(()),
        Err(error) => Err(error.into_error()),
    }
}
