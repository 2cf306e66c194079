//! Times of update: a write that is older than the stored record.

use std::sync::Arc;

use serde_json::json;

use super::support::*;
use crate::{
    declare::Merging,
    store::{
        DeleteRow, PruneUntil, RowOutcome, RowOutcome::*, ScanOutcome, SharedStore, Write, copy, prune_all,
        sqlite::Sqlite,
    },
};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Documents of one id with a number and a time.
fn at(id: &str, n: u64, at: impl Into<Option<i64>>) -> Doc {
    Doc { at: at.into(), ..doc(id, n) }
}

async fn put(sync: &TestSync<'_>, docs: &[Doc]) -> Vec<RowOutcome> {
    sync.commit(Write::Save(batch(docs))).await
}

/// The same as an answer of a full walk.
async fn put_in_full_walk(sync: &TestSync<'_>, walk: i64, docs: &[Doc]) -> Vec<RowOutcome> {
    let mut page = sync.page([Write::Save(batch(docs))]);
    page.changes[0].full_walk = Some(walk);
    row_outcomes(sync.store.commit(page).await.unwrap())
}

fn delete_at(id: &str, at: impl Into<Option<i64>>) -> Write {
    Write::Delete(vec![DeleteRow { id: id.to_owned(), deleted_at: at.into() }])
}

async fn number(sync: &TestSync<'_>, id: &str) -> u64 {
    json_of(&sync.row(id).await)["n"].as_u64().unwrap()
}

pub(super) async fn an_older_write_changes_nothing_and_is_counted(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, 20)]).await;
    let before = sync.feed().await;
    tick(&store).await;
    // Of the same run and of another one, saved and patched.
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
    // `merging` is about writes of other runs, and not about times of update.
    let mut page = sync.page([Write::Save(batch(&[at("a", 2, 19)]))]);
    page.changes[0].merging = Merging::Override;
    assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [SkippedOlder]);
    let runs = store.runs_of(&sync.key, 1).await.unwrap();
    assert_eq!(runs[0].totals.models["Doc"].skipped_older, 3);
}

pub(super) async fn an_older_write_counts_as_seen(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("saved", 1, 20), at("patched", 1, 20), at("deleted", 1, 20), at("unseen", 1, 20)]).await;
    let scan = sync.scan(false).await;
    assert_eq!(put(&sync, &[at("saved", 2, 19)]).await, [SkippedOlder]);
    assert_eq!(sync.commit(patch("patched", json!({ "n": 2, "at": 19 }))).await, [SkippedOlder]);
    // An old delete is no evidence that the record is there now.
    assert_eq!(sync.commit(delete_at("deleted", 19)).await, [SkippedOlder]);
    let done = store.finish_scan(sync.finish(scan, 1, true)).await.unwrap();
    assert_eq!(done, ScanOutcome { deleted: 2, ..done });
    assert_eq!(sync.ids().await, "saved patched -deleted -unseen");
}

pub(super) async fn an_equal_or_newer_time_applies(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20)]).await;
    assert_eq!(put(&sync, &[at("a", 2, 20)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 2, 20)]).await, [Unchanged]);
    assert_eq!(put(&sync, &[at("a", 3, 21)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 2, 20)]).await, [SkippedOlder]);
    assert_eq!(sync.commit(patch("a", json!({ "n": 4, "at": 21 }))).await, [Updated]);
    assert_eq!(number(&sync, "a").await, 4);
}

pub(super) async fn a_missing_time_does_not_compare(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, None)]).await;
    // The write has none, beside one that has, and alone; what it leaves behind has none either.
    assert_eq!(put(&sync, &[at("a", 2, None), at("b", 2, 1)]).await, [Updated, Updated]);
    assert_eq!(put(&sync, &[at("a", 3, 19)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 4, None)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 5, 18)]).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 6, 17)]).await, [SkippedOlder]);
    // The same by a patch that sets it to nothing.
    assert_eq!(sync.commit(patch("a", json!({ "at": null }))).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 7, 16)]).await, [Updated]);
}

pub(super) async fn a_stored_time_in_the_future_does_not_compare(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let now = store.now();
    put(&sync, &[at("soon", 1, now + DAY / 2), at("far", 1, now + 2 * DAY)]).await;
    assert_eq!(put(&sync, &[at("soon", 2, now), at("far", 2, now)]).await, [SkippedOlder, Updated]);
    assert_eq!(put(&sync, &[at("far", 3, now - 1)]).await, [SkippedOlder]);
}

