//! Tests of maintenance on a server: check and repair, the message for a backup, and copies.

use super::*;
use crate::{
    auth::KeyRing,
    store::{
        CheckReport, Maintenance, Problem, ProfileChange, SharedStore, copy, fingerprint, open_target, sqlite::Sqlite,
    },
};

pub(super) fn connection() -> NewConnection {
    NewConnection {
        integration: "github".into(),
        id: "acme".into(),
        auth: "NONE".into(),
        credentials: vec![1],
        refresh_at: None,
        config: Map::new(),
        metadata: None,
        profile: ProfileChange::default(),
    }
}

async fn filled() -> Option<(Database, Postgres, RunToken)> {
    let database = database()?;
    let store = Postgres::open(&database.url).await.unwrap();
    store.put_connection(connection()).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..10, "x").await;
    Some((database, store, run))
}

fn found(report: &CheckReport) -> Vec<(Problem, u64, u64)> {
    report.findings.iter().map(|finding| (finding.problem, finding.count, finding.repaired)).collect()
}

/// Damages the database. Checks that a check finds exactly these problems, that a repair reports what it repaired, and
/// that the next check finds only what remains.
async fn check_repair(database: &Database, store: &Postgres, sql: &str, expect: &[(Problem, u64, u64)]) {
    assert_eq!(store.check(true).await.unwrap().findings, [], "before {sql}");
    database.sql(sql);
    let only_found: Vec<_> = expect.iter().map(|(problem, count, _)| (*problem, *count, 0)).collect();
    let report = store.check(false).await.unwrap();
    assert_eq!((found(&report), report.is_sound()), (only_found, false), "{sql}");
    assert_eq!(found(&store.check(true).await.unwrap()), expect, "{sql}");
    let left: Vec<_> = expect.iter().filter(|(_, count, repaired)| count > repaired).map(|(p, ..)| *p).collect();
    let again: Vec<_> = found(&store.check(false).await.unwrap()).into_iter().map(|(problem, ..)| problem).collect();
    assert_eq!(again, left, "{sql}");
}

#[tokio::test]
async fn repairable_problems_are_repaired() {
    let Some((database, store, run)) = filled().await else { return };
    // The counts of a repaired record may differ from those before.
    let content =
        |rows: Vec<FeedRow>| rows.into_iter().map(|row| (row.cursor, row.payload, row.pruned_at)).collect::<Vec<_>>();
    let before = content(feed(&store).await);
    let behind = &[(Problem::DatasetBehind, 1, 1)];
    let sql = |sql: &str| sql.replace("FROM ", "FROM nango_rs.").replace("UPDATE ", "UPDATE nango_rs.");
    for (damage, expect) in [
        ("UPDATE datasets SET live = 3, bytes = -1", &[(Problem::Counts, 1, 1)]),
        ("UPDATE datasets SET seq = 4, stamp = 4", behind),
        ("UPDATE datasets SET rids = 4", behind),
        (
            "INSERT INTO nango_rs.delete_states VALUES \
             (1, '7', 1, 0, 1, 1, FALSE, NULL, FALSE, FALSE, '\\x00', 0, FALSE)",
            &[(Problem::State, 1, 1)],
        ),
        (
            "UPDATE record_keys SET state = 5 WHERE id = '1'; UPDATE records SET last_action = 2 WHERE id = '2'; \
          UPDATE records SET pruned_at = 9 WHERE id = '3'; UPDATE record_keys SET bytes = 1 WHERE id = '4'",
            &[(Problem::State, 4, 4)],
        ),
        ("UPDATE record_keys SET hash = decode(repeat('00', 16), 'hex') WHERE id = '5'", &[(Problem::Hash, 1, 1)]),
        ("DELETE FROM record_keys WHERE id = '6'", &[(Problem::MissingKeyRow, 1, 1)]),
    ] {
        check_repair(&database, &store, &sql(damage), expect).await;
        // A lost hash is computed again: the same content is the same record.
        assert_eq!(save(&store, run, 0..10, "x").await, [RowOutcome::Unchanged; 10], "{damage}");
        assert_eq!(content(feed(&store).await), before, "{damage}");
    }
    assert_eq!(database.sql("SELECT count(DISTINCT rid) FROM nango_rs.record_keys"), "10");
    let sql = "DELETE FROM nango_rs.records WHERE id = '3'; UPDATE nango_rs.datasets SET live = 9, bytes = bytes - 19";
    check_repair(&database, &store, sql, &[(Problem::MissingPayloadRow, 1, 1)]).await;
    assert_eq!(save(&store, run, [3, 4], "x").await, [RowOutcome::Added, RowOutcome::Unchanged]);
}

