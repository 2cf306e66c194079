//! Rows of parents, their children, and what removes or keeps both.

use std::sync::Arc;

use nango_tests::internal::store::{
    BASE_VARIANT, CopyScope, DatasetKey, DeletePolicy, FinishScan, FunctionKey, Keys, ParentEnd, ParentKey, ParentRow,
    ParentScan, ParentWrite, Prune, PruneUntil, RecordState, RowOutcome, RowOutcome::*, RunStatus, Scan, ScanWalk,
    SharedStore, Table, Write, copy, copy_part, empty_dataset, fingerprint, parent_context, reseal, sqlite::Sqlite,
};

use super::{deletes::named, support::*};

/// Returns the write of a parent without a state.
pub(super) fn parent(id: &str) -> ParentWrite {
    ParentWrite { id: id.to_owned(), first_seen_at: None, state: None, done: None, scan: None, is_early: false }
}

/// Returns the write of a parent with this end in a scan.
pub(super) fn ended(id: &str, scan: Scan, end: ParentEnd) -> ParentWrite {
    ParentWrite { scan: Some(ParentScan { number: scan.number, end }), ..parent(id) }
}

/// Returns the end of a complete walk with token pagination.
pub(super) fn complete() -> ParentEnd {
    ParentEnd::Ended(token_walk())
}

impl TestSync<'_> {
    /// Commits a page with this write of a parent's children, and these writes of parents.
    pub(super) async fn commit_children(&self, of: &str, write: Write, parents: Vec<ParentWrite>) -> Vec<RowOutcome> {
        let mut page = self.page([write]);
        page.changes[0].parent = Some(ParentKey::of(of));
        page.parents = parents;
        row_outcomes(self.store.commit(page).await.unwrap())
    }

    /// Saves children of a parent.
    pub(super) async fn save_children(&self, of: &str, docs: &[(&str, u64)]) {
        self.commit_children(of, save(docs), Vec::new()).await;
    }

    /// Commits a page that sees these children of a parent, and ends the walk of its list.
    pub(super) async fn walk_parent(&self, scan: Scan, of: &str, docs: &[(&str, u64)], end: ParentEnd) {
        self.commit_children(of, save(docs), vec![ended(of, scan, end)]).await;
    }

    pub(super) async fn write_parents(&self, parents: Vec<ParentWrite>) {
        let mut page = self.page([]);
        page.parents = parents;
        self.store.commit(page).await.unwrap();
    }

    /// Returns the end of a scan that walked the lists of parents.
    pub(super) fn finish_by_parent(&self, scan: Scan, policy: DeletePolicy) -> FinishScan {
        // The result of the whole scan decides nothing.
        let walk = ScanWalk { complete: false, list_empty: true, ..position_walk() };
        FinishScan { by_parent: true, ..self.finish_as(scan, walk, policy) }
    }

    /// Returns the ids of the stored parents in the order of their keys.
    pub(super) async fn parents(&self) -> Vec<String> {
        let rows = self.store.parents_after(&self.key, None, 10_000).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    async fn parent_row(&self, id: &str) -> Option<ParentRow> {
        self.store.parent_rows(&self.key, vec![id.to_owned()]).await.unwrap().pop()
    }

    /// Deletes the active children of a parent by an empty replacement, and returns their number.
    pub(super) async fn remove_children(&self, of: &str) -> usize {
        self.commit_children(of, Write::Replace(batch(&[])), Vec::new()).await.len()
    }
}

