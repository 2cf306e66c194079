//! Runs that have ended without a write, and are written to the database in groups: one transaction per group, not two
//! per run.
//!
//! A group is written at most [`DELAY`] after its first run ended. A process that crashes loses the rows and log lines
//! of the runs of that time, and nothing else, because they wrote nothing else.

use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(feature = "server")]
use std::time::Duration;

use tokio::sync::Notify;

use crate::store::FinishedRun;
#[cfg(feature = "server")]
use crate::{
    error::Chain,
    http::Clock,
    store::{SharedStore, StoreError},
};

#[cfg(feature = "server")]
/// Maximum time between the end of a run and the begin of its transaction.
const DELAY: Duration = Duration::from_millis(100);
#[cfg(feature = "server")]
/// Wait after an error of the database.
const ERROR_WAIT: Duration = Duration::from_secs(1);
#[cfg(feature = "server")]
/// Number of runs that one transaction writes.
const GROUP: usize = 1_000;
/// Number of waiting runs from which a run is written before its result is returned.
const MAX_WAITING: usize = 10_000;

/// Runs that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct FinishedRuns {
    waiting: Mutex<Waiting>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    runs: Vec<FinishedRun>,
    /// Whether a task writes the runs.
    is_open: bool,
}

impl FinishedRuns {
    #[cfg(feature = "server")]
    /// Accepts runs from now on. The caller runs [`Self::write_groups`].
    pub(crate) fn open(&self) {
        self.lock().is_open = true;
    }

    /// Returns whether a run may be written later.
    pub(super) fn is_open(&self) -> bool {
        let waiting = self.lock();
        waiting.is_open && waiting.runs.len() < MAX_WAITING
    }

    /// Adds a run. Returns it if nothing writes it, or too many runs wait.
    pub(super) fn add(&self, run: FinishedRun) -> Result<(), Box<FinishedRun>> {
        let mut waiting = self.lock();
        if !waiting.is_open || waiting.runs.len() >= MAX_WAITING {
            return Err(Box::new(run));
        }
        waiting.runs.push(run);
        let is_first = waiting.runs.len() == 1;
        drop(waiting);
        if is_first {
            self.added.notify_one();
        }
        Ok(())
    }

    #[cfg(feature = "server")]
    /// Writes groups of runs until it is dropped.
    pub(crate) async fn write_groups(&self, store: &SharedStore, clock: &dyn Clock) {
        loop {
            self.added.notified().await;
            clock.sleep(DELAY).await;
            while let Err(error) = self.write_waiting(store).await {
                tracing::warn!(
                    "finished actions cannot be written to the database, and are written later: {}",
                    Chain(&error)
                );
                clock.sleep(ERROR_WAIT).await;
            }
        }
    }

    #[cfg(feature = "server")]
    /// Accepts no more runs, and writes those that wait.
    ///
    /// # Errors
    ///
    /// Fails if the database fails.
    pub(crate) async fn close(&self, store: &SharedStore) -> Result<(), StoreError> {
        self.lock().is_open = false;
        self.write_waiting(store).await
    }

    #[cfg(feature = "server")]
    /// Writes all waiting runs. After an error, they wait again.
    async fn write_waiting(&self, store: &SharedStore) -> Result<(), StoreError> {
        loop {
            let group = {
                let mut waiting = self.lock();
                let count = waiting.runs.len().min(GROUP);
                waiting.runs.drain(..count).collect::<Vec<_>>()
            };
            if group.is_empty() {
                return Ok(());
            }
            if let Err(error) = store.write_finished_runs(group.clone()).await {
                let mut waiting = self.lock();
                waiting.runs.splice(0..0, group);
                return Err(error);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
