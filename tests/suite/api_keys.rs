//! `api-keys …` and `webhooks key`: what they print, and that keys are stored as hashes only.

mod served;

pub(crate) use served::created_key;

use std::collections::BTreeSet;

use nango_tests::{DatabaseKind, Output, Registry};
use serde_json::{Value, json};

use crate::synced_registry::texts_in_files;

fn create(registry: &Registry, args: &[&str]) -> Output {
    registry.run(["api-keys", "create"].iter().chain(args))
}

/// Returns the key that a command printed, which is all of stdout.
#[track_caller]
fn printed_key(output: &Output) -> String {
    let key = output.stdout.strip_suffix('\n').expect("a line").to_owned();
    assert!(key.starts_with("nango_") && key.bytes().all(|c| c == b'_' || c.is_ascii_alphanumeric()), "{key}");
    key
}

fn listed(registry: &Registry) -> Value {
    registry.json(["api-keys", "list", "--json"])
}

#[test]
fn created_key_is_printed_once_and_stored_as_hash() {
    for kind in DatabaseKind::BOTH {
        let Some(database) = kind.create() else { continue };
        let mut registry = Registry::new();
        registry.use_database(&database);
        let created = create(&registry, &["--name", "app"]).expect(0);
        let key = printed_key(&created);
        assert_eq!(key.len(), 55);
        assert!(created.stderr.contains("not shown again") && !created.stderr.contains(&key), "{}", created.stderr);
        let limited = ["--name", "jobs", "--scope", "environment:syncs:*", "--scope", "environment:actions:execute"];
        let more = ["--integration", "github", "--integration", "jira", "--expires-in", "90d", "--json"];
        let limited = create(&registry, &[&limited[..], &more].concat()).expect(0).json();
        let second = limited["key"].as_str().expect("a key").to_owned();
        assert_eq!(
            (&limited["scopes"], &limited["integrations"], &limited["status"]),
            (
                &json!(["environment:syncs:*", "environment:actions:execute"]),
                &json!(["github", "jira"]),
                &json!("active")
            )
        );
        assert!(limited["expires_at"].is_string() && limited["last_used_at"].is_null());

        let list = listed(&registry);
        let names: Vec<_> = list.as_array().expect("a list").iter().map(|key| key["name"].clone()).collect();
        assert_eq!(names, ["app", "jobs"]);
        assert_eq!(list[0]["scopes"], json!(["environment:records:read"]));
        assert_eq!((&list[0]["integrations"], &list[0]["expires_at"]), (&Value::Null, &Value::Null));
        let table = registry.run(["api-keys", "list"]).expect(0);
        assert!(table.stdout.contains("environment:actions:execute"), "{}", table.stdout);
        let all = [table.stdout, table.stderr, list.to_string()].concat();
        // Neither the key nor its random part is in an output or in a file.
        let secrets: BTreeSet<String> =
            [&key, &second].into_iter().flat_map(|key| [key.clone(), key[6..49].to_owned()]).collect();
        assert!(secrets.iter().all(|secret| !all.contains(secret)));
        assert_eq!(texts_in_files(registry.dir(), &secrets), BTreeSet::new());
    }
}

#[test]
fn revoked_key_stays_in_the_list_and_frees_its_name() {
    let registry = Registry::new();
    let empty = registry.run(["api-keys", "list"]).expect(0);
    assert!(empty.stderr.contains("registry api-keys create --name"), "{}", empty.stderr);
    create(&registry, &["--name", "app"]).expect(0);
    let taken = create(&registry, &["--name", "app"]).expect(2);
    assert!(taken.stderr.contains("a key `app` that is not revoked"), "{}", taken.stderr);
    let revoked = registry.run(["api-keys", "revoke", "app"]).expect(0);
    assert!(revoked.stdout.starts_with("revoked the key app ("), "{}", revoked.stdout);
    create(&registry, &["--name", "app"]).expect(0);
    let list = listed(&registry);
    assert_eq!([&list[0]["status"], &list[1]["status"]], ["revoked", "active"]);
    let id = list[1]["id"].as_str().expect("an id");
    assert_eq!(registry.json(["api-keys", "revoke", id, "--json"])["status"], "revoked");
    // The same again is no error.
    registry.run(["api-keys", "revoke", id]).expect(0);
    let unknown = registry.run(["api-keys", "revoke", "ap"]).expect(2);
    assert!(unknown.stderr.contains("unknown API key `ap`"), "{}", unknown.stderr);
}

