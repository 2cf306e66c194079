//! Due runs: merging, claims within limits, attempts, cancellation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use nango_tests::internal::store::{
    CheckpointWrite, ClaimRequest, ClaimedRun, FunctionKey, NewDueRun, NextAttempt, QueuedOptions, RunCounts, RunEnd,
    RunStatus, RunToken,
};

use super::support::*;

fn key(connection: &str, sync: &str) -> FunctionKey {
    FunctionKey { connection: connection.to_owned(), ..function(sync) }
}

async fn connect(store: &TestStore, ids: &[&str]) {
    for id in ids {
        store.put_connection(connection(id)).await.unwrap();
    }
}

fn request(store: &TestStore, slots: u32) -> ClaimRequest {
    ClaimRequest {
        now: store.now(),
        lease: MINUTE,
        slots,
        per_connection: 100,
        per_integration: 100,
        syncs: (0..20).map(|n| ("github".to_owned(), format!("sync-{n}"))).collect(),
    }
}

fn names(claimed: &[ClaimedRun]) -> Vec<String> {
    claimed.iter().map(|run| format!("{}/{}", run.key.connection, run.key.function)).collect()
}

async fn end(store: &TestStore, run: &ClaimedRun) {
    store.end_run(&run.token, run_end(RunStatus::Success)).await.unwrap();
}

pub(super) async fn trigger_is_merged_into_due_run(store: TestStore) {
    connect(&store, &["acme"]).await;
    let now = store.now();
    let first = store.enqueue_run(due(key("acme", "sync-1"), now + MINUTE)).await.unwrap();
    let options = QueuedOptions { reset: true, ..QueuedOptions::default() };
    let again = NewDueRun { options, ..due(key("acme", "sync-1"), now) };
    assert_eq!(store.enqueue_run(again).await.unwrap(), first);
    let options = QueuedOptions { full: true, ..QueuedOptions::default() };
    store.enqueue_run(NewDueRun { options, ..due(key("acme", "sync-1"), now + MINUTE) }).await.unwrap();
    let claimed = store.claim_runs(request(&store, 10)).await.unwrap();
    let expect = QueuedOptions { reset: true, full: true, ..QueuedOptions::default() };
    assert_eq!((claimed.len(), claimed[0].token.id, claimed[0].options), (1, first, expect));
    assert_eq!((claimed[0].attempt, claimed[0].idle), (1, 0));
    assert_eq!(store.run(first).await.unwrap().unwrap().status, RunStatus::Running);
    assert_eq!(store.due_run(first).await.unwrap(), None);

    // A trigger beside the running run is due after it.
    let second = store.enqueue_run(due(key("acme", "sync-1"), now)).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(store.claim_runs(request(&store, 10)).await.unwrap(), []);
    assert!(store.due_run(second).await.unwrap().unwrap().is_blocked);
    end(&store, &claimed[0]).await;
    assert_eq!(store.claim_runs(request(&store, 10)).await.unwrap()[0].token.id, second);
}

pub(super) async fn claim_starts_due_runs_within_limits(store: TestStore) {
    connect(&store, &["one", "two", "three"]).await;
    let now = store.now();
    for connection in ["one", "two", "three"] {
        for n in 0..4 {
            store.enqueue_run(due(key(connection, &format!("sync-{n}")), now)).await.unwrap();
        }
    }
    let limited = |slots| ClaimRequest { per_connection: 2, per_integration: 5, ..request(&store, slots) };
    let mut active = store.claim_runs(limited(3)).await.unwrap();
    assert_eq!(active.len(), 3, "the free slots");
    active.extend(store.claim_runs(limited(10)).await.unwrap());
    assert_eq!(active.len(), 5, "the limit of the integration");
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for run in &active {
        *counts.entry(&run.key.connection).or_default() += 1;
    }
    assert_eq!(counts.values().max(), Some(&2), "the limit of a connection");
    assert_eq!(store.claim_runs(limited(10)).await.unwrap(), []);
    // Each end lets others start, until all are done.
    let mut done = 0;
    while let Some(run) = active.pop() {
        end(&store, &run).await;
        done += 1;
        active.extend(store.claim_runs(limited(10)).await.unwrap());
        assert!(active.len() <= 5);
    }
    assert_eq!(done, 12);
    assert_eq!(store.check(false).await.unwrap().findings, []);
}

pub(super) async fn claim_selects_known_syncs_and_due_times(store: TestStore) {
    connect(&store, &["acme"]).await;
    let now = store.now();
    store.enqueue_run(due(key("acme", "sync-1"), now + MINUTE)).await.unwrap();
    store.enqueue_run(due(key("acme", "unknown"), now)).await.unwrap();
    assert_eq!(store.claim_runs(request(&store, 10)).await.unwrap(), []);
    assert_eq!(store.next_due_at(now).await.unwrap(), Some(now + MINUTE));
    let known = request(&store, 10).syncs;
    assert!(!store.has_due_run(now, known.clone()).await.unwrap(), "the due run is one of an unknown sync");
    assert!(store.has_due_run(now + MINUTE, known).await.unwrap());
    let later = ClaimRequest { now: now + MINUTE, ..request(&store, 10) };
    assert_eq!(names(&store.claim_runs(later).await.unwrap()), ["acme/sync-1"]);
    assert!(!store.due_run_of(&key("acme", "unknown")).await.unwrap().unwrap().is_blocked);
}

