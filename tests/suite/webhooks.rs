//! `run … --webhook`: delivery of a payload to the webhook handler of a sync.

use nango_tests::Output;
use serde_json::{Value, json};

use crate::synced_registry::SyncedRegistry;

fn deliver(synced: &SyncedRegistry, webhook_type: &str, payload: &Value) -> Output {
    synced.registry.write("payload.json", payload.to_string());
    synced.registry.run([
        "run",
        "github",
        "repo-issues",
        "--connection",
        "acme",
        "--webhook",
        webhook_type,
        "--input",
        "@payload.json",
        "--json",
    ])
}

#[test]
fn partial_payload_changes_only_its_own_fields() {
    let synced = SyncedRegistry::new();
    let before = synced.read(&["--limit", "1"])["records"][0].clone();
    let id: u64 = before["id"].as_str().expect("an id").parse().expect("a number");

    let report =
        deliver(&synced, "issues.edited", &json!({ "action": "edited", "issue": { "id": id, "title": "Renamed" } }));
    let report = report.expect(0).json();
    assert_eq!(report["type"], "on-webhook");
    assert_eq!(report["models"]["GithubIssue"]["updated"], 1, "{report:#}");

    let changed = synced.read(&["--filter", "updated"])["records"].clone();
    assert_eq!(changed.as_array().map(Vec::len), Some(1));
    assert_eq!((&changed[0]["title"], &changed[0]["body"]), (&json!("Renamed"), &before["body"]));
    assert_eq!(changed[0]["_nango_metadata"]["last_action"], "UPDATED");
}

#[test]
fn event_older_than_stored_record_is_skipped_and_counted() {
    let synced = SyncedRegistry::new();
    let before = synced.read(&["--limit", "1"])["records"][0].clone();
    let id: u64 = before["id"].as_str().expect("an id").parse().expect("a number");
    let event = |title: &str, updated_at: &str| {
        let issue = json!({ "id": id, "title": title, "updated_at": updated_at });
        deliver(&synced, "issues.edited", &json!({ "action": "edited", "issue": issue })).expect(0).json()
    };

    let newer = event("Of today", &jiff::Timestamp::now().to_string());
    assert_eq!(newer["models"]["GithubIssue"]["updated"], 1, "{newer:#}");
    assert_eq!(newer["models"]["GithubIssue"].get("skipped_older"), None, "{newer:#}");
    let older = event("Of 2020", "2020-05-01T00:00:00Z");
    assert_eq!(older["models"]["GithubIssue"]["skipped_older"], 1, "{older:#}");
    assert_eq!(older["models"]["GithubIssue"]["updated"], 0, "{older:#}");
    let changed = synced.read(&["--filter", "updated"])["records"].clone();
    assert_eq!(changed.as_array().map(Vec::len), Some(1));
    assert_eq!(changed[0]["title"], "Of today");

    // The first full run that returns the older issue skips it, the second one applies it.
    let once = synced.sync();
    assert_eq!(
        (&once["models"]["GithubIssue"]["skipped_older"], &once["models"]["GithubIssue"]["deleted"]),
        (&json!(1), &json!(0))
    );
    let twice = synced.sync();
    assert_eq!(
        (&twice["models"]["GithubIssue"]["updated"], &twice["models"]["GithubIssue"]["deleted"]),
        (&json!(1), &json!(0))
    );
    let changed = synced.read(&["--filter", "updated"])["records"].clone();
    assert_eq!((changed.as_array().map(Vec::len), &changed[0]["title"]), (Some(1), &before["title"]));
}

#[test]
fn unknown_webhook_type_is_refused_with_known_types() {
    let synced = SyncedRegistry::new();
    let refused = deliver(&synced, "issues.edit", &json!({ "action": "edited", "issue": { "id": 1 } }));
    assert_eq!(refused.status, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("issues.edited"), "{}", refused.stderr);
}

#[test]
fn payload_of_wrong_shape_is_refused_and_changes_nothing() {
    let synced = SyncedRegistry::new();
    let refused =
        deliver(&synced, "issues.edited", &json!({ "action": "edited", "issue": { "id": "seven" } })).expect(2);
    let report = refused.json();
    assert_eq!(report["error"]["type"], "usage");
    assert!(report["error"]["message"].as_str().is_some_and(|message| message.contains("issue.id")), "{report:#}");
    assert_eq!(synced.read(&["--filter", "updated"])["records"], json!([]));
}
