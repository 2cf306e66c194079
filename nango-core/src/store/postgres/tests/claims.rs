//! Tests of claims on several processes: limits, and the cost of a claim beside a large backlog.

use super::*;
use crate::store::{
    ClaimRequest, ClaimedRun, NewDueRun, ProfileChange, Queue, QueuedOptions, RunStatus, Schedule, ScheduleAdvance,
    Schedules,
};

fn due_key(connection: &str, variant: usize) -> FunctionKey {
    FunctionKey { connection: connection.to_owned(), variant: format!("v{variant}"), ..key() }
}

fn request(store: &Postgres, slots: u32) -> ClaimRequest {
    ClaimRequest {
        now: store.now(),
        lease: Duration::from_mins(1),
        slots,
        per_connection: 2,
        per_integration: 100,
        syncs: vec![("github".to_owned(), key().function)],
    }
}

async fn connect(store: &Postgres, ids: &[&str]) {
    for id in ids {
        let new = NewConnection {
            integration: "github".to_owned(),
            id: (*id).to_owned(),
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

async fn enqueue(store: &Postgres, key: FunctionKey) {
    let due = NewDueRun { key, due_at: store.now(), options: QueuedOptions::default() };
    store.enqueue_run(due).await.unwrap();
}

async fn end(store: &Postgres, run: &ClaimedRun) {
    store.end_run(&run.token, RunEnd::new(RunStatus::Success)).await.unwrap();
}

/// Number of rows of due runs that were read through indexes, and of sequential scans of them and of the runs.
async fn reads(database: &Database) -> (i64, i64) {
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'";
    while database.sql(sessions) != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let read = "SELECT (SELECT coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'due_runs'), \
                (SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname IN ('due_runs', 'runs'))";
    let counts = database.sql(read);
    let (rows, scans) = counts.split_once('|').unwrap();
    (rows.parse().unwrap(), scans.parse().unwrap())
}

#[tokio::test]
async fn claim_beside_a_saturated_backlog_reads_few_rows() {
    const BACKLOG: usize = 5_000;
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    connect(&store, &["busy", "other"]).await;
    // As many triggers would, but in one statement.
    enqueue(&store, due_key("busy", 0)).await;
    database.sql(&format!(
        "INSERT INTO nango_rs.functions (integration, connection, kind, name, variant) \
         SELECT 'github', 'busy', 'sync', '{}', 'v' || n FROM generate_series(1, {BACKLOG}) n; \
         INSERT INTO nango_rs.due_runs (function, id, integration, connection, priority, due_at, options, attempt, \
         idle) SELECT id, decode(md5(variant), 'hex'), 'github', 'busy', 0, 0, 0, 1, 0 FROM nango_rs.functions \
         WHERE connection = 'busy' AND variant <> 'v0'",
        key().function
    ));
    enqueue(&store, due_key("other", 0)).await;
    // The first claim marks what the limit refuses, and finds the other connection behind it.
    let mut claimed = store.claim_runs(request(&store, 8)).await.unwrap();
    claimed.extend(store.claim_runs(request(&store, 8)).await.unwrap());
    let of = |connection: &str| claimed.iter().filter(|run| run.key.connection == connection).count();
    assert_eq!((of("busy"), of("other")), (2, 1));
    store.close().await.unwrap();

    let (before, scans_before) = reads(&database).await;
    let store = Postgres::open(&database.url).await.unwrap();
    for round in 1..=20 {
        enqueue(&store, due_key("other", round)).await;
        let found = store.claim_runs(request(&store, 8)).await.unwrap();
        assert_eq!(found.len(), 1);
        end(&store, &found[0]).await;
    }
    store.close().await.unwrap();
    let (after, scans) = reads(&database).await;
    let read = after - before;
    assert!(read < 20 * 20, "{read} due runs were read by 20 claims beside a backlog of {BACKLOG}");
    assert_eq!(scans, scans_before, "sequential scans");
}

#[tokio::test]
async fn claim_reads_due_runs_through_their_index() {
    let Some(database) = database() else { return };
    let statement = super::super::claims::CANDIDATES
        .replace("$1", "0")
        .replace("$2", "0")
        .replace("$3", "0")
        .replace("$4", "0")
        .replace("$5", "ARRAY['x']")
        .replace("$6", "10")
        .replace("$7", "0");
    let plan = database.sql(&format!(
        "SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off; EXPLAIN (COSTS OFF) {statement}"
    ));
    assert!(plan.contains("Index Scan using due_ready on due_runs"), "{plan}");
    assert!(!plan.contains("Seq Scan"), "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_never_exceed_limits_and_run_each_key_once() {
    const RUNS: usize = 120;
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    connect(&store, &["a", "b", "c"]).await;
    for n in 0..RUNS {
        enqueue(&store, due_key(["a", "b", "c"][n % 3], n)).await;
    }
    let mut claimers = Vec::new();
    for _ in 0..4 {
        let url = database.url.clone();
        claimers.push(tokio::spawn(async move {
            let store = Postgres::open(&url).await.unwrap();
            let (mut started, mut empty) = (0, 0);
            while empty < 40 {
                let limits = ClaimRequest { per_integration: 4, ..request(&store, 3) };
                let claimed = store.claim_runs(limits).await.unwrap();
                empty = if claimed.is_empty() { empty + 1 } else { 0 };
                tokio::time::sleep(Duration::from_millis(5)).await;
                started += claimed.len();
                for run in claimed {
                    end(&store, &run).await;
                }
            }
            store.close().await.unwrap();
            started
        }));
    }
    // Each count is one snapshot.
    let count = "SELECT coalesce(max(n), 0), coalesce(sum(n), 0) FROM \
                 (SELECT f.connection, count(*) AS n FROM nango_rs.runs r \
                 JOIN nango_rs.functions f ON f.id = r.function WHERE r.status = 'running' GROUP BY 1) c";
    while !claimers.iter().all(tokio::task::JoinHandle::is_finished) {
        let counts = database.sql(count);
        let mut counts = counts.split('|').map(|count| count.parse::<u32>().unwrap());
        let (connection, all) = (counts.next().unwrap(), counts.next().unwrap());
        assert!(connection <= 2 && all <= 4, "{connection} of a connection and {all} in total are active");
    }
    let mut started = 0;
    for claimer in claimers {
        started += claimer.await.unwrap();
    }
    assert_eq!(started, RUNS);
    assert_eq!(database.sql("SELECT count(*), count(DISTINCT function) FROM nango_rs.runs"), format!("{RUNS}|{RUNS}"));
}

#[tokio::test]
async fn scheduled_run_that_another_run_prevents_keeps_its_priority() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    connect(&store, &["a", "b"]).await;
    let (now, minute) = (store.now(), Duration::from_mins(1));
    let scheduled = due_key("a", 0);
    let schedule = Schedule {
        key: scheduled.clone(),
        paused: false,
        frequency: None,
        interval: Some(minute),
        anchor: now,
        next_at: Some(now),
    };
    store.add_schedules(vec![schedule]).await.unwrap();
    let advance = ScheduleAdvance {
        key: scheduled.clone(),
        was_due_at: now,
        next_at: Some(now + 60 * minute),
        interval: Some(minute),
        enqueue: true,
    };
    store.advance_schedules(now, vec![advance]).await.unwrap();
    let new = NewRun { key: scheduled.clone(), connection: None, exclusive: true, lease: minute };
    let direct = store.start_run(new).await.unwrap();
    // The claim assumes that the lease of the direct run has expired, and the start of the run finds that it has not.
    let later = ClaimRequest { now: now + 2 * minute, ..request(&store, 10) };
    assert_eq!(store.claim_runs(later).await.unwrap(), []);
    assert!(store.due_run_of(&scheduled).await.unwrap().unwrap().is_blocked);
    store.end_run(&direct, RunEnd::new(RunStatus::Success)).await.unwrap();
    enqueue(&store, due_key("b", 0)).await;
    for connection in ["b", "a"] {
        let claimed = store.claim_runs(request(&store, 1)).await.unwrap();
        assert_eq!(claimed.iter().map(|run| &*run.key.connection).collect::<Vec<_>>(), [connection]);
    }
}
