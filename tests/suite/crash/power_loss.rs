//! Power loss: of every file only the flushed part remains. No reader may have received a sequence number that no
//! longer exists afterwards, or that is assigned to another change later.

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
    proof_sync::ProofSync,
    scenario::Scenario,
};

/// A reader that prints nothing for this duration has read everything.
const IDLE_TIMEOUT: Duration = Duration::from_millis(250);
const FOLLOW_ARGS: [&str; 7] = ["records", "proof", "Item", "--connection", "acme", "--follow", "--json"];

/// Kills the writer before each flush of its log in turn. The written data is then in the system's memory, where the
/// next process finds it, but on no disk.
#[test]
fn sequence_number_read_before_power_loss_is_never_assigned_again() {
    let Some(preload) = Preload::compile("the power loss") else { return };
    let step = if nango_tests::rng::is_long_run() { 1 } else { 3 };
    let (mut losses, mut read_records) = (0, 0);
    for flush in (1_u64..).step_by(step) {
        let mut scenario = Scenario::without_database(&format!("killed before flush {flush}"), flush, 700);
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
        // The cursor is still valid, and the remaining records follow it.
        scenario.read_pages(1);
        scenario.run_to_completion(ProofSync::Mapped);
        scenario.verify(ProofSync::Mapped);
    }
    assert!(losses > 3 && read_records > 100, "{losses} losses with {read_records} records read before them");
    println!("{losses} power losses, {read_records} records read before them: no sequence number was assigned twice");
}

/// Follows the feed without closing the database (a close would flush) until nothing is printed, then kills the reader.
fn follow_until_idle(scenario: &Scenario, synced: &[(&'static str, OsString)]) -> Vec<Value> {
    let mut reader = scenario.registry.start_with_env(FOLLOW_ARGS, &borrowed_environment(synced));
    let (mut printed, mut since, started) = (0, Instant::now(), Instant::now());
    // The first page may take longer; a database without records prints nothing at all.
    while since.elapsed() < IDLE_TIMEOUT || (printed == 0 && started.elapsed() < 3 * IDLE_TIMEOUT) {
        let now = reader.stdout().len();
        if now != printed {
            (printed, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(10));
    }
    for file in database_files(scenario) {
        // The data that is flushed now is the data that the disk has.
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
        fs::remove_file(index).expect("the shared-memory index");
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
