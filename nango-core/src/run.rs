//! Execution of runs: one call of a function for a connection, from the lease to the stored result.
//!
//! All functions are called here, so that locking, logging and error handling are the same for each of them.
//! [`execute`] resolves the function and the connection, acquires the lease of the run's key, calls the function with a
//! handle, and stores the result. Invariants: the row of a run exists before the function is called, and the run is
//! ended exactly once, by this process or by the one that takes over its key; a run that was cancelled or lost its
//! lease has no effects other than its committed pages.

mod confirm_path;
mod connection;
mod heartbeat;
mod lease;
mod maintenance;
mod mapper;
mod outbound;
mod plain_config;
mod prefetch;
mod prepare;
mod resume;
mod rotated_token;
mod services;
mod setup;
mod since;
#[cfg(test)]
mod tests;
mod tracing_log;
mod transport;
mod verify;

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use crate::nango::Cancellation;
use crate::{
    auth::{KeyRing, TokenRefresher},
    config::Config,
    declare::{ActionDef, EventDef, FunctionKind, Handle, Registry, SyncDef, SyncRun, WebhookDef},
    error::{Error, ErrorKind, Result},
    http::{Clock, RateLimiters, Transport},
    nango::{Context, Nango, RunFindings, RunOptions, lease_lost},
    provider::Catalogue,
    store::{
        BASE_VARIANT, FeedRow, FunctionKey, LogLine, ReadQuery, RunEnd, RunStatus, RunToken, SharedStore, StoreError,
        Totals, failpoint::failpoint,
    },
};

#[doc(hidden)]
pub use confirm_path::confirm_path;
pub use connection::{AddConnection, AddedConnection, add_connection, check_connection_id, remove_connection};
pub use maintenance::{RetainedDataset, RetentionReport, empty, retain};
use services::RuntimeServices;
use setup::RunSetup;
pub use tracing_log::capture as capture_tracing;
pub use verify::{ConnectionTest, test_connection};

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
    heartbeat: heartbeat::ProcessHeartbeat,
    /// Rate limiters of the APIs, driven by `clock`.
    pub rate_limiters: Arc<RateLimiters>,
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
            heartbeat: heartbeat::ProcessHeartbeat::default(),
        }
    }
}

impl Runtime {
    /// Waits at most `timeout` for token refreshes that are in progress, then stops the heartbeat and closes the
    /// database.
    pub async fn close(&self, timeout: Duration) {
        // A response that is not stored may contain the only valid refresh token.
        self.token_refresher.wait_until_idle(timeout).await;
        self.heartbeat.stop(self).await;
        // Acknowledged writes are durable already, so an error here loses nothing.
        let _ = self.store.close().await;
    }
}

/// Request to run a function for a connection.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "the options are independent of each other")]
pub struct RunRequest {
    /// Name of the integration.
    pub integration: String,
    /// Function to run, with its input.
    pub function: Target,
    /// Id of the connection.
    pub connection: String,
    /// Variant of a sync. Default: `base`.
    pub variant: String,
    /// Metadata that replaces the connection's metadata for this run.
    pub metadata: Option<Map<String, Value>>,
    /// Checkpoint that is stored before the function is called.
    pub checkpoint: Option<Value>,
    /// Deletes the checkpoint and the resume state before the function is called.
    pub reset: bool,
    /// Removes all records of this variant of a sync's models before the function is called. Has no effect without
    /// `reset`, because a sync that resumes would not save them again. Readers of the feed are not notified: see
    /// [`crate::store::Maintenance`].
    pub empty_cache: bool,
    /// Reads the complete list, even if `since` would limit the walk to changes.
    pub full: bool,
    /// Disables the delete guard, `hold` and `max_deletes` for this run: confirmed deletes are applied at once.
    pub allow_deletes: bool,
    /// Runs on a copy in memory: stores nothing, and reports the records that would have been saved.
    pub dry_run: bool,
}

