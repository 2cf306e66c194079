//! Several processes behind a connection pooler in transaction mode. Token refresh through it is tested in `refresh`.

use std::thread;

use nango_tests::{Registry, pgbouncer::PgBouncer, postgres, upstream::Upstream};
use serde_json::json;

const PROCESSES: usize = 3;

#[test]
fn processes_open_and_run_through_a_pooler() {
    let Some(pooler) = PgBouncer::start() else { return };
    let Some(database) = postgres::create_empty_database() else { return };
    let upstream = Upstream::new();
    for n in 0..250 {
        let id = format!("{n:06}");
        upstream.change("items", |all| drop(all.insert(id.clone(), json!({ "id": id, "text": "a" }).to_string())));
    }
    let mut registry = Registry::proof(upstream.url());
    registry.env("NANGO_DATABASE_URL", pooler.url(&database));
    // All processes create the schema at the same time.
    let ids = ["acme", "bolt", "coil"];
    let adding = ids.map(|id| registry.start(["connection", "add", "proof", id, "--auth", "none"]));
    for added in adding {
        added.finish().expect(0);
    }

    let opened: usize = thread::scope(|scope| {
        let list = || (0..36 / PROCESSES).filter(|_| registry.run(["connection", "list"]).status == Some(0)).count();
        let running: Vec<_> = (0..PROCESSES).map(|_| scope.spawn(list)).collect();
        running.into_iter().map(|one| one.join().expect("a thread that does not panic")).sum()
    });
    assert_eq!(opened, 36, "of 36");

    for round in 1..=2 {
        let running = ids.map(|id| registry.start(["run", "proof", "items", "--connection", id, "--json"]));
        for run in running {
            let report = run.finish().expect(0).json();
            let added = if round == 1 { 250 } else { 0 };
            assert_eq!((&report["status"], &report["models"]["Item"]["added"]), (&json!("success"), &json!(added)));
        }
    }

    // A follower polls for changes, because notifications do not pass through the pooler.
    let follow = ["records", "proof", "Item", "--connection", "acme", "--follow", "--json"];
    let mut follower = registry.start(follow);
    follower.wait_until("all records", |follower| follower.stdout().lines().count() >= 250);
    upstream.change("items", |all| drop(all.insert("new".to_owned(), json!({ "id": "new", "text": "b" }).to_string())));
    registry.run(["run", "proof", "items", "--connection", "acme"]).expect(0);
    follower.wait_until("the new record", |follower| follower.stdout().lines().count() >= 251);
    follower.kill_now();
    let sessions = "SELECT count(*) <= 3 FROM pg_stat_activity WHERE datname = current_database() \
                    AND application_name <> 'psql'";
    assert_eq!(database.sql(sessions), "t", "the pool has at most the configured number of sessions");
}
