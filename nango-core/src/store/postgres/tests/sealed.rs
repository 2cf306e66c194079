//! Tests of payload encryption: the contents of the server's files, and reseal passes beside writers, readers and other
//! passes.

use std::{collections::BTreeMap, path::Path, process::Command};

use sqlx::{Connection, Executor, PgConnection};

use super::*;
use crate::{
    model::Patch,
    store::{KeyId, PatchRow, reseal},
};

async fn open(database: &Database, keys: &str, seal_new: bool) -> Postgres {
    let store = Postgres::open(&database.url).await.unwrap();
    store.use_keys(ring(keys), seal_new).await.unwrap();
    store
}

/// Returns the number of records per key (`None`: not sealed).
async fn records_by_key(store: &Postgres) -> Vec<(Option<KeyId>, u64)> {
    store.encryption().await.unwrap().uses.iter().map(|used| (used.key, used.records)).collect()
}

/// Returns the files of the server that contain the text: tables, write-ahead log, temporary files.
fn files_containing(data: &Path, text: &str) -> Vec<String> {
    let found = Command::new("grep").args(["-r", "-l", "-a", "-F", "-e", text]).arg(data).output().unwrap();
    assert!(found.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&found.stderr));
    String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn files_of_the_server_contain_no_payload() {
    const NEVER: &str = "never-never-plain";
    const ONCE: &str = "once-once-plain";
    if database().is_none() || std::env::var_os(postgres_server::URL_VARIABLE).is_some() {
        return;
    }
    // With log segments that are not recycled: recycled ones would keep old contents until they are overwritten.
    let server = postgres_server::Server::start(&["wal_recycle=off"]).unwrap();
    let server: &'static _ = Box::leak(Box::new(server));
    let data = server.data().unwrap();

    // A database that is sealed from the start.
    let database = server.create_empty_database();
    let store = open(&database, &keys(1), true).await;
    let run = begin(&store).await;
    let scan = store.begin_scan(&run, &key(), &dataset(), ScanFrom::Start, false).await.unwrap();
    save(&store, run, 0..200, NEVER).await;
    save(&store, run, 200..210, &NEVER.repeat(3000)).await;
    save(&store, run, 50..60, &format!("{NEVER} changed")).await;
    let mut patch = page(&store, run, [], "");
    let fields = json!({ "text": format!("{NEVER} merged") }).as_object().unwrap().clone();
    patch.changes[0].write = Write::Patch(vec![PatchRow { id: "7".to_owned(), fields, updated: Patch::Keep }]);
    patch.changes.push(Change { write: Write::delete(["8".to_owned()]), ..patch.changes[0].clone() });
    assert_eq!(store.commit(patch).await.unwrap().changes[0].rows, [RowOutcome::Updated]);
    let end = unguarded_finish_scan(run, key(), dataset(), scan);
    store.finish_scan(end).await.unwrap();
    assert!(feed(&store).await.iter().all(|row| row.payload.as_ref().unwrap().starts_with(b"{\"id\":")));
    database.sql("CHECKPOINT");
    assert_eq!(files_containing(&data, NEVER), [""; 0]);

    // A database whose payloads are sealed later.
    let database = server.create_empty_database();
    let store = open(&database, &keys(1), false).await;
    let run = begin(&store).await;
    save(&store, run, 0..1500, ONCE).await;
    save(&store, run, 1500..1510, &ONCE.repeat(3000)).await;
    save(&store, run, 100..200, &format!("{ONCE} changed")).await;
    database.sql("CHECKPOINT");
    assert!(!files_containing(&data, ONCE).is_empty());
    store.seal_payloads(true).await.unwrap();
    let done = reseal_all(&store).await;
    assert_eq!((done.done, done.changed, done.skipped), (true, 1510, 0));
    database.sql("CHECKPOINT");
    assert!(!files_containing(&data, ONCE).is_empty(), "plaintext remains, as the command reports");
    // The reported commands remove it, once the log has been switched.
    let remains = store.plaintext_remains().unwrap();
    let commands: Vec<&str> = remains.split("-c '").skip(1).filter_map(|rest| rest.split('\'').next()).collect();
    assert_eq!(commands.len(), 2, "{remains}");
    for command in commands {
        database.sql(command);
    }
    database.sql("SELECT pg_switch_wal()");
    database.sql("CHECKPOINT");
    assert_eq!(files_containing(&data, ONCE), [""; 0]);
    assert_eq!(save(&store, run, 0..100, ONCE).await, [RowOutcome::Unchanged; 100]);
    assert_eq!(files_containing(&data, NEVER), [""; 0]);
}

