//! Two days of 1,000 schedules in virtual time. The step is a function of the database and the time, so that no test
//! waits.

use std::{collections::HashMap, time::Duration};

use super::*;
use crate::{
    engine::step::Steps,
    store::{NewConnection, NewDueRun, ProfileChange, QueuedOptions, ScheduleChange, ScheduleFilter},
    time::Timestamp,
};

const HOUR: u32 = 3_600;

static HOURS_6: SyncDef = sync("six-hourly", Some(6 * HOUR), |_| Box::pin(async { Ok(()) }));
static HOURS_12: SyncDef = sync("half-daily", Some(12 * HOUR), |_| Box::pin(async { Ok(()) }));
static DAILY: SyncDef = sync("daily", Some(24 * HOUR), |_| Box::pin(async { Ok(()) }));
static MANUAL: SyncDef = sync("manual", None, |_| Box::pin(async { Ok(()) }));

fn settings(runs: u32, limit: u32) -> EngineSettings {
    EngineSettings {
        runs,
        per_connection: limit,
        per_integration: 10_000,
        actions: 1,
        keep_runs: None,
        lease: Duration::from_mins(1),
    }
}

async fn connected(store: &SharedStore, connections: usize) {
    for connection in 0..connections {
        let new = NewConnection {
            integration: "acme".to_owned(),
            id: format!("c{connection}"),
            auth: "NONE".to_owned(),
            credentials: b"sealed\0".to_vec(),
            refresh_at: None,
            config: Map::new(),
            metadata: None,
            profile: ProfileChange::default(),
        };
        store.put_connection(new).await.unwrap();
    }
}

/// Later than the system clock, so that leases are measured by the simulated time.
fn start_time() -> Timestamp {
    Timestamp::from_seconds(4_000_000_000)
}