impl RunRequest {
    /// Creates a request for the base variant, with the stored metadata and checkpoint and without options.
    pub fn new(integration: impl Into<String>, function: Target, connection: impl Into<String>) -> Self {
        Self {
            integration: integration.into(),
            function,
            connection: connection.into(),
            variant: BASE_VARIANT.to_owned(),
            metadata: None,
            checkpoint: None,
            reset: false,
            empty_cache: false,
            full: false,
            allow_deletes: false,
            dry_run: false,
        }
    }
}

/// Function of an integration, with its input.
#[derive(Debug, Clone)]
pub enum Target {
    /// A sync.
    Sync(String),
    /// An action and its input.
    Action {
        /// Name of the action.
        name: String,
        /// Input of the action, `null` if there is none.
        input: Value,
    },
    /// The webhook handler of a sync.
    Webhook {
        /// Name of the sync.
        sync: String,
        /// Type of the webhook.
        r#type: String,
        /// Received payload.
        payload: Value,
    },
    /// A function that runs on an event of a connection.
    Event(String),
}

/// Result of a run.
#[derive(Debug)]
pub struct RunReport {
    /// Public id of the run.
    pub run: Uuid,
    /// Integration, function, connection and variant that ran.
    pub key: FunctionKey,
    /// Final status of the run.
    pub status: RunStatus,
    /// Counts of written records and sent requests.
    pub totals: Totals,
    /// Ends of its walks, and deletes that await confirmation.
    pub findings: RunFindings,
    /// Stored checkpoint after the run.
    pub checkpoint: Option<Value>,
    /// Whether the next run resumes where this one stopped.
    pub resumable: bool,
    /// Output of an action.
    pub output: Option<Value>,
    /// Error of a run that did not succeed.
    pub error: Option<Error>,
    /// Start time of the run, microseconds since 1970 (UTC).
    pub started_at: i64,
    /// Duration of the run.
    pub duration: Duration,
    /// Part of the duration that the run waited for rate limits.
    pub waited: Duration,
    /// Records of a dry run by model; `None` for other runs.
    pub dry_records: Option<BTreeMap<String, DryRecords>>,
    /// Syncs that the function requested with `trigger_sync`, in order.
    pub triggered: Vec<TriggeredSync>,
}

/// Records that a dry run would have stored.
#[derive(Debug, Clone)]
pub struct DryRecords {
    /// Number of records.
    pub total: u64,
    /// First records, at most 100.
    pub first: Vec<FeedRow>,
}

/// Sync that a function requested with `trigger_sync`.
#[derive(Debug)]
pub struct TriggeredSync {
    /// Name of the sync.
    pub sync: String,
    /// Report of its run, or the error that prevented the start.
    pub outcome: Result<RunReport>,
}

/// Observer of the progress of a run.
pub trait Observer: Send + Sync {
    /// Called after a page was committed, with the totals of the run so far.
    fn on_commit(&self, totals: &Totals) {
        let _ = totals;
    }

    /// Called for each log line.
    fn on_log(&self, line: &LogLine) {
        let _ = line;
    }

    /// Called when the run starts to wait, for example for another run of the same key.
    fn on_wait(&self, what: &str) {
        let _ = what;
    }

    /// Called with a problem that does not fail the operation.
    fn on_warning(&self, what: &str) {
        let _ = what;
    }
}

/// Observer that ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopObserver;

impl Observer for NoopObserver {}

