//! From candidate to tombstone: the histories of the specification, and what a database adds to the decisions.
//!
//! Time passes by [`crate::store::Records::pass_time`], which makes older what is noted.

use std::collections::BTreeSet;

use serde_json::json;

use super::support::*;
use crate::store::{
    DEFAULT_HOLD, DeletePolicy, HeldBy, NextFullRun, PendingDeletes, ScanFrom, ScanOutcome, ScanWalk, SharedStore,
    Write,
    deletes::vectors::{Case, Expect, Run, SECOND, cases, next_run_name},
};

pub(super) fn empty_walk() -> ScanWalk {
    ScanWalk { list_empty: true, ..token_walk() }
}

pub(super) fn named(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

impl TestSync<'_> {
    /// A scan that sees these, with the end of its walks, by the rules of a policy.
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

    pub(super) async fn outlook(&self, policy: &DeletePolicy) -> PendingDeletes {
        self.store.pending_deletes(&self.dataset, policy).await.unwrap()
    }

    /// How many candidates wait.
    pub(super) async fn unconfirmed_candidates(&self) -> u64 {
        self.outlook(&DeletePolicy::default()).await.unconfirmed
    }

    pub(super) async fn live(&self) -> BTreeSet<String> {
        self.feed().await.into_iter().filter(|row| row.deleted_at.is_none()).map(|row| row.id).collect()
    }
}

