//! Tests of what is specific to `PostgreSQL`: concurrent processes (simulated by a second [`Postgres`] on the same
//! database), broken connections, query plans, and the rows that remain in the tables.

mod api_keys;
mod claims;
mod concurrency;
mod connection_loss;
mod frozen;
mod maintenance;
mod open;
mod plans;
mod sealed;
mod secure;
mod upgrade;

use serde_json::json;

use super::*;
use crate::{
    declare::FunctionKind,
    error::{Chain, Remedy},
    store::{
        Change, RowOutcome, Write,
        fixtures::*,
        postgres_server::{self, Database},
    },
};

/// Creates a database for one test. Returns `None` if no server is available, which has been reported already.
pub(super) fn database() -> Option<Database> {
    postgres_server::database(|url| {
        let url = url.to_owned();
        // On a separate thread: the caller may already be inside a runtime.
        let migrated = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { Postgres::open(&url).await.unwrap().close().await.unwrap() });
        });
        migrated.join().unwrap();
    })
}

/// Returns the error of an opening that fails, which shows no password in any form.
async fn opening_error(url: &str) -> StoreError {
    let error = crate::store::open(url).await.unwrap_err();
    let shown = format!("{} {error:?}", Chain(&error));
    assert!(!shown.contains("hush"), "{shown}");
    error
}

fn ids(rows: &[FeedRow]) -> String {
    rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>().join(" ")
}

/// Waits until this number of sessions of the database wait for a lock.
async fn wait_for_blocked_sessions(database: &Database, sessions: u32) {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..600 {
        if database.sql(count) == sessions.to_string() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{sessions} sessions should wait, but {} do", database.sql(count));
}

#[tokio::test]
async fn hashes_of_another_version_are_replaced_without_a_change() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, [1, 2], "x").await;
    let before = feed(&store).await;
    database.sql("UPDATE nango_rs.record_keys SET hash_version = 0, hash = decode(repeat('00', 16), 'hex')");
    let current = || database.sql("SELECT count(*) FROM nango_rs.record_keys WHERE hash_version = 1");
    assert_eq!(save(&store, run, [1], "x").await, [RowOutcome::Unchanged]);
    assert_eq!(feed(&store).await, before);
    assert_eq!(current(), "1");
    assert_eq!(save(&store, run, [1, 2], "y").await, [RowOutcome::Updated; 2]);
    assert_eq!(current(), "2");
}

#[tokio::test]
async fn nul_is_refused_in_names_and_not_found_by_reads() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, [1], "x\0").await;
    assert_eq!(feed(&store).await[0].payload.as_deref(), Some(&br#"{"id":1,"text":"x\u0000"}"#[..]));
    let unstorable = DatasetKey { connection: "a\0b".to_owned(), ..dataset() };
    assert_eq!(store.read(&unstorable, ReadQuery::default()).await.unwrap(), FeedPage::default());
    assert_eq!(store.connection("github", "a\0b").await.unwrap(), None);
    assert_eq!(store.records_by_id(&dataset(), vec!["1\0".to_owned()]).await.unwrap(), []);
    assert!(matches!(store.try_lock(&run, "a\0b", Duration::from_secs(1)).await, Err(StoreError::Nul)));
    let mut bad = page(&store, run, [2], "x");
    bad.changes[0].dataset = unstorable;
    assert!(matches!(store.commit(bad).await, Err(StoreError::Nul)));
    // In a log line it is replaced.
    let line = LogLine {
        timestamp: Timestamp::from_micros(1),
        level: crate::store::Level::Info,
        message: "a\0b".to_owned(),
        fields: json!({ "k": "\0" }),
    };
    store.write_logs(&run, vec![line.clone()]).await.unwrap();
    assert_eq!(store.logs(run.id).await.unwrap(), [LogLine { message: "a␀b".to_owned(), ..line }]);
}

#[tokio::test]
async fn large_values_are_written_in_parts() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let run = begin(&store).await;
    let large = "z".repeat(10 << 20);
    assert_eq!(save(&store, run, [1, 2, 3], &large).await, [RowOutcome::Added; 3]);
    assert_eq!(save(&store, run, [1, 2, 3], &large).await, [RowOutcome::Unchanged; 3]);
    let bounded = ReadQuery { max_bytes: 1 << 20, ..ReadQuery::default() };
    let first = store.read(&dataset(), bounded).await.unwrap();
    assert_eq!((first.records.len(), first.next_cursor.is_some()), (1, true));
    assert_eq!(first.records[0].payload.as_ref().unwrap().len(), large.len() + r#"{"id":1,"text":""}"#.len());
}
