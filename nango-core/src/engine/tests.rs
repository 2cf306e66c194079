//! Tests of the dispatcher: days in virtual time, and runs with a database in memory.

mod attempts;
mod lane;
mod real_time;
mod simulation;

use std::{sync::Arc, time::Duration};

use serde_json::Map;
use uuid::Uuid;

use super::{Engine, EngineSettings, TriggerOptions, follow::follow_run};
use crate::{
    auth::{Credentials, KeyRing},
    config::{Config, Sources},
    declare::{ActionDef, Deletes, Frequency, Handle, Item, Location, Merging, Registry, SyncDef, SyncRun},
    error::Result,
    http::SystemClock,
    model::ModelInfo,
    nango::{Nango, interrupted},
    provider::Catalogue,
    run::{AddConnection, NoopObserver, Runtime, add_connection},
    store::{FunctionKey, RunEnd, RunStatus, SharedStore, sqlite::Sqlite},
    testing::mock_api::MockApi,
};

/// The model of all tests.
static MODEL: ModelInfo =
    ModelInfo { name: "Item", schema: |generator| generator.subschema_for::<u64>(), type_name: || "Item" };
static MODELS: [&ModelInfo; 1] = [&MODEL];

const AT: Location = Location { file: "src/acme/tests.rs", line: 1, function: "acme::tests" };

/// Returns a sync of the integration `acme`.
const fn sync(
    name: &'static str,
    seconds: Option<u32>,
    run: fn(Handle) -> crate::declare::BoxFuture<Result<()>>,
) -> SyncDef {
    SyncDef {
        at: AT,
        integration: "acme",
        name,
        description: "A test.",
        version: "0.0.1",
        frequency: match seconds {
            Some(seconds) => Some(Frequency::declared("every so often", seconds)),
            None => None,
        },
        auto_start: true,
        track_deletes: false,
        deletes: Deletes::standard(),
        merging: Merging::Newer,
        scopes: &[],
        models: &MODELS,
        checkpoint: None,
        metadata: None,
        run: SyncRun::Function(run),
    }
}

/// Function of a sync that runs until it is cancelled.
fn until_cancelled(handle: Handle) -> crate::declare::BoxFuture<Result<()>> {
    Box::pin(async move {
        Nango::from(handle).context().cancellation().cancelled().await;
        Err(interrupted())
    })
}

/// Returns a registry of these functions.
fn registry(items: impl IntoIterator<Item = Item>) -> Registry {
    Registry::from_items(items).unwrap()
}

/// Returns the key of a sync of a connection of `acme`.
fn key(connection: &str, sync: &str) -> FunctionKey {
    FunctionKey::sync("acme", connection, sync)
}

/// Returns a runtime on a database in memory without connections.
async fn runtime(registry: Registry) -> Arc<Runtime> {
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    with_store(registry, store)
}

fn with_store(registry: Registry, store: SharedStore) -> Arc<Runtime> {
    let file = Some(("nango.toml".into(), "[integrations.acme]\nbase_url = 'https://api.acme.test'\n".to_owned()));
    let config = Config::load(Sources { file, ..Sources::default() }).unwrap();
    Arc::new(Runtime::new(
        registry,
        Catalogue::builtin(),
        config,
        store,
        KeyRing::ephemeral().unwrap(),
        Arc::new(MockApi::default()),
        Arc::new(SystemClock),
    ))
}

async fn connect(runtime: &Arc<Runtime>, id: &str) {
    let new = AddConnection {
        integration: "acme".into(),
        id: id.to_owned(),
        credentials: Credentials::none(),
        config: Map::new(),
        metadata: None,
        profile: crate::store::ProfileChange::default(),
        verify: false,
    };
    add_connection(runtime, new, Arc::new(NoopObserver)).await.unwrap();
}

async fn start(runtime: &Arc<Runtime>) -> Arc<Engine> {
    let settings = EngineSettings::of(&runtime.config);
    Engine::start(Arc::clone(runtime), settings).await.unwrap()
}

/// Waits until the database is in a state, at most ten seconds.
async fn eventually<F: Future<Output = bool>>(runtime: &Runtime, is_reached: impl Fn() -> F) {
    for _ in 0..500 {
        if is_reached().await {
            return;
        }
        runtime.clock.sleep(Duration::from_millis(20)).await;
    }
    panic!("the state was not reached");
}

async fn status(runtime: &Runtime, run: Uuid) -> Option<RunStatus> {
    runtime.store.run(run).await.unwrap().map(|run| run.status)
}