#[tokio::test]
async fn unrepairable_problems_are_reported_and_left() {
    let Some((database, store, run)) = filled().await else { return };
    let sql = "UPDATE nango_rs.records SET payload = '{', pruned_at = NULL WHERE id = '1'; \
               UPDATE nango_rs.record_keys SET updated = 9 WHERE id <= '1'; \
               UPDATE nango_rs.record_keys SET bytes = 1 WHERE id = '1'; UPDATE nango_rs.datasets \
               SET bytes = bytes - 18";
    check_repair(&database, &store, sql, &[(Problem::Payload, 1, 0)]).await;
    // Its update time was removed, so that the next save cannot be older than it.
    assert_eq!(database.sql("SELECT count(*) FROM nango_rs.record_keys WHERE updated IS NOT NULL"), "1");
    assert_eq!(save(&store, run, [1], "x").await, [RowOutcome::Updated]);
    let sql = "UPDATE nango_rs.records SET modified_at = modified_at - 5 WHERE id = '5'; \
               UPDATE nango_rs.record_keys SET modified_at = modified_at - 5 WHERE id = '5'";
    check_repair(&database, &store, sql, &[(Problem::TimestampRegression, 1, 0)]).await;
    database.sql(
        "UPDATE nango_rs.records SET modified_at = modified_at + 5 WHERE id = '5'; \
                  UPDATE nango_rs.record_keys SET modified_at = modified_at + 5 WHERE id = '5'",
    );
    let sql = "INSERT INTO nango_rs.checkpoints VALUES (1, '[1]', 1); UPDATE nango_rs.connections SET metadata = '{'";
    check_repair(&database, &store, sql, &[(Problem::Unreadable, 1, 0); 2]).await;
    database.sql("DELETE FROM nango_rs.checkpoints; UPDATE nango_rs.connections SET metadata = '{}'");
    let sql = "INSERT INTO nango_rs.api_keys (id, name, hash, scopes, integrations, created_at) \
               VALUES ('\\x01', 'app', '\\x02', '[]', '[', 0)";
    check_repair(&database, &store, sql, &[(Problem::Unreadable, 1, 0)]).await;
}

#[tokio::test]
async fn orphaned_rows_are_removed() {
    let Some((database, store, _)) = filled().await else { return };
    let sql = "INSERT INTO nango_rs.records (dataset, seq, first_seen_at, modified_at, run, last_action, id, payload) \
               VALUES (7, 1, 0, 0, 1, 0, 'a', '{}'); \
               INSERT INTO nango_rs.record_keys VALUES (7, 1, 1, 0, 1, 2, 0, 0, decode(repeat('00', 16), 'hex'), 'a'); \
               UPDATE nango_rs.datasets SET scan = 5, scan_function = 99, scan_start = 0, waits = TRUE; \
               INSERT INTO nango_rs.scan_marks VALUES (6, 0, repeat('0', 4096)::bit(4096)); \
               INSERT INTO nango_rs.delete_states VALUES (1, 'none', 1, 0, 1, 1, false, NULL, false, false, '\\x00', \
               0, false); INSERT INTO nango_rs.checkpoints VALUES (9, '{}', 1); \
               INSERT INTO nango_rs.resume_states VALUES (9, '\\x00'); \
               INSERT INTO nango_rs.parents (function, key, early_full_runs, id) VALUES (9, '\\x00', 0, 'p'); \
               INSERT INTO nango_rs.run_models VALUES (99, 'M', 0, 0, 0, 0, 0); \
               INSERT INTO nango_rs.run_logs (run, at, level, message) VALUES (99, 0, 'info', 'x'); \
               INSERT INTO nango_rs.locks VALUES ('k', 99, 0)";
    check_repair(&database, &store, sql, &[(Problem::Orphans, 1, 1); 11]).await;
    check_repair(&database, &store, "DELETE FROM nango_rs.connections", &[(Problem::Orphans, 10, 10)]).await;
    assert_eq!(feed(&store).await, []);
}

