//! 200 connections that sync concurrently into one file, compared with one connection that has as many records.

use std::{path::Path, sync::Arc};

// Imported so that the linker includes its functions.
use integrations as _;
use nango_core::internal::{
    auth::{Credentials, KeyRing},
    config::{Config, Flags, Sources},
    declare::Registry,
    http::{NetworkSettings, NetworkTransport, SystemClock},
    provider::Catalogue,
    run::{AddConnection, NoopObserver, RunRequest, Runtime, Target, add_connection, execute},
    store::{self, MetadataChange, ProfileChange},
};
use nango_tests::{
    bench_server::BenchServer,
    measure::{self, Cost, Outcome, median},
};
use serde_json::{Map, json};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: u64 = 200;
const RECORDS_PER_CONNECTION: u64 = 500;
const ROUNDS: usize = 5;

pub(crate) fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (one, many) =
        (BenchServer::start(CONNECTIONS * RECORDS_PER_CONNECTION), BenchServer::start(RECORDS_PER_CONNECTION));
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let alone = runtime.block_on(Fixture::new(one.url(), 1))?.sync(&runtime)?;
        let together = runtime.block_on(Fixture::new(many.url(), CONNECTIONS))?.sync(&runtime)?;
        let ratio = alone.wall.as_secs_f64() / together.wall.as_secs_f64();
        println!(
            "many, round {round}: one connection {alone}, {CONNECTIONS} at once {together}, throughput {ratio:.2}"
        );
        ratios.push(ratio);
    }
    println!("many: median throughput {:.2} of that of one connection", median(ratios));
    Ok(())
}

struct Fixture {
    runtime: Arc<Runtime>,
    connections: u64,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new(url: &str, connections: u64) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let nango_runtime = Arc::new(open_runtime(folder.path(), url).await?);
        for id in 0..connections {
            let new = AddConnection {
                integration: "github".to_owned(),
                id: id.to_string(),
                credentials: Credentials::none(),
                config: Map::new(),
                metadata: None,
                profile: ProfileChange::default(),
                verify: false,
            };
            add_connection(&nango_runtime, new, Arc::new(NoopObserver)).await.map_err(|error| error.to_string())?;
            // Set after the connection is added: with metadata, the integration would verify the repository, which this
            // API does not support.
            let metadata = json!({ "owner": "o", "repo": "r" }).as_object().cloned().unwrap_or_default();
            nango_runtime.store.change_metadata("github", &id.to_string(), MetadataChange::Replace(metadata)).await?;
        }
        Ok(Self { runtime: nango_runtime, connections, _folder: folder })
    }

    fn sync(&self, runtime: &tokio::runtime::Runtime) -> Outcome<Cost> {
        measure::in_process(|| {
            runtime.block_on(async {
                let start = |id: u64| {
                    let nango_runtime = self.runtime.clone();
                    let request = RunRequest::new("github", Target::Sync("repo-issues".to_owned()), id.to_string());
                    tokio::spawn(async move {
                        let done =
                            execute(&nango_runtime, request, CancellationToken::new(), Arc::new(NoopObserver)).await;
                        done.map(|done| done.totals).map_err(|error| error.to_string())
                    })
                };
                let running: Vec<_> = (0..self.connections).map(start).collect();
                let mut added = 0;
                for run in running {
                    added += run.await??.models.values().map(|counts| counts.added).sum::<u64>();
                }
                assert_eq!(added, CONNECTIONS * RECORDS_PER_CONNECTION);
                Ok(())
            })
        })
    }
}

async fn open_runtime(folder: &Path, url: &str) -> Outcome<Runtime> {
    let file = format!("[integrations.github]\nbase_url = \"{url}\"\n");
    let flags = Flags { database: Some(format!("sqlite:{}", folder.join("nango.db").display())), ..Flags::default() };
    let config = Config::load(Sources { flags, file: Some(("nango.toml".into(), file)), ..Sources::default() })?;
    let registry = Registry::load().map_err(|errors| format!("{errors:?}"))?;
    let catalogue = Catalogue::builtin();
    let mut settings = NetworkSettings::default();
    settings.policy = Arc::new(config.policy(&catalogue));
    let store = store::open(&config.database).await?;
    let network = Arc::new(NetworkTransport::with_settings(settings)?);
    Ok(Runtime::new(registry, catalogue, config, store, KeyRing::ephemeral()?, network, Arc::new(SystemClock)))
}
