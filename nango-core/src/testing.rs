//! Unit tests of integrations: a connection with scripted answers of the provider, and a database in memory.
//!
//! [`Mock::run`] runs an annotated function by the engine that runs it in the program: endpoint and pages of a mapper,
//! `since`, deletes, resume, `on_invalid`, the input of an action, and the type of a webhook are part of the test:
//!
//! ```
//! use nango_core::{prelude::*, testing::Mock};
//!
//! mod github {
//!     use nango_core::prelude::*;
//!
//!     /// A label of a repository.
//!     #[model]
//!     pub struct Label {
//!         /// Name of the label, unique in the repository.
//!         #[serde(rename = "name")]
//!         pub id: String,
//!     }
//!
//!     /// Syncs the labels.
//!     #[sync(model = "Label", endpoint = "/labels", paginate(link(rel = "next"), limit = 2), track_deletes)]
//!     pub fn labels(label: Label) -> Label {
//!         label
//!     }
//!
//!     /// Creates a label.
//!     #[action]
//!     pub async fn create_label(nango: NangoAction, label: Label) -> Result<Label> {
//!         nango.post("/labels").body(&label).json().await
//!     }
//! }
//! use github::{Label, create_label, labels};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let mock = Mock::new()
//!     .on("GET", "/labels?per_page=2").page("?page=2", json!([{ "name": "bug" }, { "name": "idea" }]))
//!     .on("GET", "/labels?page=2").reply(json!([{ "name": "later" }]))
//!     // The answers for the second run: a label is gone.
//!     .on("GET", "/labels").reply(json!([{ "name": "bug" }, { "name": "idea" }]));
//!
//! assert_eq!(mock.run(labels).await?.counts::<Label>().added, 3);
//! assert_eq!(mock.run(labels).await?.counts::<Label>().deleted, 1);
//! assert_eq!(mock.deleted::<Label>().await, ["later"]);
//!
//! let mock = mock.on("POST", "/labels").body(json!({ "name": "new" })).reply(json!({ "name": "new" }));
//! let created: Label = mock.run(create_label).input(json!({ "name": "new" })).await?.output();
//! assert_eq!(created.id, "new");
//! # Ok::<(), Error>(()) }).unwrap();
//! ```
//!
//! An annotated function also remains an ordinary function, which can be called with a handle:
//! `create_label(mock.nango(), label).await?`.
//!
//! Each answer is used once, unless it is followed by [`always`](Mock::always). A request without an answer fails, with
//! an error that says which answers are left and why the nearest one is for another request. An answer that was not
//! used fails the test when the mock is dropped, or at [`Mock::finish`]. To test the provider's own behaviour, run the
//! binary against the provider or against recorded traffic.

mod answer;
mod clock;
mod database;
mod direct;
mod expected_request;
pub(crate) mod mock_api;
mod received_request;
mod report;
mod run;
mod script;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use serde::Serialize;
use serde_json::{Map, Value};

pub use crate::store::{LogLine, ModelCounts};
pub use received_request::ReceivedRequest;
pub use report::Report;
pub use run::Run;
pub use script::On;

use clock::AutoAdvanceClock;
use database::Database;
use mock_api::MockApi;

use crate::{
    declare::FunctionKind,
    model::Checkpoint,
    nango::lock_state,
    provider::{Catalogue, Provider},
    store::{BASE_VARIANT, FunctionKey},
};

/// Base URL of the mock's provider.
const BASE_URL: &str = "https://api.mock.test";
/// Name of the integration and of the connection of a mock.
const NAME: &str = "mock";

/// A connection with scripted answers of its provider. Clones are the same mock.
#[derive(Debug, Clone)]
pub struct Mock(Arc<MockInner>);

#[derive(Debug)]
struct MockInner {
    api: MockApi,
    clock: Arc<AutoAdvanceClock>,
    settings: Mutex<Settings>,
    logs: Logs,
    database: OnceLock<Database>,
}

/// Log lines of all runs and direct calls.
type Logs = Arc<Mutex<Vec<LogLine>>>;

#[derive(Debug, Clone)]
struct Settings {
    /// Metadata that is not stored yet.
    metadata: Option<Map<String, Value>>,
    environment: BTreeMap<String, String>,
    provider: Option<String>,
    /// Checkpoint that the next run begins with.
    start_at: Option<Value>,
    /// Function that ran last.
    function: FunctionKey,
    runtimes: run::Runtimes,
    /// Error of the last run.
    last_error: Option<String>,
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
    /// run is interrupted at its start. To cancel at a certain request, see [`On::cancel`].
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

    fn settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut lock_state(&self.0.settings))
    }

    fn api(&self) -> &MockApi {
        &self.0.api
    }

    fn clock(&self) -> &Arc<AutoAdvanceClock> {
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

/// Returns the key of direct calls.
fn direct_key() -> FunctionKey {
    let name = || NAME.to_owned();
    let variant = BASE_VARIANT.to_owned();
    FunctionKey { kind: FunctionKind::Sync, integration: name(), connection: name(), function: name(), variant }
}

/// Returns an entry of the built-in catalogue.
fn builtin_provider(name: &str) -> Provider {
    Catalogue::builtin().find(name).cloned().unwrap_or_else(|error| panic!("{error}"))
}
