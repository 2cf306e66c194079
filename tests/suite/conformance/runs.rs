//! Runs, leases, locks and logs.

use std::time::Duration;

use nango_core::Timestamp;
use nango_tests::internal::{
    declare::FunctionKind,
    store::{
        CheckpointWrite, FinishedRun, FunctionKey, Level, LogLine, NewRun, ResumeWrite, RunEnd, RunFilter, RunStatus,
        RunToken, ScanFrom, StoreError,
    },
};
use serde_json::{Value, json};

use super::support::*;

/// A lease that has expired when it begins.
const NO_LEASE: Duration = Duration::ZERO;

fn line(level: Level, message: &str) -> LogLine {
    LogLine { timestamp: Timestamp::from_micros(5), level, message: message.to_owned(), fields: Value::Null }
}

pub(super) async fn exclusive_key_has_one_active_run(store: TestStore) {
    let first = store.start_run(new_run("issues", MINUTE)).await.unwrap();
    let started = store.run(first.id).await.unwrap().unwrap();
    match store.start_run(new_run("issues", MINUTE)).await {
        Err(StoreError::Busy { function, run, since, lease_until, remaining }) => {
            assert_eq!((&*function, run), ("issues", first.id));
            assert_eq!(since, started.started_at);
            assert_eq!(lease_until, started.started_at + MINUTE);
            assert!(remaining <= MINUTE && remaining > MINUTE / 2, "{remaining:?}");
        }
        other => panic!("{other:?}"),
    }
    // Every part of the key separates runs, and runs that are not exclusive do not exclude each other.
    let key = function("issues");
    for key in [
        FunctionKey { kind: FunctionKind::OnWebhook, ..key.clone() },
        FunctionKey { integration: "gitlab".to_owned(), ..key.clone() },
        FunctionKey { connection: "other".to_owned(), ..key.clone() },
        FunctionKey { function: "other".to_owned(), ..key.clone() },
        FunctionKey { variant: "v".to_owned(), ..key.clone() },
    ] {
        store.start_run(NewRun { key, connection: None, exclusive: true, lease: MINUTE }).await.unwrap();
    }
    for _ in 0..2 {
        store.start_run(NewRun { key: key.clone(), connection: None, exclusive: false, lease: MINUTE }).await.unwrap();
    }
    store.end_run(&first, run_end(RunStatus::Success)).await.unwrap();
    let second = store.start_run(new_run("issues", Duration::MAX)).await.unwrap();
    assert!(second.fence > first.fence && second.id != first.id);
    store.heartbeat(&second).await.unwrap();
    assert!(store.try_lock(&second, "export", Duration::MAX).await.unwrap());
    assert!(matches!(store.start_run(new_run("issues", MINUTE)).await, Err(StoreError::Busy { .. })));
}

pub(super) async fn expired_lease_is_taken_over(store: TestStore) {
    let lost = store.start_run(new_run("issues", NO_LEASE)).await.unwrap();
    assert!(store.try_lock(&lost, "export", MINUTE).await.unwrap());
    let next = store.start_run(new_run("issues", MINUTE)).await.unwrap();
    assert!(next.fence > lost.fence);
    let ended = store.run(lost.id).await.unwrap().unwrap();
    assert_eq!(ended.status, RunStatus::Interrupted);
    assert!(ended.finished_at.unwrap() >= ended.started_at);
    assert!(store.try_lock(&next, "export", MINUTE).await.unwrap());
    assert!(matches!(store.start_run(new_run("issues", MINUTE)).await, Err(StoreError::Busy { .. })));
}

pub(super) async fn lease_from_the_future_counts_as_expired(store: TestStore) {
    // The length that the lease was started with counts, not that of the claimer.
    let lost = store.start_run(new_run("issues", MINUTE)).await.unwrap();
    store.move_leases(-1_000_000).await.unwrap();
    let busy = store.start_run(new_run("issues", Duration::from_millis(1))).await;
    assert!(matches!(busy, Err(StoreError::Busy { .. })), "{busy:?}");
    store.move_leases(3_600_000_000).await.unwrap();
    let next = store.start_run(new_run("issues", MINUTE)).await.unwrap();
    assert!(next.fence > lost.fence);
    assert_eq!(store.run(lost.id).await.unwrap().unwrap().status, RunStatus::Interrupted);
    assert_lease_lost(store.heartbeat(&lost).await);
    // An active run replaces its lease by one that expires at the normal time.
    store.move_leases(3_600_000_000).await.unwrap();
    store.heartbeat(&next).await.unwrap();
    let busy = store.start_run(new_run("issues", MINUTE)).await;
    assert!(matches!(busy, Err(StoreError::Busy { .. })), "{busy:?}");
}