pub(super) async fn parent_row_is_written_with_its_page(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let other = TestSync::begin(&store, "other").await;
    assert_eq!(sync.parent_row("p").await, None);
    let first_seen_at = Some(store.now());
    let state = Some(vec![7, 0, 255]);
    let write = ParentWrite { first_seen_at, state: state.clone(), done: Some(4), ..parent("p") };
    sync.commit_children("p", save(&[("a", 1)]), vec![write]).await;
    let expect = ParentRow { id: "p".to_owned(), first_seen_at, state, done: Some(4), scan: None };
    assert_eq!(sync.parent_row("p").await, Some(expect.clone()));
    assert_eq!(other.parent_row("p").await, None);
    // The progress in a scan stays until it is written again; the rest is as given.
    let scan = sync.scan(false).await;
    let empty = ScanWalk { list_empty: true, shifted: true, ..position_walk() };
    let incomplete = ScanWalk { complete: false, ..token_walk() };
    for end in [ParentEnd::Begun, ParentEnd::Ended(empty), ParentEnd::Ended(incomplete), ParentEnd::Gone] {
        sync.write_parents(vec![ended("p", scan, end.clone())]).await;
        sync.write_parents(vec![ParentWrite { done: Some(5), ..parent("p") }]).await;
        let scan = Some(ParentScan { number: scan.number, end });
        let expect = ParentRow { first_seen_at: None, state: None, done: Some(5), scan, ..expect.clone() };
        assert_eq!(sync.parent_row("p").await, Some(expect));
    }
    // A page that fails writes no parent.
    let mut page = sync.page([]);
    page.parents = vec![parent("q")];
    store.end_run(&sync.run, run_end(RunStatus::Success)).await.unwrap();
    assert_lease_lost(store.commit(page).await);
    assert_lease_lost(store.drop_parents(&sync.run, &sync.key, named(["p"])).await);
    assert_eq!(sync.parents().await, ["p"]);
}

pub(super) async fn parents_are_listed_in_the_order_of_their_keys(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let mut ids: Vec<String> = (0..2_500).map(|n| format!("p{n}")).collect();
    sync.write_parents(ids.iter().map(|id| parent(id)).collect()).await;
    ids.sort_by_key(|id| ParentKey::of(id));
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let rows = store.parents_after(&sync.key, after, 999).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = Some(ParentKey::of(&last.id));
        listed.extend(rows.into_iter().map(|row| row.id));
    }
    assert_eq!(listed, ids);
    let mut found = store.parent_rows(&sync.key, named(["p7", "none", "p1"])).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["p1", "p7"]);
    store.drop_parents(&sync.run, &sync.key, named(["p1", "none"])).await.unwrap();
    assert_eq!(sync.parents().await.len(), 2_499);
    assert_eq!(store.parents_after(&function("never-ran"), None, 9).await.unwrap(), []);
}

pub(super) async fn live_records_are_read_in_the_order_of_their_ids(store: TestStore) {
    let sync = TestSync::begin(&store, "channels").await;
    let before = store.now();
    sync.save(&[("b", 1), ("é", 1), ("B", 1), ("a", 1), ("ab", 1), ("z", 1)]).await;
    sync.commit(delete(&["ab"])).await;
    let until = sync.row("a").await.cursor;
    store.prune(&sync.dataset, Prune { until: PruneUntil::Cursor(until), after: None, limit: 9_999 }).await.unwrap();
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let rows = store.live_records_after(&sync.dataset, after.as_deref(), 2).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = Some(last.id.clone());
        read.extend(rows);
    }
    let ids: Vec<_> = read.iter().map(|row| (row.id.as_str(), row.payload.is_some())).collect();
    assert_eq!(ids, [("B", false), ("a", false), ("b", false), ("z", true), ("é", false)]);
    let z = sync.row("z").await;
    assert_eq!((read[3].payload.clone(), read[3].first_seen_at), (z.payload, z.first_seen_at));
    assert!(read.iter().all(|row| row.first_seen_at >= before));
    let states = store.record_states(&sync.dataset, named(["ab", "none", "a", "ab", "n\0ne"])).await.unwrap();
    let [live, tombstone, unknown] = [RecordState::Live, RecordState::Deleted, RecordState::Missing];
    let found: Vec<_> = states.iter().map(|(id, state)| (id.as_str(), *state)).collect();
    let expect = [("ab", tombstone), ("none", unknown), ("a", live), ("ab", tombstone), ("n\0ne", unknown)];
    assert_eq!(found, expect);
    assert_eq!(store.live_records_after(&dataset("None"), None, 9).await.unwrap(), []);
    assert_eq!(store.record_states(&dataset("None"), named(["a"])).await.unwrap()[0].1, unknown);
}

