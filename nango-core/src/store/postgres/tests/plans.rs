//! Tests of the rows that a page touches, and of the plans that find them.

use super::*;
use crate::store::ScanOutcome;

/// Fingerprints every row of the cache: a row that was written or locked has another version, position or lock mark.
fn versions(database: &Database) -> String {
    database.sql(
        "SELECT count(*), md5(string_agg(v, ' ' ORDER BY v)) FROM (\
         SELECT 'k' || id || ctid::text || xmin || ' ' || xmax AS v FROM nango_rs.record_keys UNION ALL \
         SELECT 'r' || id || tableoid || ctid::text || xmin || ' ' || xmax FROM nango_rs.records) rows",
    )
}

#[tokio::test]
async fn unchanged_run_neither_writes_nor_locks_records_and_finished_scan_leaves_no_rows() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    let text = "z".repeat(2000);
    for first in (0..5000).step_by(500) {
        save(&store, run, first..first + 500, &text).await;
    }
    let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
    let before = versions(&database);
    assert!(before.starts_with("10000|"), "{before}");
    for first in (0..5000).step_by(100) {
        assert_eq!(save(&store, run, first..first + 100, &text).await, [RowOutcome::Unchanged; 100]);
    }
    assert_eq!(versions(&database), before);
    assert_eq!(database.sql("SELECT count(*) FROM nango_rs.scan_marks"), "2");
    let end = unguarded_finish_scan(run, key(), dataset(), scan);
    assert_eq!(store.finish_scan(end).await.unwrap(), ScanOutcome::default());
    assert_eq!(versions(&database), before);
    for table in ["scan_marks", "delete_states", "datasets WHERE scan IS NOT NULL"] {
        assert_eq!(database.sql(&format!("SELECT count(*) FROM nango_rs.{table}")), "0", "{table}");
    }
    // A changed record is written, and nothing else.
    save(&store, run, [7], "other").await;
    assert_ne!(versions(&database), before);
}

const ROWS: u64 = 6000;

#[tokio::test]
async fn unanalyzed_tables_are_not_scanned_sequentially() {
    let Some(database) = database() else { return };
    // The sequential scans of the tables, and the rows that were fetched through their indexes.
    let stats = || {
        let read = |what: &str| -> [u64; 2] {
            let sum = format!(
                "SELECT sum(seq_scan), coalesce(sum(idx_tup_fetch), 0) FROM pg_stat_user_tables \
                 WHERE relname LIKE '{what}'"
            );
            let counts = database.sql(&sum);
            let (scans, rows) = counts.split_once('|').unwrap();
            [scans.parse().unwrap(), rows.parse().unwrap()]
        };
        [read("record\\_keys"), read("records%"), read("datasets")]
    };
    let before = stats();
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    // Plans are cached from the first pages on, when the tables are empty: they must also be right for the last pages.
    for (round, text) in ["a", "a", "b"].into_iter().enumerate() {
        let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
        for first in (0..ROWS).step_by(100) {
            save(&store, run, first..first + 100, text).await;
        }
        if round > 0 {
            let end = unguarded_finish_scan(run, key(), dataset(), scan);
            store.finish_scan(end).await.unwrap();
        }
    }
    let mut deletes = page(&store, run, [], "");
    deletes.changes[0].write = Write::delete((0..ROWS).step_by(3).map(|id| id.to_string()));
    store.commit(deletes).await.unwrap();
    let mut cursor = None;
    loop {
        let query = ReadQuery { cursor, limit: 100, ..ReadQuery::default() };
        let page = store.read(&dataset(), query).await.unwrap();
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    // A session publishes its statistics when it ends.
    store.close().await.unwrap();
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'";
    while database.sql(sessions) != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        database.sql(
            "SELECT count(*) FROM pg_stat_user_tables \
                             WHERE coalesce(last_analyze, last_autoanalyze, last_vacuum, last_autovacuum) \
                             IS NOT NULL"
        ),
        "0"
    );
    let after = stats();
    let [keys, records, datasets] = [0, 1, 2].map(|n| [0, 1].map(|m| after[n][m] - before[n][m]));
    assert_eq!((keys[0], records[0], datasets[0]), (0, 0, 0), "tables that were scanned sequentially");
    // Each record is looked up three times, changed once, counted by two scans, and a third of them is deleted.
    assert!(keys[1] < 12 * ROWS, "{keys:?}");
    assert!(records[1] < 8 * ROWS, "{records:?}");
}
