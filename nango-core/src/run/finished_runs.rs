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

/// Maximum time between the end of a run and the begin of its transaction.
#[cfg(feature = "server")]
const DELAY: Duration = Duration::from_millis(100);
/// Wait after an error of the database.
#[cfg(feature = "server")]
const ERROR_WAIT: Duration = Duration::from_secs(1);
/// Number of runs that one transaction writes.
#[cfg(feature = "server")]
const GROUP: usize = 1_000;
/// Number of waiting runs from which a run is written before its result is returned.
const MAX_WAITING: usize = 10_000;

/// Runs that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct FinishedRuns {
    waiting: Mutex<Waiting>,
    added: Notify,
    /// Held while a group is written, so that no run is removed twice.
    #[cfg(feature = "server")]
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    runs: Vec<FinishedRun>,
    /// Whether a task writes the runs.
    is_open: bool,
}

impl Waiting {
    fn accepts_runs(&self) -> bool {
        self.is_open && self.runs.len() < MAX_WAITING
    }
}

impl FinishedRuns {
    /// Accepts runs from now on. The caller runs [`Self::write_groups`].
    #[cfg(feature = "server")]
    pub(crate) fn open(&self) {
        self.lock().is_open = true;
    }

    /// Returns whether a run may be written later.
    pub(super) fn is_open(&self) -> bool {
        self.lock().accepts_runs()
    }

    /// Adds a run. Returns it if nothing writes it, or too many runs wait.
    pub(super) fn add(&self, run: FinishedRun) -> Result<(), Box<FinishedRun>> {
        let mut waiting = self.lock();
        if !waiting.accepts_runs() {
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

    /// Writes groups of runs until it is dropped.
    #[cfg(feature = "server")]
    pub(crate) async fn write_groups(&self, store: &SharedStore, clock: &dyn Clock) {
        loop {
            self.added.notified().await;
            clock.sleep(DELAY).await;
            while let Err(error) = self.write_waiting(|group| store.write_finished_runs(group)).await {
                tracing::warn!(
                    "finished actions cannot be written to the database, and are written later: {}",
                    Chain(&error)
                );
                clock.sleep(ERROR_WAIT).await;
            }
        }
    }

    /// Accepts no more runs, and writes those that wait.
    ///
    /// # Errors
    ///
    /// Fails if the database fails.
    #[cfg(feature = "server")]
    pub(crate) async fn close(&self, store: &SharedStore) -> Result<(), StoreError> {
        self.lock().is_open = false;
        self.write_waiting(|group| store.write_finished_runs(group)).await
    }

    /// Writes all waiting runs in groups. They wait until they are written: this future may be dropped meanwhile.
    #[cfg(feature = "server")]
    async fn write_waiting<F>(&self, write: impl Fn(Vec<FinishedRun>) -> F) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let _writing = self.writing.lock().await;
        loop {
            let group: Vec<FinishedRun> = self.lock().runs.iter().take(GROUP).cloned().collect();
            if group.is_empty() {
                return Ok(());
            }
            let count = group.len();
            write(group).await?;
            // Only this task removes runs, and new ones are added at the end.
            self.lock().runs.drain(..count);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "server")]
#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;
    use crate::{
        store::{FunctionKey, RunStatus},
        time::Timestamp,
    };

    #[tokio::test]
    async fn run_waits_until_it_is_written_although_the_writer_is_stopped() {
        let runs = FinishedRuns::default();
        runs.open();
        let now = Timestamp::UNIX_EPOCH;
        let run = FinishedRun {
            id: Uuid::from_u128(1),
            key: FunctionKey::sync("acme", "one", "echo"),
            connection: 1,
            status: RunStatus::Success,
            started_at: now,
            finished_at: now,
            error: None,
            requests: 0,
            logs: Vec::new(),
        };
        runs.add(run.clone()).unwrap();
        let stopped = runs.write_waiting(|_| std::future::pending()).now_or_never();
        assert!(stopped.is_none());
        let written = Mutex::new(Vec::new());
        let write = |group| {
            written.lock().unwrap().push(group);
            std::future::ready(Ok(()))
        };
        runs.write_waiting(write).await.unwrap();
        runs.write_waiting(write).await.unwrap();
        assert_eq!(*written.lock().unwrap(), [[run]]);
    }
}
