//! Stored state of delete candidates: when it is removed, which candidates are requested, and what it survives.

use std::{collections::BTreeSet, sync::Arc};

use nango_tests::internal::store::{
    Confirmation, DEFAULT_HOLD, DeletePolicy, FinishScan, FullRuns, Keys, NextFullRun, PendingDeletes, RowOutcome::*,
    RunStatus, Scan, ScanFrom, ScanWalk, SharedStore, StoreError, copy, empty_dataset, reseal, sqlite::Sqlite,
};
use serde_json::json;

use super::{
    deletes::{empty_walk, named, sync_with_records},
    support::*,
};
pub(super) async fn incomplete_scan_keeps_candidate_state_of_unseen_records(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a", "b", "c"])).await;
    let policy = DeletePolicy::default();
    assert_eq!(sync.complete_scan_with(&[("a", 1)], position_walk(), policy.clone()).await.unconfirmed, 2);
    let incomplete = ScanWalk { complete: false, ..position_walk() };
    let part = sync.complete_scan_with(&[("b", 1)], incomplete.clone(), policy.clone()).await;
    assert_eq!((part.deleted, part.unconfirmed, part.next_full), (0, 1, NextFullRun::NextRun));
    // A scan that is closed by another one does not count either.
    sync.scan(false).await;
    let outcome = sync.complete_scan_with(&[("a", 1)], position_walk(), policy.clone()).await;
    assert_eq!((outcome.deleted, outcome.unconfirmed, sync.ids().await.as_str()), (1, 1, "a b -c"));
}

pub(super) async fn seen_or_written_record_loses_its_candidate_state(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a", "b", "c", "d", "e", "f"])).await;
    let other = TestSync::begin(&store, "other").await;
    let policy = DeletePolicy { confirmations: Some(2), ..DeletePolicy::default() };
    let miss_all = async || sync.complete_scan_with(&[("x", 1)], token_walk(), policy.clone()).await;
    assert_eq!(miss_all().await.unconfirmed, 6);
    // By an incremental run without a scan, with unchanged and changed content.
    assert_eq!(other.save(&[("a", 1), ("b", 2), ("a", 1)]).await, [Unchanged, Updated, Duplicate]);
    assert_eq!(sync.unconfirmed_candidates().await, 4);
    assert_eq!(other.commit(patch("c", json!({ "title": "t" }))).await, [Updated]);
    assert_eq!(other.commit(patch("d", json!({ "n": 1 }))).await, [Unchanged]);
    assert_eq!(sync.unconfirmed_candidates().await, 2);
    // A write that is skipped because of a newer one marks the record as seen if it is a save.
    let requested_at = store.now();
    tick(&store).await;
    sync.commit(patch("e", json!({ "title": "newer" }))).await;
    assert_eq!(sync.unconfirmed_candidates().await, 1);
    assert_eq!(miss_all().await.deleted, 1);
    assert_eq!(sync.live().await, BTreeSet::from(["a", "b", "c", "d", "e", "x"].map(str::to_owned)));
    assert_eq!(sync.unconfirmed_candidates().await, 5);
    for (write, left) in [(patch("e", json!({ "n": 5 })), 5), (save(&[("e", 5)]), 4)] {
        let mut page = other.page([write]);
        page.requested_at = requested_at;
        assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [SkippedNewer]);
        assert_eq!(sync.unconfirmed_candidates().await, left);
    }
    // The second consecutive scan confirms those that no run wrote since the first one.
    let outcome = miss_all().await;
    assert_eq!((outcome.deleted, outcome.unconfirmed), (4, 1));
}

