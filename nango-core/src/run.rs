//! Executing one run: the only way in which a function is called.
//!
//! [`execute`] finds the function and the connection, takes the run's key, calls the function with a handle, and writes
//! down how it ended. Must stay true: a run's row exists before the function is called and is ended exactly once, by
//! this process or by the one that takes over its key; a run that was asked to stop or lost its lease has no other
//! effects than those of its committed pages.

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
    nango::{Context, Nango, RunFindings, RunOptions, lease_lost, store_error},
    provider::Catalogue,
    store::{
        BASE_VARIANT, FeedRow, FunctionKey, LogLine, ReadQuery, RunEnd, RunStatus, RunToken, SharedStore, Totals,
        failpoint::failpoint,
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

/// Everything a run needs, made once at the top.
#[derive(Debug)]
pub struct Runtime {
    /// The functions of the program.
    pub registry: Registry,
    /// The APIs that are known.
    pub catalogue: Catalogue,
    /// The settings.
    pub config: Config,
    /// The database.
    pub store: SharedStore,
    /// What opens credentials and resume states.
    pub ring: KeyRing,
    /// What renews tokens.
    pub tokens: Arc<TokenRefresher>,
    /// The way out.
    pub transport: Arc<dyn Transport>,
    /// Time outside the database: waits between attempts.
    pub clock: Arc<dyn Clock>,
    heartbeat: heartbeat::ProcessHeartbeat,
    /// What may still be asked of each API, by that clock.
    pub rate_limiters: Arc<RateLimiters>,
}

impl Runtime {
    /// An installation of these parts.
    pub fn new(
        registry: Registry,
        catalogue: Catalogue,
        config: Config,
        store: SharedStore,
        ring: KeyRing,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let tokens = TokenRefresher::new(store.clone(), ring.clone(), transport.clone(), clock.clone());
        let rate_limiters = Arc::new(RateLimiters::new(clock.clone()));
        Self {
            registry,
            catalogue,
            config,
            store,
            ring,
            tokens,
            transport,
            clock,
            rate_limiters,
            heartbeat: heartbeat::ProcessHeartbeat::default(),
        }
    }
}

impl Runtime {
    /// Finishes what must not be broken off: a renewal of a token that is on its way, for so long at most; and lets go of
    /// the database.
    pub async fn close(&self, timeout: Duration) {
        // An answer that is on its way may hold the only token that comes next.
        self.tokens.wait_until_idle(timeout).await;
        self.heartbeat.end(self).await;
        // What was acknowledged is durable already, so an error here loses nothing.
        let _ = self.store.close().await;
    }
}

/// What to run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct RunRequest {
    /// The integration.
    pub integration: String,
    /// The function, with what it is given.
    pub function: Target,
    /// The connection's id.
    pub connection: String,
    /// The variant of a sync, `base` unless it has several.
    pub variant: String,
    /// Metadata that replaces the connection's for this run.
    pub metadata: Option<Map<String, Value>>,
    /// A checkpoint that is stored before the run begins.
    pub checkpoint: Option<Value>,
    /// Drops the checkpoint and the resume state before the run begins.
    pub reset: bool,
    /// Takes out all records of a sync's models, and of this variant, before the run begins. Means nothing without
    /// `reset`, because a sync that goes on from its place would not bring them back. Readers of the feed are not told:
    /// see [`crate::store::Upkeep`].
    pub empty_cache: bool,
    /// Reads the whole list, also where `since` would read only changes.
    pub full: bool,
    /// Lifts the guard, `hold` and `max_deletes` for this run: what is confirmed to be gone is deleted.
    pub allow_deletes: bool,
    /// Runs on a copy in memory: nothing is kept, what would have been saved is reported.
    pub dry_run: bool,
}

