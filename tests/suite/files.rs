//! Files with secrets and records: their permissions and owners, and remains of deleted content.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use nango_tests::Registry;
use serde_json::json;

use crate::synced_registry::{SyncedRegistry, texts, texts_in_files};

/// Adds a connection without verification of its credentials.
const ADD: [&str; 8] = ["connection", "add", "github", "acme", "--auth", "bearer", "--credentials", "\"t\""];

/// Creates a synced repository with a separate directory for temporary files, and returns the texts of its records.
fn synced() -> (SyncedRegistry, PathBuf, BTreeSet<String>) {
    let standin = nango_tests::wait(integrations::standin::Standin::start()).expect("a stand-in");
    let mut registry = Registry::new();
    let temporary = registry.dir().join("temporary");
    fs::create_dir(&temporary).expect("a directory");
    registry.env("SQLITE_TMPDIR", &temporary).env("TMPDIR", &temporary);
    let synced = SyncedRegistry::sync_first(standin, registry);
    let texts = texts(&synced.read(&["--limit", "1000"]));
    assert!(texts.len() > 20 && !texts_in_files(synced.registry.dir(), &texts).is_empty(), "{texts:?}");
    (synced, temporary, texts)
}

#[track_caller]
fn check_nothing_readable_after(command: &[&str]) {
    let (synced, temporary, texts) = synced();
    let command: Vec<String> = match command {
        ["erase"] => {
            let records = synced.read(&["--limit", "1000"])["records"].clone();
            let ids = records
                .as_array()
                .expect("records")
                .iter()
                .map(|record| record["id"].as_str().expect("an id").to_owned());
            let erase = ["database", "erase", "github", "GithubIssue", "--connection", "acme"].map(str::to_owned);
            erase.into_iter().chain(ids.flat_map(|id| ["--id".to_owned(), id])).collect()
        }
        ["prune"] => {
            let records = synced.read(&["--limit", "1000"])["records"].clone();
            let last = records.as_array().and_then(|all| all.last()).expect("a record");
            let until = last["_nango_metadata"]["cursor"].as_str().expect("a cursor");
            let prune = ["database", "prune", "github", "GithubIssue", "--connection", "acme", "--until", until];
            prune.map(str::to_owned).to_vec()
        }
        words => words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let done = synced.registry.run(&command).expect(0);
    assert!(!done.stderr.contains("may be left"), "{}", done.stderr);
    assert_eq!(texts_in_files(synced.registry.dir(), &texts), BTreeSet::new(), "{command:?}");
    assert_eq!(fs::read_dir(&temporary).expect("the directory").count(), 0);
}

#[test]
fn erased_records_leave_no_byte_in_any_file() {
    check_nothing_readable_after(&["erase"]);
}

#[test]
fn emptied_model_leaves_no_byte_in_any_file() {
    check_nothing_readable_after(&["database", "empty", "github", "GithubIssue", "--connection", "acme"]);
}

#[test]
fn pruned_payloads_leave_no_byte_in_any_file() {
    check_nothing_readable_after(&["prune"]);
}

#[test]
fn removed_connection_leaves_no_byte_in_any_file() {
    check_nothing_readable_after(&["connection", "remove", "github", "acme"]);
}

#[test]
fn vacuum_clears_content_left_by_older_version() {
    let (synced, temporary, texts) = synced();
    // Deletes without overwriting the content.
    let file = rusqlite::Connection::open(synced.registry.database()).expect("the database");
    file.execute_batch("DELETE FROM records; DELETE FROM record_keys; PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("a statement");
    drop(file);
    assert!(!texts_in_files(synced.registry.dir(), &texts).is_empty());
    let done = synced.registry.json(["database", "vacuum", "--json"]);
    let bytes = |name: &str| done[name].as_u64().expect("a size");
    assert!(bytes("bytes") < bytes("bytes_before"), "{done}");
    assert_eq!(bytes("bytes"), fs::metadata(synced.registry.database()).expect("the database").len());
    assert_eq!(texts_in_files(synced.registry.dir(), &texts), BTreeSet::new());
    assert_eq!(fs::read_dir(&temporary).expect("the directory").count(), 0);
}

#[test]
fn reader_that_keeps_deleted_content_in_log_is_reported() {
    let (synced, _, texts) = synced();
    let reader = rusqlite::Connection::open(synced.registry.database()).expect("the database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM records").expect("a reader");
    let done = synced.registry.run(["database", "empty", "github", "GithubIssue", "--connection", "acme"]).expect(0);
    assert!(done.stderr.contains("may be left in the database's log (-wal)"), "{}", done.stderr);
    assert!(done.stderr.contains("Run `registry database vacuum` when it is done"), "{}", done.stderr);
    drop(reader);
    synced.registry.run(["database", "vacuum"]).expect(0);
    assert_eq!(texts_in_files(synced.registry.dir(), &texts), BTreeSet::new());
}

#[test]
fn oversized_provider_and_configuration_files_are_refused() {
    let registry = Registry::new();
    let pad = |bytes: usize| format!("# {}\n", "x".repeat(bytes));
    registry.config(&pad(1 << 20));
    let refused = registry.run(["list"]).expect(3);
    assert!(
        refused.stderr.contains("nango.toml cannot be read: it is larger than the limit of 1 MiB"),
        "{}",
        refused.stderr
    );
    registry.config("");
    registry.write("providers.yaml", pad(4 << 20));
    let refused = registry.run(["list", "--providers", "providers.yaml"]).expect(3);
    assert!(
        refused.stderr.contains("providers.yaml cannot be read: it is larger than the limit of 4 MiB"),
        "{}",
        refused.stderr
    );
    let endless = registry.run(["list", "--providers", "/dev/zero"]).expect(3);
    assert!(endless.stderr.contains("larger than the limit of 4 MiB"), "{}", endless.stderr);
}

#[test]
fn long_chain_of_aliases_is_checked_quickly() {
    let registry = Registry::new();
    let mut yaml = "e0: { display_name: E, auth_mode: NONE, proxy: { base_url: 'https://e.test' } }\n".to_owned();
    for n in 1..5_000 {
        writeln!(yaml, "e{n}: {{ alias: e{} }}", n - 1).expect("a text");
    }
    yaml.push_str("one: { alias: two }\ntwo: { alias: one }\n");
    registry.write("providers.yaml", yaml);
    let started = std::time::Instant::now();
    let report = registry.run(["providers", "check", "--providers", "providers.yaml", "--json"]).json();
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    assert_eq!((&report["total"], &report["usable"]), (&json!(5_002), &json!(5_000)));
    assert!(report["problems"].to_string().contains("forms a cycle: one → two → one"), "{}", report["problems"]);
}

#[test]
fn killed_backup_does_not_block_the_next() {
    let registry = Registry::new();
    registry.run(ADD).expect(0);
    registry.write("backup.db.partial", "left by an older version");
    registry.write("backup.db.0123456789abcdef.partial", "left by this one");
    let made = registry.run(["database", "backup", "backup.db"]).expect(0);
    for name in ["backup.db.partial", "backup.db.0123456789abcdef.partial"] {
        let note = format!("note: {name} is left from an interrupted backup and contains records: remove it");
        assert!(made.stderr.contains(&note), "{}", made.stderr);
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        process::{Child, Command, Stdio},
    };

    use nango_tests::tools;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").permissions().mode() & 0o777
    }

    fn change_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("another mode");
    }

    #[test]
    fn files_accessible_to_other_users_are_refused_with_repair_command() {
        let registry = Registry::new();
        registry.run(ADD).expect(0);
        let (key, database) = (registry.dir().join("nango.db.key"), registry.database());
        change_mode(&key, 0o644);
        let refused = registry.run(["connection", "list"]).expect(3);
        assert!(
            refused.stderr.contains("other users may read it (mode 644): run `chmod 600 nango.db.key`"),
            "{}",
            refused.stderr
        );
        change_mode(&key, 0o600);
        change_mode(&database, 0o622);
        let refused = registry.run(["connection", "list"]).expect(3);
        assert!(
            refused.stderr.contains("other users may change it (mode 622): run `chmod 600 nango.db`"),
            "{}",
            refused.stderr
        );
        change_mode(&database, 0o644);
        let warned = registry.run(["connection", "list"]).expect(0);
        assert_eq!(
            warned.stderr.matches("warning: other users may read nango.db (mode 644)").count(),
            1,
            "{}",
            warned.stderr
        );
        assert!(warned.stderr.contains("run `chmod 600 nango.db`"), "{}", warned.stderr);
        change_mode(&database, 0o600);
        assert_eq!(registry.run(["connection", "list"]).expect(0).stderr, "");
    }

    #[test]
    fn pipe_as_key_file_does_not_hang() {
        let registry = Registry::new();
        let made = Command::new("mkfifo").arg(registry.dir().join("nango.db.key")).status().expect("mkfifo");
        assert!(made.success());
        change_mode(&registry.dir().join("nango.db.key"), 0o600);
        let refused = registry.run(ADD).expect(3);
        assert!(refused.stderr.contains("it is a named pipe, not a regular file"), "{}", refused.stderr);
    }

    #[test]
    fn symbolic_link_to_key_file_survives_rotation() {
        let registry = Registry::new();
        registry.run(ADD).expect(0);
        let (key, real) = (registry.dir().join("nango.db.key"), registry.dir().join("real.key"));
        fs::rename(&key, &real).expect("a renamed key file");
        symlink("real.key", &key).expect("a link");
        registry.run(["encryption", "rotate", "--new-key"]).expect(0);
        assert!(fs::symlink_metadata(&key).expect("the link").is_symlink());
        assert_eq!(fs::read_to_string(&real).expect("the key").lines().count(), 2);
        assert_eq!(mode(&real), 0o600);
        registry.run(["connection", "list"]).expect(0);
    }

    /// A shell of another user that tries to open a file repeatedly, until it succeeds or is killed.
    struct FileWatcher(Child);

    impl FileWatcher {
        fn start(setpriv: &Path, file: &Path) -> Self {
            const LOOP: &str = "while :; do if true < \"$1\"; then echo opened; exit; fi; done 2>/dev/null";
            let mut command = Command::new(setpriv);
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", LOOP, "sh"]).arg(file);
            Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a second user"))
        }

        /// Stops the shell and returns whether it opened the file.
        fn was_opened(mut self) -> bool {
            let _ = self.0.kill();
            let output = self.0.wait_with_output().expect("the output");
            !output.stdout.is_empty()
        }
    }

    #[test]
    fn second_user_cannot_open_new_database_key_copy_or_backup() {
        const SECOND_USER: &str = "a second user who watches new files";
        let probe = Registry::new();
        if fs::metadata(probe.dir()).expect("the directory").uid() != 0 {
            let _: Option<()> = tools::skip(SECOND_USER, "only root can act as another user");
            return;
        }
        let Some(setpriv) = tools::find("setpriv") else {
            let _: Option<()> = tools::skip(SECOND_USER, "it needs `setpriv` (util-linux), which is not on the PATH");
            return;
        };
        for _ in 0..15 {
            let registry = Registry::new();
            change_mode(registry.dir(), 0o755);
            // The watcher can open a file that all users may read.
            let open = registry.write("open", "");
            let mut watcher_of_open_file = FileWatcher::start(&setpriv, &open);
            assert!(watcher_of_open_file.0.wait().expect("an exit status").success());

            let names = ["nango.db", "nango.db-wal", "nango.db.key", "copy.db", "backup.db"];
            let watchers: Vec<FileWatcher> =
                names.iter().map(|name| FileWatcher::start(&setpriv, &registry.dir().join(name))).collect();
            registry.run(ADD).expect(0);
            registry.run(["database", "copy", "sqlite:nango.db", "sqlite:copy.db"]).expect(0);
            registry.run(["database", "backup", "backup.db"]).expect(0);
            let opened: Vec<&str> = names
                .into_iter()
                .zip(watchers)
                .filter_map(|(name, watcher)| watcher.was_opened().then_some(name))
                .collect();
            assert_eq!(opened, [""; 0]);
        }
    }
}
