//! `run … --webhook`: the handler of a sync.

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{Registry, wait};
use serde_json::{Value, json};

fn synced() -> (Standin, Registry, Value) {
    let standin = wait(Standin::start()).expect("a stand-in");
    let registry = Registry::new();
    registry.base_url("github", standin.url());
    let (owner, repo) = PAGED_REPOSITORY.split_once('/').expect("owner/name");
    let metadata = json!({ "owner": owner, "repo": repo }).to_string();
    registry
        .run([
            "connection",
            "add",
            "github",
            "acme",
            "--auth",
            "bearer",
            "--credentials",
            "\"t\"",
            "--metadata",
            &metadata,
        ])
        .expect(0);
    registry.json(["run", "github", "repo-issues", "--connection", "acme", "--json"]);
    let first = records(&registry, &["--limit", "1"])["records"][0].clone();
    (standin, registry, first)
}

fn records(registry: &Registry, more: &[&str]) -> Value {
    let read = ["records", "github", "GithubIssue", "--connection", "acme", "--json"];
    registry.json(read.iter().chain(more))
}

fn hook(registry: &Registry, kind: &str, payload: &Value) -> nango_tests::Output {
    registry.write("payload.json", payload.to_string());
    registry.run([
        "run",
        "github",
        "repo-issues",
        "--connection",
        "acme",
        "--webhook",
        kind,
        "--input",
        "@payload.json",
        "--json",
    ])
}

#[test]
fn a_partial_payload_changes_only_what_it_carries() {
    let (_standin, registry, before) = synced();
    let id: u64 = before["id"].as_str().expect("an id").parse().expect("a number");

    let report =
        hook(&registry, "issues.edited", &json!({ "action": "edited", "issue": { "id": id, "title": "Renamed" } }));
    let report = report.expect(0).json();
    assert_eq!(report["type"], "on-webhook");
    assert_eq!(report["models"]["GithubIssue"]["updated"], 1, "{report:#}");

    let changed = records(&registry, &["--filter", "updated"])["records"].clone();
    assert_eq!(changed.as_array().map(Vec::len), Some(1));
    assert_eq!((&changed[0]["title"], &changed[0]["body"]), (&json!("Renamed"), &before["body"]));
    assert_eq!(changed[0]["_nango_metadata"]["last_action"], "UPDATED");
}

#[test]
fn a_type_that_nobody_takes_is_named_with_the_ones_that_are() {
    let (_standin, registry, _) = synced();
    let refused = hook(&registry, "issues.edit", &json!({ "action": "edited", "issue": { "id": 1 } }));
    assert_eq!(refused.status, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("issues.edited"), "{}", refused.stderr);
}

#[test]
fn a_payload_of_another_shape_is_refused_and_changes_nothing() {
    let (_standin, registry, _) = synced();
    let refused =
        hook(&registry, "issues.edited", &json!({ "action": "edited", "issue": { "id": "seven" } })).expect(1);
    let report = refused.json();
    assert_eq!(report["status"], "error");
    assert!(report["error"]["message"].as_str().is_some_and(|message| message.contains("issue.id")), "{report:#}");
    assert_eq!(records(&registry, &["--filter", "updated"])["records"], json!([]));
}