pub(super) async fn replacement_deletes_other_children_of_its_parent(store: TestStore) {
    let sync = TestSync::begin(&store, "orders").await;
    let other = TestSync::begin(&store, "webhook").await;
    sync.save_children("1", &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await;
    sync.save_children("2", &[("x", 1), ("y", 1)]).await;
    sync.save(&[("free", 1)]).await;
    sync.commit(delete(&["d"])).await;
    let requested_at = store.now();
    tick(&store).await;
    other.save(&[("c", 2)]).await;
    let replace = |docs: &[Doc]| Write::Replace(batch(docs));
    let mut page = sync.page([replace(&[doc("a", 1), doc("e", 1), doc("a", 9)])]);
    page.changes[0].parent = Some(ParentKey::of("1"));
    page.requested_at = requested_at;
    let committed = store.commit(page).await.unwrap();
    assert_eq!(committed.totals.models["Doc"].deleted, 1);
    // One outcome for each row, then those of the other children: the newer write of another run is kept.
    assert_eq!(row_outcomes(committed), [Unchanged, Added, Duplicate, Deleted, SkippedNewer]);
    assert_eq!(sync.ids().await, "a x y free -d c e -b");
    assert_eq!(stats(&store).await, recount(&sync.feed().await));
    // A child that another parent returns belongs to it; unchanged content gets no new sequence number.
    assert_eq!(
        sync.commit_children("2", replace(&[doc("a", 1), doc("x", 1)]), Vec::new()).await,
        [Unchanged, Unchanged, Deleted]
    );
    assert_eq!(sync.commit_children("1", replace(&[]), Vec::new()).await, [Deleted, Deleted]);
    assert_eq!(sync.ids().await, "a x free -d -b -y -c -e");
    // Without a parent, no other record changes.
    assert_eq!(sync.commit(replace(&[doc("free", 2)])).await, [Updated]);
    assert_eq!(sync.ids().await, "a x -d -b -y -c -e free");
    // The candidates among the children lose their states.
    let policy = DeletePolicy { confirmations: Some(2), ..DeletePolicy::default() };
    sync.complete_scan_with(&[("free", 2)], token_walk(), policy).await;
    assert_eq!(sync.unconfirmed_candidates().await, 2);
    assert_eq!(sync.remove_children("2").await, 2);
    assert_eq!(sync.unconfirmed_candidates().await, 0);
    assert!(store.check(false).await.unwrap().findings.iter().all(|finding| finding.problem.name() == "orphans"));
}

pub(super) async fn replacement_of_many_children_is_complete(store: TestStore) {
    let sync = TestSync::begin(&store, "orders").await;
    let many: Vec<String> = (0..3_500).map(|n| format!("r{n:04}")).collect();
    let docs: Vec<_> = many.iter().map(|id| (id.as_str(), 1)).collect();
    sync.save_children("1", &docs).await;
    let kept: Vec<Doc> = (0..3_500).step_by(7).map(|n| doc(&many[n], 1)).collect();
    let outcomes = sync.commit_children("1", Write::Replace(batch(&kept)), Vec::new()).await;
    assert_eq!(outcomes.iter().filter(|row| **row == Deleted).count(), 3_000);
    assert_eq!(stats(&store).await, recount(&sync.feed().await));
    assert_eq!(sync.remove_children("1").await, 500);
}

pub(super) async fn parent_changes_only_by_writes_that_apply(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let other = TestSync::begin(&store, "other").await;
    sync.save_children("1", &[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1), ("f", 1)]).await;
    let before = sync.feed().await;
    let requested_at = store.now();
    tick(&store).await;
    // Writes without a parent keep the stored one.
    other.save(&[("a", 1), ("f", 2)]).await;
    other.commit(Write::Seen(named(["b"]))).await;
    // Saved and seen records move, whatever their content is.
    sync.commit_children("2", save(&[("c", 1), ("d", 2)]), Vec::new()).await;
    assert_eq!(sync.commit_children("2", Write::Seen(named(["e", "none"])), Vec::new()).await, [Seen, Missing]);
    // A write that is skipped as older than another run's does not move its record.
    let mut page = sync.page([save(&[("f", 3)])]);
    (page.changes[0].parent, page.requested_at) = (Some(ParentKey::of("2")), requested_at);
    assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [SkippedNewer]);
    assert_eq!(sync.feed().await[..4], [&before[0..3], &before[4..5]].concat());
    assert_eq!((sync.remove_children("2").await, sync.remove_children("1").await), (3, 3));
    assert_eq!(sync.ids().await, "-c -d -e -a -b -f");
    // A tombstone keeps its parent, and a save without one restores it as its child.
    other.save(&[("a", 1)]).await;
    assert_eq!(sync.remove_children("1").await, 1);
}

