//! `registry database …`: checks, backups, copies, and commands that remove records.

use std::fs;

use integrations::standin::PAGED_REPOSITORY;
use serde_json::{Value, json};

use crate::synced_registry::SyncedRegistry;

const DATASET: [&str; 4] = ["github", "GithubIssue", "--connection", "acme"];

impl SyncedRegistry {
    fn database(&self, args: &[&str]) -> Value {
        self.registry.json(["database"].iter().chain(args).chain(&["--json"]))
    }

    /// Runs a maintenance command on the dataset.
    fn run_maintenance(&self, command: &str, args: &[&str]) -> Value {
        let words: Vec<&str> = [command].into_iter().chain(DATASET).chain(args.iter().copied()).collect();
        self.database(&words)
    }

    fn all(&self) -> Value {
        self.read(&["--all"])["records"].clone()
    }

    fn damage(&self, sql: &str) {
        let file = rusqlite::Connection::open(self.registry.database()).expect("the database");
        file.execute_batch(sql).expect("a statement");
    }
}

fn record_count(records: &Value) -> usize {
    records.as_array().map_or(0, Vec::len)
}

fn cursor(record: &Value) -> &str {
    record["_nango_metadata"]["cursor"].as_str().expect("a cursor")
}

#[test]
fn database_check_reports_problems_and_repairs_none() {
    let synced = SyncedRegistry::new();
    let sound = synced.database(&["check"]);
    assert_eq!((&sound["sound"], &sound["findings"]), (&json!(true), &json!([])));
    assert_eq!(sound["records"], json!(record_count(&synced.all())));

    synced.damage("UPDATE datasets SET live = live + 5");
    let found = synced.registry.run(["database", "check", "--json"]).expect(1).json();
    assert_eq!((&found["sound"], &found["findings"][0]["problem"]), (&json!(false), &json!("counts")));
    assert_eq!(found["findings"][0]["where"], "github acme GithubIssue");
    let repaired = synced.registry.run(["database", "check", "--repair"]).expect(0);
    assert!(
        repaired.stdout.contains("recounted") && repaired.stdout.ends_with("all problems repaired\n"),
        "{}",
        repaired.stdout
    );
    assert_eq!(synced.database(&["check"])["sound"], true);

    synced.damage("UPDATE records SET payload = x'7b' WHERE rid = 1");
    let unrepaired = synced.registry.run(["database", "check", "--repair"]).expect(1);
    assert!(
        unrepaired.stdout.contains("payload (github acme GithubIssue) remains: run the sync with --reset"),
        "{}",
        unrepaired.stdout
    );
    synced.registry.run(["run", "github", "repo-issues", "--connection", "acme", "--reset"]).expect(0);
    assert_eq!(synced.database(&["check"])["sound"], true);
}

#[test]
fn database_backup_opens_with_the_same_records() {
    let synced = SyncedRegistry::new();
    let before = synced.all();
    let made = synced.database(&["backup", "backup.db"]);
    assert_eq!((&made["file"], &made["records"]), (&json!("backup.db"), &json!(record_count(&before))));
    let again = synced.registry.run(["database", "backup", "backup.db"]).expect(3);
    assert!(again.stderr.contains("a backup replaces no file"), "{}", again.stderr);
    let dir = synced.registry.dir();
    fs::copy(dir.join("nango.db.key"), dir.join("backup.db.key")).expect("the key");
    // Every record, with its cursor.
    let backup = ["--database", "sqlite:backup.db"];
    assert_eq!(synced.read(&[&["--all"], &backup[..]].concat())["records"], before);
    assert_eq!(synced.database(&[&["check"], &backup[..]].concat())["sound"], true);
}

#[test]
fn database_copy_continues_feed_and_sync_of_its_source() {
    let synced = SyncedRegistry::new();
    let before = synced.all();
    let last_cursor = cursor(&before[record_count(&before) - 1]).to_owned();
    let copied = synced.database(&["copy", "sqlite:nango.db", "sqlite:new.db"]);
    assert_eq!(copied["rows"]["records"], json!(record_count(&before)));
    assert!(copied["rows"]["runs"].as_u64().is_some_and(|runs| runs > 0), "{copied}");
    let refused = synced.registry.run(["database", "copy", "sqlite:nango.db", "sqlite:new.db"]).expect(3);
    assert!(refused.stderr.contains("not empty"), "{}", refused.stderr);
    synced.registry.run(["database", "copy", "sqlite:nango.db", "sqlite:nango.db"]).expect(2);
    synced.registry.run(["database", "copy", "sqlite:none.db", "sqlite:other.db"]).expect(2);
    assert!(!synced.registry.dir().join("none.db").exists());

    let dir = synced.registry.dir();
    fs::copy(dir.join("nango.db.key"), dir.join("new.db.key")).expect("the key");
    fs::remove_file(synced.registry.database()).expect("the old database");
    fs::rename(dir.join("new.db"), synced.registry.database()).expect("the new database");
    assert_eq!(synced.all(), before);
    // The next run finds no other change, and a reader continues from its cursor.
    assert!(synced.standin.edit_issue(PAGED_REPOSITORY, 1, "A new title"));
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["added"], &counts["updated"]), (&json!(0), &json!(1)));
    let changed = synced.read(&["--cursor", &last_cursor])["records"].clone();
    assert_eq!((record_count(&changed), &changed[0]["title"]), (1, &json!("A new title")));
}

