//! Maintenance: prune, erase and empty, and their effect on readers and later saves.

use nango_core::Timestamp;
use nango_tests::internal::store::{
    DatasetKey, FeedRow, Prune, PruneUntil, Pruned, ReadQuery, RowOutcome::*, StoreError, empty_dataset, prune_all,
};
use serde_json::json;

use super::support::*;

fn until(cursor: &str, limit: u32) -> Prune {
    Prune { until: PruneUntil::Cursor(cursor.to_owned()), after: None, limit }
}

/// Returns the number of active records in the feed and the bytes of their payloads.
fn recount(rows: &[FeedRow]) -> (u64, u64) {
    let live = rows.iter().filter(|row| row.deleted_at.is_none());
    let size = |row: &FeedRow| row.payload.as_ref().map_or(0, |payload| payload.len() as u64);
    live.fold((0, 0), |(live, bytes), row| (live + 1, bytes + size(row)))
}

async fn counts(sync: &TestSync<'_>) -> (u64, u64) {
    let stats = sync.store.datasets(None, None).await.unwrap();
    stats.iter().find(|one| one.dataset == sync.dataset).map_or((0, 0), |one| (one.live, one.bytes))
}

/// Asserts that the stored counts of the dataset equal a recount.
async fn assert_counts(sync: &TestSync<'_>) {
    assert_eq!(counts(sync).await, recount(&sync.feed().await));
}

pub(super) async fn prune_removes_only_payloads(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("gone", 1), ("b", 1), ("c", 1)]).await;
    sync.commit(delete(&["gone"])).await;
    sync.save(&[("c", 2)]).await;
    let before = sync.feed().await;
    assert_eq!(ids(&before), "a b -gone c");
    tick(&store).await;

    let most = store.count_prunable(&sync.dataset, PruneUntil::Cursor(before[2].cursor.clone())).await.unwrap();
    assert_eq!(most.count, 3);
    let first = store.prune(&sync.dataset, until(&before[2].cursor, 2)).await.unwrap();
    assert_eq!((first.count, first.next.as_ref()), (2, Some(&before[1].cursor)));
    let second = Prune { after: first.next.clone(), ..until(&before[2].cursor, 2) };
    let second = store.prune(&sync.dataset, second).await.unwrap();
    assert_eq!((second.count, &second.next, first.bytes + second.bytes), (1, &None, most.bytes));
    // The same call from the start of the feed: pruned records do not count.
    assert_eq!(store.prune(&sync.dataset, until(&before[2].cursor, 2)).await.unwrap(), Pruned::default());

    let after = sync.feed().await;
    for (row, old) in after.iter().zip(&before).take(3) {
        assert!(row.pruned_at.is_some_and(|at| at > old.last_modified_at));
        assert_eq!(*row, FeedRow { payload: None, pruned_at: row.pruned_at, ..old.clone() });
    }
    assert_eq!((after.len(), &after[3]), (4, &before[3]));
    assert_eq!(counts(&sync).await.0, 3);
    assert_counts(&sync).await;
}

pub(super) async fn pruned_record_saved_unchanged_keeps_its_sequence_number(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await;
    let before = sync.feed().await;
    let prune = async || {
        prune_all(&store, &sync.dataset, PruneUntil::Cursor(before[3].cursor.clone())).await.unwrap();
    };
    prune().await;
    // The same content restores the payload and changes nothing else.
    assert_eq!(sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await, [Unchanged; 4]);
    assert_eq!(sync.feed().await, before);
    assert_counts(&sync).await;
    prune().await;
    // A patch has nothing to merge with; a tombstone has no payload; other content is a change.
    assert_eq!(sync.commit(patch("a", json!({ "n": 2 }))).await, [Missing]);
    assert_eq!(sync.commit(delete(&["b"])).await, [Deleted]);
    assert_eq!(sync.save(&[("c", 2)]).await, [Updated]);
    let rows = sync.feed().await;
    let shape: Vec<_> = rows.iter().map(|row| (row.payload.is_some(), row.pruned_at.is_some())).collect();
    assert_eq!(
        (ids(&rows).as_str(), shape),
        ("a d -b c", vec![(false, true), (false, true), (false, true), (true, false)])
    );
    assert_counts(&sync).await;
    // A pruned tombstone that is saved again is added with its payload.
    assert_eq!(sync.save(&[("b", 1)]).await, [Added]);
    assert!(sync.row("b").await.payload.is_some());
    assert_counts(&sync).await;
}

pub(super) async fn page_of_pruned_records_has_next_cursor(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)]).await;
    let last = sync.feed().await[3].cursor.clone();
    prune_all(&store, &sync.dataset, PruneUntil::Cursor(last)).await.unwrap();
    // A record without a payload has no bytes, and does not count towards the size of a page.
    let bounded = ReadQuery { max_bytes: 5, limit: 3, ..ReadQuery::default() };
    let first = read(&store, &sync.dataset, bounded.clone()).await;
    assert_eq!((ids(&first.records).as_str(), first.next_cursor.is_some()), ("a b c", true));
    let rest = read(&store, &sync.dataset, ReadQuery { cursor: first.next_cursor, limit: 10, ..bounded }).await;
    assert_eq!((ids(&rest.records).as_str(), rest.next_cursor.is_some()), ("d", true));
}

