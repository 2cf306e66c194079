//! Scans: deletion of unseen records, interruption, resumption, and confirmation.

use nango_tests::internal::store::{
    FinishScan, LastAction, ResumeWrite, RowOutcome::*, RunStatus, ScanFrom, ScanOutcome, StoreError, Write,
};
use serde_json::json;

use super::support::*;

pub(super) async fn record_missed_by_scan_is_deleted(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await;
    sync.commit(delete(&["d"])).await;
    let before = sync.row("b").await;
    let scan = sync.scan(true).await;
    assert!(!scan.resumed);
    // Unchanged, changed and new records all count as seen.
    sync.save(&[("a", 1), ("c", 2)]).await;
    sync.save(&[("e", 1)]).await;
    let resume = Some(ResumeWrite::Set(vec![7]));
    let finish = FinishScan { resume, ..sync.finish(scan, 1, true) };
    let outcome = store.finish_scan(finish).await.unwrap();
    assert_eq!(outcome, ScanOutcome { deleted: 1, ..ScanOutcome::default() });
    assert_eq!(sync.ids().await, "a -d c e -b");
    let after = sync.row("b").await;
    assert_eq!((after.last_action, &after.payload), (LastAction::Deleted, &before.payload));
    assert_eq!(after.deleted_at, Some(after.last_modified_at));
    assert_eq!(store.resume_state(&sync.key).await.unwrap(), Some(vec![7]));
    let counts = store.run(sync.run.id).await.unwrap().unwrap().totals.models["Doc"];
    assert_eq!((counts.added, counts.deleted), (5, 2));
    assert_eq!(store.datasets(None, None).await.unwrap()[0].live, 3);
    // The next walk begins without seen records.
    assert_eq!(sync.walk(&[("a", 1)], 1).await, (2, 0));
    assert_eq!(sync.walk(&[], 1).await, (1, 0));
    assert_eq!(sync.walk(&[], 1).await, (0, 0));
}

pub(super) async fn incomplete_scan_deletes_nothing(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    let scan = sync.scan(false).await;
    sync.save(&[("a", 1)]).await;
    assert_eq!(store.finish_scan(sync.finish(scan, 1, false)).await.unwrap(), ScanOutcome::default());
    assert_eq!(sync.ids().await, "a b");
    let closed = store.finish_scan(sync.finish(scan, 1, true)).await;
    assert!(matches!(&closed, Err(StoreError::ScanClosed(model)) if model == "Doc"), "{closed:?}");
    assert_eq!(sync.ids().await, "a b");
}

pub(super) async fn sighting_counts_as_seen_and_writes_nothing(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1)]).await;
    let before = sync.row("b").await;
    let scan = sync.scan(true).await;
    sync.save(&[("a", 1)]).await;
    let ids = ["b", "b", "gone"].map(str::to_owned).to_vec();
    let outcomes = sync.commit(Write::Seen(ids)).await;
    assert_eq!(outcomes, [Seen, Duplicate, Missing]);
    assert_eq!(store.finish_scan(sync.finish(scan, 1, true)).await.unwrap().deleted, 1);
    assert_eq!((sync.ids().await.as_str(), sync.row("b").await), ("a b -c", before));
}

pub(super) async fn record_written_during_scan_is_kept(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let webhook = TestSync::begin(&store, "webhook").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)]).await;
    let scan = sync.scan(false).await;
    // Patched, saved unchanged, added, deleted and added again: all by another run, none seen by the walk.
    webhook.commit(patch("b", json!({ "n": 2 }))).await;
    webhook.save(&[("c", 1), ("new", 1)]).await;
    webhook.commit(delete(&["d"])).await;
    webhook.save(&[("d", 1)]).await;
    sync.save(&[("a", 1)]).await;
    let outcome = store.finish_scan(sync.finish(scan, 1, true)).await.unwrap();
    assert_eq!(outcome, ScanOutcome { deleted: 1, ..ScanOutcome::default() });
    assert_eq!(sync.ids().await, "a c b new d -e");
}

