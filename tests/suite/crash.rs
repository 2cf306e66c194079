//! Proof by destruction: a `registry run` that is killed, at every failpoint and at random instants, and started again,
//! until it is done. Afterwards nothing is lost, and nothing is there twice.
//!
//! A short version runs always; `NANGO_TEST_LONG=1` kills a thousand times on each database (about half an hour each), and
//! `NANGO_TEST_SEED=n` repeats a run.

mod faults;
mod power;
mod preload;
mod replica;
mod server;
mod two_processes;
mod values;
mod verify;
mod voyage;

use std::time::{Duration, Instant};

pub(crate) use faults::a_database_is_held;
use nango_tests::dice::{self, Dice};
use voyage::{Blow, Kind, Sync, Voyage};

/// Records of the API.
const RECORDS: u64 = 2_500;
/// So many kills are dealt to one database before a new one is taken.
const KILLS_OF_ONE: u64 = 40;

#[test]
fn killed_at_random_instants_nothing_is_lost_and_nothing_doubled() {
    killed_at_random_instants(Kind::Sqlite);
}

#[test]
fn killed_at_random_instants_on_a_server_nothing_is_lost_and_nothing_doubled() {
    killed_at_random_instants(Kind::Postgres);
}

fn killed_at_random_instants(kind: Kind) {
    let seed = dice::seed();
    let mut dice = Dice::new(seed);
    let kills = if dice::is_long() { 1_000 } else { 25 };
    let (mut dealt, mut idle) = (0, 0);
    let started = Instant::now();
    while dealt < kills {
        let Some(base) = kind.base() else { return };
        let mut voyage = Voyage::on(base, &format!("NANGO_TEST_SEED={seed}"), dice.roll(u64::MAX), RECORDS);
        let of_this = KILLS_OF_ONE.min(kills - dealt);
        let mut here = 0;
        while here < of_this {
            let sync = *dice.one_of(&[Sync::Mapped, Sync::ByHand]);
            // Whether the API changes only while nothing runs: then every counter is known.
            let still = dice.roll(2) == 0;
            voyage.upstream_changes();
            for _ in 0..=dice.roll(4) {
                let most = u64::try_from(voyage.usual(sync).as_micros()).expect("a short while") * 5 / 4;
                let died = voyage.run_and(sync, Blow::After(Duration::from_micros(dice.roll(most))));
                here += u64::from(died);
                idle += u64::from(!died);
                if !still {
                    voyage.upstream_changes();
                }
                voyage.reader_reads(1 + dice.roll(2));
            }
            voyage.complete(sync);
            if still {
                voyage.verify_counters(sync);
            } else {
                // What changed in front of the walk's place is seen by the next one.
                voyage.complete(sync);
            }
            voyage.verify(sync);
        }
        dealt += here;
    }
    println!(
        "{kind:?}: {dealt} kills, {idle} blows that came after the end, {:.0} s: 0 lost, 0 doubled",
        started.elapsed().as_secs_f64()
    );
}

/// Every name in the list is died at, so that none is forgotten: neither by the code nor by this test.
#[cfg(debug_assertions)]
#[test]
fn killed_at_every_failpoint_nothing_is_lost_and_nothing_doubled() {
    killed_at_every_failpoint(Kind::Sqlite);
}

#[cfg(debug_assertions)]
#[test]
fn killed_at_every_failpoint_on_a_server_nothing_is_lost_and_nothing_doubled() {
    killed_at_every_failpoint(Kind::Postgres);
}

#[cfg(debug_assertions)]
fn killed_at_every_failpoint(kind: Kind) {
    use nango_core::store::failpoint::NAMES;

    let seed = dice::seed();
    let mut dice = Dice::new(seed);
    let Some(base) = kind.base() else { return };
    let mut voyage = Voyage::that_dies_first(base, kind.schema(), seed, RECORDS / 5);
    let (mut deaths, mut died_at) = (0, vec![kind.schema()]);
    let names = || NAMES.iter().copied().filter(|name| kind.passes(name));
    for name in names() {
        let some = 1 + dice.roll(4);
        // A name that the one sync does not pass (a checkpoint, a resume state) is passed by the other.
        let attempts: Vec<_> = if dice::is_long() { vec![1, 2, 3, 5, 9] } else { vec![some, 1] }
            .into_iter()
            .flat_map(|passing| Sync::BOTH.map(|sync| (sync, passing)))
            .collect();
        for (sync, passing) in attempts {
            voyage.upstream_changes();
            if name == "scan:closed-other" {
                // Without its checkpoint the next walk starts over, and closes the scan that this one leaves open.
                voyage.run_and(Sync::ByHand, Blow::Failpoint("page:records", 1));
            }
            let died = voyage.run_and(sync, Blow::Failpoint(name, passing));
            voyage.reader_reads(1);
            voyage.complete(sync);
            voyage.verify_counters(sync);
            voyage.verify(sync);
            if died {
                deaths += 1;
                died_at.push(name);
                if !dice::is_long() {
                    break;
                }
            }
        }
    }
    let forgotten: Vec<_> = names().filter(|name| !died_at.contains(name)).collect();
    assert!(forgotten.is_empty(), "nobody died at {forgotten:?}");
    println!("{kind:?}: {deaths} deaths at {} failpoints: 0 lost, 0 doubled", names().count());
}
