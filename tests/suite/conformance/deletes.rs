//! Deletes: the histories of the specification, and the parts of a decision that a database contributes.
//!
//! Tests advance time with [`Records::backdate_scans`], which shifts stored times back.

use std::collections::BTreeSet;

use nango_tests::internal::store::{
    DEFAULT_HOLD, DeletePolicy, HeldBy, NextFullRun, PendingDeletes, ScanFrom, ScanOutcome, ScanWalk, SharedStore,
    Write,
};
use serde_json::json;

use super::{
    delete_histories::{Case, Expect, Run, cases, next_run_name, seconds},
    support::*,
};

pub(super) fn empty_walk() -> ScanWalk {
    ScanWalk { list_empty: true, ..token_walk() }
}

pub(super) fn named(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

impl TestSync<'_> {
    /// Executes a scan that sees these records, with this walk result and policy.
    pub(super) async fn complete_scan_with(
        &self,
        seen: &[(&str, u64)],
        walk: ScanWalk,
        policy: DeletePolicy,
    ) -> ScanOutcome {
        let scan = self.scan(false).await;
        self.save(seen).await;
        self.store.finish_scan(self.finish_as(scan, walk, policy)).await.unwrap()
    }

    pub(super) async fn pending_deletes(&self, policy: &DeletePolicy) -> PendingDeletes {
        self.store.pending_deletes(&self.dataset, policy).await.unwrap()
    }

    /// Returns the number of unconfirmed candidates.
    pub(super) async fn unconfirmed_candidates(&self) -> u64 {
        self.pending_deletes(&DeletePolicy::default()).await.unconfirmed
    }

    pub(super) async fn live(&self) -> BTreeSet<String> {
        self.feed().await.into_iter().filter(|row| row.deleted_at.is_none()).map(|row| row.id).collect()
    }
}

/// Starts a sync and stores the records of `ids`, each seen once.
pub(super) async fn sync_with_records<'a>(store: &'a SharedStore, ids: &[String]) -> TestSync<'a> {
    let sync = TestSync::begin(store, "issues").await;
    let docs: Vec<Doc> = ids.iter().map(|id| doc(id, 1)).collect();
    for page in docs.chunks(1_000) {
        sync.commit(Write::Save(batch(page))).await;
    }
    sync
}

pub(super) async fn histories_of_the_specification_are_followed(store: TestStore) {
    for (n, case) in cases().iter().enumerate() {
        let [mut walker, mut handler] =
            [TestSync::begin(&store, "walker").await, TestSync::begin(&store, "handler").await];
        for sync in [&mut walker, &mut handler] {
            sync.dataset = dataset(&format!("Doc{n}"));
        }
        let (mut now, mut next) = (0, NextFullRun::Regular);
        for (i, run) in case.runs.iter().enumerate() {
            store.backdate_scans(seconds(run.began_at - now)).await.unwrap();
            now = run.ended_at;
            prepare(&handler, run).await;
            let outcome = history(&walker, &handler, case, run, &mut next).await;
            let Expect { tombstones, held, unconfirmed, next_run_full } = &run.expect;
            let (held, unconfirmed) = (held.len() as u64, unconfirmed.len() as u64);
            assert_eq!(
                outcome,
                (tombstones.clone(), held, unconfirmed, &**next_run_full),
                "{}, run {}",
                case.name,
                i + 1
            );
        }
        walker.end().await;
        handler.end().await;
    }
}

/// Changes the dataset to the active records before a run, without touching existing ones.
async fn prepare(handler: &TestSync<'_>, run: &Run) {
    let live = handler.live().await;
    let expected: BTreeSet<String> = run.live_before.iter().cloned().collect();
    let new: Vec<Doc> = expected.difference(&live).map(|id| doc(id, 1)).collect();
    handler.commit(Write::Save(batch(&new))).await;
    handler.commit(Write::delete(live.difference(&expected).cloned())).await;
}

