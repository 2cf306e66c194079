//! Update times: writes that are older than the stored record.

use std::sync::Arc;

use nango_core::Timestamp;
use nango_tests::internal::{
    declare::Merging,
    model::{AsRecord, Batch, Model, ModelInfo, Record},
    store::{
        DeleteRow, PruneUntil, RowOutcome, RowOutcome::*, ScanOutcome, SharedStore, Write, copy, prune_all, reseal,
        sqlite::Sqlite,
    },
};
use serde_json::json;

use super::support::*;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Returns a document with a number and an update time.
fn at(id: &str, n: u64, at: impl Into<Option<i64>>) -> Doc {
    Doc { at: at.into(), ..doc(id, n) }
}

async fn put(sync: &TestSync<'_>, docs: &[Doc]) -> Vec<RowOutcome> {
    sync.commit(Write::Save(batch(docs))).await
}

/// Saves documents as part of a full walk.
async fn put_in_full_walk(sync: &TestSync<'_>, walk: i64, docs: &[Doc]) -> Vec<RowOutcome> {
    let mut page = sync.page([Write::Save(batch(docs))]);
    page.changes[0].full_walk = Some(walk);
    row_outcomes(sync.store.commit(page).await.unwrap())
}

fn delete_at(id: &str, at: impl Into<Option<i64>>) -> Write {
    Write::Delete(vec![DeleteRow { id: id.to_owned(), deleted_at: at.into().map(Timestamp::from_micros) }])
}

async fn number(sync: &TestSync<'_>, id: &str) -> u64 {
    json_of(&sync.row(id).await)["n"].as_u64().unwrap()
}

pub(super) async fn older_write_changes_nothing_and_is_counted(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, 20)]).await;
    let before = sync.feed().await;
    tick(&store).await;
    // Older saves and patches, by the same run and by another one.
    let webhook = TestSync::begin(&store, "webhook").await;
    for sync in [&sync, &webhook] {
        assert_eq!(put(sync, &[at("a", 2, 19), at("c", 1, 1)]).await[0], SkippedOlder);
        assert_eq!(sync.commit(patch("b", json!({ "n": 2, "at": 19 }))).await, [SkippedOlder]);
    }
    assert_eq!(sync.feed().await[..2], before);
    for sync in [&sync, &webhook] {
        let counts = store.run(sync.run.id).await.unwrap().unwrap().totals.models["Doc"];
        assert_eq!((counts.skipped_older, counts.updated), (2, 0));
    }
    // `merging` applies to writes of other runs, and not to update times.
    let mut page = sync.page([Write::Save(batch(&[at("a", 2, 19)]))]);
    page.changes[0].merging = Merging::Override;
    assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [SkippedOlder]);
    let runs = store.runs_of(&sync.key, 1).await.unwrap();
    assert_eq!(runs[0].totals.models["Doc"].skipped_older, 3);
}

pub(super) async fn older_write_counts_as_seen(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("saved", 1, 20), at("patched", 1, 20), at("deleted", 1, 20), at("unseen", 1, 20)]).await;
    let scan = sync.scan(false).await;
    assert_eq!(put(&sync, &[at("saved", 2, 19)]).await, [SkippedOlder]);
    assert_eq!(sync.commit(patch("patched", json!({ "n": 2, "at": 19 }))).await, [SkippedOlder]);
    // An old delete does not prove that the record exists now.
    assert_eq!(sync.commit(delete_at("deleted", 19)).await, [SkippedOlder]);
    let outcome = store.finish_scan(sync.finish(scan, 1, true)).await.unwrap();
    assert_eq!(outcome, ScanOutcome { deleted: 2, ..outcome });
    assert_eq!(sync.ids().await, "saved patched -deleted -unseen");
}

pub(super) async fn write_with_equal_or_newer_time_applies(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20)]).await;
    assert_eq!(put(&sync, &[at("a", 2, 20)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 2, 20)]).await, [Unchanged]);
    assert_eq!(put(&sync, &[at("a", 3, 21)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 2, 20)]).await, [SkippedOlder]);
    assert_eq!(sync.commit(patch("a", json!({ "n": 4, "at": 21 }))).await, [Updated]);
    assert_eq!(number(&sync, "a").await, 4);
}

pub(super) async fn write_without_time_is_not_compared(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, None)]).await;
    // The write has no time, next to one that has a time, and alone; the stored record then has no time either.
    assert_eq!(put(&sync, &[at("a", 2, None), at("b", 2, 1)]).await, [Updated, Updated]);
    assert_eq!(put(&sync, &[at("a", 3, 19)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 4, None)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 5, 18)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 6, 17)]).await, [SkippedOlder]);
    // A patch that clears the time has the same effect.
    assert_eq!(sync.commit(patch("a", json!({ "at": null }))).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 7, 16)]).await, [Updated]);
}

