//! Removal of old runs with their logs, in a task of its own: many old runs must not delay the checks of the reaper.

use std::{sync::Arc, time::Duration};

use super::dispatch::Dispatcher;
use crate::{
    error::Chain,
    store::{SharedStore, StoreError},
    time::Timestamp,
};

/// Interval between two removals.
const INTERVAL: Duration = Duration::from_hours(1);
/// Number of runs that one transaction removes.
const BATCH: u32 = 500;

/// Removes old runs once per hour until the process stops.
pub(super) async fn run(dispatcher: Arc<Dispatcher>) {
    let runtime = &dispatcher.runtime;
    let Some(age) = dispatcher.settings.keep_runs else { return };
    while !dispatcher.stopping.is_cancelled() {
        let stopping = || dispatcher.stopping.is_cancelled();
        if let Err(error) = purge(&runtime.store, runtime.store.now() - age, stopping).await {
            tracing::warn!("old runs cannot be removed, and the next attempt is in an hour: {}", Chain(&error));
        }
        tokio::select! {
            () = dispatcher.stopping.cancelled() => {}
            () = runtime.clock.sleep(INTERVAL) => {}
        }
    }
}

/// Removes the runs that ended before this time, except those that [`Queue::purge_runs`](crate::store::Queue) keeps.
/// Ends early when `is_stopping` returns `true`.
async fn purge(store: &SharedStore, before: Timestamp, is_stopping: impl Fn() -> bool) -> Result<(), StoreError> {
    while !is_stopping() {
        if store.purge_runs(before, BATCH).await? < u64::from(BATCH) {
            break;
        }
    }
    Ok(())
}