#[test]
fn wrong_settings_of_a_key_are_refused_with_the_allowed_ones() {
    let mut registry = Registry::new();
    for (args, expect) in [
        (&["--scope", "environment:record:read"][..], "did you mean `environment:records:read`?"),
        (&["--scope", "environment:nothing:*"], "unknown scope `environment:nothing:*`; available: `environment:"),
        (&["--integration", "gihub"], "did you mean `github`?"),
        (&["--expires-in", "soon"], "--expires-in: `soon` is not a duration: write `90d` or `12 hours`"),
        (&["--name", "a\nb"], "--name: it must have 1 to 100 visible characters"),
    ] {
        let name = if args[0] == "--name" { &[][..] } else { &["--name", "app"] };
        let refused = create(&registry, &[args, name].concat()).expect(2);
        assert!(refused.stderr.contains(expect) && refused.stdout.is_empty(), "{args:?}: {}", refused.stderr);
    }
    assert!(!registry.database().exists());
    // A mistyped key of the environment is found without a database.
    let key = printed_key(&create(&registry, &["--name", "app"]).expect(0));
    registry.env("NANGO_API_KEY", &key);
    registry.run(["api-keys", "list"]).expect(0);
    let mistyped = format!("{}{}", &key[..54], if key.ends_with('a') { 'b' } else { 'a' });
    registry.env("NANGO_API_KEY", &mistyped);
    let refused = registry.run(["list"]).expect(3);
    assert!(refused.stderr.contains("NANGO_API_KEY: is no API key: it begins with `nango_`"), "{}", refused.stderr);
    assert!(!refused.stderr.contains(&mistyped), "{}", refused.stderr);
}

#[test]
fn signing_key_is_created_once_sealed_and_survives_rotation_of_the_encryption_key() {
    for kind in DatabaseKind::BOTH {
        let Some(database) = kind.create() else { continue };
        let mut registry = Registry::new();
        registry.use_database(&database);
        let key = printed_key(&registry.run(["webhooks", "key"]).expect(0));
        assert!(key.starts_with("nango_signing_"), "{key}");
        assert_eq!(registry.json(["webhooks", "key", "--json"]), json!({ "key": key }));
        assert_eq!(texts_in_files(registry.dir(), &BTreeSet::from([key[14..40].to_owned()])), BTreeSet::new());
        let before = registry.json(["encryption", "status", "--json"]);
        assert_eq!(before["keys"][0]["credentials"], 1);
        let rotated = registry.json(["encryption", "rotate", "--new-key", "--json"]);
        assert_eq!((&rotated["keys"][0]["removable"], &rotated["keys"][1]["credentials"]), (&json!(true), &json!(1)));
        assert_eq!(printed_key(&registry.run(["webhooks", "key"]).expect(0)), key);
        let new = printed_key(&registry.run(["webhooks", "key", "--rotate"]).expect(0));
        assert_ne!(new, key);
        assert_eq!(printed_key(&registry.run(["webhooks", "key"]).expect(0)), new);
    }
}

#[test]
fn guide_lists_every_scope() {
    let guide = include_str!("../../docs/guides/api-keys.md");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `environment:")?.split_once('`'));
    let documented: BTreeSet<String> = rows.map(|(name, _)| format!("environment:{name}")).collect();
    let refused = create(&Registry::new(), &["--name", "app", "--scope", "x"]).expect(2);
    let names = refused.stderr.split('`').filter(|name| name.starts_with("environment:") && !name.ends_with('*'));
    assert_eq!(documented, names.map(str::to_owned).collect());
}
