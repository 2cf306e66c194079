//! A process that dies while it renews a token: the connection recovers, or says plainly that it must be made again.
//!
//! Whoever comes next waits until the turn of the dead one has ended, so the cases are tried at the same time.

use std::time::{Duration, Instant};

use nango_tests::{
    faketime::Shifted,
    oauth::{Answer, Peer},
};

use crate::ahead::Waiting;

use super::stage::{Kind, LATER, PAST, Stage, at_the_same_time, must_be_made_again};

fn stages() -> impl Iterator<Item = (Kind, Peer)> {
    Kind::BOTH.into_iter().flat_map(|kind| Peer::BOTH.map(|peer| (kind, peer)))
}

/// How far the server and the connection are when a process dies at a place.
#[cfg(debug_assertions)]
fn asked_and_stored(place: &str) -> (bool, bool) {
    match place {
        "refresh:before-request" => (false, false),
        "refresh:answered" => (true, false),
        "refresh:stored" => (true, true),
        other => panic!("a new place: say how far it is at {other}"),
    }
}

#[cfg(debug_assertions)]
#[test]
fn killed_at_every_step_it_recovers() {
    Waiting::AtEveryStep.run();
}

#[cfg(debug_assertions)]
pub(crate) fn at_every_step() {
    use nango_core::store::failpoint::NAMES;

    let places = NAMES.iter().copied().filter(|name| name.starts_with("refresh:"));
    let cases = places.flat_map(|place| stages().map(move |(kind, peer)| (place, kind, peer)));
    at_the_same_time(cases.collect(), |(place, kind, peer)| {
        let Some(stage) = Stage::new(peer, kind) else { return };
        let what = format!("{kind:?}, {peer:?}, {place}");
        let (asked, stored) = asked_and_stored(place);
        stage.connect(PAST);
        assert!(stage.ask_and_die(place), "{what}: nobody passed");
        assert_eq!(stage.statuses(), vec![200; usize::from(asked)], "{what}");
        let lost = asked && !stored && peer == Peer::Rotating;
        check_afterwards(&stage, lost, &what);
        let requests = if stored { 1 } else { 1 + usize::from(asked) };
        assert_eq!(stage.statuses().len(), requests, "{what}");
    });
}

/// From outside: SIGKILL while the server's answer is on its way.
#[test]
fn killed_while_the_answer_is_on_its_way_it_recovers() {
    Waiting::WhileTheAnswerIsOnItsWay.run();
}

pub(crate) fn while_the_answer_is_on_its_way() {
    at_the_same_time(stages().collect(), |(kind, peer)| {
        let Some(stage) = Stage::new(peer, kind) else { return };
        stage.connect(PAST);
        stage.oauth.next(&Answer::Slow(Duration::from_secs(20)));
        let mut running = stage.start();
        running.wait_until("the server did its work", |_| stage.statuses() == [200]);
        running.kill_now();
        assert_eq!(running.finish().status, None);
        check_afterwards(&stage, peer == Peer::Rotating, &format!("{kind:?}, {peer:?}"));
        assert_eq!(stage.statuses().len(), 2);
    });
}

/// The turn of the dead one seems to last for decades.
#[test]
fn killed_under_a_clock_that_ran_ahead_it_recovers() {
    let Some(shifted) = Shifted::decades_ahead() else { return };
    let Some(stage) = Stage::new(Peer::Lasting, Kind::Sqlite) else { return };
    stage.connect(PAST);
    stage.oauth.next(&Answer::Slow(Duration::from_secs(20)));
    let mut running = stage.start_with(&shifted.variables());
    running.wait_until("the server did its work", |_| stage.statuses() == [200]);
    running.kill_now();
    running.finish();
    let started = Instant::now();
    assert_eq!(stage.ask(), Ok(()));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(stage.statuses(), [200, 200]);
}

/// Ctrl-C ends the run, and not the renewal: its answer may be the only way to the next token.
#[test]
fn a_person_who_stops_a_run_loses_no_token() {
    for (kind, peer) in stages() {
        let Some(stage) = Stage::new(peer, kind) else { return };
        stage.connect(PAST);
        stage.oauth.next(&Answer::Slow(Duration::from_secs(2)));
        let mut running = stage.start();
        running.wait_until("the server did its work", |_| stage.statuses() == [200]);
        running.interrupt();
        // The action counts its requests, whatever ends them.
        assert_eq!(running.finish().expect(0).json()["output"]["answered"], 0, "{kind:?}, {peer:?}");
        assert_eq!(stage.ask(), Ok(()), "{kind:?}, {peer:?}");
        assert_eq!(stage.statuses(), [200], "{kind:?}, {peer:?}: the answer was kept");
    }
}

/// What the next ones find: all is well; or the connection is to be made again, which is told, and helps.
#[track_caller]
fn check_afterwards(stage: &Stage, lost: bool, what: &str) {
    let started = Instant::now();
    let asked = stage.crowd(2, 10);
    // The lease of a renewal is 15 s, and no process is alive to extend it.
    assert!(started.elapsed() < Duration::from_secs(35), "{what}: {:?}", started.elapsed());
    if lost {
        assert_eq!(asked.answered, 0, "{what}");
        assert!(asked.errors.iter().all(|error| must_be_made_again(error)), "{what}: {asked:?}");
        stage.connect(LATER);
        assert_eq!(stage.ask(), Ok(()), "{what}");
    } else {
        assert_eq!((asked.answered, asked.errors), (20, Vec::new()), "{what}");
    }
}