#[tokio::test]
async fn store_without_key_reads_and_writes_nothing() {
    let Some(database) = database() else { return };
    let right = keys(2);
    let (first, second) = (ring(&right).ids()[0], ring(&right).ids()[1]);
    let store = open(&database, &right, true).await;
    let run = begin(&store).await;
    save(&store, run, 0..3, "x").await;
    let late = open(&database, right.split_once(',').unwrap().0, false).await;
    store.activate_key(second).await.unwrap();
    let wrong = open(&database, &keys(1), true).await;
    let none = Postgres::open(&database.url).await.unwrap();
    let before = database.sql("SELECT * FROM nango_rs.datasets");
    for (store, reads) in [(&late, true), (&wrong, false), (&none, false)] {
        let mut refused = vec![
            (store.commit(page(store, run, [9], "x")).await.unwrap_err(), second),
            (store.seal_payloads(false).await.unwrap_err(), second),
        ];
        match store.read(&dataset(), ReadQuery::default()).await {
            // A payload that was sealed with a key of the process can still be read.
            Ok(page) => assert_eq!((page.records.len(), reads), (3, true)),
            Err(error) => refused.push((error, first)),
        }
        for (error, needed) in refused {
            let text = error.to_string();
            assert!(matches!(error, StoreError::NoKey { .. }) && text.contains(&needed.to_string()), "{text}");
        }
    }
    assert_eq!(database.sql("SELECT * FROM nango_rs.datasets"), before);
    assert_eq!(feed(&store).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_rotation_runs_beside_writers_and_readers() {
    let Some(database) = database() else { return };
    let text = keys(2);
    let second = ring(&text).ids()[1];
    let long = "x".repeat(400);
    let one = Arc::new(open(&database, &text, true).await);
    let run = begin(&*one).await;
    save(&*one, run, 0..3000, &long).await;
    let unchanged = feed(&*one).await;
    // Two processes: this one rotates, the other writes and reads.
    let two = open(&database, &text, false).await;
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let others = tokio::spawn(async move {
        let run = begin(&two).await;
        let (mut rounds, mut cursor, mut replica) = (0, None, BTreeMap::new());
        while !*stopped.borrow_and_update() || rounds == 0 {
            rounds += 1;
            assert_eq!(save(&two, run, 0..20, &"x".repeat(400)).await, [RowOutcome::Unchanged; 20]);
            assert_eq!(save(&two, run, [5000], &format!("{rounds}")).await.len(), 1);
            read_new(&two, &mut cursor, &mut replica).await;
        }
        replica
    });
    one.activate_key(second).await.unwrap();
    let done = reseal_all(&*one).await;
    assert_eq!((done.done, done.skipped), (true, 0));
    stop.send(true).unwrap();
    let replica = others.await.unwrap();
    assert_eq!(records_by_key(&one).await, [(Some(second), 3001)]);
    let after = feed(&*one).await;
    assert!(after[..3000] == unchanged[..]);
    assert_eq!(replica.len(), 3001);
    assert!(after.iter().all(|row| replica[&row.id] == *row));
    // The old key is no longer needed.
    let alone = open(&database, text.split_once(',').unwrap().1, false).await;
    assert!(feed(&alone).await == after);
    assert_eq!(save(&alone, run, 0..20, &long).await, [RowOutcome::Unchanged; 20]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_switch_waits_for_pages_that_began_before_it() {
    let Some(database) = database() else { return };
    let text = keys(1);
    let store = Arc::new(open(&database, &text, false).await);
    let other = Arc::new(open(&database, &text, false).await);
    let run = begin(&*store).await;
    save(&*store, run, [1], "x").await;
    // A page is stopped after its records were written without encryption: the counters of the run are written last.
    let mut late = PgConnection::connect(&database.url).await.unwrap();
    late.execute("BEGIN; LOCK TABLE nango_rs.run_models IN SHARE MODE").await.unwrap();
    let slow = tokio::spawn({
        let store = Arc::clone(&store);
        async move { save(&*store, run, [2], "y").await }
    });
    wait_for_blocked_sessions(&database, 1).await;
    let switch = tokio::spawn({
        let other = Arc::clone(&other);
        async move { other.seal_payloads(true).await }
    });
    wait_for_blocked_sessions(&database, 2).await;
    // Readers and dumps continue, and a page that starts now is ordered after the switch.
    assert_eq!(database.sql("SELECT payloads FROM nango_rs.encryption"), "f");
    assert_eq!(feed(&*other).await.len(), 1);
    let second = begin(&*other).await;
    let next = tokio::spawn({
        let other = Arc::clone(&other);
        async move {
            let mut apart = page(&*other, second, [3], "z");
            apart.changes[0].dataset.variant = "apart".to_owned();
            other.commit(apart).await.unwrap().changes.remove(0).rows
        }
    });
    wait_for_blocked_sessions(&database, 3).await;
    late.execute("COMMIT").await.unwrap();
    assert_eq!(slow.await.unwrap(), [RowOutcome::Added]);
    switch.await.unwrap().unwrap();
    assert_eq!(next.await.unwrap(), [RowOutcome::Added]);
    let sealed = "SELECT id, key_id <> 0 FROM nango_rs.records ORDER BY id";
    assert_eq!(database.sql(sealed), "1|f\n2|f\n3|t");
    assert_eq!(reseal_all(&*other).await.changed, 2);
    assert_eq!(database.sql(sealed), "1|t\n2|t\n3|t");
    // The first process was not notified, and reads the new policy in its next page.
    assert_eq!(save(&*store, run, [1, 4], "x").await, [RowOutcome::Unchanged, RowOutcome::Added]);
    assert_eq!(database.sql("SELECT count(*) FROM nango_rs.records WHERE key_id = 0"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reseal_passes_stop_resume_and_run_concurrently() {
    let Some(database) = database() else { return };
    let text = keys(2);
    let (old, new) = (ring(&text).ids()[0], ring(&text).ids()[1]);
    let store = open(&database, &text, true).await;
    let run = begin(&store).await;
    save(&store, run, 0..3500, "x").await;
    // Small datasets share one step.
    for variant in 0..30 {
        let mut small = page(&store, run, [1, 2], "x");
        small.changes[0].dataset.variant = variant.to_string();
        store.commit(small).await.unwrap();
    }
    let before = feed(&store).await;
    store.activate_key(new).await.unwrap();
    let broken = reseal(&store, |sum| sum.seen < 2000).await.unwrap();
    assert_eq!((broken.done, broken.seen, broken.changed), (false, 2000, 2000));
    let mut expect = vec![(Some(old), 1560), (Some(new), 2000)];
    expect.sort_unstable();
    assert_eq!(records_by_key(&store).await, expect);
    assert!(store.encryption_settings().await.unwrap().unfinished);
    assert_eq!(save(&store, run, 1990..2010, "x").await, [RowOutcome::Unchanged; 20]);
    // A step whose transaction is rolled back does not advance the pass.
    let lost = store.write((), |db, ()| {
        Box::pin(async move {
            super::super::reseal::step(db).await?;
            Err::<(), _>(StoreError::Full.into())
        })
    });
    assert!(matches!(lost.await, Err(StoreError::Full)));
    let (one, two) = (open(&database, &text, false).await, open(&database, &text, false).await);
    let (one, two) = tokio::join!(reseal_all(&one), reseal_all(&two));
    assert!(one.done && two.done);
    assert_eq!((one.seen + two.seen, one.changed + two.changed, one.skipped + two.skipped), (1560, 1560, 0));
    assert_eq!(records_by_key(&store).await, [(Some(new), 3560)]);
    assert_eq!(reseal_all(&store).await, ResealProgress { done: true, ..ResealProgress::default() });
    assert!(feed(&store).await == before);
    // A row that cannot be decrypted is skipped and counted, and does not stop the pass.
    database.sql("UPDATE nango_rs.records SET payload = 'short' WHERE id = '7' AND dataset = 1");
    store.seal_payloads(false).await.unwrap();
    let done = reseal_all(&store).await;
    assert_eq!((done.done, done.changed, done.skipped), (true, 3559, 1));
}

#[tokio::test]
async fn page_of_sealed_records_ends_where_a_plain_one_does() {
    let Some(database) = database() else { return };
    let store = open(&database, &keys(1), true).await;
    let run = begin(&store).await;
    save(&store, run, 1..6, "text").await;
    let size = feed(&store).await[0].payload.as_ref().unwrap().len();
    let mut cursor = None;
    for expect in [(2, true), (2, true), (1, false)] {
        let query = ReadQuery { cursor: cursor.take(), max_bytes: 2 * size, ..ReadQuery::default() };
        let page = store.read(&dataset(), query).await.unwrap();
        assert_eq!((page.records.len(), page.next_cursor.is_some()), expect);
        cursor = page.next_cursor;
    }
    assert_eq!(store.datasets(None, None).await.unwrap()[0].bytes, 5 * size as u64);
}

#[tokio::test]
async fn hash_of_removed_payload_does_not_reveal_it() {
    let Some(database) = database() else { return };
    let store = open(&database, &keys(1), false).await;
    let run = begin(&store).await;
    save(&store, run, 0..3, "x").await;
    let before = feed(&store).await;
    database.sql(
        "UPDATE nango_rs.datasets SET bytes = bytes - (SELECT bytes FROM nango_rs.record_keys WHERE id = '0'); \
         UPDATE nango_rs.records SET payload = NULL, pruned_at = 7 WHERE id = '0'; \
         UPDATE nango_rs.record_keys SET bytes = 0, state = 2 WHERE id = '0'",
    );
    store.seal_payloads(true).await.unwrap();
    reseal_all(&store).await;
    let versions = "SELECT hash_version, count(*) FROM nango_rs.record_keys GROUP BY 1 ORDER BY 1";
    assert_eq!(database.sql(versions), "2|2\n3|1");
    assert_eq!(save(&store, run, 0..3, "x").await, [RowOutcome::Unchanged; 3]);
    assert_eq!(feed(&store).await, before);
    assert_eq!(database.sql(versions), "2|3");
}
