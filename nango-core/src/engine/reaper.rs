//! End of runs whose process has crashed.

use std::{sync::Arc, time::Duration};

use super::dispatch::Dispatcher;
use crate::{
    error::{Error, Result},
    run::{Continuation, Runtime, continuation},
    store::{ExpiredRun, NextAttempt, RunEnd, RunStatus, StoreError},
};

/// Interval between two checks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Number of expired runs that are ended per check.
const BATCH: u32 = 100;

/// Repeats the checks until the process stops.
pub(super) async fn run(dispatcher: Arc<Dispatcher>) {
    let runtime = &dispatcher.runtime;
    while !dispatcher.stopping.is_cancelled() {
        match end_expired(runtime).await {
            Ok(true) => dispatcher.woken.notify_one(),
            Ok(false) => {}
            Err(error) => tracing::warn!("runs without an active lease cannot be ended: {error}"),
        }
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
    let status = if error.is_some() { RunStatus::Error } else { RunStatus::Interrupted };
    let end = RunEnd { error: error.as_ref().map(Error::to_stored), ..RunEnd::new(status) };
    match runtime.store.end_attempt(&run.token, end, next).await {
        // Another process ended it.
        Ok(_) | Err(StoreError::LeaseLost) => Ok(()),
        Err(error) => Err(error.into_error()),
    }
}
