//! Tests of maintenance of a file: check and repair, backups, and incomplete copies.

use super::*;
use crate::store::{
    CheckReport, Finding, LastAction, Maintenance, Problem, ProfileChange, SharedStore, StoreError, copy, fingerprint,
};

async fn connect(store: &Sqlite) {
    let new = NewConnection {
        integration: "github".into(),
        id: "acme".into(),
        auth: "NONE".into(),
        credentials: vec![1],
        refresh_at: None,
        config: Map::new(),
        metadata: None,
        profile: ProfileChange::default(),
    };
    store.put_connection(new).await.unwrap();
}

/// Creates a file with ten records.
async fn filled() -> (TempDir, PathBuf, Sqlite, RunToken) {
    let (dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    connect(&store).await;
    let run = begin(&store).await;
    save(&store, run, 0..10, "x").await;
    (dir, path, store, run)
}

/// Damages the file. Checks that a check finds exactly these problems, that a repair reports what it repaired, and that
/// the next check finds only what remains.
async fn check_repair(sql: &'static str, expect: &[(Problem, u64, u64)]) -> (Sqlite, RunToken, TempDir) {
    let (dir, _, store, run) = filled().await;
    assert_eq!(store.check(true).await.unwrap().findings, [], "before {sql}");
    store.write(move |db| Ok(db.sql.execute_batch(sql)?)).await.unwrap();
    let found = |report: &CheckReport| {
        let one = |finding: &Finding| (finding.problem, finding.count, finding.repaired);
        report.findings.iter().map(one).collect::<Vec<_>>()
    };
    let only_found: Vec<_> = expect.iter().map(|(problem, count, _)| (*problem, *count, 0)).collect();
    let (before, report) = (contents(&store).await, store.check(false).await.unwrap());
    assert_eq!((found(&report), report.is_sound()), (only_found, false), "{sql}");
    assert_eq!(contents(&store).await, before, "a check writes nothing: {sql}");
    let repair = store.check(true).await.unwrap();
    assert_eq!(found(&repair), expect, "{sql}");
    let remaining: Vec<_> = expect.iter().filter(|(_, count, repaired)| count > repaired).map(|(p, ..)| *p).collect();
    let again = store.check(false).await.unwrap();
    assert_eq!(again.findings.iter().map(|finding| finding.problem).collect::<Vec<_>>(), remaining, "{sql}");
    assert_eq!(again.is_sound(), remaining.is_empty());
    (store, run, dir)
}

/// Returns all values that a repair could change.
async fn contents(store: &Sqlite) -> String {
    const ALL: &str = "SELECT (SELECT group_concat(id || seq || live || bytes || stamp) FROM datasets) || \
                       (SELECT group_concat(rid || id || seq || last_action || coalesce(payload, '-')) FROM records) || \
                       (SELECT group_concat(rid || id || state || hex(hash) || hash_version) FROM record_keys)";
    store.write(|db| Ok(db.sql.query_row(ALL, [], |row| row.get(0))?)).await.unwrap()
}

#[tokio::test]
async fn wrong_counts_and_sequences_are_recomputed_from_records() {
    let (store, run, _dir) = check_repair("UPDATE datasets SET live = 3, bytes = -1", &[(Problem::Counts, 1, 1)]).await;
    assert_eq!(store.datasets(None, None).await.unwrap()[0].live, 10);
    let (store, _, _dir2) =
        check_repair("UPDATE datasets SET seq = 4, stamp = 4", &[(Problem::DatasetBehind, 1, 1)]).await;
    assert_eq!(feed(&store).await.len(), 10);
    let _ = run;
    let run = begin(&store).await;
    save(&store, run, [99], "x").await;
    assert_eq!(feed(&store).await.last().map(|row| row.id.clone()), Some("99".to_owned()));
    assert!(store.check(false).await.unwrap().is_sound());
}

#[tokio::test]
async fn missing_keys_and_records_are_rebuilt_from_each_other() {
    let (store, run, _dir) =
        check_repair("DELETE FROM record_keys WHERE id = '3'", &[(Problem::MissingKeyRow, 1, 1)]).await;
    let before = feed(&store).await;
    // The hash was lost, so the payloads are compared: the same content is the same record.
    assert_eq!(save(&store, run, 0..10, "x").await, [RowOutcome::Unchanged; 10]);
    assert_eq!(feed(&store).await, before);

    let sql = "DELETE FROM records WHERE id = '3'; UPDATE datasets SET live = 9, bytes = bytes - 19";
    let (store, run, _dir) = check_repair(sql, &[(Problem::MissingPayloadRow, 1, 1)]).await;
    assert_eq!(save(&store, run, [3, 4], "x").await, [RowOutcome::Added, RowOutcome::Unchanged]);

    let sql = "INSERT INTO records SELECT 99, dataset, id, 99, 0, 0, modified_at, NULL, NULL, 1, payload, 0 \
               FROM records WHERE id = '3'; UPDATE datasets SET live = 11, bytes = bytes + 19, seq = 99";
    check_repair(sql, &[(Problem::DuplicateId, 1, 0)]).await;
}

#[tokio::test]
async fn key_row_of_another_record_is_repaired() {
    let (_dir, _, store, run) = filled().await;
    let sql = "UPDATE record_keys SET rid = (SELECT rid FROM record_keys WHERE id = '4') WHERE id = '3'";
    store.write(move |db| Ok(db.sql.execute_batch(sql)?)).await.unwrap();
    let report = store.check(false).await.unwrap();
    // Both rows are reported.
    let problems: Vec<_> = report.findings.iter().map(|finding| finding.problem).collect();
    assert_eq!(problems, [Problem::MissingKeyRow, Problem::MissingPayloadRow]);
    assert_eq!(report.findings[0].example, "record `3`");
    assert!(store.check(true).await.unwrap().is_sound());
    assert_eq!(store.check(false).await.unwrap().findings, []);
    assert_eq!(save(&store, run, 0..10, "x").await, [RowOutcome::Unchanged; 10]);
}

#[tokio::test]
async fn derived_values_are_rebuilt_from_the_row() {
    let sql = "UPDATE record_keys SET state = 5 WHERE id = '1'; UPDATE records SET last_action = 2 WHERE id = '2'; \
               UPDATE records SET pruned_at = 9 WHERE id = '3'";
    let (store, ..) = check_repair(sql, &[(Problem::State, 3, 3)]).await;
    let rows = feed(&store).await;
    assert!(rows.iter().all(|row| row.payload.is_some() && row.pruned_at.is_none() && row.deleted_at.is_none()));
    assert!(rows.iter().all(|row| row.last_action != LastAction::Deleted));
}

#[tokio::test]
async fn damaged_payload_is_replaced_by_next_save() {
    let sql = "UPDATE records SET payload = CAST(replace(CAST(payload AS TEXT), 'x', 'y') AS BLOB) WHERE id = '1'";
    let (store, run, _dir) = check_repair(sql, &[(Problem::Hash, 1, 1)]).await;
    assert_eq!(save(&store, run, [1], "x").await, [RowOutcome::Updated]);

    let sql = "UPDATE records SET payload = CAST(replace(CAST(payload AS TEXT), '}', 'y') AS BLOB) WHERE id = '1'; \
               UPDATE record_keys SET updated = 9 WHERE id <= '1'";
    let (store, run, _dir) = check_repair(sql, &[(Problem::Payload, 1, 0)]).await;
    // Its update time was removed, so that the next save cannot be older than it.
    assert_eq!(count(&store, "record_keys WHERE updated IS NOT NULL").await, 1);
    assert_eq!(save(&store, run, [1], "x").await, [RowOutcome::Updated]);
    assert!(store.check(false).await.unwrap().is_sound());
}

#[tokio::test]
async fn contradicting_sequence_numbers_are_reported_and_left() {
    let sql = "UPDATE records SET seq = 4 WHERE seq = 5";
    check_repair(sql, &[(Problem::DuplicateSequence, 1, 0)]).await;
    let sql = "UPDATE records SET modified_at = modified_at - 5 WHERE seq = 5";
    check_repair(sql, &[(Problem::TimestampRegression, 1, 0)]).await;
}

#[tokio::test]
async fn orphaned_rows_are_removed() {
    let sql = "INSERT INTO records VALUES (70, 7, 'a', 1, 0, 0, 0, NULL, NULL, 1, x'7b7d', 0); \
               INSERT INTO record_keys VALUES (7, 'a', zeroblob(16), 0, 70, 0, 1, NULL, NULL, NULL); \
               INSERT INTO scans (number, dataset, function, start_seq) VALUES (5, 7, 1, 0); \
               INSERT INTO scan_marks VALUES (6, 0, zeroblob(512)); \
               INSERT INTO delete_states VALUES (1, 'none', 1, 0, 1, 1, 0, NULL, 0, 0, zeroblob(16), 0, 0, NULL); \
               INSERT INTO checkpoints VALUES (9, '{}', 1); \
               INSERT INTO resume_states VALUES (9, x'00'); \
               INSERT INTO parents (function, key, early_full_runs, id) VALUES (9, zeroblob(16), 0, 'p'); \
               INSERT INTO run_models VALUES (99, 'M', 0, 0, 0, 0, 0, 0); \
               INSERT INTO run_logs VALUES (99, 99, 0, 'info', 'x', NULL); INSERT INTO locks VALUES ('k', 99, 0)";
    check_repair(sql, &[(Problem::Orphans, 1, 1); 11]).await;
    let (store, ..) = check_repair("DELETE FROM connections", &[(Problem::Orphans, 10, 10)]).await;
    assert_eq!(feed(&store).await, []);
}

#[tokio::test]
async fn unreadable_values_are_reported_and_left() {
    let sql = "INSERT INTO checkpoints VALUES (1, '[1]', 1); UPDATE connections SET metadata = '{'";
    check_repair(sql, &[(Problem::Unreadable, 1, 0); 2]).await;
    let sql = "INSERT INTO api_keys (id, name, hash, scopes, created_at) VALUES (x'01', 'app', x'02', '[', 0)";
    check_repair(sql, &[(Problem::Unreadable, 1, 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_backup_do_not_block_writers() {
    let (dir, _, store, run) = filled().await;
    let store = Arc::new(store);
    let writing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for round in 0..60_u64 {
                save(&*store, run, round * 20..round * 20 + 40, &round.to_string()).await;
                let ids = vec![(round * 20).to_string()];
                store.erase(&dataset(), ids).await.unwrap();
            }
        })
    };
    let mut round = 0;
    while !writing.is_finished() || round == 0 {
        let report = store.check(true).await.unwrap();
        assert_eq!(report.findings, []);
        round += 1;
        let backup = dir.path().join(format!("backup-{round}.db"));
        store.backup(&backup).await.unwrap();
        let copy = Sqlite::open(&backup).await.unwrap();
        assert_eq!(copy.check(false).await.unwrap().findings, []);
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn backup_is_complete_private_and_replaces_no_file() {
    let (dir, _, store, run) = filled().await;
    let to = dir.path().join("backup.db");
    let written = store.backup(&to).await.unwrap();
    assert_eq!((written.records, written.bytes), (10, fs::metadata(&to).unwrap().len()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let refused = Chain(&store.backup(&to).await.unwrap_err()).to_string();
    assert!(
        refused.ends_with("cannot be created: it already exists, and a backup replaces no file; choose another path")
    );
    // Partial files of killed backups, by this version and an older one; the last belongs to another path.
    for name in ["other.db.partial", "other.db.0123456789abcdef.partial", "other.db.2.0123456789abcdef.partial"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let other = store.backup(&dir.path().join("other.db")).await.unwrap();
    let partial = ["other.db.0123456789abcdef.partial", "other.db.partial"].map(|name| dir.path().join(name));
    assert_eq!((other.records, other.partial), (10, partial.to_vec()));
    let failed = store.backup(&dir.path().join("no/such.db")).await.unwrap_err();
    assert!(matches!(failed, StoreError::Access { .. }), "{failed:?}");
    // A database in memory can be backed up as well.
    let memory = Sqlite::open(":memory:").await.unwrap();
    assert_eq!(memory.backup(&dir.path().join("memory.db")).await.unwrap().records, 0);
    begin(&memory).await;

    let source: SharedStore = Arc::new(store);
    let backup: SharedStore = Arc::new(Sqlite::open(&to).await.unwrap());
    assert_eq!(fingerprint(&backup).await.unwrap(), fingerprint(&source).await.unwrap());
    // Its feed continues from the same cursors, and its run may end there.
    let last = source.read(&dataset(), ReadQuery::default()).await.unwrap().records.pop().unwrap();
    backup.end_run(&run, RunEnd::new(crate::store::RunStatus::Success)).await.unwrap();
    let query = ReadQuery { cursor: Some(last.cursor), ..ReadQuery::default() };
    assert_eq!(backup.read(&dataset(), query).await.unwrap().records, []);
}

#[tokio::test]
async fn incomplete_copy_is_opened_only_by_the_next_copy() {
    let (dir, _, store, _) = filled().await;
    let source: SharedStore = Arc::new(store);
    let path = dir.path().join("target.db");
    let target = Sqlite::open_target(&path).await.unwrap();
    crate::store::Transfer::begin_import(&target).await.unwrap();
    target.close().await.unwrap();
    assert_eq!(
        refused(&path).await,
        "DIR/target.db contains an incomplete copy, which was interrupted: copy again, which starts over, or remove it"
    );
    let target: SharedStore = Arc::new(Sqlite::open_target(&path).await.unwrap());
    let copied = copy(&source, &target, |_, _| ()).await.unwrap();
    target.close().await.unwrap();
    let target: SharedStore = Arc::new(Sqlite::open(&path).await.unwrap());
    assert_eq!(fingerprint(&target).await.unwrap(), copied);
}
