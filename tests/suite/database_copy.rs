//! `registry database copy` from a file to a server and back.

use std::fs;

use nango_tests::postgres;
use serde_json::json;

use crate::synced_registry::SyncedRegistry;

#[test]
fn database_copied_from_file_to_server_and_back_is_identical() {
    let Some(database) = postgres::create_empty_database() else { return };
    let mut synced = SyncedRegistry::new();
    let all = |synced: &SyncedRegistry, url: &str| synced.read(&["--all", "--database", url])["records"].clone();
    let before = all(&synced, "sqlite:nango.db");
    let copy = |from: &str, to: &str| synced.registry.json(["database", "copy", from, to, "--json"]);
    let there = copy("sqlite:nango.db", &database.url);
    assert!(there["rows"]["records"].as_u64().is_some_and(|records| records > 0), "{there}");
    let back = copy(&database.url, "sqlite:back.db");
    assert_eq!(there, back);
    let again = synced.registry.run(["database", "copy", "sqlite:nango.db", &database.url]).expect(3);
    assert!(again.stderr.contains("not empty"), "{}", again.stderr);

    // The key is copied by hand; records and cursors are the same in all three databases.
    let key = fs::read_to_string(synced.registry.dir().join("nango.db.key")).expect("the key");
    let key = key.lines().find(|line| !line.is_empty() && !line.starts_with('#')).expect("a key").trim().to_owned();
    synced.registry.env("NANGO_ENCRYPTION_KEY", key);
    for url in [database.url.as_str(), "sqlite:back.db"] {
        let checked = synced.registry.json(["database", "check", "--json", "--database", url]);
        assert_eq!((&checked["sound"], &checked["closed"]), (&json!(true), &json!([])), "{url}");
        assert_eq!(all(&synced, url), before, "{url}");
    }
    let refused = synced.registry.run(["database", "backup", "x.dump", "--database", &database.url]).expect(3);
    assert!(refused.stderr.contains("pg_dump --host="), "{}", refused.stderr);
}