pub(super) async fn an_older_time_of_two_full_walks_wins(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20)]).await;
    let before = sync.row("a").await;
    assert_eq!(put_in_full_walk(&sync, 1, &[at("a", 2, 10)]).await, [SkippedOlder]);
    // The same walk again, and parts of the list, confirm nothing.
    assert_eq!(put_in_full_walk(&sync, 1, &[at("a", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(put(&sync, &[at("a", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(sync.row("a").await, before);
    assert_eq!(put_in_full_walk(&sync, 2, &[at("a", 2, 10)]).await, [Updated]);
    assert_eq!(number(&sync, "a").await, 2);
    // It is the stored time now.
    assert_eq!(put(&sync, &[at("a", 3, 9)]).await, [SkippedOlder]);
}

pub(super) async fn full_walks_with_another_answer_in_between_start_over(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    // Another older time.
    put(&sync, &[at("a", 1, 20)]).await;
    put_in_full_walk(&sync, 1, &[at("a", 2, 10)]).await;
    assert_eq!(put_in_full_walk(&sync, 2, &[at("a", 2, 11)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 3, &[at("a", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 4, &[at("a", 2, 10)]).await, [Updated]);
    // The stored content.
    put(&sync, &[at("b", 1, 20)]).await;
    put_in_full_walk(&sync, 1, &[at("b", 2, 10)]).await;
    assert_eq!(put_in_full_walk(&sync, 2, &[at("b", 1, 20)]).await, [Unchanged]);
    assert_eq!(put_in_full_walk(&sync, 3, &[at("b", 2, 10)]).await, [SkippedOlder]);
    // Another write, and a walk that did not return the record.
    put(&sync, &[at("c", 1, 20)]).await;
    put_in_full_walk(&sync, 1, &[at("c", 2, 10)]).await;
    assert_eq!(sync.commit(patch("c", json!({ "n": 5 }))).await, [Updated]);
    assert_eq!(put_in_full_walk(&sync, 2, &[at("c", 2, 10)]).await, [SkippedOlder]);
    let scan = sync.scan(false).await;
    store.finish_scan(sync.finish(scan, 1, true)).await.unwrap();
    assert_eq!(put_in_full_walk(&sync, 3, &[at("c", 2, 10)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 4, &[at("c", 2, 10)]).await, [Added]);
}

pub(super) async fn a_delete_compares_the_time_of_its_event(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, 20), at("c", 1, None), at("d", 1, 20)]).await;
    let deletes = [("a", Some(19)), ("b", Some(20)), ("c", Some(1)), ("d", None), ("e", Some(9))];
    let row = |(id, at): (&str, _)| DeleteRow { id: id.to_owned(), deleted_at: at };
    let outcomes = sync.commit(Write::Delete(deletes.map(row).to_vec())).await;
    assert_eq!(outcomes, [SkippedOlder, Deleted, Deleted, Deleted, Missing]);
    assert_eq!(sync.ids().await, "a -b -c -d");
}

pub(super) async fn an_older_save_does_not_revive_a_record(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20), at("b", 1, 20), at("c", 1, 20)]).await;
    sync.commit(delete_at("a", 30)).await;
    sync.commit(delete_at("b", None)).await;
    // What happened before the delete; without a time of the delete, what happened before the last update.
    assert_eq!(put(&sync, &[at("a", 2, 29), at("b", 2, 19)]).await, [SkippedOlder, SkippedOlder]);
    assert_eq!(sync.ids().await, "c -a -b");
    assert_eq!(put(&sync, &[at("a", 2, 30), at("b", 2, 21)]).await, [Added, Added]);
    // A later event of the same delete moves its time, an earlier one does not.
    sync.commit(delete_at("c", 30)).await;
    assert_eq!(sync.commit(delete_at("c", 40)).await, [Missing]);
    assert_eq!(sync.commit(delete_at("c", 25)).await, [Missing]);
    assert_eq!(put(&sync, &[at("c", 2, 39)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 1, &[at("c", 2, 39)]).await, [SkippedOlder]);
    assert_eq!(put_in_full_walk(&sync, 2, &[at("c", 2, 39)]).await, [Added]);
}

pub(super) async fn a_patch_without_a_time_applies_and_keeps_the_stored_one(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    put(&sync, &[at("a", 1, 20)]).await;
    assert_eq!(sync.commit(patch("a", json!({ "n": 2 }))).await, [Updated]);
    assert_eq!(sync.commit(patch("a", json!({ "n": 3, "at": 19 }))).await, [SkippedOlder]);
    assert_eq!(sync.commit(patch("a", json!({ "at": 25 }))).await, [Updated]);
    assert_eq!(put(&sync, &[at("a", 4, 24)]).await, [SkippedOlder]);
    assert_eq!(number(&sync, "a").await, 2);
}

pub(super) async fn a_record_without_a_time_gets_it_from_an_unchanged_save(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    // Its model did not name the field when it was saved: the batch has no times.
    let untimed = |id: &str| {
        let mut batch = crate::model::Batch::default();
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
    // One that is saved otherwise first is not compared.
    sync.commit(untimed("c")).await;
    assert_eq!(put(&sync, &[at("c", 2, 19)]).await, [Updated]);
    // A save without times leaves none.
    sync.commit(untimed("c")).await;
    assert_eq!(put(&sync, &[at("c", 3, 1)]).await, [Updated]);
}

/// The same record as a model without `updated`.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
struct Untimed(Doc);

impl crate::model::Data for Untimed {}

impl crate::model::Model for Untimed {
    const NAME: &'static str = "Doc";
    const INFO: &'static crate::model::ModelInfo = Doc::INFO;
}

impl crate::model::Record for Untimed {
    type Id = String;

    fn id(&self) -> &String {
        &self.0.id
    }
}

pub(super) async fn times_outlive_prunes_switches_and_copies(store: TestStore) {
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
    crate::store::reseal(&**store, |_| true).await.unwrap();

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
        // The content of before brings a pruned payload back.
        assert_eq!(put(sync, &[at("pruned", 1, 20)]).await, [Unchanged]);
        assert_eq!(put(sync, &older[2..]).await, [SkippedOlder]);
    }
    // What is erased has no time left.
    store.erase(&sync.dataset, vec!["a".to_owned()]).await.unwrap();
    assert_eq!(put(&sync, &[at("a", 2, 1)]).await, [Added]);
    let report = store.check(false).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
}
