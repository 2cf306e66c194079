//! Runs of this process that are active, with the cancellation of each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Active runs of this process.
#[derive(Debug, Default)]
pub(super) struct ActiveRuns {
    runs: Mutex<HashMap<Uuid, CancellationToken>>,
    /// Notified when a run has ended.
    ended: Notify,
}

/// Removes an active run when it is dropped, also if its task panicked.
#[derive(Debug)]
pub(super) struct ActiveGuard {
    runs: Arc<ActiveRuns>,
    id: Uuid,
}

impl ActiveRuns {
    /// Adds a run. It is active until the guard is dropped.
    pub(super) fn add(self: &Arc<Self>, id: Uuid, cancellation: CancellationToken) -> ActiveGuard {
        self.lock().insert(id, cancellation);
        ActiveGuard { runs: Arc::clone(self), id }
    }

    /// Returns the number of active runs.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }

    /// Cancels the runs with these ids that are active here. Those of other processes notice the cancellation in the
    /// database.
    pub(super) fn cancel(&self, ids: &[Uuid]) {
        let runs = self.lock();
        for cancellation in ids.iter().filter_map(|id| runs.get(id)) {
            cancellation.cancel();
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_concerns_the_given_runs_only() {
        let runs = Arc::new(ActiveRuns::default());
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let guard = runs.add(one, tokens[0].clone());
        let _other = runs.add(other, tokens[1].clone());
        runs.cancel(&[one, Uuid::from_u128(3)]);
        assert!(tokens[0].is_cancelled() && !tokens[1].is_cancelled());
        drop(guard);
        assert_eq!(runs.count(), 1);
    }
}