pub(super) async fn stored_time_in_the_future_is_not_compared(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let now = store.now().as_micros();
    put(&sync, &[at("soon", 1, now + DAY / 2), at("far", 1, now + 2 * DAY)]).await;
    assert_eq!(put(&sync, &[at("soon", 2, now), at("far", 2, now)]).await, [SkippedOlder, Updated]);
    assert_eq!(put(&sync, &[at("far", 3, now - 1)]).await, [SkippedOlder]);
}

pub(super) async fn older_time_applies_when_two_full_walks_return_it(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20)]).await;
    let before = sync.row("a").await;
    assert_eq!(put_in_full_walk(&sync, 1, &[at("a", 2, 10)]).await, [SkippedOlder]);
    // The same walk again, or a part of the list, confirms nothing.
    assert_eq!(put_in_full_walk(&sync, 1, &[at("a", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(put(&sync, &[at("a", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(sync.row("a").await, before);
    assert_eq!(put_in_full_walk(&sync, 2, &[at("a", 2, 10)]).await, [Updated]);
    assert_eq!(number(&sync, "a").await, 2);
    // The older time is the stored time now.
    assert_eq!(put(&sync, &[at("a", 3, 9)]).await, [SkippedOlder]);
}

pub(super) async fn older_time_is_skipped_when_full_walks_return_other_times_between(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    // Interrupted by another older time.
    put(&sync, &[at("a", 1, 20)]).await;
    put_in_full_walk(&sync, 1, &[at("a", 2, 10)]).await;
    assert_eq!(put_in_full_walk(&sync, 2, &[at("a", 2, 11)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 3, &[at("a", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 4, &[at("a", 2, 10)]).await, [Updated]);
    // Interrupted by the stored content.
    put(&sync, &[at("b", 1, 20)]).await;
    put_in_full_walk(&sync, 1, &[at("b", 2, 10)]).await;
    assert_eq!(put_in_full_walk(&sync, 2, &[at("b", 1, 20)]).await, [Unchanged]);
    assert_eq!(put_in_full_walk(&sync, 3, &[at("b", 2, 10)]).await, [SkippedOlder]);
    // Interrupted by another write, and by a walk that does not return the record.
    put(&sync, &[at("c", 1, 20)]).await;
    put_in_full_walk(&sync, 1, &[at("c", 2, 10)]).await;
    assert_eq!(sync.commit(patch("c", json!({ "n": 5 }))).await, [Updated]);
    assert_eq!(put_in_full_walk(&sync, 2, &[at("c", 2, 10)]).await, [SkippedOlder]);
    let scan = sync.scan(false).await;
    store.finish_scan(sync.finish(scan, 1, true)).await.unwrap();
    assert_eq!(put_in_full_walk(&sync, 3, &[at("c", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 4, &[at("c", 2, 10)]).await, [Added]);
}

pub(super) async fn delete_compares_time_of_its_event(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, 20), at("c", 1, None), at("d", 1, 20)]).await;
    let deletes = [("a", Some(19)), ("b", Some(20)), ("c", Some(1)), ("d", None), ("e", Some(9))];
    let row =
        |(id, at): (&str, Option<i64>)| DeleteRow { id: id.to_owned(), deleted_at: at.map(Timestamp::from_micros) };
    let outcomes = sync.commit(Write::Delete(deletes.map(row).to_vec())).await;
    assert_eq!(outcomes, [SkippedOlder, Deleted, Deleted, Deleted, Missing]);
    assert_eq!(sync.ids().await, "a -b -c -d");
}

pub(super) async fn older_save_does_not_restore_deleted_record(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, 20), at("c", 1, 20)]).await;
    sync.commit(delete_at("a", 30)).await;
    sync.commit(delete_at("b", None)).await;
    // The write is older than the delete or, if the delete has no time, than the last update.
    assert_eq!(put(&sync, &[at("a", 2, 29), at("b", 2, 19)]).await, [SkippedOlder, SkippedOlder]);
    assert_eq!(sync.ids().await, "c -a -b");
    assert_eq!(put(&sync, &[at("a", 2, 30), at("b", 2, 21)]).await, [Added, Added]);
    // A later event of the same delete moves its time forward, an earlier one does not.
    sync.commit(delete_at("c", 30)).await;
    assert_eq!(sync.commit(delete_at("c", 40)).await, [Missing]);
    assert_eq!(sync.commit(delete_at("c", 25)).await, [Missing]);
    assert_eq!(put(&sync, &[at("c", 2, 39)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 1, &[at("c", 2, 39)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 2, &[at("c", 2, 39)]).await, [Added]);
}

pub(super) async fn patch_without_time_applies_and_keeps_stored_time(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20)]).await;
    assert_eq!(sync.commit(patch("a", json!({ "n": 2 }))).await, [Updated]);
    assert_eq!(sync.commit(patch("a", json!({ "n": 3, "at": 19 }))).await, [SkippedOlder]);
    assert_eq!(sync.commit(patch("a", json!({ "at": 25 }))).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 4, 24)]).await, [SkippedOlder]);
    assert_eq!(number(&sync, "a").await, 2);
}

pub(super) async fn unchanged_save_adds_missing_update_time(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    // The model did not declare the field when the record was saved: the batch has no times.
    let untimed = |id: &str| {
        let mut batch = Batch::default();
        batch.push(&Untimed(at(id, 1, 20))).unwrap();
        Write::Save(batch)
    };
    sync.commit(untimed("a")).await;
    sync.commit(untimed("b")).await;
    let before = sync.feed().await;
    assert_eq!(put(&sync, &[at("a", 1, 20)]).await, [Unchanged]);
    assert_eq!(sync.commit(patch("b", json!({ "at": 20 }))).await, [Unchanged]);
    assert_eq!(sync.feed().await, before);
    assert_eq!(put(&sync, &[at("a", 2, 19), at("b", 2, 19)]).await, [SkippedOlder, SkippedOlder]);
    // A record whose content changed first is not compared.
    sync.commit(untimed("c")).await;
    assert_eq!(put(&sync, &[at("c", 2, 19)]).await, [Updated]);
    // A save without times removes the stored time.
    sync.commit(untimed("c")).await;
    assert_eq!(put(&sync, &[at("c", 3, 1)]).await, [Updated]);
}

/// The same record, as a model without `updated`.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
struct Untimed(Doc);

impl Model for Untimed {
    const NAME: &'static str = "Doc";
    const INFO: &'static ModelInfo = Doc::INFO;
}

impl AsRecord for Untimed {
    type Model = Self;

    fn record(&self) -> &Self {
        self
    }
}

impl Record for Untimed {
    type Id = String;

    fn id(&self) -> &String {
        &self.0.id
    }
}

pub(super) async fn update_times_survive_prune_reseal_and_copy(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("gone", 1, 20), at("pruned", 1, 20), at("older", 1, 20)]).await;
    put_in_full_walk(&sync, 1, &[at("older", 2, 10)]).await;
    sync.commit(delete_at("gone", 30)).await;
    let until = sync.feed().await[1].cursor.clone();
    prune_all(&store, &sync.dataset, PruneUntil::Cursor(until)).await.unwrap();
    store.use_keys(store.ring.clone(), false).await.unwrap();
    let payloads = store.encryption().await.unwrap().payloads;
    store.seal_payloads(!payloads).await.unwrap();
    reseal(&**store, |_| true).await.unwrap();

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.db");
    let target: SharedStore = Arc::new(Sqlite::open_target(&path).await.unwrap());
    copy(&store, &target, |_, _| ()).await.unwrap();
    target.close().await.unwrap();
    let target: SharedStore = Arc::new(Sqlite::open(&path).await.unwrap());
    target.use_keys(store.ring.clone(), false).await.unwrap();
    let counts = target.runs_of(&sync.key, 1).await.unwrap()[0].totals.models["Doc"];
    assert_eq!(counts.skipped_older, 1);
    let back = TestSync::begin(&target, "other").await;
    for sync in [&sync, &back] {
        let older = [at("a", 2, 19), at("gone", 2, 29), at("pruned", 2, 19)];
        assert_eq!(put(sync, &older).await, [SkippedOlder; 3]);
        assert_eq!(put_in_full_walk(sync, 2, &[at("older", 2, 10)]).await, [Updated]);
        // A save of the earlier content restores a pruned payload.
        assert_eq!(put(sync, &[at("pruned", 1, 20)]).await, [Unchanged]);
        assert_eq!(put(sync, &older[2..]).await, [SkippedOlder]);
    }
    // An erased record has no stored time.
    store.erase(&sync.dataset, vec!["a".to_owned()]).await.unwrap();
    assert_eq!(put(&sync, &[at("a", 2, 1)]).await, [Added]);
    let report = store.check(false).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
}
