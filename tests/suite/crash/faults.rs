//! The disk refuses in mid-commit: the error says so, nothing is half-written, and the next run goes on.

use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::ahead::Waiting;

use super::{
    preload::{Preload, borrowed},
    voyage::{Sync, Voyage},
};

const NO_SPACE: u64 = 28;
const READ_ONLY: u64 = 30;
const INPUT_OUTPUT: u64 = 5;

#[test]
fn a_disk_that_refuses_in_mid_commit_is_told_and_got_over() {
    let Some(preload) = Preload::compile("the full disk") else { return };
    let mut voyage = Voyage::new("a disk that refuses", 3, 1_500);
    let mut refusals = 0;
    for (errno, told) in [
        (NO_SPACE, "the disk is full: nothing of this page was written. Free some space and run again"),
        (READ_ONLY, "nango.db cannot be read or written: disk I/O error"),
        (INPUT_OUTPUT, "nango.db cannot be read or written: disk I/O error"),
    ] {
        for sync in Sync::BOTH {
            for limit in [100_000, 180_000, 300_000] {
                voyage.upstream_changes();
                let variables = preload.variables(&[("PROOF_LOG_LIMIT", limit), ("PROOF_ERRNO", errno)]);
                let refused = voyage.run_with(sync, &borrowed(&variables));
                // A run that changes little may fit.
                if refused.status != Some(0) {
                    refusals += 1;
                    let all = format!("{}{}", refused.stdout, refused.stderr);
                    assert!(matches!(refused.status, Some(1 | 3)) && all.contains(told), "{errno}: {all}");
                }
                voyage.reader_reads(1);
                if limit == 180_000 {
                    // Twice in a row, and what the first left behind is gone on with.
                    voyage.run_with(sync, &borrowed(&variables));
                }
                voyage.complete(sync);
                voyage.verify_counters(sync);
                voyage.verify(sync);
            }
        }
    }
    assert!(refusals >= 9, "{refusals} of 18 runs were refused");
    println!("{refusals} of 18 runs were refused by the disk: nothing half-written");
}

#[test]
fn a_file_that_may_only_be_read_is_refused_before_anything_runs() {
    let Some(preload) = Preload::compile("the read-only file") else { return };
    let mut voyage = Voyage::new("a read-only file", 4, 300);
    voyage.complete(Sync::Mapped);
    voyage.upstream_changes();
    for (readonly, told) in [
        (1, "nango.db cannot be written: it may only be read; check the permissions of the file"),
        (2, "; check the permissions of the file"),
    ] {
        let variables = preload.variables(&[("PROOF_READONLY", readonly)]);
        let refused = voyage.run_with(Sync::Mapped, &borrowed(&variables));
        assert_eq!(refused.status, Some(3), "{}{}", refused.stdout, refused.stderr);
        assert!(refused.stdout.contains(told), "{}{}", refused.stdout, refused.stderr);
    }
    voyage.complete(Sync::Mapped);
    voyage.verify(Sync::Mapped);
}

/// It takes as long as a writer is patient, twice: for the page, and for the end of the run.
#[test]
fn a_database_that_another_process_holds_is_told_and_got_over() {
    Waiting::ADatabaseThatAnotherProcessHolds.run();
}

pub(crate) fn a_database_is_held() {
    let mut voyage = Voyage::new("a locked database", 5, 1_500);
    voyage.upstream.pause(Duration::from_millis(40));
    let mut running = voyage.registry.start(["run", "proof", "items", "--connection", "acme", "--json"]);
    let other = Connection::open(voyage.registry.database()).expect("the file");
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
    let told = "the database is locked by another process: it did not let go within 10 seconds";
    assert!(matches!(refused.status, Some(1 | 3)) && all.contains(told), "{:?} {all}", refused.status);
    voyage.reader_reads(1);
    voyage.upstream.pause(Duration::ZERO);
    voyage.complete(Sync::Mapped);
    voyage.verify_counters(Sync::Mapped);
    voyage.verify(Sync::Mapped);
}
