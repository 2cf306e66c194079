//! Databases created by the previous version: the current `registry` opens, decrypts, resumes and reads them.
//!
//! The databases are checked in under `tests/fixtures/previous_version`, with the JSON that the previous version
//! printed for them; the README there explains how they are created. Resume points depend on the base URL, so the API
//! has a fixed one, and the processes reach the test's own server through `http_proxy`.

mod api;
mod database;
mod make;

use std::path::Path;

use nango_tests::{DatabaseKind, Registry};
use rusqlite::Connection;
use serde_json::{Value, json};

use api::{ACCESS_TOKEN, API_KEY, Api, BEARER_TOKEN, PAGE, REFRESH_TOKEN};
use database::{Fixture, OpenedDatabase};

const CONTACTS: [&str; 6] = ["run", "hubspot", "contacts", "--connection", "acme", "--json"];
const ISSUES: [&str; 6] = ["run", "github", "repo-issues", "--connection", "acme", "--json"];
const HELD_ISSUES: [&str; 6] = ["run", "github", "repo-issues", "--connection", "held", "--json"];
const NOTES: [&str; 6] = ["run", "proof", "notes", "--connection", "acme", "--json"];

/// Datasets in the fixtures: integration, model, connection.
const DATASETS: [[&str; 3]; 4] = [
    ["github", "GithubIssue", "acme"],
    ["github", "GithubIssue", "held"],
    ["hubspot", "HubspotContact", "acme"],
    ["proof", "Note", "acme"],
];
const CONNECTIONS: [[&str; 2]; 4] = [["github", "acme"], ["github", "held"], ["hubspot", "acme"], ["proof", "acme"]];

#[test]
fn sqlite_database_of_previous_version_is_read_and_resumed() {
    check(Fixture { kind: DatabaseKind::Sqlite, sealed: false });
}

#[test]
fn sqlite_database_with_sealed_payloads_of_previous_version_is_read_and_resumed() {
    check(Fixture { kind: DatabaseKind::Sqlite, sealed: true });
}

#[test]
fn postgres_database_of_previous_version_is_read_and_resumed() {
    check(Fixture { kind: DatabaseKind::Postgres, sealed: false });
}

#[test]
fn postgres_database_with_sealed_payloads_of_previous_version_is_read_and_resumed() {
    check(Fixture { kind: DatabaseKind::Postgres, sealed: true });
}

