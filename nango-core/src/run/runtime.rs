//! Shared dependencies of all runs of a process.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use super::{finished_runs::FinishedRuns, heartbeat::ProcessHeartbeat, listener::RunListener};
use crate::{
    auth::{KeyError, KeyRing, TokenRefresher},
    config::Config,
    declare::Registry,
    error::Result,
    http::{Clock, RateLimiters, Transport},
    provider::Catalogue,
    recording::RecordingMode,
    store::{SharedStore, StoreError},
};

/// Shared dependencies of all runs of a process.
#[derive(Debug)]
pub struct Runtime {
    /// Functions that the program declares.
    pub registry: Registry,
    /// Catalogue of providers.
    pub catalogue: Catalogue,
    /// Settings from flags, environment and `nango.toml`.
    pub config: Config,
    /// Database of connections, records and runs.
    pub store: SharedStore,
    /// Keys that encrypt credentials and resume states at rest.
    pub ring: KeyRing,
    /// Obtains and refreshes access tokens.
    pub token_refresher: Arc<TokenRefresher>,
    /// Transport of all outbound HTTP requests.
    pub transport: Arc<dyn Transport>,
    /// Clock of everything outside the database, such as waits between attempts.
    pub clock: Arc<dyn Clock>,
    pub(super) heartbeat: ProcessHeartbeat,
    /// Whether a dispatcher of this process runs syncs, so that a triggered sync becomes due first.
    pub(super) queues_syncs: AtomicBool,
    /// Runs that are written to the database after they have ended.
    pub(crate) finished_runs: FinishedRuns,
    /// Receiver of the results of runs. A runtime of a dry run has none.
    pub(super) listener: OnceLock<Arc<dyn RunListener>>,
    /// Rate limiters of the APIs, driven by `clock`.
    pub rate_limiters: Arc<RateLimiters>,
    /// Whether requests are recorded, or answered from a recording.
    pub(super) recording: Option<RecordingMode>,
}

impl Runtime {
    /// Creates a runtime from its parts, with a new token refresher and new rate limiters.
    pub fn new(
        registry: Registry,
        catalogue: Catalogue,
        config: Config,
        store: SharedStore,
        ring: KeyRing,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let token_refresher = TokenRefresher::new(store.clone(), ring.clone(), transport.clone(), clock.clone());
        let rate_limiters = Arc::new(RateLimiters::new(clock.clone()));
        Self {
            registry,
            catalogue,
            config,
            store,
            ring,
            token_refresher,
            transport,
            clock,
            rate_limiters,
            heartbeat: ProcessHeartbeat::default(),
            queues_syncs: AtomicBool::new(false),
            finished_runs: FinishedRuns::default(),
            listener: OnceLock::new(),
            recording: None,
        }
    }

    /// Returns a runtime with the same dependencies and another store. Tokens and rate limits are shared, because a
    /// refresh token that the provider replaces must not be lost.
    pub(super) fn with_store(&self, store: SharedStore) -> Self {
        let Self { registry, catalogue, config, ring, transport, clock, .. } = self;
        let parts =
            (registry.clone(), catalogue.clone(), config.clone(), ring.clone(), transport.clone(), clock.clone());
        let (registry, catalogue, config, ring, transport, clock) = parts;
        Self {
            token_refresher: self.token_refresher.clone(),
            rate_limiters: self.rate_limiters.clone(),
            recording: self.recording.clone(),
            ..Self::new(registry, catalogue, config, store, ring, transport, clock)
        }
    }

    /// Returns a runtime with the same dependencies whose requests are recorded, or answered from a recording.
    pub(super) fn with_recording(&self, mode: RecordingMode) -> Self {
        Self { recording: Some(mode), ..self.with_store(self.store.clone()) }
    }

    /// Starts the heartbeat of this process, once, and returns the id of the process in the process registry.
    pub(crate) fn start_heartbeat(&self) -> Uuid {
        self.heartbeat.start(&self.store, &self.rate_limiters, &*self.clock)
    }

    /// Sets whether the heartbeat of this process extends the mark of a process that runs the schedules.
    #[cfg(feature = "server")]
    pub(crate) fn mark_serving(&self, is_serving: bool) {
        self.heartbeat.set_serving(is_serving);
    }

    /// Returns whether the program or its configuration declares an integration.
    #[cfg(feature = "server")]
    pub(crate) fn has_integration(&self, key: &str) -> bool {
        self.registry.of(key).next().is_some() || self.config.integrations.contains_key(key)
    }

    /// Sets whether a triggered sync becomes due instead of running at once.
    #[cfg(feature = "server")]
    pub(crate) fn queue_syncs(&self, queues: bool) {
        self.queues_syncs.store(queues, Ordering::Relaxed);
    }

    /// Sets the receiver of the results of runs, once.
    #[cfg(feature = "server")]
    pub(crate) fn set_listener(&self, listener: Arc<dyn RunListener>) {
        // A second server of the process has no metrics of runs.
        let _ = self.listener.set(listener);
    }

    /// Reports to the receiver that an operation of the database failed outside of a run.
    #[cfg(feature = "server")]
    pub(crate) fn report_database_error(&self) {
        if let Some(listener) = self.listener.get() {
            listener.on_database_error();
        }
    }

    /// Returns whether a triggered sync becomes due instead of running at once.
    pub(super) fn queues_syncs(&self) -> bool {
        self.queues_syncs.load(Ordering::Relaxed)
    }

    /// Creates the encryption key if there is none yet, and registers it with the database. Called before something is
    /// sealed.
    ///
    /// # Errors
    ///
    /// Fails if the key file cannot be created, or the database fails.
    pub(crate) async fn create_missing_key(&self) -> Result<()> {
        if self.ring.create_missing().map_err(KeyError::into_error)? {
            self.store.use_keys(Arc::new(self.ring.clone()), false).await.map_err(StoreError::into_error)?;
        }
        Ok(())
    }

    /// Waits at most `timeout` for token refreshes that are in progress, then stops the heartbeat and closes the
    /// database.
    pub async fn close(&self, timeout: Duration) {
        // A response that is not stored may contain the only valid refresh token.
        self.token_refresher.wait_until_idle(timeout).await;
        self.heartbeat.stop(&self.store).await;
        // Acknowledged writes are durable already, so an error here loses nothing.
        let _ = self.store.close().await;
    }
}
