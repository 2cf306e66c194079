//! Tests specific to SQLite: the file, other processes (simulated by another [`Sqlite`] on the same file), groups of
//! jobs, pruned payloads, and remaining rows.

mod api_keys;
mod file;
mod frozen;
mod key_rotation;
mod maintenance;
mod sealed;
mod sealed_maintenance;
mod upgrade;
mod vacuum;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::Connection as Raw;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    declare::FunctionKind,
    error::Chain,
    model::Batch,
    store::{RowOutcome, Write, fixtures::*},
};

/// Blocks the writer until the sender is dropped, so that the jobs that follow form one group.
fn block_writer(store: &Sqlite) -> (std::sync::mpsc::Sender<()>, impl Future<Output = Result<(), StoreError>>) {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    // A read is executed between two groups.
    let job = store.writer.read(move |_| {
        let _ = blocked.recv();
        Ok(())
    });
    (release, job)
}

async fn count(store: &Sqlite, table: &'static str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    store.writer.write(move |db| Ok(db.sql.query_row(&query, [], |row| row.get(0))?)).await.unwrap()
}

fn file() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nango.db");
    (dir, path)
}

async fn refused(path: &Path) -> String {
    let error = Sqlite::open(path).await.unwrap_err();
    Chain(&error).to_string().replace(&path.parent().unwrap().display().to_string(), "DIR")
}

fn names(dir: &TempDir) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn failed_job_reverts_only_its_own_writes() {
    let (_dir, path) = file();
    for path in [path.as_path(), Path::new(":memory:")] {
        let store = Sqlite::open(path).await.unwrap();
        let run = begin(&store).await;
        let (release, blocking) = block_writer(&store);
        let put = |id: i64| "INSERT INTO locks (key, run, until) VALUES (".to_owned() + &id.to_string() + ", 1, 1)";
        let job = |first: i64, then: &'static str| {
            let sql = put(first);
            store.writer.write(move |db| {
                db.sql.execute_batch(&sql)?;
                match then {
                    "panic" => panic!("a job that panics, on purpose"),
                    "refuse" => Err(StoreError::LeaseLost.into()),
                    "sql" => Ok(db.sql.execute_batch("INSERT INTO missing_table VALUES (1)")?),
                    _ => Ok(()),
                }
            })
        };
        let release = async { drop(release) };
        let (blocked, first, refused, panicked, failed, last, page, ()) = tokio::join!(
            blocking,
            job(1, "keep"),
            job(2, "refuse"),
            job(3, "panic"),
            job(4, "sql"),
            job(5, "keep"),
            store.commit(page(&store, run, [1, 2], "x")),
            release
        );
        blocked.unwrap();
        first.unwrap();
        assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
        assert!(matches!(panicked, Err(StoreError::Database(_))), "{panicked:?}");
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        last.unwrap();
        assert_eq!(page.unwrap().changes[0].rows, [RowOutcome::Added; 2]);
        assert_eq!(count(&store, "locks").await, 2);
        assert_eq!(feed(&store).await.len(), 2);
    }
}

#[tokio::test]
async fn transaction_rolled_back_by_sqlite_fails_earlier_jobs_and_no_later_ones() {
    let store = Sqlite::open(":memory:").await.unwrap();
    let run = begin(&store).await;
    save(&store, run, [1], "x").await;
    let (release, blocking) = block_writer(&store);
    let before = page(&store, run, [2], "x");
    let after = page(&store, run, [3], "x");
    // Like SQLite on a full disk: the transaction is rolled back, and the statement fails.
    let full = store.writer.write(|db| {
        db.sql.execute_batch("ROLLBACK")?;
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        Err::<(), _>(rusqlite::Error::SqliteFailure(code, None).into())
    });
    let release = async { drop(release) };
    let (blocked, before, full, after, ()) =
        tokio::join!(blocking, store.commit(before), full, store.commit(after), release);
    blocked.unwrap();
    assert!(matches!(before, Err(StoreError::Full)), "{before:?}");
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    after.unwrap();
    let ids: Vec<_> = feed(&store).await.into_iter().map(|row| row.id).collect();
    assert_eq!(ids, ["1", "3"]);
}

