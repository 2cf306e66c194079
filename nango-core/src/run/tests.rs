//! End-to-end tests of runs, with a database in memory and a mock provider.

mod actions;
mod declaration_forms;
mod declared_errors;
mod deletes;
mod delta;
mod frozen;
mod functions;
mod hostile;
mod hostile_feed;
mod limits;
mod maintenance;
mod mapper_forms;
mod mappers;
mod pagination_ends;
mod parents;
mod recorded;
mod requests;
mod secrets;
mod several_models;
mod since;
mod trace;
mod updated;
mod vectors;
mod verification;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    AddConnection, AddedConnection, NoopObserver, RunReport, RunRequest, Runtime, Target, add_connection, execute,
};
use crate::{
    Result,
    auth::{Credentials, KeyRing},
    config::{Config, Limits, Sources},
    declare::Registry,
    http::Transport,
    provider::Catalogue,
    store::{BASE_VARIANT, DatasetKey, LastAction, ProfileChange, ReadQuery, SharedStore, sqlite::Sqlite},
    testing::mock_api::{AutoAdvanceClock, MockApi},
};

/// Runtime whose integration `acme` has one connection, `one`.
struct Fixture {
    runtime: Arc<Runtime>,
    script: MockApi,
}

impl Fixture {
    async fn new() -> Self {
        let fixture = Self::without_connection().await;
        fixture.connect(json!({ "space": "a b/c" })).await.unwrap();
        fixture
    }

    async fn without_connection() -> Self {
        Self::with_registry_and_limits(Registry::load().unwrap(), "https://api.acme.test", Limits::default()).await
    }

    /// Creates a runtime with other functions and base URL.
    async fn with_registry_and_limits(registry: Registry, base_url: &str, limits: Limits) -> Self {
        let script = MockApi::default();
        let file = format!("[integrations.acme]\nbase_url = \"{base_url}\"\n[environment]\nREGION = \"eu\"\n");
        let file = Some(("nango.toml".into(), file));
        let mut config = Config::load(Sources { file, ..Sources::default() }).unwrap();
        config.limits = limits;
        let runtime = Arc::new(Runtime::new(
            registry,
            Catalogue::builtin(),
            config,
            Arc::new(Sqlite::open(":memory:").await.unwrap()),
            KeyRing::ephemeral().unwrap(),
            Arc::new(script.clone()),
            Arc::new(AutoAdvanceClock::default()),
        ));
        Self { runtime, script }
    }

    /// Replaces the transport of the runtime.
    fn with_transport(self, transport: Arc<dyn Transport>) -> Self {
        Self { runtime: self.rebuild(self.runtime.registry.clone(), transport), ..self }
    }

    /// Replaces the database of the runtime.
    fn with_store(self, store: SharedStore) -> Self {
        let Runtime { registry, transport, .. } = &*self.runtime;
        Self { runtime: self.rebuild_on(store, registry.clone(), transport.clone()), ..self }
    }

    /// Replaces the functions of the runtime.
    fn with_registry(self, registry: Registry) -> Self {
        Self { runtime: self.rebuild(registry, self.runtime.transport.clone()), ..self }
    }

    /// Creates a runtime with the same database, as a new process would.
    fn rebuild(&self, registry: Registry, transport: Arc<dyn Transport>) -> Arc<Runtime> {
        self.rebuild_on(self.runtime.store.clone(), registry, transport)
    }

    fn rebuild_on(&self, store: SharedStore, registry: Registry, transport: Arc<dyn Transport>) -> Arc<Runtime> {
        let Runtime { catalogue, config, ring, clock, .. } = &*self.runtime;
        let (catalogue, config) = (catalogue.clone(), config.clone());
        Arc::new(Runtime::new(registry, catalogue, config, store, ring.clone(), transport, clock.clone()))
    }

    async fn connect(&self, metadata: Value) -> Result<AddedConnection> {
        let Value::Object(metadata) = metadata else { unreachable!("an object") };
        let new = AddConnection {
            integration: "acme".into(),
            id: "one".into(),
            credentials: Credentials::none(),
            config: Map::new(),
            metadata: Some(metadata),
            profile: ProfileChange::default(),
            verify: true,
        };
        add_connection(&self.runtime, new, Arc::new(NoopObserver)).await
    }

    fn request(function: Target) -> RunRequest {
        RunRequest::new("acme", function, "one")
    }

    async fn run(&self, request: RunRequest) -> Result<RunReport> {
        execute(&self.runtime, request, CancellationToken::new(), Arc::new(NoopObserver)).await
    }

    async fn sync(&self, name: &str) -> RunReport {
        self.run(Self::request(Target::Sync(name.into()))).await.unwrap()
    }

    /// Returns the dataset of a model.
    fn dataset(model: &str) -> DatasetKey {
        let variant = BASE_VARIANT.into();
        DatasetKey { integration: "acme".into(), connection: "one".into(), model: model.into(), variant }
    }

    /// Returns ids and last actions of the model's records, in the order of the feed.
    async fn records(&self, model: &str) -> Vec<(String, LastAction)> {
        let dataset = Self::dataset(model);
        let query = ReadQuery { limit: 10_000, ..ReadQuery::default() };
        let page = self.runtime.store.read(&dataset, query).await.unwrap();
        page.records.into_iter().map(|row| (row.id, row.last_action)).collect()
    }

    async fn live(&self, model: &str) -> Vec<String> {
        let records = self.records(model).await;
        records.into_iter().filter(|(_, action)| *action != LastAction::Deleted).map(|(id, _)| id).collect()
    }

    /// Returns the paths and queries of the requests so far, as `path?a=b&c=d`.
    fn requests(&self) -> Vec<String> {
        let seen = self.script.seen();
        seen.iter()
            .map(|seen| {
                let query: Vec<String> = seen.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
                if query.is_empty() { seen.path.clone() } else { format!("{}?{}", seen.path, query.join("&")) }
            })
            .collect()
    }
}

#[track_caller]
fn assert_succeeded(report: &RunReport) {
    assert!(report.error.is_none(), "{:?}", report.error);
}
