//! Tests of payload encryption: the contents of the files, wrong keys, and moved payloads.

use super::*;
use crate::{
    model::Patch,
    store::{PatchRow, encryption::SEAL_OVERHEAD},
};

/// Text that no file may contain.
pub(super) const SECRET_TEXT: &str = "secret-secret";

pub(super) async fn open(path: &Path, keys: &str, seal_new: bool) -> Sqlite {
    let store = Sqlite::open(path).await.unwrap();
    store.use_keys(ring(keys), seal_new).await.unwrap();
    store
}

/// Returns the files of the directory (database, log, temporary files) that contain the text.
pub(super) fn files_containing(dir: &TempDir, text: &str) -> Vec<String> {
    let contains = |name: &String| {
        let bytes = fs::read(dir.path().join(name)).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    names(dir).into_iter().filter(contains).collect()
}

/// Returns the number of records, credentials and resume states per key (`-`: not sealed).
pub(super) async fn items_by_key(store: &Sqlite) -> Vec<(String, [u64; 3])> {
    let state = store.encryption().await.unwrap();
    let name = |used: &crate::store::KeyUse| used.key.map_or_else(|| "-".to_owned(), |key| key.to_string());
    state.uses.iter().map(|used| (name(used), [used.records, used.credentials, used.resume_states])).collect()
}

/// Replaces the text of a record by a patch.
async fn patch(store: &Sqlite, run: RunToken, id: &str, text: &str) -> Vec<RowOutcome> {
    let mut patch = page(store, run, [], "");
    let fields = json!({ "text": text }).as_object().unwrap().clone();
    patch.changes[0].write = Write::Patch(vec![PatchRow { id: id.to_owned(), fields, updated: Patch::Keep }]);
    store.commit(patch).await.unwrap().changes.remove(0).rows
}

#[tokio::test]
async fn files_of_new_database_contain_no_payload() {
    let (dir, path) = file();
    let keys = keys(1);
    let store = open(&path, &keys, true).await;
    let run = begin(&store).await;
    // Some payloads fit into a page and some do not.
    save(&store, run, 0..200, SECRET_TEXT).await;
    save(&store, run, 200..210, &SECRET_TEXT.repeat(3000)).await;
    save(&store, run, 50..60, &format!("{SECRET_TEXT} changed")).await;
    assert_eq!(patch(&store, run, "7", &format!("{SECRET_TEXT} merged")).await, [RowOutcome::Updated]);
    assert_eq!(files_containing(&dir, SECRET_TEXT), [""; 0]);
    assert!(feed(&store).await.iter().all(|row| row.payload.as_ref().unwrap().starts_with(b"{\"id\":")));
    assert_eq!(count(&store, "records WHERE key_id <> 0").await, 210);
    let other = move |db: &Db| {
        let query = "SELECT count(*) FROM records WHERE length(payload) - size <> ?1";
        Ok(db.sql.query_row(query, [i64::try_from(SEAL_OVERHEAD).unwrap()], |row| row.get::<_, i64>(0))?)
    };
    assert_eq!(store.writer.write(other).await.unwrap(), 0);
    store.close().await.unwrap();
    assert_eq!(files_containing(&dir, SECRET_TEXT), [""; 0]);
    // Another process needs only the key to continue.
    let store = open(&path, &keys, false).await;
    assert_eq!(save(&store, run, 60..200, SECRET_TEXT).await, [RowOutcome::Unchanged; 140]);
    assert_eq!(save(&store, run, [7], &format!("{SECRET_TEXT} merged")).await, [RowOutcome::Unchanged]);
    assert_eq!(feed(&store).await.len(), 210);
}

#[tokio::test]
async fn files_of_switched_database_contain_no_payload() {
    let (dir, path) = file();
    let store = open(&path, &keys(1), false).await;
    let run = begin(&store).await;
    save(&store, run, 0..2000, &SECRET_TEXT.repeat(20)).await;
    save(&store, run, 2000..2010, &SECRET_TEXT.repeat(3000)).await;
    let mut deletion = page(&store, run, [], "");
    deletion.changes[0].write = Write::delete((0..10).map(|id| id.to_string()));
    store.commit(deletion).await.unwrap();
    patch(&store, run, "20", SECRET_TEXT).await;
    // Replaced payloads remain in unused pages.
    save(&store, run, 500..1500, "short").await;
    assert!(!files_containing(&dir, SECRET_TEXT).is_empty());
    let before = feed(&store).await;
    let sizes = store.datasets(None, None).await.unwrap();

    store.seal_payloads(true).await.unwrap();
    let state = store.encryption().await.unwrap();
    assert!(state.payloads && state.unfinished);
    assert_eq!(items_by_key(&store).await, [("-".to_owned(), [2010, 0, 0])]);
    let done = reseal_all(&store).await;
    assert_eq!((done.done, done.seen, done.changed, done.skipped), (true, 2010, 2010, 0));
    // The process and its log are still in use.
    assert_eq!(files_containing(&dir, SECRET_TEXT), [""; 0]);
    assert_eq!(feed(&store).await, before);
    assert_eq!(store.datasets(None, None).await.unwrap(), sizes);
    assert!(!store.encryption().await.unwrap().unfinished);
    assert_eq!(count(&store, "record_keys WHERE hash_version = 2").await, 2010);

    // No record counts as changed by the switch.
    let at = feed(&store).await.len();
    assert_eq!(save(&store, run, 500..1500, "short").await, [RowOutcome::Unchanged; 1000]);
    assert_eq!(save(&store, run, [20], SECRET_TEXT).await, [RowOutcome::Unchanged]);
    assert_eq!(feed(&store).await[..at], before[..]);
    save(&store, run, 1600..1700, &format!("{SECRET_TEXT} again")).await;
    assert_eq!(files_containing(&dir, SECRET_TEXT), [""; 0]);

    // Switch back.
    let before = feed(&store).await;
    store.seal_payloads(false).await.unwrap();
    assert!(reseal_all(&store).await.done);
    assert_eq!(feed(&store).await, before);
    assert_eq!(items_by_key(&store).await, [("-".to_owned(), [2010, 0, 0])]);
    assert_eq!(save(&store, run, 500..1500, "short").await, [RowOutcome::Unchanged; 1000]);
    assert_eq!(count(&store, "record_keys WHERE hash_version = 1").await, 2010);
    assert!(!files_containing(&dir, SECRET_TEXT).is_empty());
}

#[tokio::test]
async fn pruned_record_stays_unchanged_across_switches() {
    let store = Sqlite::open(":memory:").await.unwrap();
    let text = keys(2);
    store.use_keys(ring(&text), false).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..4, "x").await;
    let prune = |id: &'static str| {
        let prune = format!(
            "UPDATE datasets SET bytes = bytes - (SELECT size FROM records WHERE id = '{id}'); \
             UPDATE records SET payload = NULL, pruned_at = 7 WHERE id = '{id}'; \
             UPDATE record_keys SET state = state | 2 WHERE id = '{id}'"
        );
        store.writer.write(move |db| Ok(db.sql.execute_batch(&prune)?))
    };
    let before = feed(&store).await;
    let sizes = store.datasets(None, None).await.unwrap();
    prune("0").await.unwrap();
    store.seal_payloads(true).await.unwrap();
    reseal_all(&store).await;
    // An unkeyed hash would confirm a guess of the content.
    assert_eq!(count(&store, "record_keys WHERE hash_version = 1").await, 0);
    prune("1").await.unwrap();
    store.activate_key(ring(&text).ids()[1]).await.unwrap();
    reseal_all(&store).await;
    prune("2").await.unwrap();
    store.seal_payloads(false).await.unwrap();
    reseal_all(&store).await;
    prune("3").await.unwrap();
    assert_eq!(save(&store, run, 0..4, "x").await, [RowOutcome::Unchanged; 4]);
    assert_eq!(feed(&store).await, before);
    assert_eq!(store.datasets(None, None).await.unwrap(), sizes);
}

