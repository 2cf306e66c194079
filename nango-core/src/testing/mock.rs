//! The mock: a connection with scripted answers of its provider, and the state that its runs share.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    clock::AutoAdvanceClock,
    database::Database,
    mock_api::MockApi,
    received_request::ReceivedRequest,
    setup::{builtin_provider, direct_key},
};
use crate::{
    model::Checkpoint,
    nango::lock_state,
    run::Runtime,
    store::{FunctionKey, LogLine},
};

/// A connection with scripted answers of its provider. Clones are the same mock.
#[derive(Debug, Clone)]
pub struct Mock(pub(super) Arc<MockInner>);

/// State of a mock, which its clones share.
#[derive(Debug)]
pub(super) struct MockInner {
    api: MockApi,
    clock: Arc<AutoAdvanceClock>,
    settings: Mutex<Settings>,
    pub(super) logs: Logs,
    pub(super) database: OnceLock<Database>,
}

/// Log lines of all runs and direct calls.
pub(super) type Logs = Arc<Mutex<Vec<LogLine>>>;

/// Values that a test sets, or that a run stores for the next one.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Metadata that is not stored yet.
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) provider: Option<String>,
    /// Checkpoint that the next run begins with.
    pub(super) start_at: Option<Value>,
    /// Function that ran last.
    pub(super) function: FunctionKey,
    /// Runtimes for the functions of each integration.
    pub(super) runtimes: BTreeMap<String, Arc<Runtime>>,
    /// Error of the last run.
    pub(super) last_error: Option<String>,
    /// Whether the answers were checked.
    is_finished: bool,
}

impl Default for Mock {
    fn default() -> Self {
        Self::new()
    }
}

impl Mock {
    /// Creates a connection without metadata and without answers.
    pub fn new() -> Self {
        Self(Arc::new(MockInner {
            api: MockApi::default(),
            clock: Arc::default(),
            settings: Mutex::new(Settings {
                metadata: None,
                environment: BTreeMap::new(),
                provider: None,
                start_at: None,
                function: direct_key(),
                runtimes: BTreeMap::new(),
                last_error: None,
                is_finished: false,
            }),
            logs: Logs::default(),
            database: OnceLock::new(),
        }))
    }

    /// Sets the connection's metadata. See also [`current_metadata`](Self::current_metadata).
    ///
    /// # Panics
    ///
    /// Panics if the metadata is not an object.
    #[must_use]
    pub fn metadata(self, metadata: impl Serialize) -> Self {
        match serde_json::to_value(metadata) {
            Ok(Value::Object(metadata)) => self.settings(|settings| settings.metadata = Some(metadata)),
            other => panic!("metadata must be an object, not {other:?}"),
        }
        self
    }

    /// Sets an environment variable of the integrations.
    #[must_use]
    pub fn env(self, name: &str, value: &str) -> Self {
        self.settings(|settings| {
            settings.environment.insert(name.to_owned(), value.to_owned());
            settings.runtimes.clear();
        });
        self
    }

    /// Sets the provider to an entry of the built-in catalogue, whose pagination is the default. Needed by direct
    /// calls, and by [`run`](Self::run) if the integration has another name than its provider.
    ///
    /// # Panics
    ///
    /// Panics if the catalogue has no such entry.
    #[must_use]
    pub fn provider(self, name: &str) -> Self {
        builtin_provider(name);
        self.settings(|settings| {
            settings.provider = Some(name.to_owned());
            settings.runtimes.clear();
        });
        self
    }

    /// Stores a checkpoint before the next run, which begins there.
    ///
    /// # Panics
    ///
    /// Panics if the checkpoint cannot be written as JSON.
    #[must_use]
    pub fn start_at(self, checkpoint: impl Checkpoint) -> Self {
        match serde_json::to_value(checkpoint) {
            Ok(checkpoint) => self.settings(|settings| settings.start_at = Some(checkpoint)),
            Err(error) => panic!("the checkpoint cannot be written as JSON: {error}"),
        }
        self
    }

    /// Cancels the running function, as Ctrl-C does, and every handle that exists. If no function is running, the next
    /// run is interrupted at its start. To cancel at a certain request, see [`On::cancel`](crate::testing::On::cancel).
    pub fn cancel(&self) {
        self.0.api.stop().cancel();
    }

    /// Returns the requests that the provider received, in order.
    pub fn received_requests(&self) -> Vec<ReceivedRequest> {
        self.0.api.seen()
    }

    /// Returns the lines that functions logged, in order.
    pub fn logs(&self) -> Vec<LogLine> {
        lock_state(&self.0.logs).clone()
    }

    /// Fails the test if an answer was not used. Without this call, dropping the mock does.
    ///
    /// # Panics
    ///
    /// Panics if an answer without [`always`](Self::always) was not used.
    #[track_caller]
    pub fn finish(self) {
        self.settings(|settings| settings.is_finished = true);
        if let Some(message) = self.0.unused_answers() {
            panic!("{message}");
        }
    }

    pub(super) fn settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut lock_state(&self.0.settings))
    }

    pub(super) fn api(&self) -> &MockApi {
        &self.0.api
    }

    pub(super) fn clock(&self) -> &Arc<AutoAdvanceClock> {
        &self.0.clock
    }
}

impl MockInner {
    /// Returns the message about answers that were not used, with the error that may be the reason.
    fn unused_answers(&self) -> Option<String> {
        let unused = self.api.unused();
        if unused.is_empty() {
            return None;
        }
        let mut message = format!("the mock has answers that no request received: {}", unused.join(", "));
        let last_error = lock_state(&self.settings).last_error.clone();
        if let Some(error) = self.api.unanswered().or(last_error) {
            message.push_str("; an earlier error is: ");
            message.push_str(&error);
        }
        Some(message)
    }
}

impl Drop for MockInner {
    fn drop(&mut self) {
        if std::thread::panicking() || lock_state(&self.settings).is_finished {
            return;
        }
        if let Some(message) = self.unused_answers() {
            panic!("{message}");
        }
    }
}
