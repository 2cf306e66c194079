//! Disk errors during a commit: the error is reported, nothing is written partially, and the next run resumes.

use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::slow_tests::SlowTest;

use super::{
    preload::{Preload, borrowed_environment},
    proof_sync::ProofSync,
    scenario::Scenario,
};

const NO_SPACE: u64 = 28;
const READ_ONLY: u64 = 30;
const INPUT_OUTPUT: u64 = 5;

#[test]
fn disk_error_in_commit_is_reported_and_next_run_recovers() {
    let Some(preload) = Preload::compile("the full disk") else { return };
    let mut scenario = Scenario::new("disk errors", 3, 1_500);
    let (mut refusals, mut runs) = (0, 0);
    for (errno, expected_message) in [
        (NO_SPACE, "the disk is full: nothing of this page was written. Free some space and run again"),
        (READ_ONLY, "nango.db cannot be read or written: disk I/O error"),
        (INPUT_OUTPUT, "nango.db cannot be read or written: disk I/O error"),
    ] {
        for sync in ProofSync::ALL {
            for limit in [100_000, 180_000, 300_000] {
                scenario.change_upstream();
                runs += 1;
                let variables = preload.environment(&[("PROOF_LOG_LIMIT", limit), ("PROOF_ERRNO", errno)]);
                let refused = scenario.run_with_env(sync, &borrowed_environment(&variables));
                // A run with few changes may stay below the limit.
                if refused.status != Some(0) {
                    refusals += 1;
                    let all = format!("{}{}", refused.stdout, refused.stderr);
                    assert!(matches!(refused.status, Some(1 | 3)) && all.contains(expected_message), "{errno}: {all}");
                }
                scenario.read_pages(1);
                if limit == 180_000 {
                    // Two failures in a row: the second run resumes from what the first left in the database.
                    scenario.run_with_env(sync, &borrowed_environment(&variables));
                }
                scenario.run_to_completion(sync);
                scenario.verify_counters(sync);
                scenario.verify(sync);
            }
        }
    }
    assert!(refusals >= 9, "{refusals} of {runs} runs were refused");
    println!("{refusals} of {runs} runs were refused by the disk: nothing was written partially");
}

#[test]
fn read_only_file_is_refused_before_run_starts() {
    let Some(preload) = Preload::compile("the read-only file") else { return };
    let mut scenario = Scenario::new("a read-only file", 4, 300);
    scenario.run_to_completion(ProofSync::Mapped);
    scenario.change_upstream();
    for (readonly, expected_message) in [
        (1, "nango.db cannot be written: it is read-only; check the permissions of the file"),
        (2, "; check the permissions of the file"),
    ] {
        let variables = preload.environment(&[("PROOF_READONLY", readonly)]);
        let refused = scenario.run_with_env(ProofSync::Mapped, &borrowed_environment(&variables));
        assert_eq!(refused.status, Some(3), "{}{}", refused.stdout, refused.stderr);
        assert!(refused.stdout.contains(expected_message), "{}{}", refused.stdout, refused.stderr);
    }
    scenario.run_to_completion(ProofSync::Mapped);
    scenario.verify(ProofSync::Mapped);
}

/// Takes two lock timeouts of a writer: one for the page, one for the end of the run.
#[test]
fn locked_database_is_reported_and_next_run_recovers() {
    SlowTest::LockedDatabase.run();
}

pub(crate) fn check_locked_database() {
    let mut scenario = Scenario::new("a locked database", 5, 1_500);
    scenario.upstream.set_response_delay(Duration::from_millis(150));
    let mut running = scenario.registry.start(["run", "proof", "items", "--connection", "acme", "--json"]);
    let other = Connection::open(scenario.registry.database()).expect("the file");
    running.wait_until("some pages", |_| {
        other.query_row("SELECT count(*) >= 200 FROM records", [], |row| row.get(0)).expect("a count")
    });
    let started = Instant::now();
    while let Err(error) = other.execute_batch("BEGIN IMMEDIATE") {
        assert!(started.elapsed() < Duration::from_secs(20), "{error}");
        thread::sleep(Duration::from_millis(1));
    }
    let refused = running.finish();
    other.execute_batch("ROLLBACK").expect("a rollback");
    drop(other);
    let all = format!("{}{}", refused.stdout, refused.stderr);
    let expected_message = "the database is locked by another process: the lock was not released within 10 seconds";
    assert!(matches!(refused.status, Some(1 | 3)) && all.contains(expected_message), "{:?} {all}", refused.status);
    scenario.read_pages(1);
    scenario.upstream.set_response_delay(Duration::ZERO);
    scenario.run_to_completion(ProofSync::Mapped);
    scenario.verify_counters(ProofSync::Mapped);
    scenario.verify(ProofSync::Mapped);
}