pub(super) async fn deleted_record_loses_its_candidate_state(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a", "b", "c", "d"])).await;
    let policy = DeletePolicy { confirmations: Some(2), ..DeletePolicy::default() };
    assert_eq!(sync.complete_scan_with(&[("d", 1)], token_walk(), policy.clone()).await.unconfirmed, 3);
    sync.commit(delete(&["a"])).await;
    store.erase(&sync.dataset, named(["b"])).await.unwrap();
    assert_eq!(sync.unconfirmed_candidates().await, 1);
    // Records that are added again have not been missed.
    sync.save(&[("a", 1), ("b", 1)]).await;
    let again = sync.complete_scan_with(&[("d", 1)], token_walk(), policy.clone()).await;
    assert_eq!((again.deleted, again.unconfirmed, sync.ids().await.as_str()), (1, 2, "d a b -c"));
    empty_dataset(&store, &sync.dataset, |_| true).await.unwrap();
    assert_eq!(sync.pending_deletes(&policy).await, PendingDeletes::default());
    sync.save(&[("a", 1)]).await;
    assert_eq!(sync.complete_scan_with(&[("e", 1)], token_walk(), policy.clone()).await.unconfirmed, 1);
    store.put_connection(connection("acme")).await.unwrap();
    store.remove_connection("github", "acme").await.unwrap();
    assert_eq!(sync.pending_deletes(&policy).await, PendingDeletes::default());
    assert!(store.check(false).await.unwrap().is_sound());
}

pub(super) async fn request_confirms_and_oldest_requests_are_next(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a", "b", "c", "d", "e"])).await;
    let policy = DeletePolicy { by_request: true, fingerprint: [1; 16], ..DeletePolicy::default() };
    // Executes a scan with these confirmations. Returns the candidates that would be requested, and the outcome.
    let scan = async |results: &[(&str, bool)], limit: u32| {
        let scan = sync.scan(false).await;
        sync.save(&[("z", 1)]).await;
        let found =
            store.delete_candidates(&sync.run, &sync.dataset, scan, policy.fingerprint, false, limit).await.unwrap();
        let confirmation = |(id, deleted): &(&str, bool)| Confirmation { id: (*id).to_owned(), deleted: *deleted };
        let confirmations = results.iter().map(confirmation).collect();
        let finish = FinishScan { confirmations, ..sync.finish_as(scan, token_walk(), policy.clone()) };
        (ids(&found), store.finish_scan(finish).await.unwrap())
    };
    let (requested, outcome) = scan(&[("b", false), ("a", false)], 2).await;
    assert_eq!((requested.as_str(), outcome.deleted, outcome.unconfirmed), ("a b", 0, 5));
    tick(&store).await;
    let (requested, outcome) = scan(&[("c", false), ("d", true)], 100).await;
    assert_eq!((requested.as_str(), outcome.deleted, outcome.unconfirmed), ("c d e a b", 1, 4));
    let (requested, outcome) = scan(&[("e", false)], 2).await;
    assert_eq!((requested.as_str(), outcome.deleted), ("e a", 0));
    let (requested, _) = scan(&[], 100).await;
    assert_eq!(requested, "a b c e");
    // The payload is returned too, because the request is built from it.
    let open = sync.scan(false).await;
    sync.save(&[("z", 1)]).await;
    let candidates =
        store.delete_candidates(&sync.run, &sync.dataset, open, policy.fingerprint, false, 1).await.unwrap();
    assert_eq!(json_of(&candidates[0])["id"], "a");
    // With another fingerprint no candidate was requested. The guard does not hold a record for which the mapper
    // returns `None`.
    let candidates = store.delete_candidates(&sync.run, &sync.dataset, open, [2; 16], false, 100).await.unwrap();
    assert_eq!(ids(&candidates), "a b c e");
    sync.commit(delete(&["a"])).await;
    let deleted = |id: &str| Confirmation { id: id.to_owned(), deleted: true };
    let confirmations = vec![deleted("a"), deleted("b"), deleted("never")];
    let finish = FinishScan { confirmations, ..sync.finish_as(open, empty_walk(), policy.clone()) };
    let held = store.finish_scan(finish).await.unwrap();
    assert_eq!((held.deleted, held.held, held.unconfirmed), (0, 3, 2));
    let (requested, outcome) = scan(&[], 100).await;
    assert_eq!((requested.as_str(), outcome.deleted), ("c e", 1));
}