pub(super) async fn prune_by_age_drops_payloads_of_unchanged_records(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let many: Vec<_> = (0..4_500).map(|n| format!("old-{n}")).collect();
    sync.save(&many.iter().map(|id| (id.as_str(), 1)).collect::<Vec<_>>()).await;
    let cutoff = tick(&store).await;
    sync.save(&[("old-7", 2), ("new", 1)]).await;
    let before = PruneUntil::Before(cutoff);
    assert_eq!(store.count_prunable(&sync.dataset, before.clone()).await.unwrap().count, 4_499);
    assert_eq!(prune_all(&store, &sync.dataset, before.clone()).await.unwrap().count, 4_499);
    assert_eq!(prune_all(&store, &sync.dataset, before).await.unwrap(), Pruned::default());
    let kept: Vec<_> = sync.feed().await.into_iter().filter(|row| row.payload.is_some()).collect();
    assert_eq!(ids(&kept), "old-7 new");
    assert_counts(&sync).await;
    let unknown = DatasetKey { model: "None".to_owned(), ..sync.dataset.clone() };
    assert_eq!(prune_all(&store, &unknown, PruneUntil::Before(Timestamp::MAX)).await.unwrap(), Pruned::default());
}

pub(super) async fn prune_refuses_foreign_cursors(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    let mut page = sync.page([save(&[("x", 1)])]);
    page.changes[0].dataset = dataset("Other");
    store.commit(page).await.unwrap();
    let foreign = read(&store, &dataset("Other"), ReadQuery::default()).await.records.remove(0).cursor;
    for cursor in ["", "nonsense", &foreign] {
        let refused = store.prune(&sync.dataset, until(cursor, 10)).await;
        assert!(matches!(refused, Err(StoreError::Cursor)), "{refused:?}");
        let refused = store.count_prunable(&sync.dataset, PruneUntil::Cursor(cursor.to_owned())).await;
        assert!(matches!(refused, Err(StoreError::Cursor)), "{refused:?}");
    }
    assert!(sync.feed().await.iter().all(|row| row.payload.is_some()));
}

pub(super) async fn erased_record_is_removed_from_all_tables(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1)]).await;
    sync.commit(delete(&["b"])).await;
    let last = sync.feed().await.pop().unwrap().cursor;
    let names = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(store.erase(&sync.dataset, names(&["a", "b", "ghost", "a"])).await.unwrap(), 2);
    assert_eq!(sync.ids().await, "c");
    assert_eq!(store.records_by_id(&sync.dataset, names(&["a", "b"])).await.unwrap(), []);
    assert_counts(&sync).await;
    assert_eq!(sync.commit(delete(&["a"])).await, [Missing]);
    // A record that is saved again is new, and its sequence is after every earlier one.
    assert_eq!(sync.save(&[("b", 1), ("c", 1)]).await, [Added, Unchanged]);
    let query = ReadQuery { cursor: Some(last), ..ReadQuery::default() };
    assert_eq!(ids(&read(&store, &sync.dataset, query).await.records), "b");
    assert_counts(&sync).await;
    assert_eq!(store.erase(&dataset("None"), names(&["a"])).await.unwrap(), 0);
}

pub(super) async fn emptied_dataset_keeps_its_sequence(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let many: Vec<_> = (0..4_100).map(|n| n.to_string()).collect();
    let docs: Vec<_> = many.iter().map(|id| (id.as_str(), 1)).collect();
    sync.save(&docs).await;
    sync.commit(delete(&["7"])).await;
    let (all, scan) = (sync.feed().await, sync.scan(false).await);
    let last = all[4_099].cursor.clone();

    // Rows that are written between two steps are kept.
    let first = store.empty(&sync.dataset, None, 100).await.unwrap();
    assert_eq!((first.count, first.more), (100, true));
    assert_counts(&sync).await;
    sync.save(&[("meanwhile", 1)]).await;
    let rest = store.empty(&sync.dataset, Some(first.through), 10_000).await.unwrap();
    assert_eq!((rest.count, rest.more), (4_000, false));
    assert_eq!(sync.ids().await, "meanwhile");
    assert_counts(&sync).await;
    let closed = store.finish_scan(sync.finish(scan, 1, true)).await;
    assert!(matches!(closed, Err(StoreError::ScanClosed(_))), "{closed:?}");

    let mut seen = Vec::new();
    let emptied = empty_dataset(&store, &sync.dataset, |count| {
        seen.push(count);
        true
    });
    assert_eq!((emptied.await.unwrap(), seen), (1, vec![1]));
    assert_eq!((sync.feed().await, counts(&sync).await), (vec![], (0, 0)));
    // An earlier cursor stays valid and returns later changes.
    assert_eq!(sync.save(&docs[..2]).await, [Added, Added]);
    let query = ReadQuery { cursor: Some(last), ..ReadQuery::default() };
    assert_eq!(ids(&read(&store, &sync.dataset, query).await.records), "0 1");
    assert!(sync.feed().await[0].last_modified_at >= all[4_099].last_modified_at);
    assert_eq!(empty_dataset(&store, &dataset("None"), |_| true).await.unwrap(), 0);
}

pub(super) async fn dataset_usage_counts_all_rows_and_payloads(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    assert_eq!(store.dataset_usage().await.unwrap(), []);
    sync.save(&[("a", 1), ("b", 1), ("c", 1)]).await;
    sync.commit(delete(&["c"])).await;
    let rows = sync.feed().await;
    store.prune(&sync.dataset, until(&rows[0].cursor, 1)).await.unwrap();
    let usage = store.dataset_usage().await.unwrap();
    let one = rows[0].payload.as_ref().unwrap().len() as u64;
    assert_eq!(usage.len(), 1);
    assert_eq!(usage[0].dataset, sync.dataset);
    assert_eq!((usage[0].rows, usage[0].with_payload, usage[0].bytes), (3, 2, 2 * one));
    assert_eq!((usage[0].changed_at, usage[0].seq), (rows[2].last_modified_at, 4));
}
