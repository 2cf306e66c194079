//! Loop of the dispatcher: repeats the step when something may have become due.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{active::ActiveRuns, settings::EngineSettings, step::Steps};
use crate::{
    error::Chain,
    run::{NoopObserver, Runtime, execute_claimed},
    store::{ClaimedRun, StoreError},
};

/// Maximum wait for a change that no notification reports.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Minimum time between two steps that were caused by changes of the database: running syncs commit many pages.
const COALESCE: Duration = Duration::from_millis(20);
/// Wait after an error of the database.
const ERROR_WAIT: Duration = Duration::from_millis(500);

/// State that the loop of the dispatcher shares with its handle.
#[derive(Debug)]
pub(super) struct Dispatcher {
    pub(super) runtime: Arc<Runtime>,
    pub(super) settings: EngineSettings,
    pub(super) active: Arc<ActiveRuns>,
    /// Notified when this process made a run due.
    pub(super) woken: Notify,
    pub(super) stopping: CancellationToken,
}

impl Dispatcher {
    /// Runs due syncs until the process stops.
    pub(super) async fn run(self: Arc<Self>) {
        let runtime = &self.runtime;
        let mut steps = Steps::new(runtime.store.clone(), runtime.registry.clone(), self.settings.clone());
        let mut has_begun = false;
        while !self.stopping.is_cancelled() {
            let changed = runtime.store.wait_for_change(MAX_WAIT);
            let now = runtime.store.now();
            let slots = self.settings.runs.saturating_sub(self.active.count());
            let done = async {
                if !has_begun {
                    steps.begin(now).await?;
                    has_begun = true;
                }
                steps.step(now, slots).await
            };
            let step = match done.await {
                Ok(step) => step,
                Err(error) => {
                    report(&error);
                    runtime.report_database_error();
                    self.pause(ERROR_WAIT).await;
                    continue;
                }
            };
            let found = step.changed;
            for run in step.started {
                self.start(run);
            }
            if found {
                continue;
            }
            let until_next = step.next_at.map_or(MAX_WAIT, |at| at.saturating_duration_since(now).min(MAX_WAIT));
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = self.woken.notified() => {}
                () = self.active.ended() => {}
                () = runtime.clock.sleep(until_next) => {}
                changed = changed => match changed {
                    Ok(()) => self.pause(COALESCE).await,
                    Err(_) => self.pause(ERROR_WAIT).await,
                },
            }
        }
    }

    /// Starts the task of a claimed run.
    fn start(self: &Arc<Self>, run: ClaimedRun) {
        let cancellation = self.stopping.child_token();
        let guard = self.active.add(run.token.id, cancellation.clone());
        let dispatcher = Arc::clone(self);
        tokio::spawn(async move {
            let key = run.key.clone();
            let ended = execute_claimed(&dispatcher.runtime, run, cancellation, Arc::new(NoopObserver)).await;
            if let Err(error) = ended {
                tracing::warn!(
                    integration = key.integration,
                    connection = key.connection,
                    sync = key.function,
                    "the run could not be executed: {error}"
                );
            }
            drop(guard);
        });
    }

    async fn pause(&self, duration: Duration) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = self.runtime.clock.sleep(duration) => {}
        }
    }
}

fn report(error: &StoreError) {
    tracing::warn!("the dispatcher cannot use the database, and tries again: {}", Chain(error));
}
