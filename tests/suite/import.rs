//! `registry import nango`: from a server of this program, and from a scripted source, to a database of its own.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, Router, extract::State, http::Uri};
use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{
    ApiServer, DatabaseKind, Output, Registry, TestDatabase, api_server::API_KEY, http_server::HttpServer, wait,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::synced_registry::texts_in_files;

const SECRETS: [&str; 4] = ["hush-token", "hush-refresh", "hush-app-secret", API_KEY];

pub(crate) struct Fixture {
    pub(crate) source: ApiServer,
    pub(crate) target: Registry,
    database: TestDatabase,
    _source_files: Registry,
    _standin: Standin,
}

impl Fixture {
    /// Starts a source, and prepares an empty target. Returns `None` if its database is not available here.
    pub(crate) fn new(kind: DatabaseKind) -> Option<Self> {
        let database = kind.create_migrated()?;
        let standin = wait(Standin::start()).expect("a stand-in");
        let mut files = Registry::new();
        let app = "client_id = \"app-1\"\nscopes = [\"repo\", \"user\"]\n";
        let own = "[integrations.own]\nprovider = \"slack\"\n";
        let github = format!("[integrations.github]\nbase_url = \"{}\"\n{app}", standin.url());
        files.config(&format!("{github}{own}"));
        files.env("NANGO_APP_GITHUB_CLIENT_SECRET", "hush-app-secret");
        let source = ApiServer::start(&mut files);
        let mut target = Registry::new();
        target.base_url("github", standin.url());
        target.use_database(&database).env("NANGO_IMPORT_KEY", API_KEY);
        Some(Self { source, target, database, _source_files: files, _standin: standin })
    }

    /// Adds a connection to the source, or replaces its credentials.
    pub(crate) fn add(&self, integration: &str, id: &str, token: &str) {
        let (owner, repo) = PAGED_REPOSITORY.split_once('/').expect("owner/name");
        let body = json!({
            "provider_config_key": integration, "connection_id": id,
            "credentials": { "type": "OAUTH2", "access_token": token, "refresh_token": "hush-refresh" },
            "metadata": { "owner": owner, "repo": repo }, "tags": { "plan": "pro" },
            "end_user": { "id": "u1", "organization": { "id": "o1" } },
        });
        self.source.send(Method::POST, "/connections", &body).expect(201);
    }

    fn import(&self, args: &[&str]) -> Output {
        self.target.run(["import", "nango", "--host", self.source.url()].iter().chain(args))
    }

    #[track_caller]
    fn summary(&self, args: &[&str], exit: i32) -> (Value, Vec<(String, String)>) {
        let report = self.import(&[&["--json"], args].concat()).expect(exit).json();
        let texts = |entry: &Value| (entry["connection_id"].to_string(), entry["status"].to_string());
        let connections = report["connections"].as_array().expect("a list").iter().map(texts).collect();
        (report, connections)
    }

    #[track_caller]
    fn assert_no_connection_is_stored(&self) {
        match self.database.on_server() {
            Some(database) => assert_eq!(database.sql("SELECT count(*) FROM nango_rs.connections").trim(), "0"),
            None => assert!(!self.target.database().exists(), "a dry run creates no database"),
        }
    }

    #[track_caller]
    fn assert_no_secret_is_stored_in_plain_text(&self) {
        const FIND: &str = "SELECT count(*) FROM nango_rs.connections c \
                            WHERE position('hush'::bytea IN c.credentials) > 0 OR c::text LIKE '%hush%'";
        assert_eq!(texts_in_files(self.target.dir(), &SECRETS.map(str::to_owned).into()), BTreeSet::new());
        if let Some(database) = self.database.on_server() {
            assert_eq!(database.sql(FIND).trim(), "0");
        }
    }
}

fn pairs(expect: &[(&str, &str)]) -> Vec<(String, String)> {
    expect.iter().map(|(id, status)| (format!("\"{id}\""), format!("\"{status}\""))).collect()
}

#[test]
fn import_into_sqlite_copies_connections_and_is_repeatable() {
    check_repeated_import(DatabaseKind::Sqlite);
}

#[test]
fn import_into_postgres_copies_connections_and_is_repeatable() {
    check_repeated_import(DatabaseKind::Postgres);
}

fn check_repeated_import(kind: DatabaseKind) {
    let Some(fixture) = Fixture::new(kind) else { return };
    fixture.add("github", "a/b c", "hush-token");
    fixture.add("github", "acme", "hush-token");
    let dry = fixture.import(&["--dry-run"]).expect(0);
    assert!(dry.stdout.contains("would create connection acme of github"), "{}", dry.stdout);
    fixture.assert_no_connection_is_stored();
    assert!(dry.stderr.contains("2 connections with a refresh token"), "{}", dry.stderr);
    for part in
        ["[integrations.github]", "client_id = \"app-1\"", "scopes = [\"repo\", \"user\"]", "[integrations.own]"]
    {
        assert!(dry.stdout.contains(part), "{part}: {}", dry.stdout);
    }
    assert!(dry.stdout.contains("set the environment variable NANGO_APP_GITHUB_CLIENT_SECRET"), "{}", dry.stdout);

    let both = |status| pairs(&[("a/b c", status), ("acme", status)]);
    let (report, connections) = fixture.summary(&[], 0);
    assert_eq!((connections, &report["summary"]["created"]), (both("created"), &json!(2)));
    let shown =
        |show: &[&str]| fixture.target.json(["connection", "show", "github", "a/b c", "--json"].iter().chain(show));
    let first = shown(&["--show-secrets"]);
    assert_eq!(
        (&first["credentials"]["access_token"], &first["credentials"]["refresh_token"]),
        (&json!("hush-token"), &json!("hush-refresh"))
    );
    assert_eq!((&first["tags"]["plan"], &first["end_user"]["organization"]["id"]), (&json!("pro"), &json!("o1")));
    assert_eq!(fixture.summary(&[], 0).1, both("unchanged"));
    assert_eq!(shown(&["--show-secrets"]), first);

    // The source changes, then the connection here.
    fixture.add("github", "a/b c", "hush-token-2");
    assert_eq!(fixture.summary(&[], 0).1, pairs(&[("a/b c", "updated"), ("acme", "unchanged")]));
    assert_eq!(shown(&["--show-secrets"])["credentials"]["access_token"], "hush-token-2");
    fixture.target.run(["connection", "set-metadata", "github", "acme", r#"{"owner":"x","repo":"y"}"#]).expect(0);
    assert_eq!(fixture.summary(&[], 0).1, pairs(&[("a/b c", "unchanged"), ("acme", "newer")]));
    let kept = fixture.import(&[]).expect(0);
    assert!(kept.stdout.contains("kept connection acme of github: it is newer here"), "{}", kept.stdout);
    assert_eq!(fixture.summary(&["--overwrite-newer"], 0).1, pairs(&[("a/b c", "unchanged"), ("acme", "updated")]));

    let all = [dry.stdout, dry.stderr, report.to_string(), kept.stdout, kept.stderr].concat();
    assert!(SECRETS.iter().all(|secret| !all.contains(secret)), "{all}");
    fixture.assert_no_secret_is_stored_in_plain_text();
}

#[test]
fn connection_of_a_missing_integration_is_skipped_and_named() {
    let Some(fixture) = Fixture::new(DatabaseKind::Sqlite) else { return };
    fixture.add("github", "acme", "hush-token");
    fixture.add("own", "b", "hush-token");
    let (report, connections) = fixture.summary(&[], 1);
    assert_eq!(connections, pairs(&[("acme", "created"), ("b", "skipped")]));
    assert_eq!(report["connections"][1]["reason"], "the integration `own` does not exist here");
    assert_eq!(fixture.summary(&["--integration", "github"], 0).1, pairs(&[("acme", "unchanged")]));
    let unknown = fixture.import(&["--integration", "none"]).expect(2);
    assert!(unknown.stderr.contains("the source has no `none`"), "{}", unknown.stderr);
}

#[test]
fn key_is_read_from_stdin_and_a_refused_one_is_reported() {
    let Some(fixture) = Fixture::new(DatabaseKind::Sqlite) else { return };
    let args = ["import", "nango", "--host", fixture.source.url(), "--key", "-", "--dry-run"];
    fixture.target.run_with_input(args, API_KEY).expect(0);
    let refused = fixture.target.run_with_input(args, "hush-key-of-another-server-0123456789").expect(1);
    assert!(refused.stderr.contains("returned 401") && !refused.stderr.contains("hush"), "{}", refused.stderr);
    let inline = fixture.import(&["--key", "hush"]).expect(2);
    assert!(inline.stderr.contains("pass the key as @FILE") && !inline.stderr.contains("hush"), "{}", inline.stderr);
}

/// A source with the connections `a`, `b` and `c`, which does not answer requests for one path until it is released.
struct BlockingSource {
    server: HttpServer,
    state: Arc<Blocking>,
}

struct Blocking {
    path: &'static str,
    requested: watch::Sender<bool>,
    released: watch::Sender<bool>,
}

impl BlockingSource {
    fn start(path: &'static str) -> Self {
        let state =
            Arc::new(Blocking { path, requested: watch::Sender::new(false), released: watch::Sender::new(false) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        Self { server: HttpServer::start(router), state }
    }

    /// Starts an import, interrupts it after the request of the blocked path, and returns its output.
    fn interrupt_import(&self, target: &Registry) -> Output {
        let mut importing = target.start(self.args());
        importing.wait_until("the request that is not answered", |_| *self.state.requested.borrow());
        importing.interrupt();
        let stopped = importing.finish().expect(130);
        let printed = format!("{}{}", stopped.stdout, stopped.stderr);
        assert!(!printed.contains("hush"), "{printed}");
        stopped
    }

    fn args(&self) -> [&str; 5] {
        ["import", "nango", "--host", self.server.url(), "--json"]
    }
}

async fn answer(State(source): State<Arc<Blocking>>, uri: Uri) -> Json<Value> {
    if uri.path() == source.path {
        source.requested.send_replace(true);
        let released = source.released.subscribe().wait_for(|released| *released).await.is_ok();
        assert!(released, "the source ends after its last request");
    }
    let rows = ["a", "b", "c"].map(|id| json!({ "connection_id": id, "provider_config_key": "hubspot" }));
    Json(match uri.path() {
        "/integrations" => json!({ "data": [{ "unique_key": "hubspot", "provider": "hubspot" }] }),
        "/integrations/hubspot" => json!({ "data": { "unique_key": "hubspot", "provider": "hubspot" } }),
        "/connections" => json!({ "connections": rows }),
        path => json!({
            "credentials": { "type": "OAUTH2", "access_token": "hush-token", "refresh_token": "hush-refresh" },
            "metadata": { "path": path }, "tags": { "plan": "pro" },
        }),
    })
}

/// Returns a target on a new database, with the key of a scripted source. `None`: the database is not available here.
fn target_of_scripted_source(kind: DatabaseKind) -> Option<(Registry, TestDatabase)> {
    let database = kind.create_migrated()?;
    let mut target = Registry::new();
    target.use_database(&database).env("NANGO_IMPORT_KEY", "hush-key-of-the-source");
    Some((target, database))
}

#[test]
fn interrupted_import_keeps_whole_connections_and_the_next_one_completes_it() {
    for kind in DatabaseKind::BOTH {
        let Some((target, _database)) = target_of_scripted_source(kind) else { continue };
        let source = BlockingSource::start("/connections/c");
        let stopped = source.interrupt_import(&target);
        let report = stopped.json();
        let statuses = report["connections"].as_array().expect("a list").iter().map(|entry| &entry["status"]);
        assert_eq!(statuses.collect::<Vec<_>>(), ["created", "created"]);
        assert_eq!(report["error"], "interrupted");
        assert!(
            stopped.stderr.contains("interrupted: 1 connection not read; what was imported stays"),
            "{}",
            stopped.stderr
        );
        let stored = |id: &str| {
            let show = ["connection", "show", "hubspot", id, "--show-secrets", "--json"];
            let shown = target.json(show);
            assert_eq!(shown["metadata"], json!({ "path": format!("/connections/{id}") }));
            assert_eq!(shown["tags"], json!({ "plan": "pro" }));
            let credentials = &shown["credentials"];
            assert_eq!(
                (&credentials["access_token"], &credentials["refresh_token"]),
                (&json!("hush-token"), &json!("hush-refresh"))
            );
            shown
        };
        let first = ["a", "b"].map(stored);
        target.run(["connection", "show", "hubspot", "c"]).expect(2);

        source.state.released.send_replace(true);
        let report = target.json(source.args());
        let expect = json!({ "created": 1, "updated": 0, "unchanged": 2, "newer": 0, "skipped": 0 });
        assert_eq!((&report["error"], &report["summary"]), (&Value::Null, &expect));
        assert_eq!(["a", "b"].map(stored), first);
        stored("c");
    }
}

#[test]
fn import_that_is_interrupted_before_its_list_writes_nothing() {
    let Some((target, _database)) = target_of_scripted_source(DatabaseKind::Sqlite) else { return };
    let source = BlockingSource::start("/connections");
    let stopped = source.interrupt_import(&target);
    assert_eq!(stopped.json()["error"]["type"], "script_aborted", "{}", stopped.stdout);
    assert_eq!(target.json(["connection", "list", "--json"])["connections"], json!([]));
}

#[test]
fn missing_key_is_reported_without_a_prompt_when_there_is_no_terminal() {
    let target = Registry::new();
    let refused = target.run(["import", "nango", "--host", "http://127.0.0.1:9"]).expect(2);
    assert!(
        refused.stderr.contains("the key of the source is missing: pass --key @FILE or --key -"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("(hidden)"), "{}", refused.stderr);
    assert!(!target.database().exists());
}
