//! Runs of this process that are active, with the cancellation of each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::FunctionKey;

/// Active syncs of this process.
#[derive(Debug, Default)]
pub(super) struct ActiveRuns {
    runs: Mutex<HashMap<Uuid, ActiveRun>>,
    /// Notified when a run has ended.
    ended: Notify,
}

#[derive(Debug)]
struct ActiveRun {
    key: FunctionKey,
    cancellation: CancellationToken,
}

/// Removes an active run when it is dropped, also if its task panicked.
#[derive(Debug)]
pub(super) struct ActiveGuard {
    runs: Arc<ActiveRuns>,
    id: Uuid,
}

impl ActiveRuns {
    /// Adds a run. It is active until the guard is dropped.
    pub(super) fn add(self: &Arc<Self>, id: Uuid, key: FunctionKey, cancellation: CancellationToken) -> ActiveGuard {
        self.lock().insert(id, ActiveRun { key, cancellation });
        ActiveGuard { runs: Arc::clone(self), id }
    }

    /// Returns the number of active runs.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }

    /// Cancels the active runs of a sync. Those of other processes notice the cancellation in the database.
    pub(super) fn cancel(&self, key: &FunctionKey) {
        for run in self.lock().values().filter(|run| run.key == *key) {
            run.cancellation.cancel();
        }
    }

    /// Cancels all active runs.
    pub(super) fn cancel_all(&self) {
        for run in self.lock().values() {
            run.cancellation.cancel();
        }
    }

    /// Waits until a run has ended since the last call.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Waits until no run is active.
    pub(super) async fn idle(&self) {
        loop {
            let ended = self.ended.notified();
            if self.count() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, ActiveRun>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        let runs = &self.runs;
        runs.lock().remove(&self.id);
        runs.ended.notify_one();
    }
}