/// Resolved function with its input.
#[derive(Debug, Clone)]
enum Job {
    Sync(&'static SyncDef),
    Action(&'static ActionDef, Value),
    Webhook(&'static WebhookDef, Value),
    Event(&'static EventDef),
}

impl Job {
    fn kind(&self) -> FunctionKind {
        match self {
            Self::Sync(_) => FunctionKind::Sync,
            Self::Action(..) => FunctionKind::Action,
            Self::Webhook(..) => FunctionKind::OnWebhook,
            Self::Event(_) => FunctionKind::OnEvent,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Sync(def) => def.name,
            Self::Action(def, _) => def.name,
            Self::Webhook(def, _) => def.name,
            Self::Event(def) => def.name,
        }
    }
}

/// Runs a function and returns the report of the run.
///
/// # Errors
///
/// Fails if the run cannot start: unknown function or connection, credentials that cannot be decrypted, a key that is
/// leased by another run, or a database error. Errors after the start are part of the report.
pub async fn execute(
    runtime: &Arc<Runtime>,
    request: RunRequest,
    cancellation: Cancellation,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    runtime.heartbeat.start(runtime);
    let dry = if request.dry_run { Some(Arc::new(prepare::dry_run_runtime(runtime, &request).await?)) } else { None };
    let effective = dry.as_ref().unwrap_or(runtime);
    let mut report = run_one(effective, request, cancellation.clone(), observer.clone()).await?;
    if dry.is_some() {
        report.dry_records = Some(dry_records(effective, &report).await?);
    }
    Ok(report)
}

async fn run_one(
    runtime: &Arc<Runtime>,
    request: RunRequest,
    cancellation: Cancellation,
    observer: Arc<dyn Observer>,
) -> Result<RunReport> {
    let job = prepare::resolve_function(runtime, &request)?;
    let mut prepared = prepare::prepare(runtime, &request, &job).await?;
    prepared.setup = RunSetup {
        reset: request.reset,
        empty_cache: request.empty_cache && request.reset,
        checkpoint: request.checkpoint,
    };
    prepared.options = RunOptions { full: request.full, allow_deletes: request.allow_deletes };
    let services = Arc::new(RuntimeServices::new(runtime.clone(), observer, true));
    let mut report = execute_prepared(runtime, prepared, job, cancellation.clone(), services.clone()).await?;
    run_triggered_syncs(runtime, &services, &mut report, &cancellation).await;
    Ok(report)
}

/// Runs the syncs that a function requested. A sync that cannot start does not undo the effects of the function.
async fn run_triggered_syncs(
    runtime: &Arc<Runtime>,
    services: &RuntimeServices,
    report: &mut RunReport,
    cancellation: &Cancellation,
) {
    let triggered = services.take_triggered();
    for sync in triggered {
        if cancellation.is_cancelled() || report.status != RunStatus::Success {
            return;
        }
        let (integration, connection) = (report.key.integration.clone(), report.key.connection.clone());
        let next = RunRequest::new(integration, Target::Sync(sync.clone()), connection);
        let outcome = Box::pin(run_one(runtime, next, cancellation.clone(), services.observer.clone())).await;
        report.triggered.push(TriggeredSync { sync, outcome });
    }
}

/// Acquires the lease of the run's key, calls the function, and ends the run.
async fn execute_prepared(
    runtime: &Arc<Runtime>,
    mut prepared: prepare::PreparedRun,
    job: Job,
    cancellation: Cancellation,
    services: Arc<RuntimeServices>,
) -> Result<RunReport> {
    let started = std::time::Instant::now();
    let exclusive = matches!(job, Job::Sync(_));
    let token = lease::acquire(runtime, &prepared, exclusive, &cancellation, services.observer.as_ref()).await?;
    let started_at = runtime.store.now();
    let renewer = lease::LeaseRenewer::spawn(runtime.store.clone(), token, runtime.config.lease, cancellation.clone());
    let setup = std::mem::take(&mut prepared.setup);
    let context = Arc::new(Context::new(prepared.into_context_parts(runtime, token, cancellation.clone(), services)));
    let work = async {
        setup.apply(&context, &job).await?;
        failpoint!("run:before-call");
        call_catching_panics(runtime, context.clone(), &job).await
    };
    let outcome = tracing_log::in_run(context.clone(), Box::pin(work)).await;
    let lost = renewer.stop();
    let outcome = if lost { outcome.and(Err(lease_lost())) } else { outcome };
    let (output, error, status) = match outcome {
        Ok(output) => (output, None, RunStatus::Success),
        Err(error) => {
            let error = lease::with_lease_loss_reason(runtime, token, error).await;
            let status = match error.kind() {
                ErrorKind::Interrupted | ErrorKind::LeaseLost => RunStatus::Interrupted,
                _ => RunStatus::Error,
            };
            (None, Some(error), status)
        }
    };
    failpoint!("run:before-end");
    let error = error.map(|error| error.redacted(context.client().redactor()));
    let status = end_run(runtime, &context, token, status, error.as_ref()).await?;
    failpoint!("run:ended");
    let checkpoint = runtime.store.checkpoint(context.key()).await.map_err(StoreError::into_error)?.value;
    let resume = runtime.store.resume_state(context.key()).await.map_err(StoreError::into_error)?;
    let tokens_only = match &job {
        Job::Sync(def @ SyncDef { run: SyncRun::Mapper(mapper), .. }) => mapper::requires_token(def, mapper),
        _ => false,
    };
    let walking = resume.is_some_and(|sealed| resume::has_resumable_walk(runtime, context.key(), &sealed, tokens_only));
    Ok(RunReport {
        run: token.id,
        key: context.key().clone(),
        status,
        totals: context.totals(),
        findings: context.findings(),
        resumable: status != RunStatus::Success && (walking || checkpoint.is_some()),
        checkpoint,
        output,
        error,
        started_at,
        duration: started.elapsed(),
        waited: context.client().rate_limit_wait(),
        dry_records: None,
        triggered: Vec::new(),
    })
}

/// Runs [`call`] and converts a panic of the function into an error, so that the run is ended in either case.
async fn call_catching_panics(runtime: &Arc<Runtime>, context: Arc<Context>, job: &Job) -> Result<Option<Value>> {
    match AssertUnwindSafe(call(runtime, context, job)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(Error::msg(format!("the function panicked: {text}")))
        }
    }
}

async fn call(runtime: &Arc<Runtime>, context: Arc<Context>, job: &Job) -> Result<Option<Value>> {
    let handle = Handle::from(Nango::new(context.clone()));
    match job {
        Job::Sync(def) => match &def.run {
            SyncRun::Function(run) => run(handle).await.map(|()| None),
            SyncRun::Mapper(mapper) => mapper::walk(runtime, context, def, mapper).await.map(|()| None),
        },
        Job::Action(def, input) => (def.run)(handle, input.clone()).await.map(Some),
        Job::Webhook(def, payload) => (def.run)(handle, payload.clone()).await.map(|()| None),
        Job::Event(def) => (def.run)(handle).await.map(|()| None),
    }
}

async fn end_run(
    runtime: &Runtime,
    context: &Context,
    token: RunToken,
    status: RunStatus,
    error: Option<&Error>,
) -> Result<RunStatus> {
    let (logs, requests) = context.take_pending();
    let error = error.map(|error| serde_json::json!({ "kind": error.kind().name(), "message": error.to_string() }));
    let end = RunEnd { status, error, requests, logs, checkpoint: None, resume: None };
    match runtime.store.end_run(&token, end).await {
        Ok(_) => Ok(status),
        // The run that took over the key has ended this run already; its stored status is authoritative.
        Err(StoreError::LeaseLost) => {
            let ended = runtime.store.run(token.id).await.map_err(StoreError::into_error)?;
            Ok(ended.map_or(RunStatus::Interrupted, |run| run.status))
        }
        Err(error) => Err(error.into_error()),
    }
}

async fn dry_records(runtime: &Runtime, report: &RunReport) -> Result<BTreeMap<String, DryRecords>> {
    let (integration, connection) = (Some(report.key.integration.as_str()), Some(report.key.connection.as_str()));
    let datasets = runtime.store.datasets(integration, connection).await.map_err(StoreError::into_error)?;
    let mut records = BTreeMap::new();
    for stats in datasets {
        let query = ReadQuery { limit: 100, ..ReadQuery::default() };
        let page = runtime.store.read(&stats.dataset, query).await.map_err(StoreError::into_error)?;
        records.insert(stats.dataset.model, DryRecords { total: stats.live, first: page.records });
    }
    Ok(records)
}
