//! Tests with several processes on one database.

use std::time::Instant;

use sqlx::{Connection, Executor, PgConnection};

use super::*;

/// Reads from a cursor to the end of the feed, page by page.
async fn follow(store: &Postgres, cursor: &mut Option<String>, seen: &mut Vec<String>) {
    loop {
        let query = ReadQuery { cursor: cursor.clone(), limit: 7, ..ReadQuery::default() };
        let page = store.read(&dataset(), query).await.unwrap();
        if let Some(last) = page.records.last() {
            *cursor = Some(last.cursor.clone());
        }
        seen.extend(page.records.into_iter().map(|row| row.id));
        if page.next_cursor.is_none() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_lose_nothing_and_readers_skip_nothing() {
    let Some(database) = database() else { return };
    let mut writers = Vec::new();
    for writer in 0..6_u64 {
        let url = database.url.clone();
        writers.push(tokio::spawn(async move {
            let store = Postgres::open(&url).await.unwrap();
            let run = begin(&store).await;
            for n in 0..25 {
                // One record of its own and one that all writers contend for, which moves to the end repeatedly.
                let outcomes = save(&store, run, [writer * 1000 + n, 999_999], &format!("{writer} {n}")).await;
                assert_eq!(outcomes[0], RowOutcome::Added);
            }
            store.close().await.unwrap();
        }));
    }
    let reader = Postgres::open(&database.url).await.unwrap();
    let (mut cursor, mut seen) = (None, Vec::new());
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        follow(&reader, &mut cursor, &mut seen).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    follow(&reader, &mut cursor, &mut seen).await;
    let once: std::collections::BTreeSet<_> = seen.iter().filter(|id| *id != "999999").collect();
    assert_eq!(once.len(), 150);
    assert_eq!(seen.iter().filter(|id| *id != "999999").count(), 150, "no record was read twice");
    let rows = feed(&reader).await;
    assert_eq!(rows.len(), 151);
    assert!(rows.is_sorted_by_key(|row| row.last_modified_at));
    // Every sequence number was assigned once: to the records, and to earlier positions of the contested one.
    let counted = database
        .sql("SELECT seq, live, rids, (SELECT count(DISTINCT rid) FROM nango_rs.record_keys) FROM nango_rs.datasets");
    let [seq, rest @ ..] = &counted.split('|').map(|n| n.parse::<u64>().unwrap()).collect::<Vec<_>>()[..] else {
        panic!()
    };
    assert!((151..=300).contains(seq), "{seq}");
    assert_eq!(rest, [151, 151, 151]);
}

#[tokio::test]
async fn only_exclusive_runs_of_a_function_wait_for_each_other() {
    let Some(database) = database() else { return };
    let store = Arc::new(Postgres::open(&database.url).await.unwrap());
    begin(&*store).await;
    // An exclusive run that starts: its transaction is open.
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    other.execute("BEGIN; UPDATE nango_rs.functions SET fence = fence + 1").await.unwrap();
    let run = tokio::time::timeout(Duration::from_secs(30), begin(&*store)).await.expect("it waits");
    store.end_run(&run, RunEnd::new(crate::store::RunStatus::Success)).await.unwrap();
    let new = NewRun { key: key(), connection: None, exclusive: true, lease: Duration::from_mins(1) };
    let exclusive = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.start_run(new).await.unwrap() }
    });
    wait_for_blocked_sessions(&database, 1).await;
    other.execute("COMMIT").await.unwrap();
    assert!(exclusive.await.unwrap().fence > run.fence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_commit_is_not_skipped_by_readers() {
    let Some(database) = database() else { return };
    let mut early = PgConnection::connect(&database.url).await.unwrap();
    let mut late = PgConnection::connect(&database.url).await.unwrap();

    // The usual cursors, a sequence number and a timestamp: of two transactions, the one with the smaller number and
    // the earlier timestamp commits last, and a reader that ran in between never sees it.
    early.execute("CREATE TABLE plain (n BIGSERIAL, at TIMESTAMPTZ DEFAULT clock_timestamp(), id TEXT)").await.unwrap();
    late.execute("BEGIN; INSERT INTO plain (id) VALUES ('late')").await.unwrap();
    early.execute("INSERT INTO plain (id) VALUES ('early')").await.unwrap();
    let all = "SELECT string_agg(id, ' ') FROM plain";
    assert_eq!(database.sql(all), "early");
    let cursors = ["n", "at"].map(|column| (column, database.sql(&format!("SELECT max({column}) FROM plain"))));
    late.execute("COMMIT").await.unwrap();
    assert_eq!(database.sql(&format!("{all} WHERE true")).split(' ').count(), 2);
    for (column, cursor) in cursors {
        assert_eq!(database.sql(&format!("{all} WHERE {column} > '{cursor}'")), "", "the row that `{column}` loses");
    }

    // This store: a writer that is stopped between its position in the feed and its commit. Later writers wait for it.
    let store = Arc::new(Postgres::open(&database.url).await.unwrap());
    let other = Arc::new(Postgres::open(&database.url).await.unwrap());
    let (run, second) = (begin(&*store).await, begin(&*other).await);
    save(&*store, run, [1], "x").await;
    let (mut cursor, mut seen) = (None, Vec::new());
    follow(&store, &mut cursor, &mut seen).await;
    // The counters of the run are written last: a lock on them stops the page after all its records have been written.
    late.execute("BEGIN; LOCK TABLE nango_rs.run_models IN SHARE MODE").await.unwrap();
    let slow = tokio::spawn({
        let store = Arc::clone(&store);
        async move { save(&*store, run, [2], "late").await }
    });
    wait_for_blocked_sessions(&database, 1).await;
    let quick = tokio::spawn({
        let other = Arc::clone(&other);
        async move { save(&*other, second, [3], "early").await }
    });
    wait_for_blocked_sessions(&database, 2).await;
    follow(&store, &mut cursor, &mut seen).await;
    assert_eq!(seen, ["1"], "no record that another commit could still precede");
    late.execute("COMMIT").await.unwrap();
    assert_eq!((slow.await.unwrap(), quick.await.unwrap()), (vec![RowOutcome::Added], vec![RowOutcome::Added]));
    follow(&store, &mut cursor, &mut seen).await;
    assert_eq!(seen, ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlock_is_retried() {
    let Some(database) = database() else { return };
    let store = Arc::new(Postgres::open(&database.url).await.unwrap());
    let run = begin(&*store).await;
    save(&*store, run, [1], "x").await;
    // Another session that acquires the locks in the opposite order: the dataset, then the run.
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    other
        .execute("BEGIN; SET LOCAL deadlock_timeout = '1min'; SELECT 1 FROM nango_rs.datasets FOR UPDATE")
        .await
        .unwrap();
    let page = tokio::spawn({
        let store = Arc::clone(&store);
        async move { save(&*store, run, [2], "y").await }
    });
    wait_for_blocked_sessions(&database, 1).await;
    // The page waits for the dataset and has locked the run: the server aborts it, and the other session continues.
    other.execute("UPDATE nango_rs.runs SET requests = requests").await.unwrap();
    other.execute("COMMIT").await.unwrap();
    assert_eq!(page.await.unwrap(), [RowOutcome::Added]);
    assert_eq!(store.run(run.id).await.unwrap().unwrap().totals.pages, 2, "the page counts once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_lock_datasets_in_one_order() {
    let Some(database) = database() else { return };
    let writers = (0..4_usize).map(|writer| {
        let url = database.url.clone();
        tokio::spawn(async move {
            let store = Postgres::open(&url).await.unwrap();
            let run = begin(&store).await;
            for n in 0..15 {
                let mut both = page(&store, run, [n], &format!("{writer} {n}"));
                let second = Change {
                    dataset: DatasetKey { model: "Other".to_owned(), ..dataset() },
                    ..both.changes[0].clone()
                };
                both.changes.insert(writer % 2, second);
                store.commit(both).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(database.sql("SELECT live FROM nango_rs.datasets"), "15\n15");
    // The order of the locks prevents deadlocks, except for the very first pages.
    let deadlocks: u32 =
        database.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").parse().unwrap();
    assert!(deadlocks <= 1, "{deadlocks}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commit_of_another_process_wakes_waiting_readers() {
    let Some(database) = database() else { return };
    let here = Postgres::open(&database.url).await.unwrap();
    let there = Postgres::open(&database.url).await.unwrap();
    let run = begin(&there).await;
    // The first wait opens the connection for notifications.
    here.wait_for_change(Duration::from_millis(10)).await.unwrap();
    let listens = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    while database.sql(listens) != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let waiting = here.wait_for_change(Duration::from_mins(1));
    save(&there, run, [1], "x").await;
    let started = Instant::now();
    waiting.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    // Without a listener, the server is polled.
    here.changes.close().await;
    let waiting = here.wait_for_change(Duration::from_mins(1));
    save(&there, run, [2], "x").await;
    let started = Instant::now();
    waiting.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_without_named_statements_does_not_listen() {
    let Some(database) = database() else { return };
    let url = database.url_with("statement-cache-capacity=0");
    let here = Postgres::open(&url).await.unwrap();
    let there = Postgres::open(&url).await.unwrap();
    let run = begin(&there).await;
    let waiting = here.wait_for_change(Duration::from_mins(1));
    save(&there, run, [1], "x").await;
    let started = Instant::now();
    waiting.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let listens = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(database.sql(listens), "0");
}

#[tokio::test]
async fn asynchronous_commit_setting_of_the_server_is_overridden() {
    let Some(database) = database() else { return };
    database.sql(&format!("ALTER DATABASE {} SET synchronous_commit = off", database.name()));
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, [1], "x").await;
    let shown = store.write((), |db, ()| {
        Box::pin(async move {
            let show = "SHOW synchronous_commit";
            let before: String = sqlx::query_scalar(show).fetch_one(&mut *db.sql).await?;
            super::super::dataset::Dataset::open(db, &dataset()).await?;
            let locked: String = sqlx::query_scalar(show).fetch_one(&mut *db.sql).await?;
            Ok((before, locked))
        })
    });
    assert_eq!(shown.await.unwrap(), ("off".to_owned(), "on".to_owned()));
}