pub(super) async fn candidates_are_those_of_the_open_scan(store: TestStore) {
    let sync = sync_with_records(&store, &named((0..13).map(|n| format!("r{n:02}")))).await;
    let webhook = TestSync::begin(&store, "webhook").await;
    sync.commit(delete(&["r00"])).await;
    let scan = sync.scan(false).await;
    sync.save(&[("r01", 1), ("new", 1)]).await;
    webhook.commit(patch("r02", json!({ "n": 2 }))).await;
    webhook.commit(delete(&["r12"])).await;
    let candidates = store.delete_candidates(&sync.run, &sync.dataset, scan, [0; 16], false, 100).await.unwrap();
    assert_eq!(ids(&candidates), "r03 r04 r05 r06 r07 r08 r09 r10 r11");
    // Nine of twelve are left: too few for the guard, unless those that a request found to be deleted count too.
    let policy = DeletePolicy { by_request: true, ..DeletePolicy::default() };
    sync.commit(delete(&["r03", "r04"])).await;
    let deleted = |n| Confirmation { id: format!("r{n:02}"), deleted: true };
    let confirmations = (3..=12).map(deleted).chain([deleted(1), deleted(2)]).collect::<Vec<_>>();
    let finish = FinishScan { confirmations, ..sync.finish_as(scan, token_walk(), policy) };
    let finished = store.finish_scan(finish.clone()).await.unwrap();
    assert_eq!((finished.deleted, finished.held), (7, 0));
    for closed_scan in [scan, Scan { number: scan.number + 1, resumed: false }] {
        let closed = store.delete_candidates(&sync.run, &sync.dataset, closed_scan, [0; 16], false, 100).await;
        assert!(matches!(&closed, Err(StoreError::ScanClosed(model)) if model == "Doc"), "{closed:?}");
    }
    let open = sync.scan(false).await;
    store.end_run(&sync.run, run_end(RunStatus::Interrupted)).await.unwrap();
    assert_lease_lost(store.delete_candidates(&sync.run, &sync.dataset, open, [0; 16], false, 100).await);
}

pub(super) async fn runs_that_were_brought_forward_are_counted(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a", "b", "c"])).await;
    let policy = DeletePolicy { confirmations: Some(3), ..DeletePolicy::default() };
    let scan = async |seen: &[(&str, u64)], is_early: bool| {
        let scan = sync.begin_scan(ScanFrom::Start, is_early).await;
        sync.save(seen).await;
        // Resuming a scan is not counted, whatever `is_early` is.
        let scan = sync.begin_scan(ScanFrom::Number(scan.number), !is_early).await;
        assert!(scan.resumed);
        store.finish_scan(sync.finish_as(scan, token_walk(), policy.clone())).await.unwrap().next_full
    };
    let (all, two) = (&[("a", 1), ("b", 1), ("c", 1)], &[("a", 1), ("b", 1)]);
    assert_eq!(scan(all, false).await, NextFullRun::Regular);
    // A record that was first missed in a run that was brought forward does not bring a run forward.
    assert_eq!(scan(two, true).await, NextFullRun::Regular);
    assert_eq!(scan(all, false).await, NextFullRun::Regular);
    assert_eq!(scan(two, false).await, NextFullRun::NextRun);
    for expect in [NextFullRun::NextRun, NextFullRun::NextRun, NextFullRun::Regular] {
        // A run that never finishes its scan is counted.
        sync.begin_scan(ScanFrom::Start, true).await;
        assert_eq!(sync.pending_deletes(&policy).await.next_full, expect);
    }
    assert_eq!(scan(two, false).await, NextFullRun::NextRun);
    let every = DeletePolicy { full_runs: FullRuns::Every, ..policy.clone() };
    assert_eq!(sync.pending_deletes(&every).await.next_full, NextFullRun::NextRun);
    assert_eq!(scan(two, false).await, NextFullRun::Regular);
    assert_eq!(
        (sync.ids().await.as_str(), sync.pending_deletes(&every).await.next_full),
        ("a b -c", NextFullRun::Regular)
    );
}