#[tokio::test]
async fn full_disk_writes_nothing_and_store_recovers() {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..10, "x").await;
    let before = (feed(&store).await, store.run(run.id).await.unwrap());
    let limit = |pages: i64| {
        store.writer.write(move |db| Ok(db.sql.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?))
    };
    limit(1).await.unwrap();
    let large = "y".repeat(10_000);
    let full = store.commit(page(&store, run, 0..100, &large)).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert_eq!((feed(&store).await, store.run(run.id).await.unwrap()), before);
    limit(1_000_000).await.unwrap();
    let outcomes = save(&store, run, 0..100, &large).await;
    assert_eq!(outcomes.iter().filter(|row| **row == RowOutcome::Updated).count(), 10);
}

#[tokio::test]
async fn job_is_executed_after_its_caller_was_dropped() {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    let (release, blocking) = block_writer(&store);
    let page = page(&store, run, [1], "x");
    let waiting =
        tokio::time::timeout(Duration::from_millis(20), async { tokio::join!(blocking, store.commit(page)).1 });
    assert!(waiting.await.is_err());
    drop(release);
    while feed(&store).await.is_empty() {
        tokio::task::yield_now().await;
    }
    // A store that is dropped without `close` keeps its committed writes.
    save(&store, run, [2], "x").await;
    drop(store);
    assert_eq!(feed(&Sqlite::open(&path).await.unwrap()).await.len(), 2);
}

#[tokio::test]
async fn other_reads_work_after_a_read_panicked() {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, [1], "x").await;
    for _ in 0..8 {
        let failed = store.read_with::<()>(|_| panic!("a read that panics, on purpose")).await;
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        assert_eq!(feed(&store).await.len(), 1);
    }
}

/// Returns the number of rows that were written since the database was opened.
async fn rows_written(store: &Sqlite) -> i64 {
    let count = |db: &Db| Ok(db.sql.query_row("SELECT total_changes()", [], |row| row.get(0))?);
    store.writer.write(count).await.unwrap()
}

