//! What one run carries: who it is, what it may reach, and what it has not written yet.
//!
//! Log lines and request counts wait here until the next page takes them along. Time comes from the store's clock and
//! I/O from the transport that the run was given, so that tests and replay own both.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicUsize},
};

use serde_json::{Map, Value};

use super::{
    ActionRef,
    cancellation::{Cancellation, interrupted},
    full_walk::FullWalks,
    report::{RunFindings, WalkTracker},
};
use crate::{
    auth::CredentialsSource,
    config::Limits,
    declare::{BoxFuture, Merging, Paginate, SyncDef},
    error::{Error, ErrorKind, Result},
    http::Client,
    model::{Batch, ModelInfo},
    provider::Provider,
    store::{
        Change, ChangeOutcome, CheckpointWrite, Committed, Connection, DatasetKey, FunctionKey, Level, LogLine, Page,
        ResumeWrite, RowOutcome, RunToken, SharedStore, StoreError, Totals, Write,
    },
};

/// What a run is made of.
pub struct ContextParts {
    /// The function that runs.
    pub key: FunctionKey,
    /// Its right to write.
    pub token: RunToken,
    /// The database.
    pub store: SharedStore,
    /// The outbound pipeline of this connection.
    pub client: Client,
    /// The connection as it was when the run began.
    pub connection: Connection,
    /// Its credentials.
    pub held: CredentialsSource,
    /// The provider, with the settings' changes.
    pub provider: Arc<Provider>,
    /// Where requests go.
    pub base_url: String,
    /// Values for `nango.env("NAME")`.
    pub environment: Arc<BTreeMap<String, String>>,
    /// Metadata that replaces the connection's for this run.
    pub metadata: Option<Map<String, Value>>,
    /// Asks the run to stop.
    pub cancellation: Cancellation,
    /// The floor above, for calls of other functions.
    pub services: Arc<dyn RunServices>,
    /// What the caller asks of this run.
    pub options: RunOptions,
    /// Bounds of walks, records and metadata.
    pub limits: Limits,
}

/// What the caller asks of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Read the whole list, also where `since` would read only changes.
    pub full: bool,
    /// Lift the guard, `hold` and `max_deletes` for this run.
    pub allow_deletes: bool,
}

/// What the helper asks of the floor that executes runs.
pub trait RunServices: Send + Sync {
    /// Executes an action of the same connection as a run of its own.
    fn trigger_action(&self, caller: &Arc<Context>, action: ActionRef, input: Value) -> BoxFuture<Result<Value>>;

    /// Executes a sync of the same connection once this run has ended.
    fn trigger_sync(&self, caller: &Arc<Context>, sync: &str) -> Result<()>;

    /// A line was logged.
    fn on_log(&self, line: &LogLine);

    /// A page was committed.
    fn on_commit(&self, totals: &Totals);
}

/// The state of one run, shared by its handles.
pub struct Context {
    pub(super) key: FunctionKey,
    pub(super) token: RunToken,
    pub(super) store: SharedStore,
    pub(super) client: Client,
    pub(super) connection: Connection,
    pub(super) credentials: CredentialsSource,
    pub(super) provider: Arc<Provider>,
    pub(super) base_url: String,
    pub(super) environment: Arc<BTreeMap<String, String>>,
    pub(super) metadata: Mutex<Option<Map<String, Value>>>,
    pub(super) cancellation: Cancellation,
    pub(super) services: Arc<dyn RunServices>,
    pub(super) declared: OnceLock<&'static SyncDef>,
    pub(super) walks: Mutex<WalkTracker>,
    /// How many scans of hand-written walks are open.
    pub(super) open_scans: AtomicUsize,
    pub(super) findings: Mutex<RunFindings>,
    options: RunOptions,
    limits: Limits,
    /// The full scans that the function has open.
    pub(super) full_walks: FullWalks,
    /// The version of the checkpoint that this run last read or wrote.
    pub(super) checkpoint: tokio::sync::Mutex<Option<i64>>,
    /// The fields of the models that were patched, as their schemas name them.
    fields: Mutex<HashMap<&'static str, Option<Arc<Vec<String>>>>>,
    /// When the newest knowledge was requested that a commit wrote: what a later commit writes without asking again is
    /// no newer.
    requested_at: Mutex<Option<i64>>,
    pending: Mutex<PendingLog>,
    totals: Mutex<Totals>,
}

#[derive(Default)]
struct PendingLog {
    logs: Vec<LogLine>,
    requests_counted: u64,
}