pub(super) async fn changed_fingerprint_resets_candidate_state(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a", "b"])).await;
    let policy = |n| DeletePolicy { fingerprint: [n; 16], ..DeletePolicy::default() };
    for (n, deleted) in [(1, 0), (2, 0), (1, 0), (1, 1)] {
        assert_eq!(sync.complete_scan_with(&[("a", 1)], position_walk(), policy(n)).await.deleted, deleted, "{n}");
    }
}

pub(super) async fn candidate_state_survives_restart(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a"])).await;
    let held = sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await;
    let before = sync.pending_deletes(&DeletePolicy::default()).await;
    assert_eq!((held.held, before.held), (1, 1));
    sync.end().await;
    let store = store.reopened().await;
    let sync = TestSync::begin(&store, "issues").await;
    assert_eq!(sync.pending_deletes(&DeletePolicy::default()).await, before);
    assert_eq!(sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await.held, 1);
    store.backdate_scans(DEFAULT_HOLD).await.unwrap();
    let scan = sync.scan(false).await;
    sync.end().await;
    // The open scan is resumed, and keeps its start time.
    let store = store.reopened().await;
    let sync = TestSync::begin(&store, "issues").await;
    let scan = sync.begin_scan(ScanFrom::Number(scan.number), false).await;
    assert!(scan.resumed);
    let finish = sync.finish_as(scan, empty_walk(), DeletePolicy::default());
    assert_eq!(store.finish_scan(finish).await.unwrap().deleted, 1);
}

pub(super) async fn candidate_state_survives_copy_and_key_rotation(store: TestStore) {
    store.use_keys(store.ring.clone(), false).await.unwrap();
    let sync = sync_with_records(&store, &named(["a", "b", "c"])).await;
    let policy = DeletePolicy { by_request: true, ..DeletePolicy::default() };
    let scan = sync.begin_scan(ScanFrom::Start, true).await;
    sync.save(&[("c", 1)]).await;
    let confirmations = vec![Confirmation { id: "b".to_owned(), deleted: false }];
    let finish = FinishScan { confirmations, ..sync.finish_as(scan, position_walk(), policy.clone()) };
    store.finish_scan(finish).await.unwrap();
    let before = sync.pending_deletes(&policy).await;
    assert_eq!((before.unconfirmed, before.next_full), (2, NextFullRun::Regular));
    store.activate_key(store.ring.ids()[1]).await.unwrap();
    assert!(reseal(&**store, |_| true).await.unwrap().done);
    assert_eq!(sync.pending_deletes(&policy).await, before);

    let copied: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    copy(&store, &copied, |_, _| ()).await.unwrap();
    copied.use_keys(store.ring.clone(), false).await.unwrap();
    for store in [&*store, &copied] {
        let sync = TestSync { run: sync.run, key: sync.key.clone(), dataset: sync.dataset.clone(), store };
        let run = store.runs_of(&sync.key, 1).await.unwrap().remove(0);
        if run.status == RunStatus::Running {
            store.end_run(&sync.run, run_end(RunStatus::Success)).await.unwrap();
        }
        let sync = TestSync::begin(store, "issues").await;
        assert_eq!(sync.pending_deletes(&policy).await, before);
        let scan = sync.scan(false).await;
        let candidates =
            store.delete_candidates(&sync.run, &sync.dataset, scan, policy.fingerprint, false, 9).await.unwrap();
        assert_eq!(ids(&candidates), "a c b");
        sync.save(&[("c", 1)]).await;
        let default_policy = DeletePolicy::default();
        let outcome = store.finish_scan(sync.finish_as(scan, position_walk(), default_policy)).await.unwrap();
        assert_eq!((outcome.deleted, sync.ids().await.as_str()), (2, "c -a -b"));
    }
}