#[tokio::test]
async fn backup_is_refused_with_the_command_of_the_server_tool() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let error = store.backup(std::path::Path::new("my backup.dump")).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::ExternalTool(_)) && text.contains("pg_dump --host="), "{text}");
    assert!(text.contains(&format!("--dbname={} --schema=nango_rs", database.name())), "{text}");
    assert!(text.contains("'--file=my backup.dump'") && !text.contains("hush"), "{text}");
}

#[tokio::test]
async fn sealed_database_is_copied_to_a_server_and_back_without_its_key() {
    let (Some(away), dir) = (database(), tempfile::tempdir().unwrap()) else { return };
    let ring = Arc::new(KeyRing::ephemeral().unwrap());
    let first: SharedStore = Arc::new(Sqlite::open(dir.path().join("a.db")).await.unwrap());
    first.use_keys(ring.clone(), true).await.unwrap();
    first.put_connection(connection()).await.unwrap();
    let run = begin(&*first).await;
    let mut page = page(&*first, run, 0..5_000, "hush-hush");
    page.logs = vec![LogLine {
        timestamp: Timestamp::from_micros(1),
        level: crate::store::Level::Info,
        message: "a\0b".to_owned(),
        fields: json!({}),
    }];
    first.commit(page.clone()).await.unwrap();
    first.end_run(&run, RunEnd::new(crate::store::RunStatus::Success)).await.unwrap();
    let half = ReadQuery { limit: 2_500, ..ReadQuery::default() };
    let cursor = first.read(&dataset(), half).await.unwrap().next_cursor;
    let rest = ReadQuery { cursor, limit: 10_000, ..ReadQuery::default() };
    let expect = first.read(&dataset(), rest.clone()).await.unwrap();

    // No key is given to either side; an incomplete copy can only be opened as the target of the next copy.
    let target = open_target(&away.url).await.unwrap();
    target.begin_import().await.unwrap();
    target.close().await.unwrap();
    let refused = crate::store::open(&away.url).await.unwrap_err().to_string();
    assert!(refused.starts_with("the database `") && refused.contains("contains an incomplete copy"), "{refused}");
    let target = open_target(&away.url).await.unwrap();
    let there = copy(&first, &target, |_, _| ()).await.unwrap();
    target.close().await.unwrap();
    assert_eq!(
        away.sql(
            "SELECT max(rid), count(DISTINCT rid), (SELECT max(rids) FROM nango_rs.datasets) FROM nango_rs.record_keys"
        ),
        "5000|5000|5000"
    );
    let server = crate::store::open(&away.url).await.unwrap();
    assert_eq!(server.check(false).await.unwrap().undecrypted.values().sum::<u64>(), 5_000);
    let path = dir.path().join("b.db");
    let target: SharedStore = Arc::new(Sqlite::open_target(&path).await.unwrap());
    let back = copy(&server, &target, |_, _| ()).await.unwrap();
    target.close().await.unwrap();
    let last: SharedStore = Arc::new(Sqlite::open(&path).await.unwrap());
    assert_eq!((&there, &back), (&fingerprint(&first).await.unwrap(), &fingerprint(&last).await.unwrap()));
    assert_eq!(there, back);

    // With the key, all three continue from the same cursor, and every record is unchanged.
    for store in [&server, &last] {
        store.use_keys(ring.clone(), false).await.unwrap();
        assert_eq!(store.read(&dataset(), rest.clone()).await.unwrap(), expect);
        let sound = store.check(false).await.unwrap();
        assert_eq!((sound.findings, sound.undecrypted.len()), (vec![], 0));
        let run = NewRun { key: key(), connection: None, exclusive: false, lease: Duration::from_mins(1) };
        page.run = store.start_run(run).await.unwrap();
        let rows = store.commit(page.clone()).await.unwrap().changes.remove(0).rows;
        assert!(rows.iter().all(|row| *row == RowOutcome::Unchanged) && rows.len() == 5_000);
    }
}
