//! State of one run: its identity, its dependencies, and its pending writes.
//!
//! Log lines and request counts are buffered here until the next page is committed, so that they need no transaction of
//! their own. Time comes from the clock of the store and I/O from the transport of the run, so that tests and replays
//! control both.

mod commit;
mod mutex;
mod pending_log;
mod write_token;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, atomic::AtomicUsize},
};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    ActionRef,
    findings::{RunFindings, WalkTracker},
    full_walk::FullWalks,
};
use crate::{
    auth::CredentialsSource,
    config::Limits,
    declare::{BoxFuture, ErrorAt, Merging, Paginate, SyncDef},
    error::{Error, ErrorKind, Remedy, Result},
    http::{Client, RequestSpec, Response, redacted_url},
    model::{Batch, ModelInfo},
    paginate::DeclaredError,
    provider::Provider,
    store::{
        Connection, DatasetKey, FinishScan, FunctionKey, Level, LogLine, RunToken, Scan, ScanFrom, ScanOutcome,
        SharedStore, StoreError, Totals,
    },
    time::Timestamp,
};
pub(crate) use commit::PageCommit;
pub(crate) use mutex::lock;
use pending_log::PendingLog;
pub(crate) use write_token::{StartRun, WriteToken};

/// Values from which a [`Context`] is created.
pub(crate) struct NewContext {
    /// Integration, function, connection and variant of the run.
    pub key: FunctionKey,
    /// Fencing token that permits writes.
    pub token: WriteToken,
    /// Database of the installation.
    pub store: SharedStore,
    /// HTTP client of the connection.
    pub client: Client,
    /// Snapshot of the connection from the start of the run.
    pub connection: Connection,
    /// Credentials of the connection.
    pub credentials: CredentialsSource,
    /// Provider with the overrides from the settings.
    pub provider: Arc<Provider>,
    /// Base URL of relative endpoints.
    pub base_url: String,
    /// Values that `nango.env("NAME")` returns.
    pub environment: Arc<BTreeMap<String, String>>,
    /// Metadata that replaces the connection's metadata for this run.
    pub metadata: Option<Map<String, Value>>,
    /// Cancellation of the run.
    pub cancellation: CancellationToken,
    /// Services of the `run` module, such as calls of other functions.
    pub services: Arc<dyn RunServices>,
    /// Options that the caller set for this run.
    pub options: RunOptions,
    /// Limits of walks, records and metadata.
    pub limits: Limits,
}

/// Options of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RunOptions {
    /// Reads the complete list, even if `since` would limit the walk to changes.
    pub full: bool,
    /// Disables the delete guard, `hold` and `max_deletes` for this run.
    pub allow_deletes: bool,
}

/// Services that the `run` module provides to the handles of functions.
pub(crate) trait RunServices: Send + Sync {
    /// Executes an action of the same connection as a separate run.
    fn trigger_action(&self, caller: &Arc<Context>, action: ActionRef, input: Value) -> BoxFuture<Result<Value>>;

    /// Schedules a sync of the same connection to run after this run has succeeded.
    fn trigger_sync(&self, caller: &Arc<Context>, sync: &str) -> Result<()>;

    /// Called for each log line.
    fn on_log(&self, line: &LogLine);

    /// Called after a page was committed, with the totals of the run so far.
    fn on_commit(&self, totals: &Totals);
}

/// State of one run, shared by its handles.
pub(crate) struct Context {
    pub(super) key: FunctionKey,
    token: WriteToken,
    pub(super) store: SharedStore,
    pub(super) client: Client,
    pub(super) connection: Connection,
    pub(super) credentials: CredentialsSource,
    pub(super) provider: Arc<Provider>,
    pub(super) base_url: String,
    pub(super) environment: Arc<BTreeMap<String, String>>,
    pub(super) metadata: Mutex<Option<Map<String, Value>>>,
    pub(super) cancellation: CancellationToken,
    pub(super) services: Arc<dyn RunServices>,
    pub(super) declared: OnceLock<&'static SyncDef>,
    pub(super) walks: Mutex<WalkTracker>,
    /// Number of open scans of hand-written walks.
    pub(super) open_scans: AtomicUsize,
    pub(super) findings: Mutex<RunFindings>,
    options: RunOptions,
    limits: Limits,
    /// Open full scans of the function.
    pub(super) full_walks: FullWalks,
    /// Version of the checkpoint that this run last read or wrote.
    pub(super) checkpoint: tokio::sync::Mutex<Option<i64>>,
    /// Schema field names of the models that were patched.
    fields: Mutex<HashMap<&'static str, Option<Arc<Vec<String>>>>>,
    /// Request time of the newest data that was committed. A later commit without a new request uses it, because its
    /// data is no newer.
    requested_at: Mutex<Option<Timestamp>>,
    pending: Mutex<PendingLog>,
    totals: Mutex<Totals>,
}

