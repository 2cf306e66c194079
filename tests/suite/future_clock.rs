//! A clock that was ahead when a process died: leases with timestamps in the far future do not block the next run.

use std::{thread, time::Duration};

use nango_tests::{Registry, faketime::ShiftedClock, upstream::Upstream};
use serde_json::json;

const RUN: [&str; 6] = ["run", "proof", "items", "--connection", "acme", "--json"];

#[test]
fn killed_run_with_future_clock_does_not_block_next_run() {
    let Some(shifted) = ShiftedClock::decades_ahead() else { return };
    let upstream = Upstream::new();
    upstream.change("items", |all| drop(all.insert("1".to_owned(), json!({ "id": "1", "text": "a" }).to_string())));
    upstream.set_response_delay(Duration::from_mins(1));
    let registry = Registry::proof(upstream.url());
    registry.run(["connection", "add", "proof", "acme", "--auth", "none"]).expect(0);
    let mut died = registry.start_with_env(RUN, &shifted.environment());
    let lease = "SELECT lease_until FROM runs";
    died.wait_until("the run has started", |_| query(&registry, lease).is_some());
    died.kill_now();
    died.finish();
    let decades =
        query(&registry, lease).expect("a lease") - query(&registry, "SELECT unixepoch() * 1000000").expect("now");
    assert!(decades > 60 * 365 * 86_400 * 1_000_000, "the clock was shifted: {decades}");

    upstream.set_response_delay(Duration::ZERO);
    let mut next = registry.start(RUN);
    // Two leases of the test's configuration plus start-up time; the test does not wait until the clock has caught up.
    for _ in 0..200 {
        if !next.is_running() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert!(!next.is_running(), "the run is blocked: {}", next.stderr());
    assert_eq!(next.finish().expect(0).json()["status"], "success");
}

/// Runs a query that returns one number; `None` if the database or the row does not exist.
fn query(registry: &Registry, sql: &str) -> Option<i64> {
    let database = rusqlite::Connection::open(registry.database()).ok()?;
    database.query_row(sql, [], |row| row.get(0)).ok()
}
