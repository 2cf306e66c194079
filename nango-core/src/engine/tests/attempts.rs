//! Runs in real time: first run, trigger, pause, stop, and the continuation of runs whose process crashed.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::{
    engine::{reaper, statuses, trigger},
    store::{ClaimRequest, ClaimedRun, NewDueRun, NewRun, NextAttempt, QueuedOptions},
};

static CALLS: AtomicU32 = AtomicU32::new(0);
static COUNTING: SyncDef = sync("counting", Some(3_600), |_| {
    Box::pin(async {
        CALLS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })
});
static FAILING: SyncDef = sync("failing", Some(3_600), |_| Box::pin(async { Err(crate::Error::msg("it failed")) }));
static WAITING: SyncDef = sync("waiting", None, until_cancelled);
/// Whether [`TRIGGERING`] has triggered the other sync.
static HAS_TRIGGERED: AtomicBool = AtomicBool::new(false);
/// Triggers another sync, and succeeds when it is cancelled.
static TRIGGERING: SyncDef = sync("triggering", None, |handle| {
    Box::pin(async move {
        let nango = Nango::from(handle);
        nango.trigger_sync("failing")?;
        HAS_TRIGGERED.store(true, Ordering::Relaxed);
        nango.context().cancellation().cancelled().await;
        Ok(())
    })
});
/// Sync that only a trigger starts.
static MANUAL: SyncDef = sync("failing", None, |_| Box::pin(async { Ok(()) }));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_connection_is_synced_at_once_and_only_once() {
    let runtime = runtime(registry([Item::Sync(&COUNTING), Item::Sync(&FAILING)])).await;
    let engine = start(&runtime).await;
    connect(&runtime, "one").await;
    let states = || async { statuses(&runtime, Some("acme"), Some("one"), &[]).await.unwrap() };
    eventually(&runtime, || async { states().await.iter().filter(|state| state.last.is_some()).count() == 2 }).await;
    let states = states().await;
    let last = |name: &str| {
        let state = states.iter().find(|state| state.schedule.key.function == name).unwrap();
        (state.last.as_ref().unwrap().status, state.due.is_some(), state.schedule.next_at.is_some())
    };
    assert_eq!(last("counting"), (RunStatus::Success, false, true));
    assert_eq!(last("failing"), (RunStatus::Error, false, true), "the next attempt is at the next due time");
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_interrupts_syncs_which_are_due_again() {
    let runtime = runtime(registry([Item::Sync(&WAITING)])).await;
    connect(&runtime, "one").await;
    let engine = start(&runtime).await;
    let waiting = key("one", "waiting");
    let run = engine.trigger(&waiting, TriggerOptions::default()).await.unwrap();
    eventually(&runtime, || async { status(&runtime, run).await == Some(RunStatus::Running) }).await;
    assert!(runtime.store.is_served().await.unwrap());
    engine.stop(Duration::from_secs(10)).await;
    assert_eq!(status(&runtime, run).await, Some(RunStatus::Interrupted));
    let next = runtime.store.due_run_of(&waiting).await.unwrap().unwrap();
    assert!(next.due_at > runtime.store.now(), "without progress the next attempt waits");
    assert!(!runtime.store.is_served().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_and_cancel_end_the_running_run() {
    let runtime = runtime(registry([Item::Sync(&WAITING)])).await;
    connect(&runtime, "one").await;
    let engine = start(&runtime).await;
    let waiting = key("one", "waiting");
    let run = engine.trigger(&waiting, TriggerOptions::default()).await.unwrap();
    eventually(&runtime, || async { status(&runtime, run).await == Some(RunStatus::Running) }).await;
    engine.pause(&waiting).await.unwrap();
    assert_eq!(status(&runtime, run).await, Some(RunStatus::Cancelled));
    assert!(runtime.store.schedule(&waiting).await.unwrap().unwrap().paused);
    engine.resume(&waiting).await.unwrap();
    let run = engine.trigger(&waiting, TriggerOptions::default()).await.unwrap();
    eventually(&runtime, || async { status(&runtime, run).await == Some(RunStatus::Running) }).await;
    assert!(runtime.store.cancel_run(run).await.unwrap());
    let report =
        follow_run(&runtime, run, tokio_util::sync::CancellationToken::new(), Arc::new(NoopObserver)).await.unwrap();
    assert_eq!((report.status, report.error.is_some()), (RunStatus::Cancelled, true));
    assert_eq!(runtime.store.due_run_of(&waiting).await.unwrap(), None);
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_of_crashed_process_is_continued_three_times_without_progress() {
    let runtime = runtime(registry([Item::Sync(&WAITING)])).await;
    connect(&runtime, "one").await;
    let store = &runtime.store;
    let waiting = key("one", "waiting");
    let options = QueuedOptions { reset: true, full: true, ..QueuedOptions::default() };
    store.enqueue_run(NewDueRun { key: waiting.clone(), due_at: store.now(), options }).await.unwrap();
    for attempt in 1..=3 {
        // The process claims the run and crashes: its lease is over at once.
        let claim = ClaimRequest {
            now: store.now() + Duration::from_mins(5),
            lease: Duration::ZERO,
            slots: 1,
            per_connection: 1,
            per_integration: 1,
            syncs: vec![("acme".to_owned(), "waiting".to_owned())],
        };
        let run = store.claim_runs(claim).await.unwrap().remove(0);
        assert_eq!((run.attempt, run.idle, run.options), (attempt, attempt - 1, options));
        assert!(reaper::end_expired(&runtime).await.unwrap());
        let ended = store.run(run.token.id).await.unwrap().unwrap();
        let due = store.due_run_of(&waiting).await.unwrap();
        if attempt < 3 {
            assert_eq!(ended.status, RunStatus::Interrupted);
            assert!(due.unwrap().due_at > store.now());
        } else {
            assert_eq!((ended.status, due), (RunStatus::Error, None));
            assert_eq!(ended.error.unwrap()["kind"], "NoProgress");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_sync_connection_and_variant_are_refused() {
    let runtime = runtime(registry([Item::Sync(&WAITING)])).await;
    connect(&runtime, "one").await;
    let engine = start(&runtime).await;
    let message = |key: FunctionKey| {
        let engine = Arc::clone(&engine);
        async move { engine.trigger(&key, TriggerOptions::default()).await.unwrap_err().to_string() }
    };
    assert_eq!(
        message(key("one", "wating")).await,
        "unknown sync of `acme` named `wating`; available: `waiting`; did you mean `waiting`?"
    );
    assert_eq!(message(key("two", "waiting")).await, "the connection `two` of `acme` does not exist");
    let variant = FunctionKey { variant: "eu".to_owned(), ..key("one", "waiting") };
    assert!(message(variant.clone()).await.ends_with("has no variant `eu`; create it first"));
    engine.create_variant(&variant).await.unwrap();
    assert!(engine.create_variant(&variant).await.unwrap_err().to_string().ends_with("has a variant `eu` already"));
    engine.trigger(&variant, TriggerOptions::default()).await.unwrap();
    engine.delete_variant(&variant).await.unwrap();
    assert!(message(variant).await.ends_with("create it first"));
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frequency_of_a_connection_overrides_the_declared_one() {
    let runtime = runtime(registry([Item::Sync(&FAILING)])).await;
    connect(&runtime, "one").await;
    let engine = start(&runtime).await;
    let failing = key("one", "failing");
    let daily = Frequency::parse("every day").unwrap();
    let applied = engine.set_frequency(&failing, Some(daily.clone())).await.unwrap();
    assert_eq!(applied, Some(daily));
    let stored = runtime.store.schedule(&failing).await.unwrap().unwrap();
    assert_eq!(stored.frequency.as_deref(), Some("every day"));
    assert_eq!(stored.interval, Some(Duration::from_hours(24)));
    let applied = engine.set_frequency(&failing, None).await.unwrap().unwrap();
    assert_eq!(applied.seconds(), 3_600);
    assert_eq!(runtime.store.schedule(&failing).await.unwrap().unwrap().frequency, None);
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_runs_are_removed_at_the_start_except_the_latest() {
    let runtime = runtime(registry([Item::Sync(&WAITING)])).await;
    connect(&runtime, "one").await;
    let (store, waiting) = (&runtime.store, key("one", "waiting"));
    for _ in 0..3 {
        let connection = store.connection("acme", "one").await.unwrap().map(|connection| connection.row);
        let new = NewRun { key: waiting.clone(), connection, exclusive: true, lease: Duration::from_mins(1) };
        let run = store.start_run(new).await.unwrap();
        store.end_run(&run, RunEnd::new(RunStatus::Success)).await.unwrap();
    }
    let settings = EngineSettings { keep_runs: Some(Duration::ZERO), ..EngineSettings::of(&runtime.config) };
    let engine = Engine::start(Arc::clone(&runtime), settings).await.unwrap();
    eventually(&runtime, || async { store.runs_of(&waiting, 10).await.unwrap().len() == 1 }).await;
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_triggered_by_a_run_is_due_with_its_success_when_the_process_stops() {
    let runtime = runtime(registry([Item::Sync(&TRIGGERING), Item::Sync(&MANUAL)])).await;
    connect(&runtime, "one").await;
    let engine = start(&runtime).await;
    let run = engine.trigger(&key("one", "triggering"), TriggerOptions::default()).await.unwrap();
    eventually(&runtime, || async { HAS_TRIGGERED.load(Ordering::Relaxed) }).await;
    engine.stop(Duration::from_secs(10)).await;
    assert_eq!(status(&runtime, run).await, Some(RunStatus::Success));
    assert!(runtime.store.due_run_of(&key("one", "failing")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trigger_with_reset_returns_the_cancelled_run() {
    let runtime = runtime(registry([Item::Sync(&WAITING)])).await;
    connect(&runtime, "one").await;
    let (store, waiting) = (&runtime.store, key("one", "waiting"));
    store.enqueue_run(due(&runtime, &waiting)).await.unwrap();
    let active = claim_one(&runtime).await.token.id;
    let triggered = trigger(&runtime, &waiting, TriggerOptions::default()).await.unwrap();
    assert!(triggered.cancelled.is_empty());
    let reset = TriggerOptions { reset: true, ..TriggerOptions::default() };
    let triggered = trigger(&runtime, &waiting, reset).await.unwrap();
    assert_eq!(triggered.cancelled, [active]);
    assert_eq!(store.due_run_of(&waiting).await.unwrap().map(|due| due.id), Some(triggered.run));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_run_is_followed_in_its_next_attempt_that_has_started() {
    let runtime = runtime(registry([Item::Sync(&WAITING)])).await;
    connect(&runtime, "one").await;
    let (store, waiting) = (&runtime.store, key("one", "waiting"));
    store.enqueue_run(due(&runtime, &waiting)).await.unwrap();
    let first = claim_one(&runtime).await;
    let next = NextAttempt { due_at: store.now(), options: QueuedOptions::default(), idle: 0, mark: None };
    store.end_attempt(&first.token, RunEnd::new(RunStatus::Interrupted), Some(next)).await.unwrap();
    let second = claim_one(&runtime).await;
    store.end_run(&second.token, RunEnd::new(RunStatus::Success)).await.unwrap();
    let cancellation = tokio_util::sync::CancellationToken::new();
    let report = follow_run(&runtime, first.token.id, cancellation, Arc::new(NoopObserver)).await.unwrap();
    assert_eq!((report.run, report.status), (second.token.id, RunStatus::Success));
}

fn due(runtime: &Runtime, key: &FunctionKey) -> NewDueRun {
    NewDueRun { key: key.clone(), due_at: runtime.store.now(), options: QueuedOptions::default() }
}

/// Claims the only due run of `waiting`.
async fn claim_one(runtime: &Runtime) -> ClaimedRun {
    let claim = ClaimRequest {
        now: runtime.store.now(),
        lease: Duration::from_mins(1),
        slots: 1,
        per_connection: 1,
        per_integration: 1,
        syncs: vec![("acme".to_owned(), "waiting".to_owned())],
    };
    runtime.store.claim_runs(claim).await.unwrap().remove(0)
}