pub(super) async fn reset_keeps_parents_without_their_states(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let other = TestSync::begin(&store, "other").await;
    let first_seen_at = Some(store.now());
    for sync in [&sync, &other] {
        let write = ParentWrite { first_seen_at, state: Some(vec![1]), done: Some(3), ..parent("p") };
        sync.commit_children("p", save(&[("a", 1)]), vec![write]).await;
    }
    store.reset(&sync.key).await.unwrap();
    let expect = ParentRow { id: "p".to_owned(), first_seen_at, state: None, done: None, scan: None };
    assert_eq!(sync.parent_row("p").await, Some(expect));
    assert_eq!(other.parent_row("p").await.unwrap().state, Some(vec![1]));
    // A parent that disappears after the reset is still noticed.
    let scan = sync.scan(false).await;
    sync.write_parents(vec![ended("p", scan, ParentEnd::Gone)]).await;
    let finished = store.finish_scan(sync.finish_by_parent(scan, DeletePolicy::default())).await.unwrap();
    assert_eq!((finished.deleted, sync.parents().await), (1, Vec::new()));
}

pub(super) async fn removed_records_are_no_children(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    store.put_connection(connection("acme")).await.unwrap();
    sync.commit_children("1", save(&[("a", 1), ("b", 1), ("c", 1)]), vec![parent("1")]).await;
    store.erase(&sync.dataset, named(["a"])).await.unwrap();
    let scan = sync.scan(false).await;
    sync.write_parents(vec![ended("1", scan, ParentEnd::Gone)]).await;
    let finished = store.finish_scan(sync.finish_by_parent(scan, DeletePolicy::default())).await.unwrap();
    assert_eq!((finished.deleted, sync.ids().await.as_str()), (2, "-b -c"));
    sync.commit_children("1", save(&[("a", 1), ("b", 1)]), vec![parent("1")]).await;
    empty_dataset(&store, &sync.dataset, |_| true).await.unwrap();
    assert_eq!(sync.remove_children("1").await, 0);
    sync.save_children("1", &[("a", 1)]).await;
    assert!(store.check(false).await.unwrap().is_sound());
    store.remove_connection("github", "acme").await.unwrap();
    assert_eq!(sync.parents().await, Vec::<String>::new());
    assert!(store.check(false).await.unwrap().is_sound());
}

pub(super) async fn states_of_parents_are_resealed_with_active_key(store: TestStore) {
    store.use_keys(store.ring.clone(), false).await.unwrap();
    let sync = TestSync::begin(&store, "issues").await;
    let [old, new] = [store.ring.ids()[0], store.ring.ids()[1]];
    let state = |id: &str| Some(store.ring.seal(b"hush", &parent_context(&sync.key, id)).unwrap());
    let ids: Vec<String> = (0..2_300).map(|n| format!("p{n}")).collect();
    for part in ids.chunks(500) {
        let write = |id: &String| ParentWrite { state: state(id), ..parent(id) };
        sync.write_parents(part.iter().map(write).collect()).await;
    }
    sync.write_parents(vec![parent("without a state")]).await;
    let late = state("late");
    store.activate_key(new).await.unwrap();
    // Sealed before the activation of the new key, and stored after it.
    sync.write_parents(vec![ParentWrite { state: late, ..parent("late") }]).await;
    let progress = reseal(&**store, |_| true).await.unwrap();
    assert_eq!((progress.changed, progress.skipped, progress.done), (2_300, 0, true));
    for row in store.parents_after(&sync.key, None, 9_999).await.unwrap() {
        let Some(state) = row.state else { continue };
        assert_eq!(store.ring.sealed_with(&state), Some(new), "{}", row.id);
        assert_eq!(*store.ring.open(&state, &parent_context(&sync.key, &row.id)).unwrap(), b"hush");
        assert!(store.ring.open(&state, &parent_context(&sync.key, "p0")).is_err() || row.id == "p0");
    }
    let uses = store.encryption().await.unwrap().uses;
    let states_of = |key| uses.iter().filter(|used| used.key == Some(key)).map(|used| used.resume_states).sum::<u64>();
    assert_eq!((states_of(old), states_of(new)), (0, 2_301));
}