impl RunRequest {
    /// A run of the base variant, with what is stored.
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

/// A function, with what it is given.
#[derive(Debug, Clone)]
pub enum Target {
    /// A sync.
    Sync(String),
    /// An action and its input.
    Action {
        /// Its name.
        name: String,
        /// Its input, `null` without one.
        input: Value,
    },
    /// The webhook handler of a sync.
    Webhook {
        /// The sync's name.
        sync: String,
        /// The webhook's type.
        r#type: String,
        /// What arrived.
        payload: Value,
    },
    /// A function that runs on an event of a connection.
    Event(String),
}

/// What a run did.
#[derive(Debug)]
pub struct RunReport {
    /// Its public id.
    pub run: Uuid,
    /// What ran.
    pub key: FunctionKey,
    /// How it ended.
    pub status: RunStatus,
    /// What it wrote and sent.
    pub totals: Totals,
    /// How its walks ended, and the deletes that wait.
    pub findings: RunFindings,
    /// The checkpoint as it is stored now.
    pub checkpoint: Option<Value>,
    /// Whether the next run goes on where this one stopped instead of starting over.
    pub resumable: bool,
    /// What an action answered.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<Error>,
    /// When it started, microseconds since 1970.
    pub started_at: i64,
    /// How long it took.
    pub duration: Duration,
    /// For how long of that it waited for limits of the API.
    pub waited: Duration,
    /// The records of a dry run, by model.
    pub dry_records: Option<BTreeMap<String, DryRecords>>,
    /// The syncs that the function asked for with `trigger_sync`, in order.
    pub triggered: Vec<TriggeredSync>,
}

/// The records that a dry run would have left.
#[derive(Debug, Clone)]
pub struct DryRecords {
    /// How many there are.
    pub total: u64,
    /// The first of them, at most 100.
    pub first: Vec<FeedRow>,
}

/// A sync that a function asked for with `trigger_sync`.
#[derive(Debug)]
pub struct TriggeredSync {
    /// Its name.
    pub sync: String,
    /// What it did, or why it could not begin.
    pub outcome: Result<RunReport>,
}

/// Who watches a run.
pub trait Observer: Send + Sync {
    /// A page was committed; the totals are the run's so far.
    fn page(&self, totals: &Totals) {
        let _ = totals;
    }

    /// A line was logged.
    fn on_log(&self, line: &LogLine) {
        let _ = line;
    }

    /// The run waits for something, such as another run of its key.
    fn on_wait(&self, what: &str) {
        let _ = what;
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopObserver;

impl Observer for NoopObserver {}

/// A function that was found.
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

/// Runs a function to its end.
///
/// # Errors
///
/// The run could not begin: an unknown function or connection, credentials that cannot be opened, a key that another
/// run holds, a database that fails. Whatever happens after it began is in the report.
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

/// Runs the syncs that a function asked for. One that cannot begin does not undo what the function did.
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

/// Takes the run's key, calls the function, ends the run.
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
    let status = end(runtime, &context, token, status, error.as_ref()).await?;
    failpoint!("run:ended");
    let checkpoint = runtime.store.checkpoint(context.key()).await.map_err(store_error)?.value;
    let resume = runtime.store.resume_state(context.key()).await.map_err(store_error)?;
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

/// [`call`], with a panic of the function as an error: the run ends in either case.
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

async fn end(
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
        // Whoever took over has ended this run already, and knows how.
        Err(crate::store::StoreError::LeaseLost) => {
            let ended = runtime.store.run(token.id).await.map_err(store_error)?;
            Ok(ended.map_or(RunStatus::Interrupted, |run| run.status))
        }
        Err(error) => Err(store_error(error)),
    }
}

async fn dry_records(runtime: &Runtime, report: &RunReport) -> Result<BTreeMap<String, DryRecords>> {
    let (integration, connection) = (Some(report.key.integration.as_str()), Some(report.key.connection.as_str()));
    let datasets = runtime.store.datasets(integration, connection).await.map_err(store_error)?;
    let mut records = BTreeMap::new();
    for stats in datasets {
        let query = ReadQuery { limit: 100, ..ReadQuery::default() };
        let page = runtime.store.read(&stats.dataset, query).await.map_err(store_error)?;
        records.insert(stats.dataset.model, DryRecords { total: stats.live, first: page.records });
    }
    Ok(records)
}