impl Context {
    /// Creates the state of a new run.
    pub(crate) fn new(new: NewContext) -> Self {
        Self {
            key: new.key,
            token: new.token,
            store: new.store,
            client: new.client,
            connection: new.connection,
            credentials: new.credentials,
            provider: new.provider,
            base_url: new.base_url,
            environment: new.environment,
            metadata: Mutex::new(new.metadata),
            cancellation: new.cancellation,
            services: new.services,
            declared: OnceLock::new(),
            walks: Mutex::default(),
            open_scans: AtomicUsize::new(0),
            findings: Mutex::default(),
            options: new.options,
            limits: new.limits,
            full_walks: FullWalks::default(),
            checkpoint: tokio::sync::Mutex::new(None),
            fields: Mutex::default(),
            requested_at: Mutex::default(),
            pending: Mutex::default(),
            totals: Mutex::default(),
        }
    }

    /// Returns integration, function, connection and variant of the run.
    pub(crate) fn key(&self) -> &FunctionKey {
        &self.key
    }

    /// Returns the public id of the run.
    pub(crate) fn run_id(&self) -> Uuid {
        self.token.run_id()
    }

    /// Returns the fencing token, which permits writes. If this is the first write of the run, the run is started in
    /// the database.
    pub(crate) async fn token(&self) -> Result<RunToken> {
        self.token.get().await
    }

    /// Returns the fencing token, or `None` if the run has written nothing yet and was not started in the database.
    pub(crate) fn current_token(&self) -> Option<RunToken> {
        self.token.current()
    }

    /// Returns the database of the installation.
    pub(crate) fn store(&self) -> &SharedStore {
        &self.store
    }

    /// Returns the HTTP client of the connection.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Completes the declared pagination of an endpoint with the defaults of the provider.
    pub(crate) fn paginate(&self, declared: Paginate) -> Paginate {
        match &self.provider.proxy.paginate {
            Some(preset) => declared.with_defaults(preset),
            None => declared,
        }
    }

    /// Completes a request with the errors in successful responses that the provider's entry declares, unless it
    /// declares its own.
    pub(crate) fn declare_errors(&self, spec: &mut RequestSpec) {
        if spec.error_at.is_empty() {
            spec.error_at.clone_from(&self.provider.proxy.errors);
        }
    }

    /// Fails if a response has a declared error. A partial one is logged.
    pub(crate) fn check_declared(&self, errors: &[ErrorAt], response: &Response) -> Result<()> {
        let Some(found) = DeclaredError::of(errors, response) else { return Ok(()) };
        if !found.is_partial {
            return Err(found.to_http(response).into_error().redacted(self.client.redactor()));
        }
        let request = format!("{} {}", response.request.method, redacted_url(&response.request.url));
        let message = format!("{request} returned an error beside the data: {}", found.shown(response));
        self.log(Level::Warn, &message, Value::Null);
        Ok(())
    }

    /// Returns the dataset that stores the records of a model.
    pub(crate) fn dataset(&self, model: &str) -> DatasetKey {
        self.key.dataset(model)
    }

    /// Returns the base URL of relative endpoints.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the options that the caller set for this run.
    pub(crate) fn options(&self) -> RunOptions {
        self.options
    }

