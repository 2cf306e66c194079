//! A power loss: of every file only what was flushed is left. No reader may have been given a place that is not there
//! any more, or that is given to another change afterwards.

use std::{
    ffi::OsString,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    preload::{Preload, borrowed_environment},
    scenario::{ProofSync, Scenario},
};

/// How long a reader prints nothing before it is taken for done.
const IDLE_TIMEOUT: Duration = Duration::from_millis(250);
const FOLLOW_ARGS: [&str; 7] = ["records", "proof", "Item", "--connection", "acme", "--follow", "--json"];

/// The writer is killed in front of each flush of its log in turn. What it wrote is in the system's memory then, where
/// the next process finds it, and on no disk.
#[test]
fn sequence_number_read_before_power_loss_is_never_assigned_again() {
    let Some(preload) = Preload::compile("the power loss") else { return };
    let step = if nango_tests::rng::is_long_run() { 1 } else { 3 };
    let (mut losses, mut read_records) = (0, 0);
    for flush in (1_u64..).step_by(step) {
        let mut scenario = Scenario::without_database(&format!("killed in front of flush {flush}"), flush, 700);
        let synced = preload.environment(&[("PROOF_SYNCED", 1)]);
        scenario.connect(&borrowed_environment(&synced)).expect(0);
        let dying = preload.environment(&[("PROOF_SYNCED", 1), ("PROOF_DIE_AT_SYNC", flush)]);
        if scenario.run_with_env(ProofSync::Mapped, &borrowed_environment(&dying)).status == Some(0) {
            break;
        }
        let read = follow_until_idle(&scenario, &synced);
        read_records += read.len();
        scenario.replica(ProofSync::Mapped).apply(&read);
        lose_power(&scenario);
        losses += 1;
        // The cursor is still good, and the rest follows it.
        scenario.read_pages(1);
        scenario.run_to_completion(ProofSync::Mapped);
        scenario.verify(ProofSync::Mapped);
    }
    assert!(losses > 3 && read_records > 100, "{losses} losses with {read_records} records read before them");
    println!("{losses} power losses, {read_records} records read before them: no place was given twice");
}

/// Follows the feed without ever closing the database (a close would flush), then lets the power go.
fn follow_until_idle(scenario: &Scenario, synced: &[(&'static str, OsString)]) -> Vec<Value> {
    let mut reader = scenario.registry.start_with_env(FOLLOW_ARGS, &borrowed_environment(synced));
    let (mut printed, mut since, started) = (0, Instant::now(), Instant::now());
    // Its first page may take a while; a database without records prints nothing at all.
    while since.elapsed() < IDLE_TIMEOUT || (printed == 0 && started.elapsed() < 3 * IDLE_TIMEOUT) {
        let now = reader.stdout().len();
        if now != printed {
            (printed, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(10));
    }
    for file in database_files(scenario) {
        // What is flushed at this moment is what the disk has.
        let (from, kept) = (with_suffix(&file, ".synced"), with_suffix(&file, ".kept"));
        if from.exists() {
            fs::copy(from, kept).expect("a copy");
        }
    }
    let printed = reader.stdout();
    reader.kill_now();
    reader.finish();
    printed.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

fn lose_power(scenario: &Scenario) {
    for file in database_files(scenario) {
        let kept = with_suffix(&file, ".kept");
        if kept.exists() {
            fs::rename(kept, &file).expect("the flushed state");
        } else if file.exists() {
            fs::remove_file(&file).expect("a file that was never flushed");
        }
    }
    let index = with_suffix(&scenario.registry.database(), "-shm");
    if index.exists() {
        fs::remove_file(index).expect("what was in memory");
    }
}

fn database_files(scenario: &Scenario) -> [PathBuf; 2] {
    let database = scenario.registry.database();
    [with_suffix(&database, "-wal"), database]
}

fn with_suffix(path: &std::path::Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
