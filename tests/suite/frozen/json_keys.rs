//! Keys of all `--json` output, one `command: path` per line, and the values of keys that are enumerations.

use std::collections::BTreeSet;

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{DatabaseKind, Output, Registry, wait};
use serde_json::{Value, json};

use super::check;
use crate::{import, interruption, synced_registry::SyncedRegistry};

/// Two keys, so that the second can be rotated to.
const KEYS: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=";
/// Keys whose values are names of the product.
const ENUMERATIONS: [&str; 8] =
    ["type", "status", "reason", "pagination", "last_action", "problem", "state", "next_full_run"];

/// Paths of JSON output, by command.
#[derive(Default)]
struct Paths(BTreeSet<String>);

impl Paths {
    /// Adds the documents on stdout: one, or one per line.
    fn add(&mut self, command: &str, output: &Output) {
        let documents = serde_json::Deserializer::from_str(&output.stdout).into_iter::<Value>();
        let documents: Vec<Value> = documents.map(|document| document.expect("JSON")).collect();
        assert!(!documents.is_empty(), "{command} prints no JSON: {}", output.stderr);
        for document in documents {
            self.add_keys(command, "", &document);
        }
    }

    fn add_keys(&mut self, command: &str, path: &str, value: &Value) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    // A reason can also be a sentence, which is no name.
                    let is_name = |value: &&str| ENUMERATIONS.contains(&key.as_str()) && !value.contains(' ');
                    match value.as_str().filter(is_name) {
                        Some(value) => self.0.insert(format!("{command}: {path} = {value}")),
                        None => self.0.insert(format!("{command}: {path}")),
                    };
                    // The content of these is not frozen here: a schema has the keys of JSON Schema and of models, an
                    // output those of the function, an entry those of the catalogue's format.
                    if value.get("$schema").is_none() && !["output", "entry"].contains(&key.as_str()) {
                        self.add_keys(command, &path, value);
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.add_keys(command, &format!("{path}[]"), value)),
            _ => {}
        }
    }

    fn check(self, file: &str) {
        check(file, &self.0.into_iter().collect::<Vec<_>>());
    }
}

/// Returns the metadata of a connection to the larger repository.
fn metadata() -> String {
    let (owner, repo) = PAGED_REPOSITORY.split_once('/').expect("owner/name");
    json!({ "owner": owner, "repo": repo }).to_string()
}

/// Runs commands with `--json`, and collects the keys of their output.
struct KeyCollector<'a> {
    registry: &'a Registry,
    paths: Paths,
}

impl<'a> KeyCollector<'a> {
    fn new(registry: &'a Registry) -> Self {
        Self { registry, paths: Paths::default() }
    }

    fn run(&mut self, command: &str, args: &[&str], status: i32) -> Value {
        let words = command.split(' ').chain(args.iter().copied()).chain(["--json"]);
        let output = self.registry.run(words).expect(status);
        self.paths.add(command, &output);
        serde_json::from_str(&output.stdout).unwrap_or_default()
    }
}

const CONNECTION: [&str; 3] = ["github", "--connection", "acme"];
const DATASET: [&str; 4] = ["github", "GithubIssue", "--connection", "acme"];

#[test]
fn json_keys_of_functions_and_providers_are_frozen() {
    let registry = Registry::new();
    // vocabulary: allow (value in a golden file)
    registry.write("bad.yaml", "acme: { auth_mode: API_KEY, proxy: { base_url: 'https://${nowhere}' } }\n");
    let mut collector = KeyCollector::new(&registry);
    collector.run("list", &[], 0);
    for function in [
        ["github", "repo-issues"],
        ["github", "create-issue"],
        ["github", "check-repository"],
        ["github", "issue-changed"],
    ] {
        collector.run("describe", &function, 0);
    }
    collector.run("describe", &["jira", "projects"], 0);
    collector.run("describe", &["github", "no-such-function"], 2);
    let listed = collector.run("providers list", &[], 0);
    for provider in listed.as_array().expect("a list") {
        collector.run("providers show", &[provider["name"].as_str().expect("a name")], 0);
    }
    collector.run("providers check", &[], 0);
    collector.paths.add("providers check", &registry.run(["providers", "check", "--providers", "bad.yaml", "--json"]));
    collector.run("schema", &["--format", "json-schema", "--out", "schema.json"], 0);
    collector.run("schema", &["--format", "json-schema", "--integration", "jira"], 0);
    collector.run("demo", &[], 0);
    collector.paths.check("json_keys_of_functions.txt");
}