#[test]
fn records_are_pruned_erased_and_emptied() {
    let synced = SyncedRegistry::new();
    let before = synced.all();
    let third = cursor(&before[2]).to_owned();
    let pruned = synced.run_maintenance("prune", &["--until", &third, "--limit", "2"]);
    assert_eq!((&pruned["count"], &pruned["has_more"]), (&json!(2), &json!(true)));
    let pruned = synced.run_maintenance("prune", &["--until", &third]);
    assert_eq!((&pruned["count"], &pruned["has_more"]), (&json!(1), &json!(false)));
    let after = synced.all();
    assert_eq!((after[0].get("title"), &after[0]["id"]), (None, &before[0]["id"]));
    assert!(after[0]["_nango_metadata"]["pruned_at"].is_string());
    assert_eq!((cursor(&after[0]), &after[3]), (cursor(&before[0]), &before[3]));
    synced.registry.run([&["database", "prune"][..], &DATASET, &["--until", "x"]].concat()).expect(2);

    let ids = [&before[0], &before[5]].map(|record| record["id"].as_str().expect("an id"));
    let erased = synced.run_maintenance("erase", &["--id", ids[0], "--id", ids[1], "--id", "none"]);
    assert_eq!(erased["count"], 2);
    assert_eq!(record_count(&synced.all()), record_count(&before) - 2);

    let emptied = synced.run_maintenance("empty", &[]);
    assert_eq!(emptied["count"], json!(record_count(&before) - 2));
    assert_eq!(synced.all(), json!([]));
    assert_eq!(synced.database(&["check"])["sound"], true);
    // The next run adds them again, after the cursors of the removed records.
    let last = cursor(&before[record_count(&before) - 1]).to_owned();
    assert_eq!(synced.sync()["models"]["GithubIssue"]["added"], json!(record_count(&before)));
    assert_eq!(record_count(&synced.read(&["--cursor", &last, "--limit", "1000"])["records"]), record_count(&before));
    let reset = ["run", "github", "repo-issues", "--connection", "acme", "--reset", "--empty-cache", "--json"];
    assert_eq!(synced.registry.json(reset)["models"]["GithubIssue"]["added"], json!(record_count(&before)));
    synced.registry.run(["run", "github", "repo-issues", "--connection", "acme", "--empty-cache"]).expect(2);

    let unknown = synced.registry.run(["database", "empty", "github", "GithubIsue", "--connection", "acme"]).expect(2);
    assert!(unknown.stderr.contains("did you mean `GithubIssue`"), "{}", unknown.stderr);
}

#[test]
fn database_retain_prunes_and_empties_by_configured_age() {
    let mut synced = SyncedRegistry::new();
    let unset = synced.registry.run(["database", "retain"]).expect(3);
    assert!(unset.stderr.contains("[retention]") && unset.stderr.contains("NANGO_RETENTION_"), "{}", unset.stderr);
    synced.registry.env("NANGO_RETENTION_PRUNE_AFTER", "1h").env("NANGO_RETENTION_DELETE_AFTER", "2h");
    let young = synced.database(&["retain"]);
    assert_eq!(young, json!({ "dry_run": false, "emptied": [], "pruned": [], "busy": [] }));

    let hours = |hours: u64| format!("{}", hours * 3_600_000_000);
    let age = |time: &str| {
        synced.damage(&format!(
            "UPDATE records SET first_seen_at = first_seen_at - {time}, modified_at = modified_at - {time}; \
             UPDATE datasets SET stamp = stamp - {time}; \
             UPDATE runs SET started_at = started_at - {time}, finished_at = finished_at - {time}"
        ));
    };
    let records = record_count(&synced.all());
    age(&hours(1));
    let dry = synced.database(&["retain", "--dry-run"]);
    assert_eq!((&dry["pruned"][0]["count"], &dry["pruned"][0]["model"]), (&json!(records), &json!("GithubIssue")));
    assert!(synced.all()[0].get("title").is_some());
    assert_eq!(synced.database(&["retain"])["pruned"], dry["pruned"]);
    assert!(synced.all()[0].get("title").is_none());
    age(&hours(1));
    assert_eq!(synced.database(&["retain"])["emptied"][0]["count"], json!(records));
    assert_eq!(synced.all(), json!([]));
    assert_eq!(synced.sync()["models"]["GithubIssue"]["added"], json!(records));
}
