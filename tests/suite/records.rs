//! `records`: reading the cache with the binary.

use integrations::standin::PAGED_REPOSITORY;
use serde_json::{Value, json};

use crate::synced_registry::SyncedRegistry;

fn ids(page: &Value) -> Vec<String> {
    let records = page["records"].as_array().expect("records");
    records.iter().map(|record| record["id"].as_str().expect("a written id").to_owned()).collect()
}

#[test]
fn record_has_model_fields_and_metadata() {
    let synced = SyncedRegistry::new();
    let record = synced.read(&["--limit", "1"])["records"][0].clone();
    let fields: Vec<&String> = record.as_object().expect("an object").keys().collect();
    assert_eq!(fields[..4], ["id", "number", "url", "title"]);
    let metadata = &record["_nango_metadata"];
    assert_eq!(metadata["last_action"], "ADDED");
    assert_eq!(metadata["first_seen_at"], metadata["last_modified_at"]);
    assert_eq!((&metadata["deleted_at"], &metadata["pruned_at"]), (&Value::Null, &Value::Null));
    assert!(metadata["first_seen_at"].as_str().is_some_and(|at| at.ends_with("+00:00")), "{metadata}");
    assert!(metadata["cursor"].as_str().is_some_and(|cursor| !cursor.is_empty()));
}

#[test]
fn cursor_reads_all_records_and_then_only_changes() {
    let synced = SyncedRegistry::new();
    let all = ids(&synced.read(&[]));
    let mut read_in_pages = Vec::new();
    let mut page = synced.read(&["--limit", "4"]);
    loop {
        read_in_pages.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page = synced.read(&["--limit", "4", "--cursor", cursor]);
    }
    assert_eq!(read_in_pages, all);

    let last = synced.read(&[])["records"].as_array().and_then(|all| all.last().cloned()).expect("a last record");
    let cursor = last["_nango_metadata"]["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(synced.read(&["--cursor", &cursor])["records"], json!([]));
    assert!(synced.standin.edit_issue(PAGED_REPOSITORY, 1, "A new title"));
    assert_eq!(synced.sync()["models"]["GithubIssue"]["updated"], 1);
    let changed = synced.read(&["--cursor", &cursor]);
    assert_eq!(changed["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(changed["records"][0]["title"], "A new title");
}

#[test]
fn record_deleted_upstream_is_restored_when_it_returns() {
    let synced = SyncedRegistry::new();
    let added = synced.standin.add_issue(PAGED_REPOSITORY, "To be deleted", &[]).expect("an issue");
    assert_eq!(synced.sync()["models"]["GithubIssue"]["added"], 1);
    assert!(synced.standin.delete_issue(PAGED_REPOSITORY, added));
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["deleted"], &counts["updated"]), (&json!(1), &json!(0)));
    let deleted = synced.read(&["--filter", "deleted"]);
    assert_eq!(deleted["records"][0]["title"], "To be deleted");
    let both = synced.read(&["--filter", "added,deleted", "--limit", "1000"]);
    assert_eq!(ids(&both).len(), ids(&synced.read(&["--limit", "1000"])).len());
}

#[test]
fn run_without_changes_writes_no_record() {
    let synced = SyncedRegistry::new();
    let before = synced.read(&["--limit", "1000"]);
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["added"], &counts["updated"], &counts["deleted"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(synced.read(&["--limit", "1000"]), before);
}

#[test]
fn followed_feed_prints_changes_when_they_are_committed() {
    let synced = SyncedRegistry::new();
    let read = ["records", "github", "GithubIssue", "--connection", "acme", "--follow", "--json"];
    let mut follower = synced.registry.start(read);
    follower.wait_until("the existing records", |running| running.stdout().matches("_nango_metadata").count() >= 20);
    synced.standin.add_issue(PAGED_REPOSITORY, "Just in time", &[]);
    synced.sync();
    follower.wait_until("the new record", |running| running.stdout().contains("Just in time"));
    follower.interrupt();
    assert!(matches!(follower.finish().status, Some(0 | 130)));
}

#[test]
fn dry_run_reports_changes_and_stores_nothing() {
    let synced = SyncedRegistry::new();
    synced.standin.add_issue(PAGED_REPOSITORY, "Not yet", &[]);
    let report = synced.registry.json(["run", "github", "repo-issues", "--connection", "acme", "--dry-run", "--json"]);
    assert_eq!(report["status"], "success");
    // Compared with the stored records: only the new one would change.
    let dry = &report["dry_run"]["GithubIssue"];
    let stored = synced.read(&["--limit", "1000"]);
    assert_eq!(dry["total"], 1, "{report:#}");
    assert_eq!(dry["records"][0]["title"], "Not yet", "{report:#}");
    let counts = &report["models"]["GithubIssue"];
    assert_eq!(
        (&counts["added"], &counts["updated"], &counts["deleted"]),
        (&json!(1), &json!(0), &json!(0)),
        "{report:#}"
    );
    assert_eq!(counts["unchanged"], json!(stored["records"].as_array().map(Vec::len)), "{report:#}");
    assert!(!stored.to_string().contains("Not yet"));

    // A real run has the same counts, and the next dry run finds no change.
    assert_eq!(synced.sync()["models"]["GithubIssue"], *counts);
    let dry_run = ["run", "github", "repo-issues", "--connection", "acme", "--dry-run"];
    let again = synced.registry.run(dry_run).expect(0).stdout;
    assert!(again.contains("GithubIssue: 0 records would change"), "{again}");
    // With --reset and an empty cache, a real run would add everything again.
    let emptied = synced.registry.json(dry_run.iter().chain(&["--reset", "--empty-cache", "--json"]));
    assert_eq!(emptied["models"]["GithubIssue"]["unchanged"], 0, "{emptied:#}");
    assert_eq!(
        synced.read(&["--limit", "1000"])["records"].as_array().map(Vec::len),
        counts["unchanged"].as_u64().and_then(|unchanged| usize::try_from(unchanged + 1).ok())
    );
}
