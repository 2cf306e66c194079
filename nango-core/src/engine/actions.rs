//! Lane of the actions: runs for which a caller waits. It has slots of its own, which syncs never take.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::error::EngineError;
use crate::{
    error::{Error, Result},
    run::{NoopObserver, RunReport, RunRequest, Runtime, execute},
};

/// Maximum time that a caller waits for a slot.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// Slots of the actions of this process.
#[derive(Debug)]
pub(super) struct ActionLane {
    slots: Arc<Semaphore>,
    limit: u32,
    /// Cancelled when the process stops: no action starts any more.
    stopping: CancellationToken,
}

impl ActionLane {
    /// Creates a lane in which this number of actions can run at the same time.
    pub(super) fn new(limit: u32, stopping: CancellationToken) -> Self {
        Self { slots: Arc::new(Semaphore::new(limit as usize)), limit, stopping }
    }

    /// Waits until no action is active. Returns only while the process stops.
    pub(super) async fn idle(&self) {
        self.stopping.cancelled().await;
        // The semaphore is never closed.
        let _ = self.slots.acquire_many(self.limit).await;
    }

    /// Runs a function in a task of its own. Its run may be written after the result was returned, see
    /// [`RunRequest::write_later`].
    pub(super) async fn run(&self, runtime: &Arc<Runtime>, request: RunRequest) -> Result<RunReport> {
        let slot = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return Err(EngineError::Stopping.into_error()),
            slot = Arc::clone(&self.slots).acquire_owned() => slot.map_err(|_| EngineError::Stopping.into_error())?,
            () = runtime.clock.sleep(MAX_WAIT) => {
                return Err(EngineError::Busy { limit: self.limit, waited: MAX_WAIT }.into_error());
            }
        };
        let runtime = Arc::clone(runtime);
        let task = tokio::spawn(async move {
            let report = execute(&runtime, request, CancellationToken::new(), Arc::new(NoopObserver)).await;
            drop(slot);
            report
        });
        task.await.unwrap_or_else(|_| Err(Error::msg("the task of the run ended unexpectedly")))
    }
}