pub(super) async fn fenced_run_writes_nothing(store: TestStore) {
    let key = function("issues");
    let run = store.start_run(new_run("issues", NO_LEASE)).await.unwrap();
    let old = TestSync { store: &store, key, run, dataset: dataset("Doc") };
    // An expired lease permits writes until another run takes over.
    old.save(&[("a", 1)]).await;
    let scan = old.scan(false).await;
    let new = TestSync::begin(&store, "issues").await;
    let before = (new.feed().await, store.run(old.run.id).await.unwrap());

    let mut page = old.page([save(&[("a", 2), ("b", 1)])]);
    page.checkpoint = Some(CheckpointWrite { value: Some(json!({})), expected: 0 });
    assert_lease_lost(store.commit(page.clone()).await);
    (page.pages, page.requests) = (0, 0);
    assert_lease_lost(store.commit(page).await);
    assert_lease_lost(store.begin_scan(&old.run, &old.key, &old.dataset, ScanFrom::Unfinished, false).await);
    assert_lease_lost(store.finish_scan(old.finish(scan, 1, true)).await);
    assert_lease_lost(store.heartbeat(&old.run).await);
    assert_lease_lost(store.write_logs(&old.run, vec![line(Level::Info, "late")]).await);
    assert_lease_lost(store.try_lock(&old.run, "export", MINUTE).await);
    assert_lease_lost(store.unlock(&old.run, "export").await);
    assert_lease_lost(store.end_run(&old.run, run_end(RunStatus::Success)).await);
    // An invented token cannot write either.
    assert_lease_lost(store.heartbeat(&RunToken { fence: new.run.fence + 1, ..new.run }).await);
    assert_lease_lost(store.heartbeat(&RunToken { row: 999, ..new.run }).await);

    assert_eq!((new.feed().await, store.run(old.run.id).await.unwrap()), before);
    assert_eq!(store.logs(old.run.id).await.unwrap(), []);
    assert_eq!(store.checkpoint(&old.key).await.unwrap().version, 0);
    new.save(&[("a", 2)]).await;
    assert_eq!(new.ids().await, "a");
}

pub(super) async fn heartbeat_renews_lease(store: TestStore) {
    let lease = Duration::from_millis(400);
    let run = store.start_run(new_run("issues", lease)).await.unwrap();
    for _ in 0..4 {
        tokio::time::sleep(lease / 4).await;
        store.heartbeat(&run).await.unwrap();
    }
    let busy = store.start_run(new_run("issues", lease)).await;
    let Err(StoreError::Busy { lease_until, .. }) = busy else { panic!("{busy:?}") };
    let started_at = store.run(run.id).await.unwrap().unwrap().started_at;
    assert!(lease_until >= started_at + lease * 2, "{lease_until} {started_at}");
    tokio::time::sleep(lease * 2).await;
    store.start_run(new_run("issues", lease)).await.unwrap();
    assert_lease_lost(store.heartbeat(&run).await);
}

pub(super) async fn run_end_is_one_transaction(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1)]).await;
    assert!(store.try_lock(&sync.run, "export", MINUTE).await.unwrap());
    let error = json!({ "type": "script_http_error", "message": "502" });
    let mut end = RunEnd {
        error: Some(error.clone()),
        requests: 2,
        logs: vec![line(Level::Error, "it failed")],
        checkpoint: Some(CheckpointWrite { value: Some(json!({ "page": 1 })), expected: 1 }),
        resume: Some(ResumeWrite::Set(vec![9])),
        ..RunEnd::new(RunStatus::Error)
    };
    let refused = store.end_run(&sync.run, end.clone()).await;
    assert!(matches!(refused, Err(StoreError::CheckpointConflict { expected: 1, found: 0 })), "{refused:?}");
    assert_eq!(store.run(sync.run.id).await.unwrap().unwrap().status, RunStatus::Running);
    assert_eq!(store.logs(sync.run.id).await.unwrap(), []);

    end.checkpoint = Some(CheckpointWrite { value: Some(json!({ "page": 1 })), expected: 0 });
    let run = store.end_run(&sync.run, end.clone()).await.unwrap();
    assert_eq!((run.status, &run.key, &run.error), (RunStatus::Error, &sync.key, &Some(error)));
    assert!(run.finished_at.unwrap() >= run.started_at);
    assert_eq!((run.totals.pages, run.totals.requests, run.totals.models["Doc"].added), (1, 3, 1));
    assert_eq!(store.run(run.id).await.unwrap(), Some(run));
    assert_eq!(store.logs(sync.run.id).await.unwrap(), end.logs);
    assert_eq!(store.checkpoint(&sync.key).await.unwrap().value, Some(json!({ "page": 1 })));
    assert_eq!(store.resume_state(&sync.key).await.unwrap(), Some(vec![9]));
    assert_lease_lost(store.end_run(&sync.run, run_end(RunStatus::Success)).await);
    assert_lease_lost(store.heartbeat(&sync.run).await);
}