/// Runs due syncs, each for no time, until a time. Returns the start times of each sync.
async fn simulate(
    steps: &mut Steps,
    store: &SharedStore,
    from: Timestamp,
    until: Timestamp,
    starts: &mut HashMap<FunctionKey, Vec<Timestamp>>,
) {
    let mut now = from;
    while now <= until {
        let step = steps.step(now, 1_000).await.unwrap();
        for run in &step.started {
            starts.entry(run.key.clone()).or_default().push(now);
            store.end_run(&run.token, RunEnd::new(RunStatus::Success)).await.unwrap();
        }
        if !step.changed {
            let Some(next) = step.next_at else { break };
            assert!(next > now);
            now = next;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_of_two_days_start_once_per_due_time() {
    let items = [Item::Sync(&HOURS_6), Item::Sync(&HOURS_12), Item::Sync(&DAILY), Item::Sync(&MANUAL)];
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    connected(&store, 250).await;
    let mut steps = Steps::new(store.clone(), registry(items), settings(1_000, 100));
    let (begin, mut starts) = (start_time(), HashMap::new());
    steps.begin(begin).await.unwrap();
    simulate(&mut steps, &store, begin, begin + Duration::from_hours(48), &mut starts).await;
    assert_eq!(store.schedules(ScheduleFilter::default()).await.unwrap().len(), 1_000);
    assert_eq!(starts.len(), 750, "all but those that run only when triggered");
    for (key, starts) in &starts {
        let interval = Duration::from_secs(match key.function.as_str() {
            "six-hourly" => 6 * 3_600,
            "half-daily" => 12 * 3_600,
            _ => 24 * 3_600,
        });
        assert_eq!(starts[0], begin, "the first run is due at once");
        let second = starts[1].saturating_duration_since(begin);
        assert!(second >= interval / 2 && second < interval + interval / 2, "{key:?} {second:?}");
        for pair in starts[1..].windows(2) {
            assert_eq!(pair[1].saturating_duration_since(pair[0]), interval, "{key:?}");
        }
        let all = Duration::from_hours(48).as_secs() / interval.as_secs();
        let count = starts.len() as u64;
        assert!((all..=all + 2).contains(&count), "{key:?} {count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_due_times_become_one_run_and_pauses_start_nothing() {
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    connected(&store, 2).await;
    let mut steps = Steps::new(store.clone(), registry([Item::Sync(&HOURS_6)]), settings(10, 10));
    let (begin, mut starts) = (start_time(), HashMap::new());
    steps.begin(begin).await.unwrap();
    let half_day = Duration::from_hours(12);
    simulate(&mut steps, &store, begin, begin + half_day, &mut starts).await;
    let change = |paused| ScheduleChange { paused: Some(paused), ..ScheduleChange::default() };
    store.change_schedule(&key("c1", "six-hourly"), change(true)).await.unwrap();
    let before = starts[&key("c1", "six-hourly")].len();
    // No process runs for three days.
    let resumed = begin + half_day + Duration::from_hours(72);
    simulate(&mut steps, &store, resumed, resumed, &mut starts).await;
    let after = &starts[&key("c0", "six-hourly")];
    assert_eq!(after.iter().filter(|at| **at == resumed).count(), 1);
    assert_eq!(starts[&key("c1", "six-hourly")].len(), before);
    // The grid stays.
    simulate(&mut steps, &store, resumed, resumed + half_day, &mut starts).await;
    let grid = &starts[&key("c0", "six-hourly")];
    let distance = grid.last().unwrap().saturating_duration_since(grid[1]);
    assert_eq!(distance.as_micros() % Duration::from_hours(6).as_micros(), 0);
    store.change_schedule(&key("c1", "six-hourly"), change(false)).await.unwrap();
    let later = resumed + half_day;
    simulate(&mut steps, &store, later, later, &mut starts).await;
    assert_eq!(*starts[&key("c1", "six-hourly")].last().unwrap(), later, "made up for at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_time_during_a_run_is_skipped() {
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    connected(&store, 1).await;
    let mut settings = settings(10, 10);
    settings.lease = Duration::from_hours(24);
    let mut steps = Steps::new(store.clone(), registry([Item::Sync(&HOURS_6)]), settings);
    let begin = start_time();
    steps.begin(begin).await.unwrap();
    let mut step = steps.step(begin, 10).await.unwrap();
    if step.started.is_empty() {
        step = steps.step(begin, 10).await.unwrap();
    }
    let run = step.started.remove(0);
    let later = begin + Duration::from_hours(10);
    assert!(steps.step(later, 10).await.unwrap().started.is_empty());
    assert_eq!(store.due_run_of(&run.key).await.unwrap(), None, "it would start right after the long run");
    store.end_run(&run.token, RunEnd::new(RunStatus::Success)).await.unwrap();
    let schedule = store.schedule(&run.key).await.unwrap().unwrap();
    let next = schedule.next_at.unwrap();
    assert!(next > later && next <= later + Duration::from_hours(6));
    assert!(steps.step(later, 10).await.unwrap().started.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_declaration_moves_the_next_due_time() {
    static WAS: SyncDef = sync("changing", Some(24 * HOUR), |_| Box::pin(async { Ok(()) }));
    static IS: SyncDef = sync("changing", Some(HOUR), |_| Box::pin(async { Ok(()) }));
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    connected(&store, 1).await;
    let (begin, mut starts) = (start_time(), HashMap::new());
    let mut steps = Steps::new(store.clone(), registry([Item::Sync(&WAS)]), settings(10, 10));
    steps.begin(begin).await.unwrap();
    simulate(&mut steps, &store, begin, begin, &mut starts).await;
    let mut steps = Steps::new(store.clone(), registry([Item::Sync(&IS)]), settings(10, 10));
    let now = begin + Duration::from_mins(1);
    steps.begin(now).await.unwrap();
    let next = store.schedule(&key("c0", "changing")).await.unwrap().unwrap().next_at.unwrap();
    assert!(next <= now + Duration::from_mins(90), "{next}");
    // A run that is due stays due if the frequency changes.
    let late = next + Duration::from_secs(1);
    let mut steps = Steps::new(store.clone(), registry([Item::Sync(&WAS)]), settings(10, 10));
    steps.begin(late).await.unwrap();
    assert_eq!(store.schedule(&key("c0", "changing")).await.unwrap().unwrap().next_at, Some(next));
    // A program that does not declare the sync keeps its schedule, and runs nothing.
    let mut steps = Steps::new(store.clone(), registry([Item::Sync(&DAILY)]), settings(10, 10));
    let later = begin + Duration::from_hours(48);
    steps.begin(later).await.unwrap();
    simulate(&mut steps, &store, later, later, &mut starts).await;
    assert_eq!(starts[&key("c0", "changing")].len(), 1);
    assert!(store.schedule(&key("c0", "changing")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_runs_of_unknown_syncs_do_not_delay_known_ones() {
    // More than a claim examines.
    const UNKNOWN: usize = 4_100;
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    connected(&store, 1).await;
    let now = start_time();
    let due = |key| NewDueRun { key, due_at: now, options: QueuedOptions::default() };
    for variant in 0..UNKNOWN {
        let key = FunctionKey { variant: format!("v{variant}"), ..key("c0", "unknown") };
        store.enqueue_run(due(key)).await.unwrap();
    }
    let mut steps = Steps::new(store.clone(), registry([Item::Sync(&MANUAL)]), settings(10, 10));
    steps.begin(now).await.unwrap();
    assert!(steps.step(now, 10).await.unwrap().started.is_empty());
    assert!(!store.has_due_run(now, vec![("acme".to_owned(), "manual".to_owned())]).await.unwrap());
    store.enqueue_run(due(key("c0", "manual"))).await.unwrap();
    assert_eq!(steps.step(now, 10).await.unwrap().started.len(), 1);
}