#[tokio::test]
async fn store_without_key_reads_and_writes_nothing() {
    let (_dir, path) = file();
    let keys_one = keys(1);
    let store = open(&path, &keys_one, true).await;
    let run = begin(&store).await;
    save(&store, run, 0..3, SECRET_TEXT).await;
    let needed = ring(&keys_one).ids()[0].to_string();
    store.close().await.unwrap();

    let wrong = open(&path, &keys(1), true).await;
    let none = Sqlite::open(&path).await.unwrap();
    for store in [&wrong, &none] {
        let read = store.read(&dataset(), ReadQuery::default()).await.unwrap_err();
        let written = store.commit(page(store, run, [9], "x")).await.unwrap_err();
        let off = store.seal_payloads(false).await.unwrap_err();
        for error in [read, written, off] {
            let text = error.to_string();
            assert!(matches!(error, StoreError::NoKey { .. }) && text.contains(&needed), "{text}");
            assert!(text.contains("NANGO_ENCRYPTION_KEY"), "{text}");
        }
        assert_eq!(count(store, "records").await, 3);
        // Data that is not sealed can still be read.
        assert_eq!(store.datasets(None, None).await.unwrap()[0].live, 3);
    }
    assert_eq!(feed(&open(&path, &keys_one, false).await).await.len(), 3);
}