/// A page before the run's own data is added to it.
#[derive(Debug, Default)]
pub struct PageCommit {
    /// What happens to records.
    pub changes: Vec<Change>,
    /// What happens to the checkpoint.
    pub checkpoint: Option<CheckpointWrite>,
    /// What happens to the resume state.
    pub resume: Option<ResumeWrite>,
    /// When it was requested; `None`: since the oldest request after the last commit.
    pub requested_at: Option<i64>,
    /// Whether it counts as a page of the provider.
    pub is_page: bool,
    /// Raw records of it that were left out because they do not fit.
    pub left_out: u64,
}

impl Context {
    /// The state of a run that begins.
    pub fn new(parts: ContextParts) -> Self {
        Self {
            key: parts.key,
            token: parts.token,
            store: parts.store,
            client: parts.client,
            connection: parts.connection,
            credentials: parts.held,
            provider: parts.provider,
            base_url: parts.base_url,
            environment: parts.environment,
            metadata: Mutex::new(parts.metadata),
            cancellation: parts.cancellation,
            services: parts.services,
            declared: OnceLock::new(),
            walks: Mutex::default(),
            open_scans: AtomicUsize::new(0),
            findings: Mutex::default(),
            options: parts.options,
            limits: parts.limits,
            full_walks: FullWalks::default(),
            checkpoint: tokio::sync::Mutex::new(None),
            fields: Mutex::default(),
            requested_at: Mutex::default(),
            pending: Mutex::default(),
            totals: Mutex::default(),
        }
    }

    /// The function that runs.
    pub fn key(&self) -> &FunctionKey {
        &self.key
    }

    /// The run's right to write.
    pub fn token(&self) -> RunToken {
        self.token
    }

    /// The database.
    pub fn store(&self) -> &SharedStore {
        &self.store
    }

    /// The outbound pipeline of this connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The connection as it was when the run began.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The provider, with the settings' changes.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// How an endpoint goes from page to page: as asked, and as the provider says where that leaves something open.
    pub fn paginate(&self, declared: Paginate) -> Paginate {
        match &self.provider.proxy.paginate {
            Some(preset) => declared.with_defaults(preset),
            None => declared,
        }
    }

    /// Where the records of a model go.
    pub fn dataset(&self, model: &str) -> DatasetKey {
        DatasetKey {
            integration: self.key.integration.clone(),
            connection: self.key.connection.clone(),
            model: model.to_owned(),
            variant: self.key.variant.clone(),
        }
    }

    /// Where requests go.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What the caller asks of this run.
    pub fn options(&self) -> RunOptions {
        self.options
    }

    /// Bounds of walks, records and metadata.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Refuses a record that is larger than the operator allows, among those behind the first `from` of a batch.
    pub fn check_size(&self, batch: &Batch, from: usize) -> Result<()> {
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

    /// Adds the connection's metadata, and how to set it, to an error.
    pub fn metadata_error(&self, error: Error) -> Error {
        let FunctionKey { integration, connection, .. } = &self.key;
        error.context(format!(
            "the metadata of connection `{connection}` (set it: `registry connection set-metadata {integration} \
             {connection} '{{…}}'`)"
        ))
    }

    /// Asks this run to stop.
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Whose rules count: the sync's own, also for its webhook handler.
    pub fn set_sync(&self, def: &'static SyncDef) {
        self.declared.get_or_init(|| def);
    }

    /// Who wins against a newer write of another run.
    pub fn merging(&self) -> Merging {
        self.declared.get().map_or(Merging::default(), |def| def.merging)
    }

    /// An error if the run was asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.cancellation.is_cancelled() { Err(interrupted()) } else { Ok(()) }
    }

    /// What the run did so far.
    pub fn totals(&self) -> Totals {
        let mut totals = lock(&self.totals).clone();
        totals.requests = self.client.requests_sent();
        totals
    }

    /// Records of a model that the run has saved, unchanged ones included.
    pub(super) fn saved(&self, model: &str) -> u64 {
        let totals = lock(&self.totals);
        let counts = totals.models.get(model);
        counts.map_or(0, |counts| {
            counts.added + counts.updated + counts.unchanged + counts.skipped_newer + counts.skipped_older
        })
    }

    /// Keeps a line for the next commit.
    pub(super) fn push_log(&self, line: LogLine) {
        self.services.on_log(&line);
        lock(&self.pending).logs.push(line);
    }