pub(super) async fn parents_and_children_survive_copy_and_restart(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    store.put_connection(connection("acme")).await.unwrap();
    let policy = DeletePolicy::default();
    let first_seen_at = Some(store.now());
    let write = ParentWrite { first_seen_at, state: Some(vec![0, 9]), done: Some(2), ..parent("1") };
    sync.commit_children("1", save(&[("a", 1), ("b", 1), ("c", 1)]), vec![write.clone()]).await;
    // One candidate that is not confirmed.
    let scan = sync.scan(false).await;
    let mut walked = ended("1", scan, ParentEnd::Ended(position_walk()));
    walked = ParentWrite { scan: walked.scan, is_early: true, ..write };
    sync.commit_children("1", save(&[("a", 1), ("b", 1)]), vec![walked]).await;
    assert_eq!(store.finish_scan(sync.finish_by_parent(scan, policy.clone())).await.unwrap().unconfirmed, 1);
    let row = sync.parent_row("1").await.unwrap();
    store.end_run(&sync.run, run_end(RunStatus::Success)).await.unwrap();
    let store = store.reopened().await;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.db");
    let target: SharedStore = Arc::new(Sqlite::open_target(&path).await.unwrap());
    let summary = copy(&store, &target, |_, _| ()).await.unwrap();
    target.close().await.unwrap();
    let copied: SharedStore = Arc::new(Sqlite::open(&path).await.unwrap());
    assert_eq!(fingerprint(&copied).await.unwrap(), summary);
    assert!(summary.tables.contains(&(Table::Parents.name(), 1)));
    copied.use_keys(store.ring.clone(), false).await.unwrap();
    for (store, scan) in [(&*store, row.scan.clone()), (&copied, None)] {
        let sync = TestSync::begin(store, "issues").await;
        // The progress in a scan is not copied, because open scans are not.
        assert_eq!(sync.parent_row("1").await, Some(ParentRow { scan, ..row.clone() }));
        let next = store.parents_needing_full(&sync.key, &sync.dataset, &policy).await.unwrap();
        assert_eq!(next, []);
        let scan = sync.scan(false).await;
        sync.walk_parent(scan, "1", &[("a", 1)], ParentEnd::Ended(position_walk())).await;
        let finished = store.finish_scan(sync.finish_by_parent(scan, policy.clone())).await.unwrap();
        assert_eq!((finished.deleted, finished.unconfirmed, sync.ids().await.as_str()), (1, 1, "a b -c"));
        assert_eq!(sync.remove_children("1").await, 2);
    }
}

pub(super) async fn copy_of_one_connection_contains_its_parents(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    store.put_connection(connection("acme")).await.unwrap();
    sync.commit_children("1", save(&[("a", 1), ("b", 1)]), vec![parent("1"), parent("2")]).await;
    let mut other = sync.page([]);
    "other".clone_into(&mut other.function.connection);
    other.parents = vec![parent("3")];
    store.commit(other).await.unwrap();
    let channels = |variant: &str| DatasetKey { variant: variant.to_owned(), ..dataset("Channel") };
    for variant in [BASE_VARIANT, "all"] {
        let mut page = sync.page([save(&[("1", 1)])]);
        page.changes[0].dataset = channels(variant);
        store.commit(page).await.unwrap();
    }
    let scope = CopyScope {
        integration: "github",
        connection: "acme",
        variant: BASE_VARIANT,
        models: vec!["Doc"],
        parents: Some(("Channel", "all")),
    };
    let part = copy_part(&store, &scope).await.unwrap();
    part.use_keys(store.ring.clone(), false).await.unwrap();
    let sync = TestSync::begin(&part, "issues").await;
    let mut parents = sync.parents().await;
    parents.sort();
    assert_eq!(parents, ["1", "2"]);
    let key = FunctionKey { connection: "other".to_owned(), ..sync.key.clone() };
    assert_eq!(part.parents_after(&key, None, 9).await.unwrap(), []);
    // The records that are walked as parents are copied in their own variant.
    assert_eq!(part.live_records_after(&channels("all"), None, 9).await.unwrap().len(), 1);
    assert_eq!(part.live_records_after(&channels(BASE_VARIANT), None, 9).await.unwrap(), []);
    assert_eq!(sync.remove_children("1").await, 2);
}
