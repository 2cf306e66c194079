//! Unit tests of integrations: annotated functions are called as ordinary functions.
//!
//! A [`Mock`] is a connection with scripted responses of the provider and a database in memory; everything between them
//! is the production code. To test the provider's own behaviour, run the binary against the provider or against
//! recorded traffic.
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
//!     /// Fetches the labels of the repository.
//!     #[sync(model = "Label")]
//!     pub async fn labels(nango: NangoSync) -> Result<()> {
//!         nango.batch_save(nango.get("/labels").json::<Vec<Label>>().await?).await?;
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let mock = Mock::new().reply("/labels", json!([{ "name": "bug" }]));
//! github::labels(mock.nango()).await?;
//! assert_eq!(mock.saved::<github::Label>().await[0].id, "bug");
//! # Ok::<(), Error>(()) }).unwrap();
//! ```

pub(crate) mod mock_api;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value};

pub use mock_api::ReceivedRequest;
use mock_api::{AutoAdvanceClock, MockApi};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Credentials, CredentialsSource},
    config::Limits,
    declare::{ActionDef, BoxFuture, FunctionKind, Handle, Merging},
    error::{Error, Result},
    http::{Client, ClientParts},
    json::decode,
    model::{Batch, Record},
    nango::{Context, Nango, NewContext, RunOptions, RunServices},
    provider::{Catalogue, Provider},
    store::{
        BASE_VARIANT, Change, DatasetKey, FeedRow, FunctionKey, LogLine, NewConnection, NewRun, Page, ReadQuery,
        SharedStore, Totals, Write, sqlite::Sqlite,
    },
};

/// Base URL of the mock's provider.
const BASE_URL: &str = "https://api.mock.test";

/// A connection with scripted responses of its provider.
#[derive(Debug, Clone)]
pub struct Mock(Arc<MockInner>);

#[derive(Debug)]
struct MockInner {
    script: MockApi,
    settings: std::sync::Mutex<Settings>,
    store: OnceLock<SharedStore>,
}

#[derive(Debug, Default, Clone)]
struct Settings {
    metadata: Map<String, Value>,
    environment: BTreeMap<String, String>,
    provider: Option<String>,
    stop: CancellationToken,
}

impl Default for Mock {
    fn default() -> Self {
        Self::new()
    }
}

impl Mock {
    /// Creates a connection without metadata and without responses.
    pub fn new() -> Self {
        Self(Arc::new(MockInner {
            script: MockApi::default(),
            settings: std::sync::Mutex::default(),
            store: OnceLock::new(),
        }))
    }

    /// Adds a response with status 200 and this JSON body for requests of this path. Several responses for one path are
    /// returned in order; the last one is repeated.
    #[must_use]
    pub fn reply(self, path: &str, body: impl Serialize) -> Self {
        self.reply_with(path, 200, body)
    }

    /// Adds a response as [`reply`](Self::reply), with another status.
    #[must_use]
    pub fn reply_with(self, path: &str, status: u16, body: impl Serialize) -> Self {
        self.0.script.add(path, status, &[], body);
        self
    }

    /// Adds a response as [`reply`](Self::reply), with another status and with headers.
    ///
    /// # Panics
    ///
    /// Panics if a header is invalid.
    #[must_use]
    pub fn reply_headers(self, path: &str, status: u16, headers: &[(&str, &str)], body: impl Serialize) -> Self {
        self.0.script.add(path, status, headers, body);
        self
    }

    /// Adds a page whose `Link` header names the next one: an absolute URL, a path, or a query such as `?page=2`.
    #[must_use]
    pub fn page(self, path: &str, next: &str, body: impl Serialize) -> Self {
        let next = if next.starts_with('?') { format!("{path}{next}") } else { next.to_owned() };
        self.0.script.add(path, 200, &[("link", &format!("<{next}>; rel=\"next\""))], body);
        self
    }

    /// Sets the connection's metadata.
    #[must_use]
    pub fn metadata(self, metadata: impl Serialize) -> Self {
        if let Ok(Value::Object(metadata)) = serde_json::to_value(metadata) {
            self.settings(|settings| settings.metadata = metadata);
        }
        self
    }