/// Executes a run of a history. Returns the tombstones, the numbers of held and unconfirmed candidates, and the time of
/// the next full run.
async fn history(
    walker: &TestSync<'_>,
    handler: &TestSync<'_>,
    case: &Case,
    run: &Run,
    next: &mut NextFullRun,
) -> (Vec<String>, u64, u64, &'static str) {
    let (store, policy, before) = (walker.store, case.policy(run), walker.live().await);
    let seen: Vec<Doc> = run.seen.iter().map(|id| doc(id, 1)).collect();
    let is_early = run.forwarded.unwrap_or(*next != NextFullRun::Regular);
    let scan = if run.full { Some(walker.begin_scan(ScanFrom::Start, is_early).await) } else { None };
    walker.commit(Write::Save(batch(&seen))).await;
    for id in &run.written {
        handler.commit(patch(id, json!({ "title": format!("at {}", run.began_at) }))).await;
    }
    store.backdate_scans(seconds(run.ended_at - run.began_at)).await.unwrap();
    if let Some(scan) = scan {
        let mut finish = walker.finish_as(scan, run.walk(), policy.clone());
        if policy.by_request && finish.walk.complete {
            let candidates =
                store.delete_candidates(&walker.run, &walker.dataset, scan, policy.fingerprint, false, 100);
            let ids: Vec<String> = candidates.await.unwrap().into_iter().map(|row| row.id).collect();
            let results = run.request_confirmations(&ids);
            let returned: Vec<Doc> = results.returned.iter().map(|id| doc(id, 1)).collect();
            walker.commit(Write::Save(batch(&returned))).await;
            walker.commit(Write::delete(results.unmapped)).await;
            finish.confirmations = results.confirmations;
        }
        let finished = store.finish_scan(finish).await.unwrap();
        let pending = walker.pending_deletes(&policy).await;
        let PendingDeletes { held, unconfirmed, held_by, next_full, .. } = pending;
        assert_eq!(finished, ScanOutcome { deleted: finished.deleted, held, unconfirmed, held_by, next_full });
    }
    let pending = walker.pending_deletes(&policy).await;
    *next = pending.next_full;
    if let NextFullRun::NotBefore(at) = next {
        assert_eq!(pending.first_missed_at, Some(*at - policy.hold));
    }
    let tombstones = before.difference(&walker.live().await).cloned().collect();
    (tombstones, pending.held, pending.unconfirmed, next_run_name(*next))
}

pub(super) async fn deletes_after_empty_list_are_held_until_hold_ends(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a"])).await;
    let held = sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await;
    assert_eq!((held.deleted, held.held, held.unconfirmed, held.held_by), (0, 1, 0, Some(HeldBy::Guard)));
    let pending = sync.pending_deletes(&DeletePolicy::default()).await;
    let since = pending.first_missed_at.unwrap();
    assert_eq!(held.next_full, NextFullRun::NotBefore(since + DEFAULT_HOLD));
    let now = store.now();
    assert!(since <= now && now.saturating_duration_since(since) < seconds(60), "{since}");
    // A scan that began too early releases nothing, no matter when it ends.
    store.backdate_scans(DEFAULT_HOLD.saturating_sub(seconds(5))).await.unwrap();
    let scan = sync.scan(false).await;
    store.backdate_scans(seconds(60)).await.unwrap();
    let finish = sync.finish_as(scan, empty_walk(), DeletePolicy::default());
    assert_eq!(store.finish_scan(finish).await.unwrap().held, 1);
    let released = sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await;
    assert_eq!((released, sync.ids().await), (ScanOutcome { deleted: 1, ..ScanOutcome::default() }, "-a".to_owned()));
    // With an empty dataset, an empty list causes no hold.
    assert_eq!(sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await, ScanOutcome::default());
}

