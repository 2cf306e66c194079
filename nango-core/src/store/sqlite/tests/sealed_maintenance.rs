//! Tests of maintenance with sealed payloads: check and repair, and copies without a key.

use super::{
    sealed::{SECRET_TEXT, files_containing, open},
    *,
};
use crate::{
    store::{KeyId, Maintenance, Problem, ProfileChange, Prune, PruneUntil, SharedStore, copy, fingerprint},
    time::Timestamp,
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

/// Creates a sealed file with ten records, one of them a tombstone.
async fn filled(keys: &str) -> (TempDir, PathBuf, Sqlite, RunToken) {
    let (dir, path) = file();
    let store = open(&path, keys, true).await;
    connect(&store).await;
    let run = begin(&store).await;
    save(&store, run, 0..10, SECRET_TEXT).await;
    let mut deletion = page(&store, run, [], "");
    deletion.changes[0].write = Write::delete(["9".to_owned()]);
    store.commit(deletion).await.unwrap();
    (dir, path, store, run)
}

async fn found(store: &Sqlite, repair: bool) -> Vec<(Problem, u64, u64, String)> {
    let findings = store.check(repair).await.unwrap().findings;
    findings.into_iter().map(|one| (one.problem, one.count, one.repaired, one.example)).collect()
}

#[tokio::test]
async fn check_decrypts_every_payload() {
    let (_dir, _, store, run) = filled(&keys(1)).await;
    let sound = store.check(true).await.unwrap();
    assert_eq!((sound.findings, sound.undecrypted.len(), sound.records), (vec![], 0, 10));
    let plain: usize = feed(&store).await.iter().filter_map(|row| row.payload.as_ref()).map(bytes::Bytes::len).sum();
    assert_eq!(sound.bytes, plain as u64);
    let execute = |sql: &'static str| store.write(move |db| Ok(db.sql.execute_batch(sql)?));

    // One payload was overwritten; another was replaced by the payload of a third record.
    execute(
        "UPDATE records SET payload = zeroblob(length(payload)) WHERE id = '1'; \
         UPDATE records SET payload = (SELECT payload FROM records WHERE id = '3') WHERE id = '2'",
    )
    .await
    .unwrap();
    let expect = |repaired: u64| vec![(Problem::Seal, 2, repaired, "record `1`".to_owned())];
    assert_eq!(found(&store, false).await, expect(0));
    assert_eq!(found(&store, true).await, expect(0));
    // The next save of the same content replaces them, without decrypting them.
    let saved = save(&store, run, 0..9, SECRET_TEXT).await;
    assert_eq!(saved[1..3], [RowOutcome::Updated; 2]);
    assert_eq!(found(&store, false).await, []);

    execute("UPDATE record_keys SET hash = zeroblob(16) WHERE id = '4'").await.unwrap();
    assert_eq!(found(&store, true).await, [(Problem::Hash, 1, 1, "record `4`".to_owned())]);
    assert_eq!(save(&store, run, 0..9, SECRET_TEXT).await, [RowOutcome::Unchanged; 9]);
    assert_eq!(found(&store, false).await, []);
}

#[tokio::test]
async fn payload_of_unknown_key_is_counted_and_not_damaged() {
    let keys_two = keys(2);
    let (_dir, path, store, run) = filled(&keys_two).await;
    let [old, new]: [KeyId; 2] = ring(&keys_two).ids().try_into().unwrap();
    store.activate_key(new).await.unwrap();
    save(&store, run, 20..23, SECRET_TEXT).await;
    let sizes = store.check(false).await.unwrap().bytes;
    store.close().await.unwrap();

    let none = Sqlite::open(&path).await.unwrap();
    let wrong = open(&path, &keys(1), false).await;
    let one = open(&path, keys_two.split_once(',').unwrap().1, false).await;
    for (store, closed) in
        [(&none, vec![(old, 10), (new, 3)]), (&wrong, vec![(old, 10), (new, 3)]), (&one, vec![(old, 10)])]
    {
        let report = store.check(true).await.unwrap();
        assert!(report.is_sound() && report.findings.is_empty(), "{report:?}");
        let mut closed = closed;
        closed.sort();
        assert_eq!(report.undecrypted.into_iter().collect::<Vec<_>>(), closed);
        assert_eq!((report.records, report.bytes), (13, sizes));
    }
    // Operations that do not read payloads need no key.
    let usage = none.dataset_usage().await.unwrap();
    assert_eq!((usage[0].rows, usage[0].bytes), (13, sizes));
    assert_eq!(none.erase(&dataset(), vec!["1".to_owned(), "9".to_owned()]).await.unwrap(), 2);
    let pruned = Prune { until: PruneUntil::Before(Timestamp::MAX), after: None, limit: 10 };
    assert_eq!(none.prune(&dataset(), pruned).await.unwrap().count, 10);
    assert_eq!(none.check(false).await.unwrap().findings, []);
    let open = open(&path, &keys_two, false).await;
    assert_eq!(open.check(false).await.unwrap().findings, []);
    assert_eq!(save(&open, run, [0, 1, 22], SECRET_TEXT).await[..2], [RowOutcome::Unchanged, RowOutcome::Added]);
    assert_eq!(open.check(false).await.unwrap().findings, []);
}

#[tokio::test]
async fn sealed_database_is_copied_without_its_key() {
    let text = keys(2);
    let (dir, path, store, _) = filled(&text).await;
    store.activate_key(ring(&text).ids()[1]).await.unwrap();
    let before = feed(&store).await;
    let settings = store.encryption_settings().await.unwrap();
    store.close().await.unwrap();

    let source: SharedStore = Arc::new(Sqlite::open(&path).await.unwrap());
    let there = dir.path().join("copy.db");
    let target: SharedStore = Arc::new(Sqlite::open_target(&there).await.unwrap());
    let copied = copy(&source, &target, |_, _| ()).await.unwrap();
    target.close().await.unwrap();
    let closed: SharedStore = Arc::new(Sqlite::open(&there).await.unwrap());
    assert_eq!(fingerprint(&closed).await.unwrap(), copied);
    closed.close().await.unwrap();
    assert_eq!(files_containing(&dir, SECRET_TEXT), [""; 0]);

    let moved = open(&there, &text, false).await;
    assert_eq!((feed(&moved).await, moved.encryption_settings().await.unwrap()), (before, settings.clone()));
    assert!(settings.payloads && settings.unfinished);
    let run = begin(&moved).await;
    assert_eq!(save(&moved, run, 0..9, SECRET_TEXT).await, [RowOutcome::Unchanged; 9]);
    // The reseal pass starts again in the copy.
    let done = reseal_all(&moved).await;
    assert_eq!((done.seen, done.skipped, done.done), (10, 0, true));
    assert!(moved.check(false).await.unwrap().is_sound());
}