    /// Sets an environment variable of the integrations.
    #[must_use]
    pub fn env(self, name: &str, value: &str) -> Self {
        self.settings(|settings| settings.environment.insert(name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the provider to an entry of the built-in catalogue, whose pagination is the default.
    ///
    /// # Panics
    ///
    /// [`nango`](Self::nango) panics if the catalogue has no such entry.
    #[must_use]
    pub fn provider(self, name: &str) -> Self {
        self.settings(|settings| settings.provider = Some(name.to_owned()));
        self
    }

    /// Saves a record in the cache before the function runs.
    pub async fn record<M: Record>(self, record: M) -> Self {
        let mut batch = Batch::default();
        let pushed = batch.push(&record);
        assert!(pushed.is_ok(), "this record cannot be saved: {pushed:?}");
        let handle: Handle = self.nango();
        let context = Nango::from(handle).context().clone();
        let (dataset, merging) = (dataset_key(M::NAME), Merging::Override);
        let change = Change { dataset, merging, full_walk: None, write: Write::Save(batch) };
        let page = Page {
            run: context.token(),
            function: context.key().clone(),
            requested_at: context.store().now(),
            changes: vec![change],
            checkpoint: None,
            resume: None,
            pages: 0,
            requests: 0,
            skipped_invalid: 0,
            logs: Vec::new(),
        };
        let saved = context.store().commit(page).await;
        assert!(saved.is_ok(), "this record cannot be saved: {saved:?}");
        self
    }

    /// Returns a handle to call a function with; the function's parameter determines its type.
    pub fn nango<T: From<Handle>>(&self) -> T {
        Handle::from(Nango::new(Arc::new(self.context()))).into()
    }

    /// Cancels the function, as Ctrl-C does.
    pub fn cancel(&self) {
        self.settings(|settings| settings.stop.cancel());
    }

    /// Returns the requests that the provider received, in order.
    pub fn received_requests(&self) -> Vec<ReceivedRequest> {
        self.0.script.seen()
    }

    /// Returns the saved records of a model that are not deleted, in the order of their last changes.
    pub async fn saved<M: Record>(&self) -> Vec<M> {
        let rows = self.rows(M::NAME).await;
        rows.iter()
            .filter(|row| row.deleted_at.is_none())
            .filter_map(|row| row.payload.as_ref())
            .map(|payload| decode_record(payload))
            .collect()
    }

    /// Returns the ids of the deleted records of a model.
    pub async fn deleted<M: Record>(&self) -> Vec<String> {
        self.rows(M::NAME).await.into_iter().filter(|row| row.deleted_at.is_some()).map(|row| row.id).collect()
    }

    async fn rows(&self, model: &str) -> Vec<FeedRow> {
        let query = ReadQuery { limit: 10_000, ..ReadQuery::default() };
        let page = self.store().read(&dataset_key(model), query).await;
        assert!(page.is_ok(), "the mock's database failed: {page:?}");
        page.unwrap_or_default().records
    }

    fn settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut crate::nango::lock_state(&self.0.settings))
    }

    fn store(&self) -> &SharedStore {
        self.0.store.get_or_init(|| {
            let settings = self.settings(|settings| settings.clone());
            block_on(async move {
                let store: SharedStore = Arc::new(Sqlite::open(":memory:").await?);
                let new = NewConnection {
                    integration: "mock".to_owned(),
                    id: "mock".to_owned(),
                    auth: "NONE".to_owned(),
                    credentials: Vec::new(),
                    refresh_at: None,
                    config: Map::new(),
                    metadata: Some(settings.metadata),
                };
                store.put_connection(new).await?;
                Ok(store)
            })
        })
    }

    fn context(&self) -> Context {
        let settings = self.settings(|settings| settings.clone());
        let store = self.store().clone();
        let key = function_key();
        let (token, connection) = {
            let (store, key) = (store.clone(), key.clone());
            block_on(async move {
                // Each handle is a separate run; the runs of a mock are not exclusive.
                let lease = Duration::from_hours(1);
                let token = store.start_run(NewRun { key, connection: None, exclusive: false, lease }).await?;
                let connection = store.connection("mock", "mock").await?;
                Ok((token, connection))
            })
        };
        let connection = connection.unwrap_or_else(|| unreachable!("the mock's connection was added above"));
        let base_url = BASE_URL.parse().unwrap_or_else(|_| unreachable!("a constant"));
        let provider = settings.provider.map_or_else(
            || Provider::from_base_url("mock", BASE_URL).unwrap_or_else(|error| panic!("a constant: {error}")),
            |name| Catalogue::builtin().find(&name).cloned().unwrap_or_else(|error| panic!("{error}")),
        );
        let parts = ClientParts::new(Arc::new(self.0.script.clone()), Arc::new(AutoAdvanceClock::default()), base_url)
            .cancellation(settings.stop.clone());
        let services = Arc::new(MockServices(self.clone()));
        Context::new(NewContext {
            key,
            token,
            store,
            client: Client::new(parts),
            connection,
            credentials: CredentialsSource::Static(Credentials::none()),
            provider: Arc::new(provider),
            base_url: BASE_URL.to_owned(),
            environment: Arc::new(settings.environment),
            metadata: None,
            cancellation: settings.stop,
            services,
            options: RunOptions::default(),
            limits: Limits::default(),
        })
    }
}

fn function_key() -> FunctionKey {
    let name = || "mock".to_owned();
    let variant = BASE_VARIANT.to_owned();
    FunctionKey { kind: FunctionKind::Sync, integration: name(), connection: name(), function: name(), variant }
}

fn dataset_key(model: &str) -> DatasetKey {
    let name = || "mock".to_owned();
    DatasetKey { integration: name(), connection: name(), model: model.to_owned(), variant: BASE_VARIANT.to_owned() }
}

#[track_caller]
fn decode_record<M: Record>(payload: &[u8]) -> M {
    match decode(payload) {
        Ok(record) => record,
        Err(error) => panic!("the saved record {} is not a `{}`: {error}", String::from_utf8_lossy(payload), M::NAME),
    }
}

/// Runs a future to completion on a separate thread, so that a handle is available without `.await`.
fn block_on<T: Send + 'static>(
    future: impl Future<Output = Result<T, crate::store::StoreError>> + Send + 'static,
) -> T {
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(future).map_err(|error| error.to_string())
    });
    match thread.join() {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("the mock's database failed: {error}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Services of a mock: triggered actions are called at once, on the same mock.
struct MockServices(Mock);

impl RunServices for MockServices {
    fn trigger_action(
        &self,
        _caller: &Arc<Context>,
        action: &'static ActionDef,
        input: Value,
    ) -> BoxFuture<Result<Value>> {
        (action.run)(self.0.nango(), input)
    }

    fn trigger_sync(&self, _caller: &Arc<Context>, sync: &str) -> Result<()> {
        Err(Error::msg(format!("a mock does not run triggered syncs: `{sync}` was triggered")))
    }

    fn on_log(&self, _line: &LogLine) {}

    fn on_commit(&self, _totals: &Totals) {}
}