pub(super) async fn backlog_of_one_connection_does_not_delay_others(store: TestStore) {
    connect(&store, &["busy", "other"]).await;
    let now = store.now();
    for n in 0..600 {
        let key = FunctionKey { variant: format!("v{n}"), ..key("busy", "sync-1") };
        store.enqueue_run(due(key, now)).await.unwrap();
    }
    store.enqueue_run(due(key("other", "sync-1"), store.now())).await.unwrap();
    let limited = ClaimRequest { per_connection: 2, ..request(&store, 8) };
    let claimed = store.claim_runs(limited.clone()).await.unwrap();
    assert_eq!(claimed.len(), 3);
    assert!(names(&claimed).contains(&"other/sync-1".to_owned()));
    // A removed due run passes its place to the next one.
    end(&store, claimed.iter().find(|run| run.key.connection == "busy").unwrap()).await;
    store.cancel_runs(&store_next(&store).await).await.unwrap();
    assert_eq!(store.claim_runs(limited).await.unwrap().len(), 1);
}

/// Returns the only due run of the busy connection that a claim may start.
async fn store_next(store: &TestStore) -> FunctionKey {
    for n in 0..600 {
        let key = FunctionKey { variant: format!("v{n}"), ..key("busy", "sync-1") };
        if store.due_run_of(&key).await.unwrap().is_some_and(|run| !run.is_blocked) {
            return key;
        }
    }
    panic!("no due run may start")
}

pub(super) async fn interrupted_run_becomes_due_again(store: TestStore) {
    connect(&store, &["acme"]).await;
    let sync = key("acme", "sync-1");
    store.enqueue_run(due(sync.clone(), store.now())).await.unwrap();
    let first = store.claim_runs(request(&store, 1)).await.unwrap().remove(0);
    assert_eq!(first.checkpoint_version, 0);
    let options = QueuedOptions { allow_deletes: true, ..QueuedOptions::default() };
    let next = NextAttempt { due_at: store.now(), options, idle: 2, mark: Some("7".to_owned()) };
    let mut interrupted = run_end(RunStatus::Interrupted);
    interrupted.checkpoint = Some(CheckpointWrite { value: Some(serde_json::json!({})), expected: 0 });
    let ended = store.end_attempt(&first.token, interrupted, Some(next)).await.unwrap();
    assert_eq!(ended.status, RunStatus::Interrupted);
    let second = store.claim_runs(request(&store, 1)).await.unwrap().remove(0);
    assert_ne!(second.token.id, first.token.id);
    assert_eq!((second.attempt, second.idle, second.mark.as_deref()), (2, 2, Some("7")));
    assert_eq!((second.options, second.checkpoint_version), (options, 1));
    end(&store, &second).await;
    assert_eq!(store.due_run_of(&sync).await.unwrap(), None);
}

pub(super) async fn syncs_that_a_run_triggers_are_due_with_its_end(store: TestStore) {
    connect(&store, &["acme"]).await;
    let [triggering, other] = ["sync-1", "sync-2"].map(|name| key("acme", name));
    store.enqueue_run(due(triggering, store.now())).await.unwrap();
    let run = store.claim_runs(request(&store, 1)).await.unwrap().remove(0);
    let end = RunEnd { triggered: vec![due(other.clone(), store.now())], ..run_end(RunStatus::Success) };
    let lost = RunToken { fence: run.token.fence - 1, ..run.token };
    assert_lease_lost(store.end_run(&lost, end.clone()).await);
    assert_eq!(store.due_run_of(&other).await.unwrap(), None);
    store.end_run(&run.token, end).await.unwrap();
    assert_eq!(names(&store.claim_runs(request(&store, 1)).await.unwrap()), ["acme/sync-2"]);
}

pub(super) async fn run_without_active_lease_is_listed_as_expired(store: TestStore) {
    connect(&store, &["acme"]).await;
    store.enqueue_run(due(key("acme", "sync-1"), store.now())).await.unwrap();
    let run = store.claim_runs(request(&store, 1)).await.unwrap().remove(0);
    let direct = store.start_run(new_run("by-hand", MINUTE)).await.unwrap();
    assert_eq!(store.expired_runs(store.now(), 10).await.unwrap(), []);
    let later = store.now() + 2 * MINUTE;
    let mut expired = store.expired_runs(later, 10).await.unwrap();
    expired.sort_by_key(|expired| expired.run.token.row);
    assert_eq!(expired.iter().map(|run| run.is_queued).collect::<Vec<_>>(), [true, false]);
    assert_eq!((expired[0].run.token, expired[1].run.token), (run.token, direct));
    assert_eq!(expired[0].run.key, run.key);
    // A run without an active lease does not count towards the limits, and another may take over.
    store.enqueue_run(due(key("acme", "sync-2"), store.now())).await.unwrap();
    let one = ClaimRequest { now: later, per_connection: 1, ..request(&store, 5) };
    assert_eq!(names(&store.claim_runs(one).await.unwrap()), ["acme/sync-2"]);
}

