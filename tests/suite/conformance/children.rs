//! Deletes of children: which of them are candidates, and the guard and the confirmations of each parent.

use nango_tests::internal::store::{
    Confirmation, DEFAULT_HOLD, DeletePolicy, FinishScan, FullRuns, HeldBy, NextFullRun, ParentEnd, ParentKey,
    ParentWrite, ScanFrom, ScanOutcome, ScanWalk, StoreError, Write,
};
use serde_json::json;

use super::{
    deletes::{empty_walk, named},
    parents::{complete, ended, parent},
    support::*,
};

fn position() -> ParentEnd {
    ParentEnd::Ended(position_walk())
}

fn empty() -> ParentEnd {
    ParentEnd::Ended(empty_walk())
}

/// The children of a parent, the part that its walk returns, and the end of the walk.
type Walked<'a> = (&'a str, &'a [(&'a str, u64)], ParentEnd);

impl TestSync<'_> {
    /// Executes a scan that walks these parents, and finishes it.
    async fn scan_parents(&self, walks: &[Walked<'_>], policy: &DeletePolicy) -> ScanOutcome {
        let scan = self.scan(false).await;
        for (id, docs, end) in walks {
            self.walk_parent(scan, id, docs, end.clone()).await;
        }
        self.store.finish_scan(self.finish_by_parent(scan, policy.clone())).await.unwrap()
    }
}

pub(super) async fn only_children_of_complete_walks_are_candidates(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    let other = TestSync::begin(&store, "webhook").await;
    for id in ["complete", "incomplete", "begun", "skipped", "earlier"] {
        let children = [format!("{id}-1"), format!("{id}-2")];
        sync.save_children(id, &[(&children[0], 1), (&children[1], 1)]).await;
    }
    sync.save(&[("free", 1)]).await;
    let policy = DeletePolicy::default();
    // A complete walk of an earlier scan proves nothing in this one.
    assert_eq!(
        sync.scan_parents(&[("earlier", &[("earlier-1", 1), ("earlier-2", 1)], complete())], &policy).await,
        ScanOutcome::default()
    );
    let scan = sync.scan(false).await;
    let incomplete = ParentEnd::Ended(ScanWalk { complete: false, ..token_walk() });
    sync.walk_parent(scan, "complete", &[("complete-1", 1)], complete()).await;
    sync.walk_parent(scan, "incomplete", &[("incomplete-1", 1)], incomplete).await;
    sync.walk_parent(scan, "begun", &[("begun-1", 1)], ParentEnd::Begun).await;
    sync.commit_children("skipped", Write::Seen(Vec::new()), vec![parent("skipped")]).await;
    // A child that another run wrote since the scan began stays.
    sync.save_children("complete", &[("complete-3", 1)]).await;
    other.commit(patch("complete-2", json!({ "title": "t" }))).await;
    let finished = store.finish_scan(sync.finish_by_parent(scan, policy.clone())).await.unwrap();
    assert_eq!(
        (finished, sync.feed().await.iter().filter(|row| row.deleted_at.is_some()).count()),
        (ScanOutcome::default(), 0)
    );
    let finished = sync.scan_parents(&[("complete", &[("complete-3", 1)], complete())], &policy).await;
    assert_eq!((finished.deleted, finished.unconfirmed), (2, 0));
    let deleted: Vec<_> =
        sync.feed().await.into_iter().filter(|row| row.deleted_at.is_some()).map(|row| row.id).collect();
    assert_eq!(deleted, ["complete-1", "complete-2"]);
    let closed = store.finish_scan(sync.finish_by_parent(scan, policy)).await;
    assert!(matches!(closed, Err(StoreError::ScanClosed(_))), "{closed:?}");
}