    /// Returns the limits of walks, records and metadata.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Fails if a record of a batch, after the first `from` records, is larger than the configured limit.
    pub(crate) fn check_size(&self, batch: &Batch, from: usize) -> Result<()> {
        let limit = self.limits.record_bytes;
        match batch.sizes(from).enumerate().find(|(_, size)| *size as u64 > limit) {
            None => Ok(()),
            Some((i, size)) => {
                let id = batch.iter().nth(from + i).map_or_else(String::new, |item| item.id.to_owned());
                let message = format!(
                    "record `{id}` has {size} bytes, more than the limit of {limit}; if records are that large, raise \
                     `record_bytes` under `[limits]` in nango.toml"
                );
                Err(Error::new(ErrorKind::Record, message))
            }
        }
    }

    /// Adds the name of the connection to an error of its metadata, and sets the remedy.
    pub(crate) fn metadata_error(&self, error: Error) -> Error {
        let FunctionKey { integration, connection, .. } = &self.key;
        let remedy = Remedy::SetMetadata { integration: integration.clone(), connection: connection.clone() };
        error.context(format!("the metadata of connection `{connection}`")).with_remedy(remedy)
    }

    /// Returns the cancellation of the run.
    pub(crate) fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Sets the sync whose merging rules apply. The webhook handler of a sync uses the rules of the sync.
    pub(crate) fn set_sync(&self, def: &'static SyncDef) {
        self.declared.get_or_init(|| def);
    }

    /// Returns how a write is merged with a newer write of another run.
    pub(crate) fn merging(&self) -> Merging {
        self.declared.get().map_or(Merging::default(), |def| def.merging)
    }

    /// Fails if the run was cancelled.
    pub(crate) fn check_cancelled(&self) -> Result<()> {
        if self.cancellation.is_cancelled() { Err(interrupted()) } else { Ok(()) }
    }

    /// Returns the totals of the run so far.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = lock(&self.totals).clone();
        totals.requests = self.client.requests_sent();
        totals
    }

    /// Returns the number of records of a model that the run saved, including unchanged and skipped ones.
    pub(super) fn saved(&self, model: &str) -> u64 {
        let totals = lock(&self.totals);
        let counts = totals.models.get(model);
        counts.map_or(0, |counts| {
            counts.added + counts.updated + counts.unchanged + counts.skipped_newer + counts.skipped_older
        })
    }

    /// Buffers a log line for the next commit.
    pub(super) fn push_log(&self, line: LogLine) {
        self.services.on_log(&line);
        lock(&self.pending).push(line);
    }

    /// Returns the fields of a model; `None` if its schema allows additional fields.
    pub(super) fn fields_of(&self, model: &'static ModelInfo) -> Option<Arc<Vec<String>>> {
        lock(&self.fields).entry(model.name).or_insert_with(|| model.fields().map(Arc::new)).clone()
    }

    /// Begins or resumes a scan of a dataset.
    pub(crate) async fn begin_scan(&self, dataset: &DatasetKey, from: ScanFrom, is_early: bool) -> Result<Scan> {
        let scan = self.store.begin_scan(&self.token().await?, &self.key, dataset, from, is_early).await;
        scan.map_err(StoreError::into_error)
    }

    /// Ends a scan, adds its deletes to the totals, and reports those that await confirmation.
    pub(crate) async fn finish_scan(&self, finish: FinishScan) -> Result<ScanOutcome> {
        let mut finished = self.finish_scans(vec![finish]).await?;
        finished.pop().ok_or_else(|| Error::msg("the database returned no outcome of a scan"))
    }

    /// Ends the scans of several models in one transaction, see [`Self::finish_scan`].
    pub(crate) async fn finish_scans(&self, finishes: Vec<FinishScan>) -> Result<Vec<ScanOutcome>> {
        let models: Vec<String> = finishes.iter().map(|finish| finish.dataset.model.clone()).collect();
        let outcomes = self.store.finish_scans(finishes).await.map_err(StoreError::into_error)?;
        for (model, outcome) in models.iter().zip(&outcomes) {
            lock(&self.totals).models.entry(model.clone()).or_default().deleted += outcome.deleted;
            self.report_deletes(model, outcome);
        }
        Ok(outcomes)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("key", &self.key).field("run", &self.run_id()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NewContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewContext").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Returns the error of a cancelled run.
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "the run was cancelled; committed pages are kept, and the next run resumes")
}

/// Returns the error of a run whose key was taken over by another process.
pub(crate) fn lease_lost() -> Error {
    StoreError::LeaseLost.into_error()
}