#[tokio::test]
async fn unchanged_run_writes_no_records_and_finished_scan_leaves_no_rows() {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    let text = "z".repeat(2000);
    save(&store, run, 0..5000, &text).await;
    let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
    let before = rows_written(&store).await;
    for first in (0..5000).step_by(100) {
        assert_eq!(save(&store, run, first..first + 100, &text).await, [RowOutcome::Unchanged; 100]);
    }
    // Per page: the counters of the run, those of its model, and one or two chunks of marks.
    let written = rows_written(&store).await - before;
    assert!((100..=151).contains(&written), "{written}");
    let end = unguarded_finish_scan(run, key(), dataset(), scan);
    assert_eq!(store.finish_scan(end).await.unwrap(), ScanOutcome::default());
    for table in ["scans", "scan_marks", "delete_states"] {
        assert_eq!(count(&store, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn unchanged_children_are_not_written() {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    let walk = async |text: &str| {
        let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
        let before = rows_written(&store).await;
        for parent in 0..20 {
            save_children(&store, run, scan, &parent.to_string(), parent * 100..parent * 100 + 100, text).await;
        }
        let written = rows_written(&store).await - before;
        let end = FinishScan { by_parent: true, ..unguarded_finish_scan(run, key(), dataset(), scan) };
        assert_eq!(store.finish_scan(end).await.unwrap(), ScanOutcome::default());
        written
    };
    assert!(walk("a").await >= 4_000);
    // Per page: the counters of the run, those of its model, a chunk of marks, and the row of the parent, twice.
    assert!((80..=120).contains(&walk("a").await));
    assert!(walk("b").await >= 4_000);
}

#[tokio::test]
async fn hashes_of_another_version_are_replaced_without_a_change() {
    let store = Sqlite::open(":memory:").await.unwrap();
    let run = begin(&store).await;
    save(&store, run, [1, 2], "x").await;
    let before = feed(&store).await;
    let age = "UPDATE record_keys SET hash_version = 0, hash = zeroblob(16)";
    store.writer.write(move |db| Ok(db.sql.execute_batch(age)?)).await.unwrap();
    assert_eq!(save(&store, run, [1], "x").await, [RowOutcome::Unchanged]);
    assert_eq!(feed(&store).await, before);
    assert_eq!(count(&store, "record_keys WHERE hash_version = 1").await, 1);
    assert_eq!(save(&store, run, [1, 2], "y").await, [RowOutcome::Updated; 2]);
    assert_eq!(count(&store, "record_keys WHERE hash_version = 1").await, 2);
}

#[tokio::test]
async fn statements_of_the_write_path_scan_no_table() {
    let store = Sqlite::open(":memory:").await.unwrap();
    let plans = store.writer.write(|db| {
        let mut table_scans = Vec::new();
        for query in [
            "SELECT rid FROM record_keys WHERE dataset = 1 AND id = 'a'",
            "SELECT 1 FROM runs WHERE row = 1 AND fence = 1 AND status = 'running'",
            "SELECT row FROM runs WHERE function = 1 AND status = 'running' AND lease_until <= 5",
            "SELECT id FROM runs WHERE function = 1 AND status = 'running' AND exclusive = 1",
            "SELECT d.id, s.number FROM datasets d LEFT JOIN scans s ON s.dataset = d.id \
             WHERE d.integration = 'a' AND d.connection = 'b' AND d.model = 'c' AND d.variant = 'd'",
            "SELECT bits FROM scan_marks WHERE scan = 1 AND chunk = 1",
            "SELECT id FROM records WHERE dataset = 1 AND seq > 5 AND (7 >> last_action) & 1 ORDER BY seq LIMIT 9",
            "SELECT modified_at FROM records WHERE dataset = 1 AND seq > 5 ORDER BY seq LIMIT 1",
            "DELETE FROM delete_states WHERE dataset = 1 AND scan <> 1",
            "DELETE FROM delete_states WHERE dataset = 1 AND id = 'a'",
            "SELECT count(*), max(held) FROM delete_states WHERE dataset = 1",
            "DELETE FROM locks WHERE run = 1",
            "SELECT id, rid FROM record_keys WHERE dataset = 1 AND id > 'x' AND state & 1 = 0 ORDER BY id",
        ] {
            let mut plan = db.sql.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
            let steps = plan.query_map([], |row| row.get::<_, String>(3))?.collect::<Result<Vec<_>, _>>()?;
            table_scans.extend(steps.into_iter().filter(|step| !step.starts_with("SEARCH ")));
        }
        for query in [
            "SELECT id, rid FROM record_keys WHERE parent = x'00' AND dataset = 1 AND id > 'x' AND state & 1 = 0 \
             ORDER BY id",
            "SELECT 1 FROM parents p WHERE function = 1 AND scan IN (1) AND (complete OR gone) AND gone AND NOT EXISTS \
             (SELECT 1 FROM record_keys k WHERE k.parent = p.key AND k.dataset IN (1) AND k.state & 1 = 0)",
        ] {
            let mut plan = db.sql.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
            let steps = plan.query_map([], |row| row.get::<_, String>(3))?.collect::<Result<Vec<_>, _>>()?;
            if !steps.iter().any(|step| step.contains("USING COVERING INDEX children (parent=? AND dataset=?")) {
                table_scans.extend(steps);
            }
        }
        Ok(table_scans)
    });
    assert_eq!(plans.await.unwrap(), Vec::<String>::new());
}
