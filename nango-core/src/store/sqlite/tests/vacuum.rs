//! Tests that removed and replaced content does not remain in the file.

use super::{
    super::{clock::Clock, db::Shared, file, vacuum},
    sealed::files_containing,
    *,
};
use crate::{
    rng::Rng,
    store::{Maintenance, Prune, PruneUntil, Remains, encryption::Vault, hash::Hasher},
    time::Timestamp,
};

/// Writes 2,000 rows of different sizes and replaces them in a different order, so that rows move between pages.
/// Payloads of odd ids contain [`MARK`]; if `all` is set, all do.
async fn filled(store: &Sqlite, all: bool) -> RunToken {
    let run = begin(store).await;
    // With the sizes of this seed, copies of moved rows remain after all records are erased.
    let mut rng = Rng::new(6);
    for round in 0..3 {
        for part in 0..20 {
            let mut batch = Batch::default();
            for n in 0..100 {
                let id = (n * 20 + (part * 7 + round * 3) % 20) * 7_919;
                let word = if all || id % 2 == 1 { MARK } else { "to-be-kept" };
                batch.push(&Item { id, text: word.repeat(1 + rng.index(128)) }).unwrap();
            }
            let mut page = page(store, run, [], "");
            page.changes[0].write = Write::Save(batch);
            store.commit(page).await.unwrap();
        }
    }
    run
}

const MARK: &str = "to-be-removed";

async fn ids(store: &Sqlite) -> Vec<String> {
    let mut count = store.read(&dataset(), ReadQuery { limit: 10_000, ..ReadQuery::default() }).await.unwrap().records;
    count.drain(..).map(|row| row.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_records_leave_nothing_in_the_file() {
    let (dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    filled(&store, false).await;
    let erased: Vec<String> = ids(&store).await.into_iter().filter(|id| id.parse::<u64>().unwrap() % 2 == 1).collect();
    assert_eq!(store.erase(&dataset(), erased).await.unwrap(), 1_000);
    // Erased rows are overwritten, but not the copies that remained when a row moved: therefore the file is rebuilt.
    store.writer.read(|db| vacuum::clear(db, 0)).await.unwrap();
    assert_eq!(files_containing(&dir, MARK), ["nango.db"]);
    assert_eq!(store.clear_removed().await.unwrap(), None);
    assert_eq!(files_containing(&dir, MARK), [""; 0]);
    assert_eq!(ids(&store).await.len(), 1_000);
    assert_eq!(names(&dir), ["nango.db", "nango.db-shm", "nango.db-wal"]);
    assert_eq!(fs::metadata(dir.path().join("nango.db-wal")).unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn emptied_and_pruned_datasets_leave_nothing_in_the_file() {
    for empty in [true, false] {
        let (dir, path) = file();
        let store = Sqlite::open(&path).await.unwrap();
        filled(&store, true).await;
        if empty {
            assert_eq!(store.empty(&dataset(), None, 10_000).await.unwrap().count, 2_000);
        } else {
            let until = PruneUntil::Before(Timestamp::MAX);
            assert_eq!(
                store.prune(&dataset(), Prune { until, after: None, limit: 10_000 }).await.unwrap().count,
                2_000
            );
        }
        assert_eq!(store.clear_removed().await.unwrap(), None);
        assert_eq!(files_containing(&dir, MARK), [""; 0], "empty: {empty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_value_is_overwritten_without_a_rebuild() {
    let (dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    // One payload that fits into its page, and one with overflow pages.
    save(&store, run, [1], MARK).await;
    save(&store, run, [2], &MARK.repeat(3_000)).await;
    save(&store, run, [1, 2], "new").await;
    store.close().await.unwrap();
    assert_eq!(files_containing(&dir, MARK), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_that_keeps_the_log_is_reported() {
    let (dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..50, MARK).await;
    let reader = Raw::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM records").unwrap();
    store.empty(&dataset(), None, 10_000).await.unwrap();
    let clear = |max_bytes| {
        store.writer.read(move |db| {
            db.sql.busy_timeout(Duration::from_millis(50))?;
            vacuum::clear(db, max_bytes)
        })
    };
    assert_eq!(clear(u64::MAX).await.unwrap(), Some(Remains::Log));
    assert_eq!(files_containing(&dir, MARK), ["nango.db-wal"]);
    reader.execute_batch("ROLLBACK").unwrap();
    // A large database is not rebuilt after each removal; content that statements removed is overwritten nevertheless.
    let Some(Remains::Pages { bytes }) = clear(0).await.unwrap() else { panic!("the file was rebuilt") };
    assert_eq!(bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(files_containing(&dir, MARK), [""; 0]);
    let done = store.vacuum().await.unwrap();
    assert_eq!((done.before, done.remains), (bytes, None));
    assert_eq!(done.after, fs::metadata(&path).unwrap().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn file_is_rebuilt_after_migration_that_removes_content() {
    let (dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    filled(&store, true).await;
    store.close().await.unwrap();
    let steps = |raw: &Raw| -> Vec<String> {
        let version: u32 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        let mut steps = vec![String::new(); version as usize];
        steps.push("DELETE FROM records; DELETE FROM record_keys; UPDATE datasets SET live = 0, bytes = 0".to_owned());
        steps
    };
    // A file of an older program: removed content was not overwritten.
    let mut raw = Raw::open(&path).unwrap();
    let steps = steps(&raw);
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let rebuild_requested =
        |raw: &Raw| raw.prepare("SELECT 1 FROM meta WHERE key = 'rebuild'").unwrap().exists([]).unwrap();
    file::migrate(&mut raw, &steps, &[steps.len()]).unwrap();
    assert!(rebuild_requested(&raw) && !files_containing(&dir, MARK).is_empty());
    raw.pragma_update(None, "user_version", i64::try_from(steps.len() - 1).unwrap()).unwrap();
    drop(raw);

    // A reader prevents the rebuild at the first start, and not at the second.
    let reader = Raw::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
    let open = || {
        let raw = Raw::open(&path).unwrap();
        raw.busy_timeout(Duration::from_millis(50)).unwrap();
        let shared = Arc::new(Shared {
            clock: Clock::default(),
            hasher: Hasher::new(&[0; 32]),
            vault: Vault::new(Hasher::new(&[0; 32])),
        });
        let db = Db { sql: raw, shared };
        vacuum::finish_migration(&db).unwrap();
        rebuild_requested(&db.sql)
    };
    assert!(open());
    reader.execute_batch("ROLLBACK").unwrap();
    drop(reader);
    let store = Sqlite::open(&path).await.unwrap();
    assert_eq!(files_containing(&dir, MARK), [""; 0]);
    assert!(!store.writer.write(move |db| Ok(rebuild_requested(&db.sql))).await.unwrap());
}

#[test]
fn file_is_not_rebuilt_when_new_or_migrations_remove_no_content() {
    let (_dir, path) = file();
    let mut raw = Raw::open(&path).unwrap();
    let meta = "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";
    let rebuild_requested =
        |raw: &Raw| raw.prepare("SELECT 1 FROM meta WHERE key = 'rebuild'").unwrap().exists([]).unwrap();
    file::migrate(&mut raw, &[meta, "SELECT 1"], &[2]).unwrap();
    assert!(!rebuild_requested(&raw), "a new file");
    file::migrate(&mut raw, &[meta, "SELECT 1", "SELECT 1"], &[2]).unwrap();
    assert!(!rebuild_requested(&raw), "another step");
    file::migrate(&mut raw, &[meta, "SELECT 1", "SELECT 1", "SELECT 1"], &[2, 4]).unwrap();
    assert!(rebuild_requested(&raw));
}