/// A sync whose database knows `ids`, each once seen.
pub(super) async fn known<'a>(store: &'a SharedStore, ids: &[String]) -> TestSync<'a> {
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
            store.pass_time((run.began_at - now) * SECOND).await.unwrap();
            now = run.ended_at;
            prepare(&handler, run).await;
            let expect = history(&walker, &handler, case, run, &mut next).await;
            let Expect { tombstones, held, unconfirmed, next_run_full } = &run.expect;
            let (held, unconfirmed) = (held.len() as u64, unconfirmed.len() as u64);
            assert_eq!(
                expect,
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

/// Brings the dataset to what is live before a run, without touching what is there.
async fn prepare(handler: &TestSync<'_>, run: &Run) {
    let live = handler.live().await;
    let wanted: BTreeSet<String> = run.live_before.iter().cloned().collect();
    let new: Vec<Doc> = wanted.difference(&live).map(|id| doc(id, 1)).collect();
    handler.commit(Write::Save(batch(&new))).await;
    handler.commit(Write::delete(live.difference(&wanted).cloned())).await;
}

/// A run of a history: its tombstones, how many are held and unconfirmed, and when the next full run is due.
async fn history(
    walker: &TestSync<'_>,
    handler: &TestSync<'_>,
    case: &Case,
    run: &Run,
    next: &mut NextFullRun,
) -> (Vec<String>, u64, u64, &'static str) {
    let (store, policy, before) = (walker.store, case.policy(run), walker.live().await);
    let seen: Vec<Doc> = run.seen.iter().map(|id| doc(id, 1)).collect();
    let brought_forward = run.forwarded.unwrap_or(*next != NextFullRun::Regular);
    let scan = if run.full { Some(walker.begin_scan(ScanFrom::Start, brought_forward).await) } else { None };
    walker.commit(Write::Save(batch(&seen))).await;
    for id in &run.written {
        handler.commit(patch(id, json!({ "title": format!("at {}", run.began_at) }))).await;
    }
    store.pass_time((run.ended_at - run.began_at) * SECOND).await.unwrap();
    if let Some(scan) = scan {
        let mut finish = walker.finish_as(scan, run.walk(), policy.clone());
        if policy.by_request && finish.walk.complete {
            let ask = store.delete_candidates(&walker.run, &walker.dataset, scan, policy.fingerprint, 100);
            let ids: Vec<String> = ask.await.unwrap().into_iter().map(|row| row.id).collect();
            let asked = run.ask(&ids);
            let returned: Vec<Doc> = asked.returned.iter().map(|id| doc(id, 1)).collect();
            walker.commit(Write::Save(batch(&returned))).await;
            walker.commit(Write::delete(asked.unmapped)).await;
            finish.confirmations = asked.confirmations;
        }
        let finished = store.finish_scan(finish).await.unwrap();
        let outlook = walker.outlook(&policy).await;
        let PendingDeletes { held, unconfirmed, held_by, next_full, .. } = outlook;
        assert_eq!(finished, ScanOutcome { deleted: finished.deleted, held, unconfirmed, held_by, next_full });
    }
    let outlook = walker.outlook(&policy).await;
    *next = outlook.next_full;
    if let NextFullRun::NotBefore(at) = next {
        assert_eq!(outlook.first_missed_at, Some(*at - policy.hold));
    }
    let tombstones = before.difference(&walker.live().await).cloned().collect();
    (tombstones, outlook.held, outlook.unconfirmed, next_run_name(*next))
}

pub(super) async fn deletes_after_empty_list_are_held_until_hold_ends(store: TestStore) {
    let sync = known(&store, &named(["a"])).await;
    let held = sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await;
    assert_eq!((held.deleted, held.held, held.unconfirmed, held.held_by), (0, 1, 0, Some(HeldBy::Guard)));
    let outlook = sync.outlook(&DeletePolicy::default()).await;
    let since = outlook.first_missed_at.unwrap();
    assert_eq!(held.next_full, NextFullRun::NotBefore(since + DEFAULT_HOLD));
    assert!(since <= store.now() && store.now() - since < 60 * SECOND, "{since}");
    // A scan that began too early releases nothing, however late it ends.
    store.pass_time(DEFAULT_HOLD - 5 * SECOND).await.unwrap();
    let scan = sync.scan(false).await;
    store.pass_time(60 * SECOND).await.unwrap();
    let finish = sync.finish_as(scan, empty_walk(), DeletePolicy::default());
    assert_eq!(store.finish_scan(finish).await.unwrap().held, 1);
    let released = sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await;
    assert_eq!((released, sync.ids().await), (ScanOutcome { deleted: 1, ..ScanOutcome::default() }, "-a".to_owned()));
    // An empty list against an empty dataset is nothing to hold.
    assert_eq!(sync.complete_scan_with(&[], empty_walk(), DeletePolicy::default()).await, ScanOutcome::default());
}

pub(super) async fn deletes_of_more_than_half_of_the_records_are_held(store: TestStore) {
    let all = named((0..22).map(|n| format!("r{n:02}")));
    let sync = known(&store, &all).await;
    let seen: Vec<_> = all[..10].iter().map(|id| (id.as_str(), 1)).collect();
    let held = sync.complete_scan_with(&seen, token_walk(), DeletePolicy::default()).await;
    assert_eq!((held.deleted, held.held), (0, 12));
    // One of them is back: half of what was live when the scan began.
    let seen: Vec<_> = all[..11].iter().map(|id| (id.as_str(), 1)).collect();
    let half = sync.complete_scan_with(&seen, token_walk(), DeletePolicy::default()).await;
    assert_eq!(half, ScanOutcome { deleted: 11, ..ScanOutcome::default() });
}

pub(super) async fn many_candidates_are_counted_before_one_is_deleted(store: TestStore) {
    // Exactly as many as are gathered at once, and more.
    let all = named((0..14_000).map(|n| format!("{n:05}")));
    let sync = known(&store, &all).await;
    let see = async |kept: usize| {
        for page in all[..kept].chunks(1_000) {
            let docs: Vec<Doc> = page.iter().map(|id| doc(id, 1)).collect();
            sync.commit(Write::Save(batch(&docs))).await;
        }
    };
    let scan = sync.scan(false).await;
    see(5_000).await;
    let finish = sync.finish_as(scan, token_walk(), DeletePolicy::default());
    let held = store.finish_scan(finish).await.unwrap();
    assert_eq!((held.deleted, held.held, held.held_by), (0, 9_000, Some(HeldBy::Guard)));
    assert_eq!(store.datasets(None, None).await.unwrap()[0].live, 14_000);
    let scan = sync.scan(false).await;
    see(14_000 - 4_096).await;
    let finish = sync.finish_as(scan, token_walk(), DeletePolicy::default());
    let deleted = store.finish_scan(finish).await.unwrap();
    assert_eq!(deleted, ScanOutcome { deleted: 4_096, ..ScanOutcome::default() });
    let scan = sync.scan(false).await;
    let finish = sync.finish_as(scan, empty_walk(), DeletePolicy::default());
    assert_eq!(store.finish_scan(finish).await.unwrap().held, 9_904);
    store.pass_time(DEFAULT_HOLD).await.unwrap();
    let scan = sync.scan(false).await;
    see(1).await;
    let finish = sync.finish_as(scan, token_walk(), DeletePolicy::default());
    let released = store.finish_scan(finish).await.unwrap();
    assert_eq!(released, ScanOutcome { deleted: 9_903, ..ScanOutcome::default() });
    assert_eq!(sync.live().await, BTreeSet::from(["00000".to_owned()]));
    let counts = store.run(sync.run.id).await.unwrap().unwrap().totals.models["Doc"];
    assert_eq!((counts.deleted, store.datasets(None, None).await.unwrap()[0].live), (13_999, 1));
}

pub(super) async fn max_deletes_holds_all_until_it_is_allowed(store: TestStore) {
    let sync = known(&store, &named(["a", "b", "c", "d", "e"])).await;
    let policy = DeletePolicy { max_deletes: Some(20), ..DeletePolicy::default() };
    let seen = [("a", 1), ("b", 1), ("c", 1)];
    let held = sync.complete_scan_with(&seen, token_walk(), policy.clone()).await;
    assert_eq!((held.deleted, held.held, held.held_by), (0, 2, Some(HeldBy::MaxDeletes)));
    // Unlike the guard's, it is not over after a while.
    store.pass_time(5 * DEFAULT_HOLD).await.unwrap();
    assert_eq!(sync.complete_scan_with(&seen, token_walk(), policy.clone()).await.held, 2);
    let allowed = sync.complete_scan_with(&seen, token_walk(), DeletePolicy { allow: true, ..policy.clone() }).await;
    assert_eq!((allowed.deleted, allowed.held, allowed.held_by), (2, 0, None));
    let fewer = DeletePolicy { max_deletes: Some(34), ..policy };
    assert_eq!(sync.complete_scan_with(&seen[..2], token_walk(), fewer).await.deleted, 1);
}
