//! Tests of the rows that a page touches, and of the plans that find them.

use super::*;
use crate::store::{ParentKey, Parents, ScanOutcome};

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

#[tokio::test]
async fn unchanged_children_are_neither_written_nor_locked() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    let mut before = String::new();
    for _ in 0..2 {
        let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
        for parent in 0..20 {
            save_children(&store, run, scan, &parent.to_string(), parent * 100..parent * 100 + 100, "a").await;
        }
        if !before.is_empty() {
            assert_eq!(versions(&database), before);
        }
        let end = FinishScan { by_parent: true, ..unguarded_finish_scan(run, key(), dataset(), scan) };
        assert_eq!(store.finish_scan(end).await.unwrap(), ScanOutcome::default());
        before = versions(&database);
    }
    // The row of a record that moves is written, and that of no other.
    let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
    save_children(&store, run, scan, "0", [100], "a").await;
    assert_ne!(versions(&database), before);
    assert_eq!(feed(&store).await.len(), 2_000);
}

/// Returns the number of sequential scans of the tables whose names match, and of the rows that were fetched through
/// their indexes. A session publishes its statistics when it ends.
async fn statistics(database: &Database, names: &[&str]) -> Vec<[u64; 2]> {
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'";
    while database.sql(sessions) != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let read = |name: &&str| {
        let sum = format!(
            "SELECT sum(seq_scan), coalesce(sum(idx_tup_fetch), 0) FROM pg_stat_user_tables WHERE relname LIKE '{name}'"
        );
        let counts = database.sql(&sum);
        let (scans, rows) = counts.split_once('|').unwrap();
        [scans.parse().unwrap(), rows.parse().unwrap()]
    };
    names.iter().map(read).collect()
}

#[tokio::test]
async fn unanalyzed_tables_of_children_are_not_scanned_sequentially() {
    const PARENTS: u64 = 60;
    const CHILDREN: u64 = 50;
    let Some(database) = database() else { return };
    let names = ["record\\_keys", "records%", "parents", "delete\\_states"];
    let before = statistics(&database, &names).await;
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    let children = |parent: u64, count| parent * CHILDREN..parent * CHILDREN + count;
    for (round, count) in [CHILDREN, CHILDREN, CHILDREN - 1].into_iter().enumerate() {
        let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
        for parent in 0..PARENTS {
            save_children(&store, run, scan, &parent.to_string(), children(parent, count), "a").await;
        }
        let end = FinishScan { by_parent: true, ..unguarded_finish_scan(run, key(), dataset(), scan) };
        assert_eq!(store.finish_scan(end).await.unwrap().deleted, if round == 2 { PARENTS } else { 0 });
    }
    for parent in 0..PARENTS {
        let mut page = page(&store, run, children(parent, CHILDREN - 2), "a");
        let Write::Save(batch) = page.changes[0].write.clone() else { panic!("a save") };
        page.changes[0].write = Write::Replace(batch);
        page.changes[0].parent = Some(ParentKey::of(&parent.to_string()));
        let rows = store.commit(page).await.unwrap().changes.remove(0).rows;
        assert_eq!(rows.iter().filter(|row| **row == RowOutcome::Deleted).count(), 1);
    }
    let ids = (0..PARENTS).map(|parent| parent.to_string()).collect::<Vec<_>>();
    assert_eq!(store.parent_rows(&key(), ids).await.unwrap().len() as u64, PARENTS);
    store.close().await.unwrap();
    let after = statistics(&database, &names).await;
    let used: Vec<[u64; 2]> =
        after.iter().zip(&before).map(|(after, before)| [after[0] - before[0], after[1] - before[1]]).collect();
    assert!(used.iter().all(|[scans, _]| *scans == 0), "tables that were scanned sequentially: {used:?}");
    // Each record is looked up four times, counted by three scans, and read once as a child.
    let rows = PARENTS * CHILDREN;
    assert!(used[0][1] < 12 * rows, "{used:?}");
    assert!(used[1][1] < 4 * rows, "{used:?}");
    // The row of a parent is written twice per walk, and read by three scans and once by its id.
    assert!(used[2][1] < 20 * PARENTS, "{used:?}");
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
