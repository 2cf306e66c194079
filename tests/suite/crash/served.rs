//! A `registry serve` that is killed at random instants and started again, while a client triggers syncs and follows
//! the records of each by its cursor, all over HTTP. The reader sees no record twice and none of an earlier state, and
//! at the end it has the records of the API.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nango_tests::{
    DatabaseKind, Running,
    api_server::{self, API_KEY},
    http_client, lock,
    rng::{self, Rng},
    wait,
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{
    proof_sync::ProofSync,
    replica::Replica,
    scenario::Scenario,
    verify::{assert_same_records, texts},
};

/// Number of records of each sync at the start.
const RECORDS: u64 = 600;
/// Time for the syncs after the last kill.
const TIMEOUT: Duration = Duration::from_mins(1);

#[test]
fn server_process_killed_at_random_instants_loses_and_doubles_nothing_on_sqlite() {
    check(DatabaseKind::Sqlite);
}

#[test]
fn server_process_killed_at_random_instants_loses_and_doubles_nothing_on_postgres() {
    check(DatabaseKind::Postgres);
}

fn check(kind: DatabaseKind) {
    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let Some(database) = kind.create() else { return };
    let title = format!("NANGO_TEST_SEED={seed}, a killed process of the server");
    let mut scenario = Scenario::on_database(database, &title, rng.below(u64::MAX), RECORDS);
    scenario.registry.env("NANGO_API_KEY", API_KEY);
    let kills = if rng::is_long_run() { 500 } else { 6 };
    let mut server = serve(&scenario);
    let api = Api::new(&server.1);
    let reader = Reader::start(&api);
    for _ in 0..kills {
        scenario.change_upstream();
        api.trigger();
        thread::sleep(Duration::from_millis(rng.below(500)));
        server.0.kill_now();
        assert_eq!(server.0.finish().status, None, "the server ended by itself");
        scenario.log_step("the server is killed");
        server = serve(&scenario);
        api.set_url(&server.1);
    }
    // Deletes that await confirmation need further walks.
    let started = Instant::now();
    while !reader.has_all(&scenario) {
        assert!(started.elapsed() < TIMEOUT, "{}", reader.difference(&scenario));
        api.trigger();
        thread::sleep(Duration::from_millis(300));
    }
    let (rows, interrupted) = reader.stop();
    server.0.terminate();
    server.0.finish().expect(0);
    for sync in ProofSync::ALL {
        scenario.run_to_completion(sync);
        scenario.verify(sync);
    }
    println!("{kind:?}: {kills} kills, {rows} rows read, {interrupted} requests failed: 0 lost, 0 doubled");
}

fn serve(scenario: &Scenario) -> (Running, String) {
    api_server::serve(&scenario.registry, &[])
}

/// The API of the server, whose address changes with each start.
#[derive(Debug, Clone)]
struct Api {
    client: Client,
    url: Arc<Mutex<String>>,
}

impl Api {
    fn new(url: &str) -> Self {
        let client = http_client::builder().build().expect("a client");
        Self { client, url: Arc::new(Mutex::new(url.to_owned())) }
    }

    fn set_url(&self, url: &str) {
        url.clone_into(&mut lock(&self.url));
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", lock(&self.url));
        let request = self.client.request(method, url).bearer_auth(API_KEY);
        request
            .header("Connection-Id", "acme")
            .header("Provider-Config-Key", "proof")
            .header("Content-Type", "application/json")
    }

    /// Sends a request. Returns `None` if there is no complete response.
    fn send(request: RequestBuilder) -> Option<Value> {
        let (status, body) = wait(async move {
            let response = request.send().await.ok()?;
            Some((response.status().as_u16(), response.bytes().await.ok()?))
        })?;
        let json = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(status, 200, "{json:#}");
        Some(json)
    }

    /// Triggers all syncs, if the server runs.
    fn trigger(&self) {
        let names = ProofSync::ALL.map(ProofSync::name);
        let body = json!({ "provider_config_key": "proof", "connection_id": "acme", "syncs": names });
        Self::send(self.request(Method::POST, "/sync/trigger").body(body.to_string()));
    }

    /// Returns a page of the records of a sync after a cursor.
    fn page(&self, sync: ProofSync, cursor: Option<&str>) -> Option<Value> {
        let cursor: Vec<(&str, &str)> = cursor.map(|cursor| ("cursor", cursor)).into_iter().collect();
        let request = self.request(Method::GET, "/records").query(&[("model", sync.model()), ("limit", "70")]);
        Self::send(request.query(&cursor))
    }
}

/// Rows of the records of a sync that the reader has received.
#[derive(Debug, Default)]
struct Seen {
    replica: Replica,
    cursors: BTreeSet<String>,
    /// Time of the last change of each record.
    changed: BTreeMap<String, String>,
}

impl Seen {
    /// Applies a page. Each row is new, and later than the row of the same record before.
    fn apply(&mut self, sync: ProofSync, page: &Value) {
        let records = page["records"].as_array().expect("records");
        for record in records {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let (id, metadata) = (text(&record["id"]), &record["_nango_metadata"]);
            assert!(self.cursors.insert(text(&metadata["cursor"])), "{sync:?}: this row was read before: {record:#}");
            let at = text(&metadata["last_modified_at"]);
            let before = self.changed.insert(id, at.clone());
            assert!(before.is_none_or(|before| before < at), "{sync:?}: this row is older than before: {record:#}");
        }
        self.replica.apply(records);
    }
}

/// A client that reads the records of all syncs in a thread.
struct Reader {
    seen: Arc<[Mutex<Seen>; ProofSync::ALL.len()]>,
    interrupted: Arc<Mutex<u64>>,
    ended: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Reader {
    fn start(api: &Api) -> Self {
        let seen = Arc::<[Mutex<Seen>; _]>::default();
        let interrupted = Arc::<Mutex<u64>>::default();
        let ended = Arc::<AtomicBool>::default();
        let (api, shared) = (api.clone(), (Arc::clone(&seen), Arc::clone(&interrupted), Arc::clone(&ended)));
        let thread = thread::spawn(move || {
            let (seen, interrupted, ended) = shared;
            while !ended.load(Ordering::Relaxed) {
                for sync in ProofSync::ALL {
                    let cursor = lock(&seen[sync as usize]).replica.cursor.clone();
                    match api.page(sync, cursor.as_deref()) {
                        Some(page) => lock(&seen[sync as usize]).apply(sync, &page),
                        None => *lock(&interrupted) += 1,
                    }
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { seen, interrupted, ended, thread }
    }

    /// Returns whether the reader has exactly the records of the API.
    fn has_all(&self, scenario: &Scenario) -> bool {
        assert!(!self.thread.is_finished(), "the reader failed, see its message above");
        let has =
            |sync| lock(&self.seen[sync as usize]).replica.live_records == texts(&scenario.upstream_records(sync));
        ProofSync::ALL.into_iter().all(has)
    }

    /// Panics with the records that differ.
    fn difference(&self, scenario: &Scenario) -> &'static str {
        for sync in ProofSync::ALL {
            let live = lock(&self.seen[sync as usize]).replica.live_records.clone();
            assert_same_records(&live, &texts(&scenario.upstream_records(sync)), "the reader and the API");
        }
        "the reader has all records now"
    }

    /// Ends the reader, and returns the numbers of its rows and of the requests without a response.
    fn stop(self) -> (usize, u64) {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().expect("a reader without errors");
        let rows = self.seen.iter().map(|seen| lock(seen).cursors.len()).sum();
        (rows, *lock(&self.interrupted))
    }
}