fn check(fixture: Fixture) {
    let Some(opened) = OpenedDatabase::load(fixture) else { return };
    let printed = fixture.printed();
    assert_output_of_previous_version_is_reproduced(&opened, &printed);
    assert_interrupted_run_is_resumed(&opened, &printed);
    assert_run_continues_at_stored_checkpoint(&opened);
    assert_held_deletes_are_kept(&opened);
    let report = opened.registry.json(ISSUES);
    let counts = &report["models"]["GithubIssue"];
    assert_eq!((&counts["added"], &counts["updated"], &counts["deleted"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(opened.registry.json(["database", "check", "--json"])["sound"], true);
}

fn assert_output_of_previous_version_is_reproduced(opened: &OpenedDatabase, printed: &Value) {
    let now = opened.print(Some(printed));
    assert_includes(&now, printed, "");
    let sound = opened.registry.json(["database", "check", "--json"]);
    assert_eq!((&sound["sound"], &sound["findings"]), (&json!(true), &json!([])));
    assert_eq!(printed["connections"]["hubspot acme"]["credentials"]["refresh_token"], REFRESH_TOKEN);
}

/// Asserts that the run that was interrupted before its fourth page requests that page first.
fn assert_interrupted_run_is_resumed(opened: &OpenedDatabase, printed: &Value) {
    let resumed = opened.registry.run(CONTACTS).expect(0);
    let requests = opened.api.take_requests();
    let expected = format!("Bearer {ACCESS_TOKEN} /crm/v3/objects/contacts?");
    assert!(requests[0].starts_with(&expected) && requests[0].contains("&after=c3"), "{requests:#?}");
    assert_eq!(requests.len(), 3, "{requests:#?}");
    assert!(
        resumed.stderr.contains("resuming the walk that started"),
        "the log names the interrupted walk: {}",
        resumed.stderr
    );
    let report = resumed.json();
    let counts = &report["models"]["HubspotContact"];
    assert_eq!((&report["status"], &counts["added"]), (&json!("success"), &json!(3 * PAGE)), "{report:#}");
    assert_eq!((&counts["unchanged"], &counts["deleted"]), (&json!(0), &json!(0)), "{report:#}");
    // The feed continues after the last cursor that the previous version printed.
    let before = printed["records"]["hubspot HubspotContact acme"]["records"].as_array().expect("records");
    let last = before.last().and_then(|record| record["_nango_metadata"]["cursor"].as_str()).expect("a cursor");
    let new = opened.records(["hubspot", "HubspotContact", "acme"], &["--all", "--cursor", last]);
    let ids: Vec<_> = new["records"].as_array().expect("records").iter().map(|record| record["id"].clone()).collect();
    let expected: Vec<_> = (3 * PAGE..6 * PAGE).map(|i| json!(format!("{i:04}"))).collect();
    assert_eq!(ids, expected);
}

/// Asserts that the sync that failed after its second page starts at the checkpoint of that page.
fn assert_run_continues_at_stored_checkpoint(opened: &OpenedDatabase) {
    let report = opened.proof.json(NOTES);
    let requests = opened.api.take_requests();
    assert_eq!(requests[0], format!("Bearer {API_KEY} /notes?limit=100&after=n2"), "{requests:#?}");
    assert_eq!((&report["status"], &report["models"]["Note"]["added"]), (&json!("success"), &json!(PAGE)));
}

/// Asserts that deletes held by the guard are still held after another walk, and dropped when the records exist again.
fn assert_held_deletes_are_kept(opened: &OpenedDatabase) {
    let held_issues = opened.api.replace_issues("held", Vec::new());
    let report = opened.registry.json(HELD_ISSUES);
    let requests = opened.api.take_requests();
    assert!(requests[0].starts_with(&format!("Bearer {BEARER_TOKEN} /repos/o/held/issues?")), "{requests:#?}");
    let waiting = &report["waiting_deletes"]["GithubIssue"];
    assert_eq!(
        (&waiting["deletes_held"], &waiting["held_by"]),
        (&json!(held_issues.len()), &json!("guard")),
        "{report:#}"
    );
    assert_eq!(report["models"]["GithubIssue"]["deleted"], 0, "{report:#}");
    opened.api.replace_issues("held", held_issues);
    let report = opened.registry.json(HELD_ISSUES);
    assert_eq!(report["waiting_deletes"], Value::Null, "{report:#}");
    assert_eq!(report["models"]["GithubIssue"]["unchanged"], 20, "{report:#}");
}

impl OpenedDatabase {
    /// Returns the JSON that the commands print for the database. `earlier` is an earlier result; its feed cursor is
    /// used again.
    fn print(&self, earlier: Option<&Value>) -> Value {
        let mut printed = json!({
            "list": self.registry.json(["connection", "list", "--json"]),
            "encryption": self.registry.json(["encryption", "status", "--json"]),
            "runs": self.runs(),
        });
        for [integration, id] in CONNECTIONS {
            let show = ["connection", "show", integration, id, "--show-secrets", "--json"];
            printed["connections"][format!("{integration} {id}")] = self.registry_of(integration).json(show);
        }
        for dataset in DATASETS {
            printed["records"][dataset.join(" ")] = self.records(dataset, &["--all"]);
        }
        let first = || self.records(DATASETS[0], &["--limit", "3"])["next_cursor"].clone();
        let cursor = earlier.map_or_else(first, |earlier| earlier["cursor"].clone());
        let rest = ["--all", "--cursor", cursor.as_str().expect("a cursor")];
        printed["behind_cursor"] = self.records(DATASETS[0], &rest);
        printed["cursor"] = cursor;
        printed
    }

    fn records(&self, [integration, model, connection]: [&str; 3], extra_args: &[&str]) -> Value {
        let read = ["records", integration, model, "--connection", connection, "--json"];
        self.registry_of(integration).json(read.iter().chain(extra_args))
    }

    fn registry_of(&self, integration: &str) -> &Registry {
        if integration == "proof" { &self.proof } else { &self.registry }
    }

    /// Returns the stored runs, which no command prints: function, status, error kind and number of log lines, read
    /// from a copy of the database.
    fn runs(&self) -> Value {
        let copy = self.registry.dir().join("copy.db");
        let target = format!("sqlite:{}", copy.display());
        self.registry.run(["database", "copy", &self.url, &target]).expect(0);
        let runs = read_runs(&copy).expect("the runs of the copy");
        std::fs::remove_file(&copy).expect("the copy");
        runs
    }
}

fn read_runs(database: &Path) -> rusqlite::Result<Value> {
    let database = Connection::open(database)?;
    let mut runs = database.prepare(
        "SELECT json_array(f.name, f.connection, r.status, r.error ->> '$.kind',
             (SELECT count(*) FROM run_logs l WHERE l.run = r.row))
         FROM runs r JOIN functions f ON f.id = r.function ORDER BY r.row",
    )?;
    let texts = runs.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(texts.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON")).collect())
}

/// Asserts that `now` contains everything in `printed`; a later version may print additional keys.
#[track_caller]
fn assert_includes(now: &Value, printed: &Value, path: &str) {
    match (now, printed) {
        (Value::Object(now), Value::Object(printed)) => {
            for (key, printed) in printed {
                assert_includes(now.get(key).unwrap_or(&Value::Null), printed, &format!("{path}.{key}"));
            }
        }
        (Value::Array(now), Value::Array(printed)) => {
            assert_eq!(now.len(), printed.len(), "{path}");
            for (i, (now, printed)) in now.iter().zip(printed).enumerate() {
                assert_includes(now, printed, &format!("{path}[{i}]"));
            }
        }
        _ => assert_eq!(now, printed, "{path}"),
    }
}
