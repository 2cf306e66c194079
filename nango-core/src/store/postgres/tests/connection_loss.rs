//! Tests with broken connections and crashing servers.

use sqlx::{Connection, Executor, PgConnection};

use super::*;

/// Terminates the sessions of this program.
fn terminate_sessions(database: &Database) {
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                  AND application_name = 'nango'",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connection_is_replaced_and_page_is_written_once() {
    let Some(database) = database() else { return };
    let store = Arc::new(Postgres::open(&database.url).await.unwrap());
    let run = begin(&*store).await;
    // Opens all connections of the pool.
    let reads: Vec<_> = (0..8).map(|_| store.read(&dataset(), ReadQuery::default())).collect();
    for read in futures_util::future::join_all(reads).await {
        read.unwrap();
    }
    terminate_sessions(&database);
    assert_eq!(save(&*store, run, [1], "x").await, [RowOutcome::Added]);
    // In the middle of a transaction, while it waits for the dataset.
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    other.execute("BEGIN; SELECT 1 FROM nango_rs.datasets FOR UPDATE").await.unwrap();
    let page = tokio::spawn({
        let store = Arc::clone(&store);
        async move { save(&*store, run, [2], "y").await }
    });
    wait_for_blocked_sessions(&database, 1).await;
    terminate_sessions(&database);
    wait_for_blocked_sessions(&database, 1).await;
    other.execute("COMMIT").await.unwrap();
    assert_eq!(page.await.unwrap(), [RowOutcome::Added]);
    let totals = store.run(run.id).await.unwrap().unwrap().totals;
    assert_eq!((totals.pages, totals.models["Item"].added), (2, 2));
}

#[tokio::test]
async fn commit_with_lost_response_has_unknown_outcome() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    // The session terminates itself as late as possible: when the transaction is committed.
    database.sql(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON nango_rs.record_keys DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION cut()",
    );
    let run = begin(&store).await;
    let lost = store.commit(page(&store, run, [1, 2], "x")).await;
    assert!(matches!(lost, Err(StoreError::CommitUnknown)), "{lost:?}");
    assert_eq!(feed(&store).await, [], "all or nothing");
    database.sql("DROP TRIGGER cut ON nango_rs.record_keys");
    assert_eq!(save(&store, run, [1, 2], "x").await, [RowOutcome::Added; 2]);
    assert_eq!(store.run(run.id).await.unwrap().unwrap().totals.pages, 1);
}

#[tokio::test]
async fn refused_statement_is_reported_and_nothing_is_written() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, [1], "x").await;
    // Another session locks the dataset for longer than the lock timeout, which is reduced here from a minute to 50 ms.
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    other.execute("BEGIN; SELECT 1 FROM nango_rs.datasets FOR UPDATE").await.unwrap();
    let locked = store.write((), |db, ()| {
        Box::pin(async move {
            sqlx::raw_sql("SET LOCAL lock_timeout = '50ms'").execute(&mut *db.sql).await?;
            dataset::Dataset::open(db, &dataset()).await.map(|_| ())
        })
    });
    assert!(matches!(locked.await, Err(StoreError::Locked(60))));
    other.execute("ROLLBACK").await.unwrap();
    // The server reports `disk full` in the middle of a page, and then that it is read-only.
    database.sql(
        "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '53100'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON nango_rs.run_models EXECUTE FUNCTION full()",
    );
    let refused = store.commit(page(&store, run, [2], "x")).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    database.sql("DROP TRIGGER full_disk ON nango_rs.run_models");
    let name = database.name();
    database.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    terminate_sessions(&database);
    let refused = store.commit(page(&store, run, [2], "x")).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    database.sql(&format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"));
    terminate_sessions(&database);
    assert_eq!(ids(&feed(&store).await), "1");
    assert_eq!(save(&store, run, [2], "x").await, [RowOutcome::Added]);
    assert_eq!(store.run(run.id).await.unwrap().unwrap().totals.pages, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashed_server_keeps_acknowledged_commits() {
    if postgres_server::server().is_none() || std::env::var_os(postgres_server::URL_VARIABLE).is_some() {
        // No server, or a server that this test must not crash.
        return;
    }
    let server: &'static _ = Box::leak(Box::new(postgres_server::Server::start(&["fsync=on"]).unwrap()));
    let database = server.create_empty_database();
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..100, "x").await;
    let before = feed(&store).await;
    server.crash();
    let refused = store.commit(page(&store, run, 0..200, "y")).await;
    assert!(matches!(refused, Err(StoreError::Disconnected)), "{refused:?}");
    server.restart();
    assert_eq!(feed(&store).await, before);
    let outcomes = save(&store, run, 0..200, "y").await;
    assert_eq!(outcomes.iter().filter(|row| **row == RowOutcome::Updated).count(), 100);
    let cursor = before.last().map(|row| row.cursor.clone());
    let next = store.read(&dataset(), ReadQuery { cursor, limit: 1000, ..ReadQuery::default() }).await.unwrap();
    assert_eq!(next.records.len(), 200);
}