#[tokio::test]
async fn sealed_row_opens_only_in_its_own_record() {
    let store = Sqlite::open(":memory:").await.unwrap();
    store.use_keys(ring(&keys(1)), true).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..4, SECRET_TEXT).await;
    let mut elsewhere = page(&store, run, [3], "other");
    elsewhere.changes[0].dataset.variant = "other".to_owned();
    store.commit(elsewhere).await.unwrap();
    let execute = |sql: &'static str| store.writer.write(move |db| Ok(db.sql.execute_batch(sql)?));
    for (change, id) in [
        ("UPDATE records SET payload = (SELECT payload FROM records WHERE id = '0') WHERE id = '1'", "1"),
        ("UPDATE records SET payload = substr(payload, 1, length(payload) - 1) WHERE id = '2'", "2"),
        (
            "UPDATE records SET payload = \
             (SELECT r.payload FROM records r WHERE r.id = '3' AND r.dataset <> records.dataset) \
             WHERE id = '3' AND dataset = 1",
            "3",
        ),
    ] {
        execute(change).await.unwrap();
        let error = store.records_by_id(&dataset(), vec![id.to_owned()]).await.unwrap_err();
        assert!(matches!(&error, StoreError::DecryptFailed { id: found, .. } if found == id), "{error}");
        assert!(error.to_string().contains(&format!("`{id}`")), "{error}");
    }
    assert_eq!(store.records_by_id(&dataset(), vec!["0".to_owned()]).await.unwrap().len(), 1);
    // A pass skips and counts rows that it cannot decrypt, and processes the others.
    store.seal_payloads(false).await.unwrap();
    let done = reseal_all(&store).await;
    assert_eq!((done.done, done.changed, done.skipped), (true, 2, 3));
    // The next save repairs a record.
    assert_eq!(save(&store, run, 0..4, "new").await, [RowOutcome::Updated; 4]);
    assert_eq!(feed(&store).await.len(), 4);
}

#[tokio::test]
async fn file_of_first_version_is_migrated() {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..10, "x").await;
    let before = feed(&store).await;
    store.close().await.unwrap();
    let later = "version renew_at refresh_holder refresh_until failures failed_at failure refused rejected_since \
                 end_user tags webhook_url";
    for name in later.split(' ') {
        Raw::open(&path).unwrap().execute_batch(&format!("ALTER TABLE connections DROP COLUMN {name}")).unwrap();
    }
    for column in ["scans.began_at", "scans.live", "scans.brought_forward", "datasets.brought_forward"] {
        let (table, name) = column.split_once('.').unwrap();
        Raw::open(&path).unwrap().execute_batch(&format!("ALTER TABLE {table} DROP COLUMN {name}")).unwrap();
    }
    Raw::open(&path)
        .unwrap()
        .execute_batch("DROP INDEX children; DROP TABLE parents; DROP TABLE api_keys; DROP TABLE secrets")
        .unwrap();
    for column in ["updated", "older", "older_walk", "parent"] {
        Raw::open(&path).unwrap().execute_batch(&format!("ALTER TABLE record_keys DROP COLUMN {column}")).unwrap();
    }
    let back = "DROP TABLE schedules; DROP TABLE due_runs; DROP INDEX runs_finished; DROP INDEX runs_running";
    Raw::open(&path).unwrap().execute_batch(back).unwrap();
    for column in ["queued", "first_run", "attempt", "idle", "options", "mark", "checkpoint_version"] {
        Raw::open(&path).unwrap().execute_batch(&format!("ALTER TABLE runs DROP COLUMN {column}")).unwrap();
    }
    let back = "ALTER TABLE run_models DROP COLUMN skipped_older; DROP TABLE delete_states; DROP TABLE processes; \
                DROP TABLE encryption; ALTER TABLE records DROP COLUMN size; \
                ALTER TABLE records DROP COLUMN key_id; PRAGMA user_version = 1";
    Raw::open(&path).unwrap().execute_batch(back).unwrap();
    let written: String = Raw::open(&path)
        .unwrap()
        .query_row("SELECT group_concat(sql, ';') FROM sqlite_schema WHERE sql IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    let first = Raw::open_in_memory().unwrap();
    first.execute_batch(include_str!("../schema/001.sql")).unwrap();
    let expect: String = first
        .query_row("SELECT group_concat(sql, ';') FROM sqlite_schema WHERE sql IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    let words = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(words(&written), words(&expect), "it is not a file of the first version");

    let store = open(&path, &keys(1), true).await;
    assert_eq!(feed(&store).await, before);
    // A database with content is not switched implicitly.
    assert!(!store.encryption().await.unwrap().payloads);
    assert_eq!(save(&store, run, 0..10, "x").await, [RowOutcome::Unchanged; 10]);
    store.seal_payloads(true).await.unwrap();
    assert_eq!(reseal_all(&store).await.changed, 10);
    assert_eq!(feed(&store).await, before);
}