pub(super) async fn deletes_of_more_than_half_of_the_records_are_held(store: TestStore) {
    let all = named((0..22).map(|n| format!("r{n:02}")));
    let sync = sync_with_records(&store, &all).await;
    let seen: Vec<_> = all[..10].iter().map(|id| (id.as_str(), 1)).collect();
    let held = sync.complete_scan_with(&seen, token_walk(), DeletePolicy::default()).await;
    assert_eq!((held.deleted, held.held), (0, 12));
    // One of them is returned again: exactly half of the records that were active when the scan began are missing.
    let seen: Vec<_> = all[..11].iter().map(|id| (id.as_str(), 1)).collect();
    let half = sync.complete_scan_with(&seen, token_walk(), DeletePolicy::default()).await;
    assert_eq!(half, ScanOutcome { deleted: 11, ..ScanOutcome::default() });
}

pub(super) async fn many_candidates_are_counted_before_one_is_deleted(store: TestStore) {
    // The numbers are exactly the batch size of candidates, and more.
    let all = named((0..14_000).map(|n| format!("{n:05}")));
    let sync = sync_with_records(&store, &all).await;
    let save_first = async |kept: usize| {
        for page in all[..kept].chunks(1_000) {
            let docs: Vec<Doc> = page.iter().map(|id| doc(id, 1)).collect();
            sync.commit(Write::Save(batch(&docs))).await;
        }
    };
    let scan = sync.scan(false).await;
    save_first(5_000).await;
    let finish = sync.finish_as(scan, token_walk(), DeletePolicy::default());
    let held = store.finish_scan(finish).await.unwrap();
    assert_eq!((held.deleted, held.held, held.held_by), (0, 9_000, Some(HeldBy::Guard)));
    assert_eq!(store.datasets(None, None).await.unwrap()[0].live, 14_000);
    let scan = sync.scan(false).await;
    save_first(14_000 - 4_096).await;
    let finish = sync.finish_as(scan, token_walk(), DeletePolicy::default());
    let deleted = store.finish_scan(finish).await.unwrap();
    assert_eq!(deleted, ScanOutcome { deleted: 4_096, ..ScanOutcome::default() });
    let scan = sync.scan(false).await;
    let finish = sync.finish_as(scan, empty_walk(), DeletePolicy::default());
    assert_eq!(store.finish_scan(finish).await.unwrap().held, 9_904);
    store.backdate_scans(DEFAULT_HOLD).await.unwrap();
    let scan = sync.scan(false).await;
    save_first(1).await;
    let finish = sync.finish_as(scan, token_walk(), DeletePolicy::default());
    let released = store.finish_scan(finish).await.unwrap();
    assert_eq!(released, ScanOutcome { deleted: 9_903, ..ScanOutcome::default() });
    assert_eq!(sync.live().await, BTreeSet::from(["00000".to_owned()]));
    let counts = store.run(sync.run.id).await.unwrap().unwrap().totals.models["Doc"];
    assert_eq!((counts.deleted, store.datasets(None, None).await.unwrap()[0].live), (13_999, 1));
}

pub(super) async fn max_deletes_holds_all_candidates_until_allowed(store: TestStore) {
    let sync = sync_with_records(&store, &named(["a", "b", "c", "d", "e"])).await;
    let policy = DeletePolicy { max_deletes: Some(20), ..DeletePolicy::default() };
    let seen = [("a", 1), ("b", 1), ("c", 1)];
    let held = sync.complete_scan_with(&seen, token_walk(), policy.clone()).await;
    assert_eq!((held.deleted, held.held, held.held_by), (0, 2, Some(HeldBy::MaxDeletes)));
    // Unlike a hold of the guard, this one does not end after a period.
    store.backdate_scans(5 * DEFAULT_HOLD).await.unwrap();
    assert_eq!(sync.complete_scan_with(&seen, token_walk(), policy.clone()).await.held, 2);
    let allowed = sync.complete_scan_with(&seen, token_walk(), DeletePolicy { allow: true, ..policy.clone() }).await;
    assert_eq!((allowed.deleted, allowed.held, allowed.held_by), (2, 0, None));
    let fewer = DeletePolicy { max_deletes: Some(34), ..policy };
    assert_eq!(sync.complete_scan_with(&seen[..2], token_walk(), fewer).await.deleted, 1);
}
