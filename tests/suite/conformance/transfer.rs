//! Copy of an instance: from the tested database into an embedded one, and from there into the tested database.

use std::sync::Arc;

use nango_core::Timestamp;
use nango_tests::internal::store::{
    BASE_VARIANT, CheckpointWrite, CopyScope, DatasetKey, DeletePolicy, FeedPage, Level, LogLine, NewConnection,
    ProfileChange, PruneUntil, ReadQuery, ResumeWrite, RowOutcome::*, RunStatus, ScanFrom, SharedStore, StoreError,
    Table, TagsChange, copy, copy_part, fingerprint, prune_all, sqlite::Sqlite,
};
use serde_json::json;

use super::support::*;

/// Fills a store with active, changed, merged, deleted and pruned records, checkpoints, a finished run and an active
/// one.
async fn fill(store: &SharedStore) {
    store.put_connection(connection("gone")).await.unwrap();
    store.remove_connection("github", "gone").await.unwrap();
    let profile = ProfileChange {
        tags: Some(TagsChange::Replace([("plan".to_owned(), "pro".to_owned())].into())),
        webhook_url: Some(Some("https://hooks.example".to_owned())),
        ..ProfileChange::default()
    };
    store.put_connection(NewConnection { profile, ..connection("acme") }).await.unwrap();
    let sync = TestSync::begin(store, "issues").await;
    let many: Vec<_> = (0..2_500).map(|n| format!("r{n}")).collect();
    sync.save(&many.iter().map(|id| (id.as_str(), 1)).collect::<Vec<_>>()).await;
    sync.commit(delete(&["r3", "r4"])).await;
    sync.commit(patch("r5", json!({ "title": "a\0b", "map": { "z": 1, "a": u64::MAX } }))).await;
    let until = sync.feed().await[9].cursor.clone();
    prune_all(store, &sync.dataset, PruneUntil::Cursor(until)).await.unwrap();
    let mut page = sync.page([]);
    page.checkpoint = Some(CheckpointWrite { value: Some(json!({ "page": 7 })), expected: 0 });
    page.resume = Some(ResumeWrite::Set(vec![0, 255]));
    page.logs = vec![LogLine {
        timestamp: Timestamp::from_micros(5),
        level: Level::Warn,
        message: "odd".into(),
        fields: json!({ "n": 1.5 }),
    }];
    store.commit(page).await.unwrap();
    // Candidates that are neither confirmed nor released.
    let scan = sync.begin_scan(ScanFrom::Start, true).await;
    let missed = sync.finish_as(scan, position_walk(), DeletePolicy::default());
    assert_eq!(store.finish_scan(missed).await.unwrap().unconfirmed, 2_498);
    sync.scan(false).await;
    sync.end().await;
    // An active run with a lock.
    let running = TestSync::begin(store, "issues").await;
    store.try_lock(&running.run, "export", MINUTE).await.unwrap();
}

async fn feed_from(store: &SharedStore, dataset: &DatasetKey, cursor: Option<&str>) -> FeedPage {
    read(store, dataset, ReadQuery { cursor: cursor.map(str::to_owned), limit: 10_000, ..ReadQuery::default() }).await
}

