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
mod served;
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
    let (mut verified_positions, mut refused_positions) = (0, 0);
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
                scenario.verify_models_agree(sync);
                kills_on_this_database += u64::from(died);
                missed_kills += u64::from(!died);
                if !upstream_idle {
                    scenario.change_upstream();
                }
                scenario.read_pages(1 + rng.below(2));
            }
            scenario.verify_position_is_not_ahead(sync, |scenario| scenario.run_to_completion(sync));
            if upstream_idle {
                scenario.verify_counters(sync);
            } else {
                // Changes in a part of the list that the resumed walk had already passed are found by the next walk.
                scenario.run_to_completion(sync);
            }
            scenario.verify(sync);
        }
        kills_done += kills_on_this_database;
        verified_positions += scenario.verified_positions;
        refused_positions += scenario.upstream.refused_positions(ProofSync::Feed.name());
    }
    println!(
        "{kind:?}: {kills_done} kills, {missed_kills} kills after the end of the run, {verified_positions} positions \
         verified, {refused_positions} expired, {:.0} s: 0 lost, 0 duplicated",
        started.elapsed().as_secs_f64()
    );
    let has_positions = verified_positions > 0 && refused_positions > 0;
    assert!(has_positions || !rng::is_long_run(), "{verified_positions} positions, {refused_positions} expired");
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

/// Failpoints at which the short version kills each sync that reaches them.
#[cfg(debug_assertions)]
const KILLED_IN_EACH_SYNC: [&str; 2] = ["mapper:walked", "scan:finished"];

#[cfg(debug_assertions)]
fn check_kills_at_every_failpoint(kind: DatabaseKind) {
    use failpoints::{failpoints_of, schema_failpoint};

    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let Some(database) = kind.create() else { return };
    let mut scenario = Scenario::after_killed_schema_creation(database, schema_failpoint(kind), seed, RECORDS / 5);
    let (mut kills, mut died_at) = (0, vec![schema_failpoint(kind)]);
    for (n, name) in failpoints_of(kind).enumerate() {
        let random_passing = 1 + rng.below(4);
        // A failpoint that one sync does not reach (a checkpoint, a resume state) is reached by the others, of which
        // the short version chooses another one for each failpoint.
        let mut syncs = ProofSync::ALL;
        syncs.rotate_left(n % ProofSync::ALL.len());
        let mut attempts: Vec<_> = if rng::is_long_run() { vec![1, 2, 3, 5, 9] } else { vec![random_passing, 1] }
            .into_iter()
            .flat_map(|passing| syncs.map(|sync| (sync, passing)))
            .collect();
        // The mapper of several lists is killed at every failpoint that it reaches.
        attempts.sort_by_key(|(sync, _)| *sync != ProofSync::ByParent);
        // All syncs are killed where a scan ends and where a position is stored.
        let is_for_each = rng::is_long_run() || KILLED_IN_EACH_SYNC.contains(&name);
        let mut died_syncs = Vec::new();
        for (sync, passing) in attempts {
            if !rng::is_long_run() && died_syncs.contains(&sync) {
                continue;
            }
            scenario.change_upstream();
            if sync == ProofSync::Feed && n % 2 == 1 {
                scenario.upstream.expire_positions(sync.name());
            }
            if name == "scan:closed-other" {
                // Without its checkpoint the next walk starts again, and closes the scan that this one leaves
                // unfinished.
                scenario.run_and_kill(ProofSync::ByHand, Kill::AtFailpoint("page:records", 1));
            }
            let died = scenario.kill_and_complete(sync, Kill::AtFailpoint(name, passing));
            scenario.verify_counters(sync);
            scenario.verify(sync);
            if died {
                kills += 1;
                died_at.push(name);
                died_syncs.push(sync);
                if !is_for_each
                    && (sync != ProofSync::ByParent || name.starts_with("each:") || name.ends_with(":parents"))
                {
                    break;
                }
            }
        }
    }
    let never_reached: Vec<_> = failpoints_of(kind).filter(|name| !died_at.contains(name)).collect();
    assert!(never_reached.is_empty(), "no run was killed at {never_reached:?}");
    let (verified, refused) = (scenario.verified_positions, scenario.upstream.refused_positions("entries"));
    assert!(verified > 0 && refused > 0, "{verified} positions were verified, {refused} had expired");
    println!(
        "{kind:?}: {kills} kills at {} failpoints, {verified} positions verified, {refused} expired: 0 lost, 0 \
         duplicated",
        failpoints_of(kind).count()
    );
}