pub(super) async fn cancelled_run_writes_nothing(store: TestStore) {
    connect(&store, &["acme"]).await;
    let sync = key("acme", "sync-1");
    store.enqueue_run(due(sync.clone(), store.now())).await.unwrap();
    let run = store.claim_runs(request(&store, 1)).await.unwrap().remove(0);
    let waiting = store.enqueue_run(due(sync.clone(), store.now())).await.unwrap();
    assert_eq!(store.cancel_runs(&sync).await.unwrap(), [run.token.id]);
    assert_eq!(store.run(run.token.id).await.unwrap().unwrap().status, RunStatus::Cancelled);
    assert_eq!(store.due_run(waiting).await.unwrap(), None);
    assert_lease_lost(store.heartbeat(&run.token).await);
    assert_lease_lost(store.end_attempt(&run.token, run_end(RunStatus::Success), None).await);
    assert!(store.cancel_runs(&sync).await.unwrap().is_empty());

    let one = store.enqueue_run(due(sync.clone(), store.now())).await.unwrap();
    assert!(store.cancel_run(one).await.unwrap());
    assert!(!store.cancel_run(one).await.unwrap());
    store.enqueue_run(due(sync, store.now())).await.unwrap();
    let run = store.claim_runs(request(&store, 1)).await.unwrap().remove(0);
    assert!(store.cancel_run(run.token.id).await.unwrap());
    assert_lease_lost(store.heartbeat(&run.token).await);
}

pub(super) async fn due_and_active_runs_are_counted(store: TestStore) {
    let counts = async || store.run_counts(store.now()).await.unwrap();
    assert_eq!(counts().await, RunCounts::default());
    connect(&store, &["acme"]).await;
    for sync in ["sync-1", "sync-2"] {
        store.enqueue_run(due(key("acme", sync), store.now())).await.unwrap();
    }
    store.enqueue_run(due(key("acme", "sync-3"), store.now() + MINUTE)).await.unwrap();
    assert_eq!(counts().await, RunCounts { due: 2, running: 0 });
    let run = store.claim_runs(request(&store, 1)).await.unwrap().remove(0);
    assert_eq!(counts().await, RunCounts { due: 1, running: 1 });
    store.end_run(&run.token, run_end(RunStatus::Success)).await.unwrap();
    assert_eq!(counts().await, RunCounts { due: 1, running: 0 });
}

pub(super) async fn due_runs_and_schedules_survive_restart(store: TestStore) {
    connect(&store, &["acme"]).await;
    let run = store.enqueue_run(due(key("acme", "sync-1"), store.now())).await.unwrap();
    let store = store.reopened().await;
    assert_eq!(store.due_run(run).await.unwrap().unwrap().id, run);
    store.unblock_runs().await.unwrap();
    assert_eq!(store.claim_runs(request(&store, 1)).await.unwrap()[0].token.id, run);
}

pub(super) async fn concurrent_claims_start_each_run_once_within_limits(store: TestStore) {
    let ids: Vec<String> = (0..6).map(|n| format!("c{n}")).collect();
    connect(&store, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let now = store.now();
    for id in &ids {
        for n in 0..10 {
            store.enqueue_run(due(key(id, &format!("sync-{n}")), now)).await.unwrap();
        }
    }
    let limits = ClaimRequest { per_connection: 2, per_integration: 7, ..request(&store, 3) };
    // Runs by connection: counted after their claim committed, and removed before their end.
    let active = Mutex::new(BTreeMap::<String, BTreeSet<String>>::new());
    let claimer = async || {
        let mut started = Vec::new();
        let mut idle = 0;
        while idle < 50 {
            let request = ClaimRequest { now: store.now(), ..limits.clone() };
            let claimed = store.claim_runs(request).await.unwrap();
            idle = if claimed.is_empty() { idle + 1 } else { 0 };
            if claimed.is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            for run in &claimed {
                let mut active = active.lock().unwrap();
                let syncs = active.entry(run.key.connection.clone()).or_default();
                assert!(syncs.insert(run.key.function.clone()), "a key runs twice");
                assert!(syncs.len() <= 2, "{active:?}");
                assert!(active.values().map(BTreeSet::len).sum::<usize>() <= 7, "{active:?}");
            }
            for run in claimed {
                active.lock().unwrap().get_mut(&run.key.connection).unwrap().remove(&run.key.function);
                end(&store, &run).await;
                started.push(run.token.id);
            }
        }
        started
    };
    let (one, two, three) = tokio::join!(claimer(), claimer(), claimer());
    let mut all: Vec<_> = one.into_iter().chain(two).chain(three).collect();
    assert_eq!(all.len(), 60);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 60, "a run was started twice");
}
