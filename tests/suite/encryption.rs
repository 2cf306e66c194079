//! `encryption …` commands: contents of the files on disk, and key rotation.

use std::{collections::BTreeSet, fs};

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{Registry, postgres, wait};
use serde_json::json;

use crate::synced_registry::{SyncedRegistry, texts, texts_in_files};

const FIRST_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SECOND_KEY: &str = "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=";

fn nothing_found() -> BTreeSet<String> {
    BTreeSet::new()
}

#[test]
fn database_created_with_encryption_never_contains_plain_payload() {
    let standin = wait(Standin::start()).expect("a stand-in");
    let mut registry = Registry::new();
    registry.env("NANGO_ENCRYPT_RECORDS", "true");
    let synced = SyncedRegistry::sync_first(standin, registry);
    let mut follower =
        synced.registry.start(["records", "github", "GithubIssue", "--connection", "acme", "--follow", "--json"]);
    follower.wait_until("a first record", |follower| !follower.stdout().is_empty());
    assert!(synced.standin.edit_issue(PAGED_REPOSITORY, 1, "A confidential title"));
    assert_eq!(synced.sync()["models"]["GithubIssue"]["updated"], 1);
    let all = synced.read(&["--limit", "1000"]);
    let texts = texts(&all);
    assert!(texts.contains("A confidential title") && texts.len() > 20, "{texts:?}");
    // A process has the database open, so its log exists.
    assert!(synced.registry.dir().join("nango.db-wal").exists());
    assert_eq!(texts_in_files(synced.registry.dir(), &texts), nothing_found());
    drop(follower);
    assert_eq!(texts_in_files(synced.registry.dir(), &texts), nothing_found());
    let status = synced.registry.json(["encryption", "status", "--json"]);
    assert_eq!((&status["payloads"], &status["unfinished"]), (&json!(true), &json!(false)));
    assert_eq!(status["keys"][0]["records"], all["records"].as_array().map_or(0, Vec::len));
    assert_eq!(status["keys"][0]["active"], true);
    assert_eq!(synced.sync()["models"]["GithubIssue"]["updated"], 0);
}

#[test]
fn database_sealed_later_contains_no_plain_payload() {
    let synced = SyncedRegistry::new();
    assert!(synced.standin.edit_issue(PAGED_REPOSITORY, 2, "A second title"));
    synced.sync();
    let all = synced.read(&["--limit", "1000"]);
    let count = all["records"].as_array().map_or(0, Vec::len);
    let texts = texts(&all);
    assert_eq!(texts_in_files(synced.registry.dir(), &texts).len(), texts.len());

    let on = synced.registry.json(["encryption", "on", "--json"]);
    assert_eq!((&on["payloads"], &on["unfinished"]), (&json!(true), &json!(false)));
    assert_eq!((&on["changed"], &on["unopened"]), (&json!(count), &json!(0)));
    assert_eq!(texts_in_files(synced.registry.dir(), &texts), nothing_found());
    assert_eq!(synced.read(&["--limit", "1000"]), all);
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["added"], &counts["updated"]), (&json!(0), &json!(0)));
    assert_eq!(texts_in_files(synced.registry.dir(), &texts), nothing_found());

    synced.registry.run(["encryption", "off"]).expect(0);
    assert_eq!(synced.read(&["--limit", "1000"]), all);
    assert_eq!(texts_in_files(synced.registry.dir(), &texts).len(), texts.len());
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["added"], &counts["updated"]), (&json!(0), &json!(0)));
}

#[test]
fn new_key_is_distributed_then_activated_then_old_key_is_removed() {
    let standin = wait(Standin::start()).expect("a stand-in");
    let mut registry = Registry::new();
    registry.env("NANGO_ENCRYPT_RECORDS", "true").env("NANGO_ENCRYPTION_KEY", FIRST_KEY);
    let mut synced = SyncedRegistry::sync_first(standin, registry);
    let all = synced.read(&["--limit", "1000"]);
    let early = synced.registry.run(["encryption", "rotate"]).expect(2);
    assert!(early.stderr.contains("NANGO_ENCRYPTION_KEY") && early.stderr.contains("none to rotate to"));
    let refused = synced.registry.run(["encryption", "rotate", "--new-key"]).expect(2);
    assert!(refused.stderr.contains("append a new one"), "{}", refused.stderr);

    // The new key is distributed; nothing uses it yet.
    synced.registry.env("NANGO_ENCRYPTION_KEY", format!("{FIRST_KEY},{SECOND_KEY}"));
    synced.sync();
    let before = synced.registry.json(["encryption", "status", "--json"]);
    assert_eq!((&before["keys"][0]["active"], &before["keys"][1]["records"]), (&json!(true), &json!(0)));
    assert_eq!(before["keys"][1]["removable"], false);

    let rotated = synced.registry.json(["encryption", "rotate", "--json"]);
    let [old, new] = [&rotated["keys"][0], &rotated["keys"][1]];
    assert_eq!((&old["removable"], &old["records"], &old["credentials"]), (&json!(true), &json!(0), &json!(0)));
    assert_eq!((&new["active"], &new["credentials"]), (&json!(true), &json!(1)));
    assert_eq!(new["records"], all["records"].as_array().map_or(0, Vec::len));
    assert_eq!(synced.read(&["--limit", "1000"]), all);

    // A process without the new key reports the key that it needs, and writes nothing.
    synced.registry.env("NANGO_ENCRYPTION_KEY", FIRST_KEY);
    let needed = new["key"].as_str().expect("a key's name");
    let read = synced.registry.run(["records", "github", "GithubIssue", "--connection", "acme"]).expect(3);
    assert!(read.stderr.contains(needed) && read.stderr.contains("NANGO_ENCRYPTION_KEY"), "{}", read.stderr);
    let add = ["connection", "add", "github", "late", "--auth", "bearer", "--credentials", "\"t\""];
    let add = synced.registry.run(add).expect(3);
    assert!(add.stderr.contains(needed) && !add.stderr.contains(FIRST_KEY), "{}", add.stderr);

    // The old key is removed.
    synced.registry.env("NANGO_ENCRYPTION_KEY", SECOND_KEY);
    assert_eq!(synced.read(&["--limit", "1000"]), all);
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["added"], &counts["updated"]), (&json!(0), &json!(0)));
    let connections = synced.registry.json(["connection", "list", "--json"]);
    assert_eq!(connections["connections"].as_array().map(Vec::len), Some(1));
}