pub(super) async fn child_that_moved_to_another_parent_stays(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    sync.save_children("1", &[("a", 1), ("b", 1), ("c", 1)]).await;
    sync.save_children("2", &[("x", 1)]).await;
    let policy = DeletePolicy::default();
    // Its former parent is decided first, and its new parent last, in either order of their walks.
    for (first, second) in [("1", "2"), ("2", "1")] {
        let walks: [Walked<'_>; 2] =
            [(first, &[("a", 1)], complete()), (second, &[("b", 1), ("x", 1), ("c", 1)], complete())];
        let finished = sync.scan_parents(&walks, &policy).await;
        assert_eq!((finished.deleted, sync.ids().await.as_str()), (0, "a b c x"));
    }
    assert_eq!((sync.remove_children("1").await, sync.remove_children("2").await), (3, 1));
}

pub(super) async fn children_of_gone_parent_are_deleted_with_its_row(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    sync.commit_children("1", save(&[("a", 1), ("b", 1)]), vec![parent("1"), parent("empty"), parent("3")]).await;
    sync.save_children("3", &[("x", 1)]).await;
    let scan = sync.scan(false).await;
    let gone = |id: &str| ended(id, scan, ParentEnd::Gone);
    sync.write_parents(vec![gone("1"), gone("empty"), gone("3")]).await;
    // A child that another parent returned in this scan, or that was written since, stays.
    sync.walk_parent(scan, "2", &[("b", 1)], complete()).await;
    sync.save_children("3", &[("x", 2)]).await;
    let finished = store.finish_scan(sync.finish_by_parent(scan, DeletePolicy::default())).await.unwrap();
    assert_eq!((finished.deleted, sync.ids().await.as_str()), (1, "b x -a"));
    // The row of a parent stays while it has active children.
    let mut parents = sync.parents().await;
    parents.sort();
    assert_eq!(parents, ["2", "3"]);
    assert_eq!(sync.scan_parents(&[("3", &[], ParentEnd::Gone)], &DeletePolicy::default()).await.deleted, 1);
    assert_eq!(sync.parents().await, ["2"]);
}

pub(super) async fn revived_parent_keeps_its_children(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    let many: Vec<String> = (0..12).map(|n| format!("r{n:02}")).collect();
    let docs: Vec<_> = many.iter().map(|id| (id.as_str(), 1)).collect();
    sync.commit_children("1", save(&docs), vec![parent("1")]).await;
    // All children of the parent are more than half of them: held.
    let held = sync.scan_parents(&[("1", &[], ParentEnd::Gone)], &DeletePolicy::default()).await;
    assert_eq!((held.deleted, held.held, held.held_by), (0, 12, Some(HeldBy::Guard)));
    assert_eq!(sync.parents().await, ["1"]);
    store.drop_parents(&sync.run, &sync.key, named(["1"])).await.unwrap();
    let walks: [Walked<'_>; 1] = [("1", &docs[..11], complete())];
    let finished = sync.scan_parents(&walks, &DeletePolicy::default()).await;
    assert_eq!((finished.deleted, finished.held), (1, 0));
}

pub(super) async fn guard_holds_children_of_each_parent(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    let ids = |parent: &str, count: usize| (0..count).map(|n| format!("{parent}{n:03}")).collect::<Vec<_>>();
    let (big, half, few, none, new) = (ids("b", 100), ids("h", 21), ids("f", 10), ids("n", 2), ids("new", 30));
    let [big, half, few, none, new] =
        [&big, &half, &few, &none, &new].map(|ids| ids.iter().map(|id| (id.as_str(), 1)).collect::<Vec<(&str, u64)>>());
    for (name, docs) in [("big", &big), ("half", &half), ("few", &few), ("none", &none)] {
        sync.save_children(name, docs).await;
    }
    // 11 of 21: more than half and more than ten. 10 of 10: not more than ten. An empty list: always held.
    let walks: [Walked<'_>; 4] = [
        ("big", &big, complete()),
        ("half", &half[..10], complete()),
        ("few", &[("f_new", 1)], complete()),
        ("none", &[], empty()),
    ];
    let policy = DeletePolicy::default();
    let finished = sync.scan_parents(&walks, &policy).await;
    assert_eq!((finished.deleted, finished.held, finished.held_by), (10, 13, Some(HeldBy::Guard)));
    // New children do not count as active at the start.
    let seen = [&half[..10], &new].concat();
    let walks: [Walked<'_>; 2] = [("half", &seen, complete()), ("none", &[], empty())];
    let finished = sync.scan_parents(&walks, &policy).await;
    assert_eq!((finished.deleted, finished.held), (0, 13));
    // The children of a parent that is not walked keep their states; those of the other are released after the hold.
    store.backdate_scans(DEFAULT_HOLD).await.unwrap();
    let finished = sync.scan_parents(&[("none", &[], empty())], &policy).await;
    assert_eq!((finished.deleted, finished.held), (2, 11));
    let allow = DeletePolicy { allow: true, ..policy };
    let finished = sync.scan_parents(&walks, &allow).await;
    assert_eq!((finished.deleted, finished.held), (11, 0));
}

pub(super) async fn guard_holds_children_of_all_parents(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    let names: Vec<(String, String)> = (0..12).map(|n| (format!("p{n}"), format!("c{n}"))).collect();
    for (parent, child) in &names {
        sync.save_children(parent, &[(child, 1), (&format!("{child}-kept"), 1)]).await;
    }
    let kept: Vec<String> = names.iter().map(|(_, child)| format!("{child}-kept")).collect();
    let walk = async |lost: usize, policy: &DeletePolicy| {
        let scan = sync.scan(false).await;
        for (n, (parent, child)) in names.iter().enumerate() {
            let docs = [(kept[n].as_str(), 1), (child.as_str(), 1)];
            sync.walk_parent(scan, parent, if n < lost { &docs[..1] } else { &docs[..] }, complete()).await;
        }
        store.finish_scan(sync.finish_by_parent(scan, policy.clone())).await.unwrap()
    };
    // 12 of 24 are not more than half; `max_deletes` is the share of the whole model.
    let most = DeletePolicy { max_deletes: Some(49), ..DeletePolicy::default() };
    let finished = walk(12, &most).await;
    assert_eq!((finished.deleted, finished.held, finished.held_by), (0, 12, Some(HeldBy::MaxDeletes)));
    assert_eq!(walk(12, &DeletePolicy { max_deletes: Some(50), ..most }).await.deleted, 12);
    // 12 of 23, one of each parent.
    let policy = DeletePolicy::default();
    for (parent, child) in &names[..11] {
        sync.save_children(parent, &[(child, 1)]).await;
    }
    let scan = sync.scan(false).await;
    for (parent, child) in &names {
        sync.walk_parent(scan, parent, &[(&format!("{child}-new"), 1)], complete()).await;
    }
    let finished = store.finish_scan(sync.finish_by_parent(scan, policy)).await.unwrap();
    assert_eq!((finished.deleted, finished.held, finished.held_by), (0, 23, Some(HeldBy::Guard)));
}

pub(super) async fn confirmations_are_those_of_the_parent(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    for (parent, a, b) in [("token", "ta", "tb"), ("position", "pa", "pb"), ("long", "la", "lb")] {
        sync.save_children(parent, &[(a, 1), (b, 1)]).await;
    }
    let long = || ParentEnd::Ended(ScanWalk { requests: 51, ..position_walk() });
    let walks = || -> [Walked<'static>; 3] {
        [("token", &[("ta", 1)], complete()), ("position", &[("pa", 1)], position()), ("long", &[("la", 1)], long())]
    };
    let policy = DeletePolicy::default();
    let finished = sync.scan_parents(&walks(), &policy).await;
    assert_eq!((finished.deleted, finished.unconfirmed, sync.ids().await.as_str()), (1, 2, "ta pa pb la lb -tb"));
    // A scan that does not walk a parent, or not to its end, neither counts nor resets.
    let incomplete = ParentEnd::Ended(ScanWalk { complete: false, ..position_walk() });
    let finished =
        sync.scan_parents(&[("position", &[], incomplete), ("token", &[("ta", 1)], complete())], &policy).await;
    assert_eq!((finished.deleted, finished.unconfirmed), (0, 2));
    let finished = sync.scan_parents(&walks()[1..], &policy).await;
    assert_eq!((finished.deleted, finished.unconfirmed), (1, 1));
    // A shift in the walk of another parent requires nothing.
    let shifted = ParentEnd::Ended(ScanWalk { shifted: true, ..position_walk() });
    let walks: [Walked<'_>; 2] = [("position", &[("pa", 1)], shifted), ("long", &[("la", 1)], long())];
    let finished = sync.scan_parents(&walks, &policy).await;
    assert_eq!((finished.deleted, sync.ids().await.as_str()), (1, "ta pa la -tb -pb -lb"));
}

pub(super) async fn candidates_bring_full_walk_of_their_parent_forward(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    for (parent, a, b) in [("1", "1a", "1b"), ("2", "2a", "2b"), ("3", "3a", "3b")] {
        sync.commit_children(parent, save(&[(a, 1), (b, 1)]), vec![super::parents::parent(parent)]).await;
    }
    let policy = DeletePolicy { confirmations: Some(3), ..DeletePolicy::default() };
    let needing = async |policy: &DeletePolicy| {
        let mut found = store.parents_needing_full(&sync.key, &sync.dataset, policy).await.unwrap();
        found.sort_by_key(|(key, _)| ["1", "2", "3"].iter().position(|id| ParentKey::of(id) == *key));
        found
    };
    let next = |id: &str| (ParentKey::of(id), NextFullRun::NextRun);
    let walk = async |parents: &[(&str, &[(&str, u64)])], is_early: bool, end: ParentEnd| {
        let scan = sync.begin_scan(ScanFrom::Start, false).await;
        for (id, docs) in parents {
            // The first write in the scan counts, and no other.
            for (is_early, end) in [(is_early, ParentEnd::Begun), (!is_early, end.clone())] {
                let write = ParentWrite { is_early, ..ended(id, scan, end) };
                sync.commit_children(id, save(docs), vec![write]).await;
            }
        }
        store.finish_scan(sync.finish_by_parent(scan, policy.clone())).await.unwrap()
    };
    walk(&[("1", &[("1a", 1)]), ("2", &[("2a", 1)]), ("3", &[("3a", 1), ("3b", 1)])], false, complete()).await;
    assert_eq!(needing(&policy).await, [next("1"), next("2")]);
    // A record that was first missed in a walk that was brought forward does not bring another one forward.
    walk(&[("1", &[("1a", 1)]), ("3", &[("3a", 1)])], true, complete()).await;
    assert_eq!(needing(&policy).await, [next("1"), next("2")]);
    let every = DeletePolicy { full_runs: FullRuns::Every, ..policy.clone() };
    assert_eq!(needing(&every).await, [next("1"), next("2"), next("3")]);
    // After as many walks as confirmations are needed, also if they do not end.
    walk(&[("1", &[("1a", 1)])], true, ParentEnd::Begun).await;
    assert_eq!(needing(&policy).await, [next("1"), next("2")]);
    walk(&[("1", &[("1a", 1)])], true, ParentEnd::Begun).await;
    assert_eq!(needing(&policy).await, [next("2")]);
    assert_eq!(walk(&[("1", &[("1a", 1)])], false, complete()).await.deleted, 1);
    assert_eq!(needing(&policy).await, [next("2")]);
    // A candidate that only the guard holds waits for the end of the hold.
    let held = sync.scan_parents(&[("2", &[], empty())], &DeletePolicy::default()).await;
    assert_eq!((held.deleted, held.held), (0, 2));
    let since = sync.pending_deletes(&policy).await.first_missed_at.unwrap();
    let found = needing(&DeletePolicy::default()).await;
    let [(key, NextFullRun::NotBefore(at))] = found[..] else { panic!("one parent that waits: {found:?}") };
    assert!(key == ParentKey::of("2") && at >= since + DEFAULT_HOLD, "{at:?}");
    assert_eq!(store.parents_needing_full(&sync.key, &dataset("None"), &policy).await.unwrap(), []);
}

pub(super) async fn requested_candidates_are_children_of_complete_walks(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    sync.save_children("1", &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await;
    sync.save_children("2", &[("x", 1), ("y", 1)]).await;
    sync.save(&[("free", 1)]).await;
    let policy = DeletePolicy { by_request: true, ..DeletePolicy::default() };
    let scan = sync.scan(false).await;
    sync.walk_parent(scan, "1", &[("d", 1)], complete()).await;
    sync.walk_parent(scan, "2", &[], ParentEnd::Begun).await;
    let candidates = |by_parent, limit| {
        store.delete_candidates(&sync.run, &sync.dataset, scan, policy.fingerprint, by_parent, limit)
    };
    assert_eq!(ids(&candidates(true, 100).await.unwrap()), "a b c");
    assert_eq!(ids(&candidates(true, 2).await.unwrap()), "a b");
    assert_eq!(ids(&candidates(false, 100).await.unwrap()), "a b c free x y");
    let confirmation = |id: &str, deleted| Confirmation { id: id.to_owned(), deleted };
    let confirmations = vec![confirmation("a", false), confirmation("b", true)];
    let finish = FinishScan { confirmations, ..sync.finish_by_parent(scan, policy.clone()) };
    let finished = store.finish_scan(finish).await.unwrap();
    assert_eq!((finished.deleted, finished.unconfirmed), (1, 2));
    // The candidate that was requested before is the last.
    let scan = sync.scan(false).await;
    sync.walk_parent(scan, "1", &[("d", 1)], complete()).await;
    let found = store.delete_candidates(&sync.run, &sync.dataset, scan, policy.fingerprint, true, 9).await.unwrap();
    assert_eq!(ids(&found), "c a");
}

pub(super) async fn scans_of_several_datasets_end_in_one_transaction(store: TestStore) {
    let mut sync = TestSync::begin(&store, "orders").await;
    let mut page = sync.page([save(&[("o1", 1), ("o2", 1)]), save(&[("l1", 1), ("l2", 1)])]);
    page.changes[1].dataset = dataset("Line");
    store.commit(page.clone()).await.unwrap();
    let orders = sync.scan(false).await;
    sync.dataset = dataset("Line");
    let lines = sync.scan(false).await;
    let ends = |sync: &mut TestSync<'_>| {
        let line = sync.finish(lines, 1, true);
        sync.dataset = dataset("Doc");
        [line, sync.finish(orders, 1, true)]
    };
    let [line, order] = ends(&mut sync);
    // A scan that is not open makes all of them fail, in any order.
    let mut closed = order.clone();
    closed.scan.number += 100;
    for ends in [
        vec![line.clone(), closed.clone()],
        vec![closed, line.clone()],
        vec![line.clone(), order.clone(), order.clone()],
    ] {
        let failed = store.finish_scans(ends).await;
        assert!(matches!(failed, Err(StoreError::ScanClosed(_))), "{failed:?}");
    }
    let mut page = sync.page([save(&[("o1", 1)]), save(&[("l3", 1)])]);
    page.changes[1].dataset = dataset("Line");
    store.commit(page).await.unwrap();
    let outcomes = store.finish_scans(vec![line, order]).await.unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.deleted).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(sync.ids().await, "o1 -o2");
    let totals = store.run(sync.run.id).await.unwrap().unwrap().totals.models;
    assert_eq!((totals["Doc"].deleted, totals["Line"].deleted), (1, 2));
    assert_eq!(store.finish_scans(Vec::new()).await.unwrap(), []);
}

pub(super) async fn children_of_several_datasets_belong_to_one_parent(store: TestStore) {
    let mut sync = TestSync::begin(&store, "orders").await;
    let two = |sync: &TestSync<'_>, docs: &[(&str, u64)], lines: &[(&str, u64)], parents| {
        let mut page = sync.page([save(docs), save(lines)]);
        page.changes[1].dataset = dataset("Line");
        page.changes.iter_mut().for_each(|change| change.parent = Some(ParentKey::of("1")));
        page.parents = parents;
        page
    };
    store.commit(two(&sync, &[("o1", 1), ("o2", 1)], &[("l1", 1), ("l2", 1)], vec![parent("1")])).await.unwrap();
    let orders = sync.scan(false).await;
    sync.dataset = dataset("Line");
    let lines = sync.scan(false).await;
    sync.dataset = dataset("Doc");
    // The row of the parent has the number of one of the scans.
    let write = ended("1", orders, complete());
    store.commit(two(&sync, &[("o1", 1)], &[("l1", 1)], vec![write])).await.unwrap();
    let policy = DeletePolicy::default();
    let order = sync.finish_by_parent(orders, policy.clone());
    let line = FinishScan { dataset: dataset("Line"), ..sync.finish_by_parent(lines, policy.clone()) };
    let candidates = store.delete_candidates(&sync.run, &line.dataset, lines, [0; 16], true, 9).await.unwrap();
    assert_eq!(ids(&candidates), "l2");
    let outcomes = store.finish_scans(vec![order, line]).await.unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.deleted).collect::<Vec<_>>(), [1, 1]);
    // The row of a parent that is gone stays while one of the datasets has a child.
    let orders = sync.scan(false).await;
    sync.write_parents(vec![ended("1", orders, ParentEnd::Gone)]).await;
    store.finish_scan(sync.finish_by_parent(orders, policy.clone())).await.unwrap();
    assert_eq!(sync.ids().await, "-o2 -o1");
}

