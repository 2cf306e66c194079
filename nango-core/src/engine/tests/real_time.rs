//! Schedules in real time: how long after its due time a run starts.
//!
//! `NANGO_TEST_LONG=1` runs 1,000 schedules for a minute and compares the delay with its goal. Without it, a few
//! schedules run for some seconds, and each due time must be followed by a run: on a busy machine the delay means
//! nothing.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::*;
use crate::{rng, store::ScheduleFilter, time::Timestamp};

static FREQUENT: SyncDef = sync("frequent", Some(2), |_| Box::pin(async { Ok(()) }));
static REGULAR: SyncDef = sync("regular", Some(30), |_| Box::pin(async { Ok(()) }));

/// Goal of the 99th percentile of the delay.
const GOAL: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_start_at_their_due_times() {
    let (def, connections, duration) = if rng::is_long_run() {
        (&REGULAR, 1_000, Duration::from_mins(1))
    } else {
        (&FREQUENT, 40, Duration::from_secs(4))
    };
    let folder = tempfile::tempdir().unwrap();
    let store: SharedStore = Arc::new(Sqlite::open(folder.path().join("nango.db")).await.unwrap());
    let runtime = with_store(registry([Item::Sync(def)]), store.clone());
    let ids: Vec<String> = (0..connections).map(|number| format!("c{number}")).collect();
    for group in ids.chunks(50) {
        join_all(group.iter().map(|id| connect(&runtime, id))).await;
    }
    let engine = start(&runtime).await;
    let all = || async { store.schedules(ScheduleFilter::default()).await.unwrap() };
    eventually(&runtime, || async {
        let now = store.now();
        let schedules = all().await;
        schedules.len() == connections && schedules.iter().all(|schedule| schedule.next_at.is_some_and(|at| at > now))
    })
    .await;
    // The next due time of each schedule is before it: at most one and a half intervals from now.
    let end = store.now() + duration;
    let mut slots: BTreeSet<(FunctionKey, Timestamp)> = BTreeSet::new();
    while store.now() < end {
        let next = |schedule: crate::store::Schedule| Some((schedule.key, schedule.next_at.filter(|at| *at < end)?));
        slots.extend(all().await.into_iter().filter_map(next));
        runtime.clock.sleep(Duration::from_millis(500)).await;
    }
    assert!(slots.len() >= connections, "{} due times", slots.len());
    let mut delays = Vec::new();
    for (key, slot) in &slots {
        let first = || async {
            let runs = store.runs_of(key, 100).await.unwrap();
            runs.into_iter().map(|run| run.started_at).filter(|started| started >= slot).min()
        };
        eventually(&runtime, || async { first().await.is_some() }).await;
        delays.push(first().await.unwrap().saturating_duration_since(*slot));
    }
    engine.stop(Duration::from_secs(10)).await;
    delays.sort_unstable();
    let p99 = delays[delays.len() * 99 / 100];
    println!("{} due times: median {:?}, p99 {p99:?}", delays.len(), delays[delays.len() / 2]);
    assert!(p99 < GOAL || !rng::is_long_run(), "the 99th percentile of the delay is {p99:?}");
}