#[test]
fn database_on_server_is_encrypted_and_rotated() {
    let Some(database) = postgres::create_empty_database() else { return };
    let standin = wait(Standin::start()).expect("a stand-in");
    let mut registry = Registry::new();
    registry.env("NANGO_DATABASE_URL", &database.url).env("NANGO_ENCRYPTION_KEY", FIRST_KEY);
    let mut synced = SyncedRegistry::sync_first(standin, registry);
    let all = synced.read(&["--limit", "1000"]);
    let count = all["records"].as_array().map_or(0, Vec::len);
    let status = synced.registry.run(["encryption", "status"]).expect(0);
    assert!(status.stdout.contains("New payloads are plain"), "{}", status.stdout);

    let on = synced.registry.run(["encryption", "on"]).expect(0);
    assert!(on.stdout.contains(&format!("{count} changed")), "{}", on.stdout);
    // The command reports what it cannot remove itself.
    assert!(on.stderr.contains("VACUUM FULL nango_rs.records") && on.stderr.contains("archives"), "{}", on.stderr);
    assert_eq!(database.sql("SELECT count(*) FROM nango_rs.records WHERE key_id = 0"), "0");
    for text in texts(&all) {
        let text = text.replace('\'', "''");
        let found = format!("SELECT count(*) FROM nango_rs.records WHERE position('{text}'::bytea IN payload) > 0");
        assert_eq!(database.sql(&found), "0");
    }

    synced.registry.env("NANGO_ENCRYPTION_KEY", format!("{FIRST_KEY},{SECOND_KEY}"));
    let rotated = synced.registry.json(["encryption", "rotate", "--json"]);
    let [old, new] = [&rotated["keys"][0], &rotated["keys"][1]];
    assert_eq!((&old["removable"], &old["records"], &old["credentials"]), (&json!(true), &json!(0), &json!(0)));
    assert_eq!((&new["active"], &new["records"], &new["credentials"]), (&json!(true), &json!(count), &json!(1)));

    // A process without the new key reports the key that it needs; without the old key all data is readable.
    synced.registry.env("NANGO_ENCRYPTION_KEY", FIRST_KEY);
    let needed = new["key"].as_str().expect("a key's name");
    let run = synced.registry.run(["run", "github", "repo-issues", "--connection", "acme"]).expect(3);
    assert!(run.stderr.contains(needed) && !run.stderr.contains(FIRST_KEY), "{}", run.stderr);
    synced.registry.env("NANGO_ENCRYPTION_KEY", SECOND_KEY);
    assert_eq!(synced.read(&["--limit", "1000"]), all);
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["added"], &counts["updated"]), (&json!(0), &json!(0)));
    let status = synced.registry.json(["encryption", "status", "--json"]);
    assert_eq!((&status["payloads"], &status["unfinished"]), (&json!(true), &json!(false)));
}

#[test]
fn rotation_with_new_key_appends_it_to_key_file() {
    let synced = SyncedRegistry::new();
    let file = synced.registry.dir().join("nango.db.key");
    let old = fs::read_to_string(&file).expect("a key file");
    let rotated = synced.registry.run(["encryption", "rotate", "--new-key"]).expect(0);
    assert!(rotated.stderr.contains("Back it up") && rotated.stderr.contains("may be removed"), "{}", rotated.stderr);
    let both = fs::read_to_string(&file).expect("a key file");
    assert!(both.starts_with(&old) && both.lines().count() == 2);
    assert!(!rotated.stderr.contains(both.lines().next_back().expect("a key")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).expect("file metadata").permissions().mode() & 0o777, 0o600);
    }
    // Payloads are in plain text as before; the credentials use the new key.
    fs::write(&file, both.strip_prefix(&old).expect("the new key")).expect("a key file");
    let counts = synced.sync()["models"]["GithubIssue"].clone();
    assert_eq!((&counts["added"], &counts["updated"]), (&json!(0), &json!(0)));
    let status = synced.registry.run(["encryption", "status"]).expect(0);
    assert!(status.stdout.contains("New payloads are plain") && status.stdout.contains("active"), "{}", status.stdout);

    // If its key is missing, a database does not create a new one.
    fs::remove_file(&file).expect("a key file");
    let lost = synced.registry.run(["encryption", "status"]).expect(3);
    assert!(lost.stderr.contains("is missing") && !file.exists(), "{}", lost.stderr);
}