pub(super) async fn many_parents_and_children_are_streamed(store: TestStore) {
    let sync = TestSync::begin(&store, "messages").await;
    // One parent with more children than a batch has, and more parents than a batch has.
    let many: Vec<String> = (0..9_000).map(|n| format!("r{n:04}")).collect();
    let docs: Vec<_> = many.iter().map(|id| (id.as_str(), 1)).collect();
    for part in docs.chunks(1_000) {
        sync.save_children("big", part).await;
    }
    let small: Vec<(String, String)> = (0..2_100).map(|n| (format!("p{n}"), format!("c{n}"))).collect();
    for part in small.chunks(300) {
        let mut page = sync.page(part.iter().map(|(_, child)| save(&[(child, 1)])));
        for (change, (parent, _)) in page.changes.iter_mut().zip(part) {
            change.parent = Some(ParentKey::of(parent));
        }
        page.parents = part.iter().map(|(id, _)| parent(id)).collect();
        store.commit(page).await.unwrap();
    }
    let policy = DeletePolicy { allow: true, ..DeletePolicy::default() };
    let scan = sync.scan(false).await;
    sync.walk_parent(scan, "big", &docs[..100], position()).await;
    for part in small.chunks(700) {
        sync.write_parents(part.iter().map(|(id, _)| ended(id, scan, ParentEnd::Gone)).collect()).await;
    }
    let finished = store.finish_scan(sync.finish_by_parent(scan, policy.clone())).await.unwrap();
    assert_eq!((finished.deleted, finished.unconfirmed), (2_100, 8_900));
    assert_eq!(sync.parents().await, ["big"]);
    let finished = sync.scan_parents(&[("big", &docs[..100], position())], &policy).await;
    assert_eq!((finished.deleted, finished.unconfirmed), (8_900, 0));
    assert_eq!(stats(&store).await, recount(&sync.feed().await));
}
