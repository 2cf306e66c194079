//! Retention of runs: which ended runs are removed, and what is removed with them.

use nango_core::Timestamp;
use nango_tests::internal::store::{
    ClaimRequest, ClaimedRun, FunctionKey, Level, LogLine, NextAttempt, QueuedOptions, RunEnd, RunStatus,
};
use serde_json::Value;
use uuid::Uuid;

use super::support::*;

pub(super) async fn purge_keeps_latest_run_of_each_function(store: TestStore) {
    for _ in 0..3 {
        let run = store.start_run(new_run("sync-1", MINUTE)).await.unwrap();
        store.end_run(&run, run_end(RunStatus::Success)).await.unwrap();
    }
    let active = store.start_run(new_run("sync-2", MINUTE)).await.unwrap();
    let later = store.now() + MINUTE;
    assert_eq!(store.purge_runs(Timestamp::UNIX_EPOCH, 10).await.unwrap(), 0);
    assert_eq!(store.purge_runs(later, 1).await.unwrap(), 1);
    assert_eq!(store.purge_runs(later, 10).await.unwrap(), 1);
    assert_eq!(store.runs_of(&function("sync-1"), 10).await.unwrap().len(), 1);
    assert!(store.run(active.id).await.unwrap().is_some());
    assert_eq!(store.check(false).await.unwrap().findings, []);
}

pub(super) async fn purge_keeps_latest_ended_run_beside_an_active_one(store: TestStore) {
    let mut ended = Vec::new();
    for _ in 0..2 {
        let run = store.start_run(new_run("sync-1", MINUTE)).await.unwrap();
        store.end_run(&run, run_end(RunStatus::Success)).await.unwrap();
        ended.push(run.id);
    }
    let active = store.start_run(new_run("sync-1", MINUTE)).await.unwrap();
    assert_eq!(store.purge_runs(store.now() + MINUTE, 10).await.unwrap(), 1);
    assert_eq!(ids_of(&store, &function("sync-1")).await, [active.id, ended[1]]);
}

pub(super) async fn purge_removes_log_and_counters_with_their_run(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    let removed = TestSync::begin(&store, "sync-1").await;
    let run = removed.run;
    let (timestamp, message) = (Timestamp::from_micros(5), "a line".to_owned());
    let line = LogLine { timestamp, level: Level::Info, message, fields: Value::Null };
    store.write_logs(&run, vec![line.clone()]).await.unwrap();
    removed.save(&[("a", 1)]).await;
    removed.end().await;
    let kept = TestSync::begin(&store, "sync-1").await;
    store.write_logs(&kept.run, vec![line.clone()]).await.unwrap();
    kept.save(&[("a", 2)]).await;
    let latest = kept.run.id;
    kept.end().await;
    assert_eq!(store.purge_runs(store.now() + MINUTE, 10).await.unwrap(), 1);
    assert_eq!((store.run(run.id).await.unwrap(), store.logs(run.id).await.unwrap()), (None, Vec::new()));
    assert_eq!(store.logs(latest).await.unwrap(), [line]);
    assert_eq!(store.run(latest).await.unwrap().unwrap().totals.models["Doc"].updated, 1);
    // Rows of a removed run would be orphans.
    assert_eq!(store.check(false).await.unwrap().findings, []);
}

pub(super) async fn purge_keeps_first_run_of_a_due_or_active_logical_run(store: TestStore) {
    let key = function("sync-1");
    store.put_connection(connection(&key.connection)).await.unwrap();
    let later = store.now() + MINUTE;
    store.enqueue_run(due(key.clone(), store.now())).await.unwrap();
    let first = claim(&store, &key).await;
    interrupt(&store, &first).await;
    let second = claim(&store, &key).await;
    interrupt(&store, &second).await;
    // The third attempt is due: it names the first one.
    assert_eq!(store.purge_runs(later, 10).await.unwrap(), 0);
    let third = claim(&store, &key).await;
    assert_eq!(store.purge_runs(later, 10).await.unwrap(), 0);
    interrupt(&store, &third).await;
    let fourth = claim(&store, &key).await;
    assert_eq!(store.purge_runs(later, 10).await.unwrap(), 1);
    assert_eq!(ids_of(&store, &key).await, [&fourth, &third, &first].map(|run| run.token.id));
    store.end_run(&fourth.token, run_end(RunStatus::Success)).await.unwrap();
    assert_eq!(store.purge_runs(later, 10).await.unwrap(), 2);
    assert_eq!(ids_of(&store, &key).await, [fourth.token.id]);
    assert_eq!(store.check(false).await.unwrap().findings, []);
}

/// Returns the ids of all stored runs of a function, newest first.
async fn ids_of(store: &TestStore, key: &FunctionKey) -> Vec<Uuid> {
    store.runs_of(key, 10).await.unwrap().iter().map(|run| run.id).collect()
}

/// Starts the due run of a sync.
async fn claim(store: &TestStore, key: &FunctionKey) -> ClaimedRun {
    let request = ClaimRequest {
        now: store.now(),
        lease: MINUTE,
        slots: 1,
        per_connection: 1,
        per_integration: 1,
        syncs: vec![(key.integration.clone(), key.function.clone())],
    };
    store.claim_runs(request).await.unwrap().remove(0)
}

/// Ends a run as interrupted, and makes the next attempt of its logical run due.
async fn interrupt(store: &TestStore, run: &ClaimedRun) {
    let next = NextAttempt { due_at: store.now(), options: QueuedOptions::default(), idle: 0, mark: None };
    store.end_attempt(&run.token, RunEnd::new(RunStatus::Interrupted), Some(next)).await.unwrap();
}
