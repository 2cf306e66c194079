//! Handle of the dispatcher of a process: start, stop, and requests to it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    actions::ActionLane,
    active::ActiveRuns,
    dispatch::Dispatcher,
    error::EngineError,
    pauses, reaper, retention,
    settings::{EngineSettings, SERVING_LEASE},
    statuses::{self, SyncState},
    triggers::{self, TriggerOptions, Triggered},
    variants,
};
use crate::{
    declare::Frequency,
    error::{Chain, Result},
    run::{RunReport, RunRequest, Runtime},
    store::{FunctionKey, StoreError},
};

/// Dispatcher of a process: runs the syncs that are due, and actions on request.
#[derive(Debug)]
pub(crate) struct Engine {
    dispatcher: Arc<Dispatcher>,
    actions: ActionLane,
    process: Uuid,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the dispatcher of this process.
    ///
    /// # Errors
    ///
    /// Fails if another process serves this database file, or the database fails.
    pub(crate) async fn start(runtime: Arc<Runtime>, settings: EngineSettings) -> Result<Arc<Self>, StoreError> {
        let process = runtime.start_heartbeat();
        runtime.store.start_serving(process, SERVING_LEASE).await?;
        runtime.mark_serving(true);
        runtime.finished_runs.open();
        runtime.queue_syncs(true);
        let stopping = CancellationToken::new();
        let actions = ActionLane::new(settings.actions, stopping.clone());
        let active = Arc::new(ActiveRuns::default());
        let dispatcher = Arc::new(Dispatcher { runtime, settings, active, woken: Notify::new(), stopping });
        let tasks = vec![
            tokio::spawn(Arc::clone(&dispatcher).run()),
            tokio::spawn(reaper::run(Arc::clone(&dispatcher))),
            tokio::spawn(retention::run(Arc::clone(&dispatcher))),
            tokio::spawn(write_finished_runs(Arc::clone(&dispatcher))),
        ];
        Ok(Arc::new(Self { dispatcher, actions, process, tasks: Mutex::new(tasks) }))
    }

    /// Starts nothing new, interrupts the syncs at their next page, and waits at most `grace` for them and for actions.
    /// Interrupted syncs are due again at once, for another process or the next start of this one.
    pub(crate) async fn stop(&self, grace: Duration) {
        let Dispatcher { runtime, active, stopping, .. } = &*self.dispatcher;
        stopping.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = async {
            for task in tasks {
                let _ = task.await;
            }
            active.idle().await;
            self.actions.idle().await;
        };
        tokio::select! {
            () = ended => runtime.queue_syncs(false),
            // Syncs that the remaining runs trigger become due.
            () = runtime.clock.sleep(grace) => {}
        }
        if let Err(error) = runtime.finished_runs.close(&runtime.store).await {
            tracing::warn!("finished actions could not be written to the database: {}", Chain(&error));
        }
        runtime.mark_serving(false);
        // After an error, the mark expires.
        let _ = runtime.store.stop_serving(self.process).await;
    }

    /// Makes a sync due at once, or adds the options to its due run. Returns the id of the run.
    ///
    /// # Errors
    ///
    /// Fails if the sync, its connection or its variant does not exist, or the database fails.
    pub(crate) async fn trigger(&self, key: &FunctionKey, options: TriggerOptions) -> Result<Uuid, EngineError> {
        let Triggered { run, cancelled } = triggers::trigger(&self.dispatcher.runtime, key, options).await?;
        self.dispatcher.active.cancel(&cancelled);
        self.dispatcher.woken.notify_one();
        Ok(run)
    }

    /// Pauses a schedule, and cancels the due and the running run of the sync.
    ///
    /// # Errors
    ///
    /// Fails if the sync or its connection does not exist, or the database fails.
    pub(crate) async fn pause(&self, key: &FunctionKey) -> Result<(), EngineError> {
        let cancelled = pauses::pause(&self.dispatcher.runtime, key).await?;
        self.dispatcher.active.cancel(&cancelled);
        Ok(())
    }

    /// Resumes a schedule. A due time that has passed meanwhile is made up for at once, by one run.
    ///
    /// # Errors
    ///
    /// Fails if the sync or its connection does not exist, or the database fails.
    pub(crate) async fn resume(&self, key: &FunctionKey) -> Result<(), EngineError> {
        pauses::resume(&self.dispatcher.runtime, key).await?;
        self.dispatcher.woken.notify_one();
        Ok(())
    }

    /// Overrides the frequency of a sync of a connection; `None` returns to the declared one. Returns the frequency
    /// that applies.
    ///
    /// # Errors
    ///
    /// Fails if the sync or its connection does not exist, or the database fails.
    pub(crate) async fn set_frequency(
        &self,
        key: &FunctionKey,
        frequency: Option<Frequency>,
    ) -> Result<Option<Frequency>, EngineError> {
        let applied = pauses::set_frequency(&self.dispatcher.runtime, key, frequency).await?;
        self.dispatcher.woken.notify_one();
        Ok(applied)
    }

    /// Creates a variant of a sync of a connection, which is due at once unless the sync is not started automatically.
    ///
    /// # Errors
    ///
    /// Fails if the sync or its connection does not exist, the name is not that of a variant, the variant exists, the
    /// limit is reached, or the database fails.
    pub(crate) async fn create_variant(&self, key: &FunctionKey) -> Result<(), EngineError> {
        variants::create(&self.dispatcher.runtime, key).await?;
        self.dispatcher.woken.notify_one();
        Ok(())
    }

    /// Deletes a variant with its schedule, its records and its checkpoint.
    ///
    /// # Errors
    ///
    /// Fails if the sync, its connection or the variant does not exist, or the database fails.
    pub(crate) async fn delete_variant(&self, key: &FunctionKey) -> Result<(), EngineError> {
        variants::delete(&self.dispatcher.runtime, key, |cancelled| self.dispatcher.active.cancel(cancelled)).await
    }

    /// Returns the states of syncs, see [`statuses::statuses`].
    ///
    /// # Errors
    ///
    /// Fails if the database fails.
    pub(crate) async fn statuses(
        &self,
        integration: &str,
        connection: Option<&str>,
        syncs: &[(String, Option<String>)],
    ) -> Result<Vec<SyncState>, EngineError> {
        statuses::statuses(&self.dispatcher.runtime, Some(integration), connection, syncs).await
    }

    /// Runs an action in a task of its own, so that a caller that goes away cancels nothing, and returns its report.
    ///
    /// # Errors
    ///
    /// Fails if no action can start within 20 seconds, the process stops, or the run cannot start. An error of the
    /// action is part of the report.
    pub(crate) async fn run_action(&self, request: RunRequest) -> Result<RunReport> {
        self.actions.run(&self.dispatcher.runtime, request).await
    }
}

/// Writes the runs of actions that were not written before their results were returned, until the process stops.
async fn write_finished_runs(dispatcher: Arc<Dispatcher>) {
    let Dispatcher { runtime, stopping, .. } = &*dispatcher;
    tokio::select! {
        () = stopping.cancelled() => {}
        () = runtime.finished_runs.write_groups(&runtime.store, &*runtime.clock) => {}
    }
}
