//! Crash tests: a `registry run` is killed at every failpoint and at random instants, and started again until it
//! completes. Afterwards no record is lost or duplicated.
//!
//! A short version always runs; `NANGO_TEST_LONG=1` kills 1,000 times on each database (about half an hour each), and
//! `NANGO_TEST_SEED=n` repeats a run.

mod concurrent_processes;
mod disk_errors;
mod edge_values;
#[cfg(debug_assertions)]
mod failpoints;
mod power_loss;
mod preload;
mod proof_sync;
mod replica;
mod scenario;
mod server;
mod verify;

use std::time::{Duration, Instant};

pub(crate) use disk_errors::check_locked_database;
use nango_tests::{
    DatabaseKind,
    rng::{self, Rng},
};
use proof_sync::ProofSync;
use scenario::{Kill, Scenario};

/// Number of records that the API has at the start.
const RECORDS: u64 = 2_500;
/// Number of kills on one database before the test creates a new one.
const KILLS_PER_DATABASE: u64 = 40;

#[test]
fn run_killed_at_random_instants_loses_and_duplicates_nothing_on_sqlite() {
    check_kills_at_random_instants(DatabaseKind::Sqlite);
}

#[test]
fn run_killed_at_random_instants_loses_and_duplicates_nothing_on_postgres() {
    check_kills_at_random_instants(DatabaseKind::Postgres);
}

fn check_kills_at_random_instants(kind: DatabaseKind) {
    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let kills = if rng::is_long_run() { 1_000 } else { 25 };
    let (mut kills_done, mut missed_kills) = (0, 0);
    let started = Instant::now();
    while kills_done < kills {
        let Some(database) = kind.create() else { return };
        let mut scenario =
            Scenario::on_database(database, &format!("NANGO_TEST_SEED={seed}"), rng.below(u64::MAX), RECORDS);
        let kills_planned = KILLS_PER_DATABASE.min(kills - kills_done);
        let mut kills_on_this_database = 0;
        while kills_on_this_database < kills_planned {
            let sync = *rng.choose(&ProofSync::ALL);
            // If the API changes only while no sync runs, the value of every counter is known.
            let upstream_idle = rng.below(2) == 0;
            scenario.change_upstream();
            for _ in 0..=rng.below(4) {
                let most = u64::try_from(scenario.typical_duration(sync).as_micros()).expect("a short while") * 5 / 4;
                let died = scenario.run_and_kill(sync, Kill::AfterDelay(Duration::from_micros(rng.below(most))));
                kills_on_this_database += u64::from(died);
                missed_kills += u64::from(!died);
                if !upstream_idle {
                    scenario.change_upstream();
                }
                scenario.read_pages(1 + rng.below(2));
            }
            scenario.run_to_completion(sync);
            if upstream_idle {
                scenario.verify_counters(sync);
            } else {
                // Changes in a part of the list that the resumed walk had already passed are found by the next walk.
                scenario.run_to_completion(sync);
            }
            scenario.verify(sync);
        }
        kills_done += kills_on_this_database;
    }
    println!(
        "{kind:?}: {kills_done} kills, {missed_kills} kills after the end of the run, {:.0} s: 0 lost, 0 duplicated",
        started.elapsed().as_secs_f64()
    );
}

/// Kills a run at every name in the list, so that neither the code nor this test misses one.
#[cfg(debug_assertions)]
#[test]
fn run_killed_at_every_failpoint_loses_and_duplicates_nothing_on_sqlite() {
    check_kills_at_every_failpoint(DatabaseKind::Sqlite);
}

#[cfg(debug_assertions)]
#[test]
fn run_killed_at_every_failpoint_loses_and_duplicates_nothing_on_postgres() {
    check_kills_at_every_failpoint(DatabaseKind::Postgres);
}

#[cfg(debug_assertions)]
fn check_kills_at_every_failpoint(kind: DatabaseKind) {
    use failpoints::{failpoints_of, schema_failpoint};

    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let Some(database) = kind.create() else { return };
    let mut scenario = Scenario::after_killed_schema_creation(database, schema_failpoint(kind), seed, RECORDS / 5);
    let (mut kills, mut died_at) = (0, vec![schema_failpoint(kind)]);
    for name in failpoints_of(kind) {
        let random_passing = 1 + rng.below(4);
        // A failpoint that one sync does not reach (a checkpoint, a resume state) is reached by the other.
        let mut attempts: Vec<_> = if rng::is_long_run() { vec![1, 2, 3, 5, 9] } else { vec![random_passing, 1] }
            .into_iter()
            .flat_map(|passing| ProofSync::ALL.map(|sync| (sync, passing)))
            .collect();
        // The mapper of several lists is killed at every failpoint that it reaches.
        attempts.sort_by_key(|(sync, _)| *sync != ProofSync::ByParent);
        for (sync, passing) in attempts {
            scenario.change_upstream();
            if name == "scan:closed-other" {
                // Without its checkpoint the next walk starts again, and closes the scan that this one leaves
                // unfinished.
                scenario.run_and_kill(ProofSync::ByHand, Kill::AtFailpoint("page:records", 1));
            }
            let died = scenario.run_and_kill(sync, Kill::AtFailpoint(name, passing));
            scenario.read_pages(1);
            scenario.run_to_completion(sync);
            scenario.verify_counters(sync);
            scenario.verify(sync);
            if died {
                kills += 1;
                died_at.push(name);
                if !rng::is_long_run() && (sync != ProofSync::ByParent || name.starts_with("each:")) {
                    break;
                }
            }
        }
    }
    let never_reached: Vec<_> = failpoints_of(kind).filter(|name| !died_at.contains(name)).collect();
    assert!(never_reached.is_empty(), "no run was killed at {never_reached:?}");
    println!("{kind:?}: {kills} kills at {} failpoints: 0 lost, 0 duplicated", failpoints_of(kind).count());
}
