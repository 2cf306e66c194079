//! A process that dies while it renews a token: the connection recovers, or says plainly that it must be made again.
//!
//! Whoever comes next waits until the turn of the dead one has ended, so the cases are tried at the same time.

use std::time::{Duration, Instant};

use nango_tests::{
    faketime::ShiftedClock,
    oauth::{AuthServerKind, TokenResponse},
};

use crate::slow_tests::SlowTest;

use super::fixture::{DatabaseKind, EXPIRED, EXPIRES_IN_AN_HOUR, Fixture, requires_reconnect, run_concurrently};

fn database_and_server_kinds() -> impl Iterator<Item = (DatabaseKind, AuthServerKind)> {
    DatabaseKind::WITHOUT_POOLER.into_iter().flat_map(|kind| AuthServerKind::BOTH.map(|peer| (kind, peer)))
}

/// How far the server and the connection are when a process dies at a place.
#[cfg(debug_assertions)]
fn request_sent_and_token_stored(failpoint: &str) -> (bool, bool) {
    match failpoint {
        "refresh:before-request" => (false, false),
        "refresh:answered" => (true, false),
        "refresh:stored" => (true, true),
        other => panic!("a new place: say how far it is at {other}"),
    }
}

#[cfg(debug_assertions)]
#[test]
fn connection_recovers_after_kill_at_every_refresh_failpoint() {
    SlowTest::KilledAtRefreshFailpoints.run();
}

#[cfg(debug_assertions)]
pub(crate) fn check_kill_at_refresh_failpoints() {
    use nango_core::store::failpoint::NAMES;

    let failpoints = NAMES.iter().copied().filter(|name| name.starts_with("refresh:"));
    let cases =
        failpoints.flat_map(|failpoint| database_and_server_kinds().map(move |(kind, peer)| (failpoint, kind, peer)));
    run_concurrently(cases.collect(), |(failpoint, kind, peer)| {
        let Some(fixture) = Fixture::new(peer, kind) else { return };
        let what = format!("{kind:?}, {peer:?}, {failpoint}");
        let (request_sent, token_stored) = request_sent_and_token_stored(failpoint);
        fixture.connect(EXPIRED);
        assert!(fixture.send_and_die_at(failpoint), "{what}: nobody passed");
        assert_eq!(fixture.token_request_statuses(), vec![200; usize::from(request_sent)], "{what}");
        let lost = request_sent && !token_stored && peer == AuthServerKind::Rotating;
        verify_recovery(&fixture, lost, &what);
        let requests = if token_stored { 1 } else { 1 + usize::from(request_sent) };
        assert_eq!(fixture.token_request_statuses().len(), requests, "{what}");
    });
}

/// From outside: SIGKILL while the server's answer is on its way.
#[test]
fn connection_recovers_after_kill_during_token_response() {
    SlowTest::KilledDuringTokenResponse.run();
}

pub(crate) fn check_kill_during_token_response() {
    run_concurrently(database_and_server_kinds().collect(), |(kind, peer)| {
        let Some(fixture) = Fixture::new(peer, kind) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(20)));
        let mut running = fixture.start();
        running.wait_until("the server did its work", |_| fixture.token_request_statuses() == [200]);
        running.kill_now();
        assert_eq!(running.finish().status, None);
        verify_recovery(&fixture, peer == AuthServerKind::Rotating, &format!("{kind:?}, {peer:?}"));
        assert_eq!(fixture.token_request_statuses().len(), 2);
    });
}

/// The turn of the dead one seems to last for decades.
#[test]
fn connection_recovers_after_kill_of_process_with_future_clock() {
    let Some(shifted) = ShiftedClock::decades_ahead() else { return };
    let Some(fixture) = Fixture::new(AuthServerKind::NonRotating, DatabaseKind::Sqlite) else { return };
    fixture.connect(EXPIRED);
    fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(20)));
    let mut running = fixture.start_with_env(&shifted.environment());
    running.wait_until("the server did its work", |_| fixture.token_request_statuses() == [200]);
    running.kill_now();
    running.finish();
    let started = Instant::now();
    assert_eq!(fixture.send_one(), Ok(()));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(fixture.token_request_statuses(), [200, 200]);
}

/// Ctrl-C ends the run, and not the renewal: its answer may be the only way to the next token.
#[test]
fn interrupted_run_stores_the_refreshed_token() {
    for (kind, peer) in database_and_server_kinds() {
        let Some(fixture) = Fixture::new(peer, kind) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(2)));
        let mut running = fixture.start();
        running.wait_until("the server did its work", |_| fixture.token_request_statuses() == [200]);
        running.interrupt();
        // The action counts its requests, whatever ends them.
        assert_eq!(running.finish().expect(0).json()["output"]["succeeded"], 0, "{kind:?}, {peer:?}");
        assert_eq!(fixture.send_one(), Ok(()), "{kind:?}, {peer:?}");
        assert_eq!(fixture.token_request_statuses(), [200], "{kind:?}, {peer:?}: the answer was kept");
    }
}

/// What the next ones find: all is well; or the connection is to be made again, which is told, and helps.
#[track_caller]
fn verify_recovery(fixture: &Fixture, lost: bool, what: &str) {
    let started = Instant::now();
    let outcomes = fixture.send_concurrently(2, 10);
    // The lease of a renewal is 15 s, and no process is alive to extend it.
    assert!(started.elapsed() < Duration::from_secs(35), "{what}: {:?}", started.elapsed());
    if lost {
        assert_eq!(outcomes.answered, 0, "{what}");
        assert!(outcomes.errors.iter().all(|error| requires_reconnect(error)), "{what}: {outcomes:?}");
        fixture.connect(EXPIRES_IN_AN_HOUR);
        assert_eq!(fixture.send_one(), Ok(()), "{what}");
    } else {
        assert_eq!((outcomes.answered, outcomes.errors), (20, Vec::new()), "{what}");
    }
}