pub(super) async fn runs_are_listed(store: TestStore) {
    assert_eq!(store.runs_of(&function("issues"), 10).await.unwrap(), []);
    assert_eq!(store.run(uuid::Uuid::nil()).await.unwrap(), None);
    let mut expect = Vec::new();
    for status in [RunStatus::Success, RunStatus::Interrupted, RunStatus::Error, RunStatus::Cancelled] {
        let run = store.start_run(new_run("issues", MINUTE)).await.unwrap();
        expect.insert(0, store.end_run(&run, run_end(status)).await.unwrap());
    }
    let running = store.start_run(new_run("issues", MINUTE)).await.unwrap();
    expect.insert(0, store.run(running.id).await.unwrap().unwrap());
    assert_eq!((expect[0].status, expect[0].finished_at), (RunStatus::Running, None));
    store.start_run(new_run("other", MINUTE)).await.unwrap();
    assert_eq!(store.runs_of(&function("issues"), 10).await.unwrap(), expect);
    assert_eq!(store.runs_of(&function("issues"), 2).await.unwrap(), expect[..2]);
}

pub(super) async fn runs_are_found_by_filter(store: TestStore) {
    let all = RunFilter {
        integration: None,
        connection: None,
        function: None,
        kind: None,
        status: None,
        since: None,
        limit: 10,
    };
    assert_eq!(store.find_runs(all.clone()).await.unwrap(), []);
    let key = function("issues");
    let keys = [
        key.clone(),
        FunctionKey { integration: "gitlab".to_owned(), ..key.clone() },
        FunctionKey { connection: "other".to_owned(), ..key.clone() },
        FunctionKey { function: "other".to_owned(), kind: FunctionKind::Action, ..key.clone() },
        FunctionKey { variant: "v".to_owned(), ..key.clone() },
    ];
    let mut runs = Vec::new();
    for key in keys {
        let run = store.start_run(NewRun { key, connection: None, exclusive: false, lease: MINUTE }).await.unwrap();
        runs.push(store.run(run.id).await.unwrap().unwrap());
        if runs.len() < 5 {
            let status = if runs.len() == 2 { RunStatus::Error } else { RunStatus::Success };
            *runs.last_mut().unwrap() = store.end_run(&run, run_end(status)).await.unwrap();
        }
        // The next one starts later, also by a clock of low resolution.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (since, name) = (runs[2].started_at, |name: &str| Some(name.to_owned()));
    // The numbers are those of the runs, newest first.
    let cases: [(RunFilter, &[usize]); 11] = [
        (all.clone(), &[4, 3, 2, 1, 0]),
        (RunFilter { limit: 2, ..all.clone() }, &[4, 3]),
        (RunFilter { integration: name("gitlab"), ..all.clone() }, &[1]),
        (RunFilter { connection: name("other"), ..all.clone() }, &[2]),
        (RunFilter { function: name("issues"), ..all.clone() }, &[4, 2, 1, 0]),
        (RunFilter { function: name("issues"), integration: name("github"), limit: 2, ..all.clone() }, &[4, 2]),
        (RunFilter { kind: Some(FunctionKind::Action), ..all.clone() }, &[3]),
        (RunFilter { status: Some(RunStatus::Running), ..all.clone() }, &[4]),
        (RunFilter { status: Some(RunStatus::Success), function: name("issues"), ..all.clone() }, &[2, 0]),
        (RunFilter { since: Some(since), ..all.clone() }, &[4, 3, 2]),
        (RunFilter { since: Some(since), function: name("no such\0name"), ..all.clone() }, &[]),
    ];
    for (filter, expect) in cases {
        let expect: Vec<_> = expect.iter().map(|run| runs[*run].clone()).collect();
        assert_eq!(store.find_runs(filter.clone()).await.unwrap(), expect, "{filter:?}");
    }
}

pub(super) async fn locks_are_released_when_their_run_ends(store: TestStore) {
    let one = store.start_run(new_run("one", MINUTE)).await.unwrap();
    let two = store.start_run(new_run("two", MINUTE)).await.unwrap();
    assert!(store.try_lock(&one, "export", MINUTE).await.unwrap());
    assert!(store.try_lock(&one, "export", MINUTE).await.unwrap());
    assert!(!store.try_lock(&two, "export", MINUTE).await.unwrap());
    assert!(store.try_lock(&two, "import", MINUTE).await.unwrap());
    assert!(!store.unlock(&two, "export").await.unwrap());
    assert!(!store.unlock(&two, "unknown").await.unwrap());
    assert!(store.unlock(&one, "export").await.unwrap());
    assert!(!store.unlock(&one, "export").await.unwrap());
    assert!(store.try_lock(&two, "export", MINUTE).await.unwrap());
    store.end_run(&two, run_end(RunStatus::Success)).await.unwrap();
    assert!(store.try_lock(&one, "export", Duration::ZERO).await.unwrap());
    // A lock also expires before its run ends.
    assert!(!store.unlock(&one, "export").await.unwrap());
    let three = store.start_run(new_run("three", MINUTE)).await.unwrap();
    assert!(store.try_lock(&three, "export", MINUTE).await.unwrap());
    assert!(store.try_lock(&three, "import", MINUTE).await.unwrap());
}

pub(super) async fn log_lines_keep_their_order(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let fields = LogLine { fields: json!({ "b": 1, "a": [null] }), ..line(Level::Warn, "two") };
    store.write_logs(&sync.run, vec![line(Level::Debug, "one"), fields.clone()]).await.unwrap();
    let mut page = sync.page([]);
    page.logs = vec![line(Level::Info, "three"), line(Level::Error, &"é".repeat(10_001))];
    store.commit(page).await.unwrap();
    store.write_logs(&sync.run, Vec::new()).await.unwrap();
    let cut = format!("{} …", "é".repeat(2046));
    let expect = [line(Level::Debug, "one"), fields, line(Level::Info, "three"), line(Level::Error, &cut)];
    assert_eq!(store.logs(sync.run.id).await.unwrap(), expect);
    assert_eq!(store.logs(uuid::Uuid::nil()).await.unwrap(), []);
}

pub(super) async fn finished_runs_are_stored_once_with_their_logs(store: TestStore) {
    let (stored, _) = store.put_connection(connection("acme")).await.unwrap();
    let now = store.now();
    let finished = |number: u128, connection: i64| FinishedRun {
        id: uuid::Uuid::from_u128(number),
        key: FunctionKey { kind: FunctionKind::Action, ..function("create") },
        connection,
        status: RunStatus::Error,
        started_at: now,
        finished_at: now + MINUTE,
        error: Some(json!({ "kind": "Http", "message": "502" })),
        requests: 2,
        logs: vec![line(Level::Info, "first"), line(Level::Error, "second")],
    };
    let runs = vec![finished(1, stored.row), finished(2, stored.row + 1), finished(3, stored.row)];
    store.write_finished_runs(runs.clone()).await.unwrap();
    store.write_finished_runs(runs.clone()).await.unwrap();
    for run in [&runs[0], &runs[2]] {
        let read = store.run(run.id).await.unwrap().unwrap();
        assert_eq!((&read.key, read.status, &read.error), (&run.key, run.status, &run.error));
        assert_eq!((read.started_at, read.finished_at), (run.started_at, Some(run.finished_at)));
        assert_eq!(read.totals.requests, 2);
        assert_eq!(store.logs(run.id).await.unwrap(), run.logs);
        assert_eq!(store.logs_after(run.id, 1).await.unwrap(), run.logs[1..]);
        assert_eq!(store.logs_after(run.id, 2).await.unwrap(), []);
    }
    assert_eq!(store.run(runs[1].id).await.unwrap(), None, "the connection does not exist");
    // A run that starts with its first write has the id and the start time that were assigned before.
    let id = uuid::Uuid::from_u128(9);
    let new = NewRun { key: runs[0].key.clone(), connection: Some(stored.row), exclusive: false, lease: MINUTE };
    let token = store.start_run_as(new, id, now).await.unwrap();
    assert_eq!(token.id, id);
    let active = store.run(id).await.unwrap().unwrap();
    assert_eq!((active.status, active.started_at), (RunStatus::Running, now));
    store.end_run(&token, run_end(RunStatus::Success)).await.unwrap();
    assert_eq!(store.check(false).await.unwrap().findings, []);
}