pub(super) async fn copy_to_another_database_keeps_feed_cursors(store: TestStore) {
    fill(&store).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.db");
    let target: SharedStore = Arc::new(Sqlite::open_target(&path).await.unwrap());
    let mut written = 0;
    let copied = copy(&store, &target, |table, rows| written += if table == Table::Records { rows } else { 0 });
    let copied = copied.await.unwrap();
    target.close().await.unwrap();
    // Every row is reported twice: when it is written, and when it is compared.
    assert_eq!(written, 5_000);
    let target: SharedStore = Arc::new(Sqlite::open(&path).await.unwrap());
    assert_eq!(fingerprint(&target).await.unwrap(), copied);
    assert_eq!(fingerprint(&store).await.unwrap(), copied);
    let settings = store.encryption_settings().await.unwrap();
    assert_eq!(target.encryption_settings().await.unwrap(), settings);
    if settings.payloads {
        target.use_keys(store.ring.clone(), false).await.unwrap();
    }
    let rows = |name| copied.tables.iter().find(|(table, _)| *table == name).map_or(0, |(_, rows)| *rows);
    assert_eq!([rows("records"), rows("connections"), rows("runs"), rows("log lines")], [2_500, 1, 2, 1]);
    assert_eq!(rows("delete states"), 2_498);

    // The feed is equal from the start and from any cursor, and the cursors are equal.
    let (issues, key) = (dataset("Doc"), function("issues"));
    let all = feed_from(&store, &issues, None).await;
    assert_eq!(feed_from(&target, &issues, None).await, all);
    let cursor = all.records[1_000].cursor.clone();
    assert_eq!(feed_from(&target, &issues, Some(&cursor)).await, feed_from(&store, &issues, Some(&cursor)).await);
    assert_eq!(store.datasets(None, None).await.unwrap(), target.datasets(None, None).await.unwrap());
    assert_eq!(store.checkpoint(&key).await.unwrap(), target.checkpoint(&key).await.unwrap());
    let pending = store.pending_deletes(&issues, &DeletePolicy::default()).await.unwrap();
    assert_eq!(
        (pending.held, target.pending_deletes(&issues, &DeletePolicy::default()).await.unwrap()),
        (2_498, pending)
    );
    assert_eq!(store.resume_state(&key).await.unwrap(), target.resume_state(&key).await.unwrap());
    assert_eq!(store.connections(None).await.unwrap(), target.connections(None).await.unwrap());
    assert!(target.check(false).await.unwrap().is_sound());

    // The active run is interrupted here, and its key and lock are free; the hashes match every record.
    let runs = target.runs_of(&key, 9).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.status).collect::<Vec<_>>(), [RunStatus::Interrupted, RunStatus::Success]);
    assert!(runs[0].finished_at.is_some());
    assert_eq!(target.logs(runs[1].id).await.unwrap(), store.logs(runs[1].id).await.unwrap());
    let sync = TestSync::begin(&target, "issues").await;
    assert!(target.try_lock(&sync.run, "export", MINUTE).await.unwrap());
    assert!(!sync.scan(true).await.resumed);
    let last = all.records.last().unwrap();
    assert_eq!(sync.save(&[("r6", 1), ("r7", 2), ("r3", 1)]).await, [Unchanged, Updated, Added]);
    assert_eq!(ids(&feed_from(&target, &issues, Some(&last.cursor)).await.records), "r7 r3");
    assert_eq!(target.pending_deletes(&issues, &DeletePolicy::default()).await.unwrap().held, 2_496);
    // An assigned number is not assigned again.
    let (new, _) = target.put_connection(connection("new")).await.unwrap();
    assert!(new.row > store.connection("github", "acme").await.unwrap().unwrap().row);
    assert!(sync.run.row > 2);
}

pub(super) async fn copy_into_this_database_succeeds(store: TestStore) {
    let source: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    fill(&source).await;
    let copied = copy(&source, &store, |_, _| ()).await.unwrap();
    assert_eq!(fingerprint(&store).await.unwrap(), copied);
    // The target is not empty any more.
    let again = copy(&source, &store, |_, _| ()).await;
    assert!(matches!(again, Err(StoreError::NotEmpty)), "{again:?}");
    assert_eq!(fingerprint(&store).await.unwrap(), copied);
}

pub(super) async fn copy_of_one_connection_recognizes_unchanged_records(store: TestStore) {
    fill(&store).await;
    store.put_connection(connection("other")).await.unwrap();
    let before = fingerprint(&store).await.unwrap();
    let scope = CopyScope {
        integration: "github",
        connection: "acme",
        variant: BASE_VARIANT,
        models: vec!["Doc"],
        parents: None,
    };
    let copied = copy_part(&store, &scope).await.unwrap();
    copied.use_keys(store.ring.clone(), false).await.unwrap();
    assert_eq!(copied.connections(None).await.unwrap(), [store.connection("github", "acme").await.unwrap().unwrap()]);
    let (issues, key) = (dataset("Doc"), function("issues"));
    let all = feed_from(&store, &issues, None).await;
    assert_eq!(feed_from(&copied, &issues, None).await, all);
    assert_eq!(copied.checkpoint(&key).await.unwrap(), store.checkpoint(&key).await.unwrap());
    assert_eq!(copied.resume_state(&key).await.unwrap(), store.resume_state(&key).await.unwrap());
    let sync = TestSync::begin(&copied, "issues").await;
    assert_eq!(sync.save(&[("r6", 1), ("r7", 2), ("r3", 1)]).await, [Unchanged, Updated, Added]);
    let without_models = copy_part(&store, &CopyScope { models: Vec::new(), ..scope }).await.unwrap();
    assert_eq!(without_models.datasets(None, None).await.unwrap(), []);
    assert_eq!(fingerprint(&store).await.unwrap(), before);
}

pub(super) async fn interrupted_copy_restarts(store: TestStore) {
    let source: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    fill(&source).await;
    let (out, mut chunks) = tokio::sync::mpsc::channel(64);
    source.export(out).await.unwrap();
    store.begin_import().await.unwrap();
    while let Some(chunk) = chunks.recv().await {
        if chunk.table == Table::Runs {
            break;
        }
        store.import(chunk).await.unwrap();
    }
    let copied = copy(&source, &store, |_, _| ()).await.unwrap();
    assert_eq!(fingerprint(&store).await.unwrap(), copied);
}