    /// The lines that no commit has taken yet, and how many requests none has counted.
    pub fn take_pending(&self) -> (Vec<LogLine>, u64) {
        let mut pending = lock(&self.pending);
        let sent = self.client.requests_sent();
        let requests = sent - std::mem::replace(&mut pending.requests_counted, sent);
        (std::mem::take(&mut pending.logs), requests)
    }

    /// Writes a page, with the lines and requests that wait.
    pub async fn commit(&self, commit: PageCommit) -> Result<Committed> {
        let mut committed = self.commit_all(vec![commit]).await?;
        committed.pop().ok_or_else(|| Error::msg("the database gave no outcome of a page"))
    }

    /// Writes pages in one transaction, the first with the lines and requests that wait: all of them, or none.
    pub async fn commit_all(&self, commits: Vec<PageCommit>) -> Result<Vec<Committed>> {
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            if let Write::Save(batch) = &change.write {
                self.check_size(batch, 0)?;
            }
        }
        let (logs, requests) = self.take_pending();
        let mut waiting = Some((logs.clone(), requests));
        let page = |commit: PageCommit| {
            let (logs, requests) = waiting.take().unwrap_or_default();
            Page {
                run: self.token,
                function: self.key.clone(),
                requested_at: self.requested_at(&commit),
                changes: commit.changes,
                checkpoint: commit.checkpoint,
                resume: commit.resume,
                pages: u64::from(commit.is_page),
                requests,
                left_out: commit.left_out,
                logs,
            }
        };
        let pages: Vec<Page> = commits.into_iter().map(page).collect();
        let (count, left_out) = pages.iter().fold((0, 0), |(n, left), page| (n + page.pages, left + page.left_out));
        let committed = match self.store.commit_all(pages).await {
            Ok(committed) => committed,
            Err(error) => {
                self.restore_pending(logs, requests);
                return Err(store_error(error));
            }
        };
        for done in committed.iter().flat_map(|page| &page.changes) {
            self.report_duplicates(done);
        }
        let totals = {
            let mut totals = lock(&self.totals);
            for page in &committed {
                totals.count(page);
            }
            totals.pages += count;
            totals.left_out += left_out;
            totals.clone()
        };
        self.services.on_commit(&Totals { requests: self.client.requests_sent(), ..totals });
        Ok(committed)
    }

    /// When what a draft writes was requested.
    fn requested_at(&self, commit: &PageCommit) -> i64 {
        let mut last = lock(&self.requested_at);
        if commit.changes.is_empty() {
            return commit.requested_at.or(*last).unwrap_or_else(|| self.store.now());
        }
        let at = commit.requested_at.or_else(|| self.client.take_oldest_request()).or(*last);
        *last = at;
        at.unwrap_or_else(|| self.store.now())
    }

    /// What a commit that failed did not take along.
    fn restore_pending(&self, mut logs: Vec<LogLine>, requests: u64) {
        let mut pending = lock(&self.pending);
        logs.append(&mut pending.logs);
        pending.logs = logs;
        pending.requests_counted -= requests;
    }

    /// Duplicates lose data silently at the provider's fault, so the log tells of them.
    fn report_duplicates(&self, done: &ChangeOutcome) {
        let duplicates = done.rows.iter().filter(|row| **row == RowOutcome::Duplicate).count();
        if duplicates > 0 {
            let model = &done.change.dataset.model;
            let message = format!("{duplicates} records of `{model}` had the id of an earlier one and were ignored");
            self.log(Level::Warn, &message, Value::Null);
        }
    }

    /// The fields of a model; `None` if its schema is open to others.
    pub(super) fn fields_of(&self, model: &'static ModelInfo) -> Option<Arc<Vec<String>>> {
        lock(&self.fields).entry(model.name).or_insert_with(|| model.fields().map(Arc::new)).clone()
    }

    /// Counts what the end of a scan deleted.
    pub fn count_deleted(&self, model: &str, deleted: u64) {
        lock(&self.totals).models.entry(model.to_owned()).or_default().deleted += deleted;
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("key", &self.key).field("run", &self.token.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ContextParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContextParts").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The error of a run whose key another process took over.
pub(crate) fn lease_lost() -> Error {
    store_error(StoreError::LeaseLost)
}

/// A fault of the database as functions see it.
pub(crate) fn store_error(error: StoreError) -> Error {
    let kind = match &error {
        StoreError::LeaseLost => ErrorKind::LeaseLost,
        StoreError::CheckpointConflict { .. } => ErrorKind::Checkpoint,
        _ => ErrorKind::Store,
    };
    Error::new(kind, error)
}

/// A poisoned lock only means that another thread panicked: what it guards is counters and lines.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