pub(super) async fn interrupted_scan_is_resumed(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await;
    let scan = sync.scan(false).await;
    sync.save(&[("a", 1)]).await;
    store.end_run(&sync.run, run_end(RunStatus::Interrupted)).await.unwrap();

    // The next run of the function sees the remaining records; records that were seen before or written since count
    // too.
    let webhook = TestSync::begin(&store, "webhook").await;
    webhook.commit(patch("c", json!({ "n": 2 }))).await;
    let sync = TestSync::begin(&store, "issues").await;
    let again = sync.scan(true).await;
    assert_eq!((again.number, again.resumed), (scan.number, true));
    sync.save(&[("b", 1)]).await;
    assert_eq!(store.finish_scan(sync.finish(again, 1, true)).await.unwrap().deleted, 1);
    assert_eq!(sync.ids().await, "a b c -d");
    // The scan is finished and cannot be resumed.
    assert!(!sync.scan(true).await.resumed);
}

pub(super) async fn new_scan_closes_open_scan(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let other = TestSync::begin(&store, "other").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    let first = sync.scan(false).await;
    sync.save(&[("a", 1)]).await;
    // First a scan of another function that requests a resume, then one that starts over.
    let second = other.scan(true).await;
    assert!(!second.resumed && second.number != first.number);
    let third = other.scan(false).await;
    assert!(!third.resumed && third.number != second.number);
    for (sync, scan) in [(&sync, first), (&other, second)] {
        let closed = store.finish_scan(sync.finish(scan, 1, true)).await;
        assert!(matches!(closed, Err(StoreError::ScanClosed(_))), "{closed:?}");
    }
    assert_eq!(sync.ids().await, "a b");
    // The marks of the first scan were removed with it.
    assert_eq!(store.finish_scan(other.finish(third, 1, true)).await.unwrap().deleted, 2);
}

pub(super) async fn delete_requires_declared_number_of_scans(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1)]).await;
    assert_eq!(sync.walk(&[("a", 1)], 2).await, (0, 2));
    assert_eq!(sync.ids().await, "a b c");
    // An incomplete walk neither confirms nor resets.
    let scan = sync.scan(false).await;
    store.finish_scan(sync.finish(scan, 2, false)).await.unwrap();
    assert_eq!(sync.walk(&[("a", 1), ("c", 1)], 2).await, (1, 0));
    assert_eq!(sync.ids().await, "a c -b");
    assert_eq!(sync.walk(&[("c", 1)], 3).await, (0, 1));
    assert_eq!(sync.walk(&[("c", 1)], 3).await, (0, 1));
    assert_eq!(sync.walk(&[("c", 1)], 3).await, (1, 0));
    // Records that are added again have not been missed before.
    sync.save(&[("a", 1), ("b", 1)]).await;
    assert_eq!(sync.walk(&[("c", 1)], 2).await, (0, 2));
}

pub(super) async fn seen_record_resets_its_missed_count(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    assert_eq!(sync.walk(&[("a", 1)], 2).await, (0, 1));
    assert_eq!(sync.walk(&[("a", 1), ("b", 1)], 2).await, (0, 0));
    assert_eq!(sync.walk(&[("a", 1)], 2).await, (0, 1));
    assert_eq!(sync.walk(&[("a", 1)], 1).await, (1, 0));
    assert_eq!(sync.ids().await, "a -b");
}

pub(super) async fn large_scan_is_streamed(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let names: Vec<_> = (0..12_000).map(|n| format!("{:05}", n * 7919 % 12_000)).collect();
    let docs: Vec<_> = names.iter().map(|id| (&**id, 1)).collect();
    for page in docs.chunks(1000) {
        sync.save(page).await;
    }
    let scan = sync.scan(false).await;
    for page in docs.chunks(1000).step_by(4) {
        assert_eq!(sync.save(page).await, vec![Unchanged; 1000]);
    }
    let outcome = store.finish_scan(sync.finish(scan, 1, true)).await.unwrap();
    assert_eq!(outcome, ScanOutcome { deleted: 9000, ..ScanOutcome::default() });
    let mut live: Vec<_> = docs.chunks(1000).step_by(4).flatten().map(|(id, _)| (*id).to_owned()).collect();
    live.sort();
    let mut found = store.records_by_id(&sync.dataset, names).await.unwrap();
    found.retain(|row| row.deleted_at.is_none());
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found.into_iter().map(|row| row.id).collect::<Vec<_>>(), live);
    assert_eq!(store.datasets(None, None).await.unwrap()[0].live, 3000);
    // Only an active run can begin or finish a scan.
    store.end_run(&sync.run, run_end(RunStatus::Success)).await.unwrap();
    assert_lease_lost(store.begin_scan(&sync.run, &sync.key, &sync.dataset, ScanFrom::Start, false).await);
    assert_lease_lost(store.finish_scan(sync.finish(scan, 1, true)).await);
}
