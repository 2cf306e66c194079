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
    preload::{Preload, borrowed},
    voyage::{Sync, Voyage},
};

/// How long a reader prints nothing before it is taken for done.
const QUIET: Duration = Duration::from_millis(250);
const FOLLOW: [&str; 7] = ["records", "proof", "Item", "--connection", "acme", "--follow", "--json"];

/// The writer is killed in front of each flush of its log in turn. What it wrote is in the system's memory then, where
/// the next process finds it, and on no disk.
#[test]
fn after_a_power_loss_no_reader_holds_a_place_that_is_given_again() {
    let Some(preload) = Preload::compile("the power loss") else { return };
    let step = if nango_tests::dice::is_long() { 1 } else { 3 };
    let (mut losses, mut held) = (0, 0);
    for flush in (1_u64..).step_by(step) {
        let mut voyage = Voyage::prepare(&format!("killed in front of flush {flush}"), flush, 700);
        let synced = preload.variables(&[("PROOF_SYNCED", 1)]);
        voyage.connect(&borrowed(&synced)).expect(0);
        let dying = preload.variables(&[("PROOF_SYNCED", 1), ("PROOF_DIE_AT_SYNC", flush)]);
        if voyage.run_with(Sync::Mapped, &borrowed(&dying)).status == Some(0) {
            break;
        }
        let read = read_what_is_there(&voyage, &synced);
        held += read.len();
        voyage.replica(Sync::Mapped).take(&read);
        lose_power(&voyage);
        losses += 1;
        // The cursor is still good, and the rest follows it.
        voyage.reader_reads(1);
        voyage.complete(Sync::Mapped);
        voyage.verify(Sync::Mapped);
    }
    assert!(losses > 3 && held > 100, "{losses} losses with {held} records read before them");
    println!("{losses} power losses, {held} records read before them: no place was given twice");
}

/// Follows the feed without ever closing the database (a close would flush), then lets the power go.
fn read_what_is_there(voyage: &Voyage, synced: &[(&'static str, OsString)]) -> Vec<Value> {
    let mut reader = voyage.registry.start_with(FOLLOW, &borrowed(synced));
    let (mut printed, mut since, started) = (0, Instant::now(), Instant::now());
    // Its first page may take a while; a database without records prints nothing at all.
    while since.elapsed() < QUIET || (printed == 0 && started.elapsed() < 3 * QUIET) {
        let now = reader.stdout().len();
        if now != printed {
            (printed, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(10));
    }
    for file in files(voyage) {
        // What is flushed at this moment is what the disk has.
        let (from, kept) = (with(&file, ".synced"), with(&file, ".kept"));
        if from.exists() {
            fs::copy(from, kept).expect("a copy");
        }
    }
    let printed = reader.stdout();
    reader.kill_now();
    reader.finish();
    printed.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

fn lose_power(voyage: &Voyage) {
    for file in files(voyage) {
        let kept = with(&file, ".kept");
        if kept.exists() {
            fs::rename(kept, &file).expect("the flushed state");
        } else if file.exists() {
            fs::remove_file(&file).expect("a file that was never flushed");
        }
    }
    let index = with(&voyage.registry.database(), "-shm");
    if index.exists() {
        fs::remove_file(index).expect("what was in memory");
    }
}

fn files(voyage: &Voyage) -> [PathBuf; 2] {
    let database = voyage.registry.database();
    [with(&database, "-wal"), database]
}

fn with(path: &std::path::Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