#[test]
fn json_keys_of_connections_and_runs_are_frozen() {
    let synced = SyncedRegistry::sync_first(wait(Standin::start()).expect("a stand-in"), Registry::new());
    let (registry, standin) = (&synced.registry, &synced.standin);
    let mut collector = KeyCollector::new(registry);
    let add = ["github", "other", "--auth", "oauth2", "--credentials"];
    let credentials = r#"{"access_token":"t","refresh_token":"r","expires_at":"2100-01-01T00:00:00Z"}"#;
    collector.run(
        "connection add",
        &[&add[..], &[credentials, "--metadata", r#"{"owner":"o","repo":"r"}"#]].concat(),
        1,
    );
    collector.run("connection add", &[&add[..], &[credentials, "--metadata", &metadata()]].concat(), 0);
    collector.run("connection list", &[], 0);
    collector.run("connection show", &["github", "acme"], 0);
    collector.run("connection show", &["github", "other", "--show-secrets"], 0);
    collector.run("connection show", &["github", "no-such-connection"], 2);
    // The stand-in does not serve the request that verifies a token.
    collector.run("connection test", &["github", "acme"], 1);
    collector.run("connection set-metadata", &["github", "other", &metadata()], 0);

    let run = |function: &'static str| [CONNECTION[0], function, CONNECTION[1], CONNECTION[2]];
    assert!(standin.edit_issue(PAGED_REPOSITORY, 1, "A new title"));
    collector.run("run", &run("repo-issues"), 0);
    collector.run("run", &[&run("repo-issues")[..], &["--dry-run", "--reset", "--empty-cache"]].concat(), 0);
    collector.run("run", &[&run("repo-issues-by-hand")[..], &["--record", "run.jsonl"]].concat(), 0);
    collector.run("replay", &["run.jsonl"], 0);
    collector.run("run", &[&run("create-issue")[..], &["--input", r#"{"title":"A"}"#]].concat(), 0);
    let elsewhere = ["--metadata", r#"{"owner":"no-such-owner","repo":"r"}"#];
    let failed = collector.run("run", &[&run("repo-issues")[..], &elsewhere].concat(), 1);
    collector.run("doctor", &[], 0);
    collector.run("runs list", &["github", "--since", "1h"], 0);
    collector.run("runs show", &[failed["run_id"].as_str().expect("an id")], 0);
    collector.run("runs show", &["00000000-0000-0000-0000-000000000000"], 2);
    let first = synced.read(&["--limit", "1"])["records"][0]["id"].clone();
    let id: u64 = first.as_str().expect("an id").parse().expect("a number");
    let issue = json!({ "action": "edited", "issue": { "id": id, "title": "Renamed" } }).to_string();
    collector.run("run", &[&run("repo-issues")[..], &["--webhook", "issues.edited", "--input", &issue]].concat(), 0);
    collector.run("records", &[&DATASET[..], &["--limit", "3"]].concat(), 0);
    collector.run("records", &[&DATASET[..], &["--all"]].concat(), 0);
    let follow: Vec<&str> = ["records"].into_iter().chain(DATASET).chain(["--follow", "--json"]).collect();
    let mut follower = registry.start(follow);
    follower.wait_until("a first record", |follower| follower.stdout().contains('\n'));
    let record: Value = serde_json::from_str(follower.stdout().lines().next().unwrap_or_default()).expect("a record");
    collector.paths.add_keys("records --follow", "", &record);
    drop(follower);
    collector.run("connection remove", &["github", "other"], 0);

    let hubspot = interruption::connected();
    let running = interruption::start_and_wait_for_page(&hubspot);
    running.interrupt();
    collector.paths.add("run", &running.finish().expect(130));
    collector.paths.add("run", &hubspot.run(interruption::RUN).expect(0));
    collector.paths.check("json_keys_of_runs.txt");
}

#[test]
fn json_keys_of_databases_are_frozen() {
    let mut registry = Registry::new();
    registry.env("NANGO_ENCRYPTION_KEY", KEYS);
    registry.env("NANGO_RETENTION_PRUNE_AFTER", "1h").env("NANGO_RETENTION_DELETE_AFTER", "2h");
    let synced = SyncedRegistry::sync_first(wait(Standin::start()).expect("a stand-in"), registry);
    let age = |hours: u64| {
        let time = hours * 3_600_000_000;
        let file = rusqlite::Connection::open(synced.registry.database()).expect("the database");
        let sql = format!(
            "UPDATE records SET first_seen_at = first_seen_at - {time}, modified_at = modified_at - {time}; \
             UPDATE datasets SET stamp = stamp - {time}, live = live + 5; \
             UPDATE runs SET started_at = started_at - {time}, finished_at = finished_at - {time}"
        );
        file.execute_batch(&sql).expect("statements");
    };
    let mut collector = KeyCollector::new(&synced.registry);
    let first = synced.read(&["--limit", "1"])["records"][0].clone();
    let cursor = first["_nango_metadata"]["cursor"].as_str().expect("a cursor").to_owned();
    collector.run("database check", &[], 0);
    collector.run("database backup", &["backup.db"], 0);
    collector.run("database copy", &["sqlite:nango.db", "sqlite:new.db"], 0);
    collector.run("database prune", &[&DATASET[..], &["--until", &cursor]].concat(), 0);
    collector.run("database erase", &[&DATASET[..], &["--id", first["id"].as_str().expect("an id")]].concat(), 0);
    collector.run("encryption status", &[], 0);
    collector.run("encryption on", &[], 0);
    collector.run("encryption rotate", &[], 0);
    collector.run("encryption off", &[], 0);
    collector.run("encryption status", &[], 0);
    let key = ["--name", "app", "--integration", "github", "--expires-in", "90d"];
    collector.run("api-keys create", &key, 0);
    collector.run("api-keys create", &key, 2);
    collector.run("api-keys list", &[], 0);
    collector.run("api-keys revoke", &["app"], 0);
    collector.run("webhooks key", &[], 0);
    age(1);
    collector.run("database check", &[], 1);
    collector.run("database check", &["--repair"], 0);
    collector.run("database retain", &["--dry-run"], 0);
    collector.run("database retain", &[], 0);
    age(1);
    collector.run("database retain", &[], 0);
    collector.run("database empty", &DATASET, 0);
    collector.run("database vacuum", &[], 0);
    collector.run("database check", &["--database", "no-such-database:x"], 3);
    collector.paths.check("json_keys_of_databases.txt");
}

#[test]
fn json_keys_of_imports_are_frozen() {
    let Some(fixture) = import::Fixture::new(DatabaseKind::Sqlite) else { return };
    for (integration, id) in [("github", "acme"), ("github", "other"), ("own", "b")] {
        fixture.add(integration, id, "t1");
    }
    let mut collector = KeyCollector::new(&fixture.target);
    let host = ["--host", fixture.source.url()];
    // The integration `own` does not exist here.
    collector.run("import nango", &[&host[..], &["--dry-run"]].concat(), 1);
    collector.run("import nango", &host, 1);
    fixture.add("github", "acme", "t2");
    collector.run("import nango", &host, 1);
    fixture.target.run(["connection", "set-metadata", "github", "other", r#"{"owner":"x","repo":"y"}"#]).expect(0);
    collector.run("import nango", &host, 1);
    collector.run("import nango", &[&host[..], &["--integration", "none"]].concat(), 2);
    collector.paths.check("json_keys_of_imports.txt");
}
