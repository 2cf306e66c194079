//! Processes killed during a token refresh: the connection recovers, or reports that it must be connected again.
//!
//! The next process waits until the refresh lease of the killed one expires, so the cases run at the same time.

use std::time::{Duration, Instant};

use nango_tests::{
    DatabaseKind,
    faketime::ShiftedClock,
    oauth::{AuthServerKind, TokenResponse},
};

use crate::slow_tests::SlowTest;

use super::fixture::{EXPIRED, EXPIRES_IN_AN_HOUR, Fixture, requires_reconnect, run_concurrently};

fn database_and_server_kinds() -> impl Iterator<Item = (DatabaseKind, AuthServerKind)> {
    DatabaseKind::BOTH.into_iter().flat_map(|kind| AuthServerKind::BOTH.map(|server_kind| (kind, server_kind)))
}

/// Returns whether the token request was sent and whether the new token was stored when a process is killed at a
/// failpoint.
#[cfg(debug_assertions)]
fn request_sent_and_token_stored(failpoint: &str) -> (bool, bool) {
    match failpoint {
        "refresh:before-request" => (false, false),
        "refresh:answered" => (true, false),
        "refresh:stored" => (true, true),
        other => panic!("add the new failpoint {other} to this list"),
    }
}

#[cfg(debug_assertions)]
#[test]
fn connection_recovers_after_kill_at_every_refresh_failpoint() {
    SlowTest::KilledAtRefreshFailpoints.run();
}

#[cfg(debug_assertions)]
pub(crate) fn check_kill_at_refresh_failpoints() {
    use nango_core::internal::store::failpoint::NAMES;

    let failpoints = NAMES.iter().copied().filter(|name| name.starts_with("refresh:"));
    let cases = failpoints.flat_map(|failpoint| {
        database_and_server_kinds().map(move |(kind, server_kind)| (failpoint, kind, server_kind))
    });
    run_concurrently(cases.collect(), |(failpoint, kind, server_kind)| {
        let Some(fixture) = Fixture::new(server_kind, kind) else { return };
        let case = format!("{kind:?}, {server_kind:?}, {failpoint}");
        let (request_sent, token_stored) = request_sent_and_token_stored(failpoint);
        fixture.connect(EXPIRED);
        assert!(fixture.send_and_die_at(failpoint), "{case}: the process was not killed");
        assert_eq!(fixture.token_request_statuses(), vec![200; usize::from(request_sent)], "{case}");
        let lost = request_sent && !token_stored && server_kind == AuthServerKind::Rotating;
        verify_recovery(&fixture, lost, &case);
        let requests = if token_stored { 1 } else { 1 + usize::from(request_sent) };
        assert_eq!(fixture.token_request_statuses().len(), requests, "{case}");
    });
}

/// Sends SIGKILL while the token response is in flight.
#[test]
fn connection_recovers_after_kill_during_token_response() {
    SlowTest::KilledDuringTokenResponse.run();
}

pub(crate) fn check_kill_during_token_response() {
    run_concurrently(database_and_server_kinds().collect(), |(kind, server_kind)| {
        let Some(fixture) = Fixture::new(server_kind, kind) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(20)));
        let mut running = fixture.start();
        running.wait_until("the server has issued a token", |_| fixture.token_request_statuses() == [200]);
        running.kill_now();
        assert_eq!(running.finish().status, None);
        verify_recovery(&fixture, server_kind == AuthServerKind::Rotating, &format!("{kind:?}, {server_kind:?}"));
        assert_eq!(fixture.token_request_statuses().len(), 2);
    });
}

/// The refresh lease of the killed process seems to last for decades.
#[test]
fn connection_recovers_after_kill_of_process_with_future_clock() {
    let Some(shifted) = ShiftedClock::decades_ahead() else { return };
    let Some(fixture) = Fixture::new(AuthServerKind::NonRotating, DatabaseKind::Sqlite) else { return };
    fixture.connect(EXPIRED);
    fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(20)));
    let mut running = fixture.start_with_env(&shifted.environment());
    running.wait_until("the server has issued a token", |_| fixture.token_request_statuses() == [200]);
    running.kill_now();
    running.finish();
    let started = Instant::now();
    assert_eq!(fixture.send_one(), Ok(()));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(fixture.token_request_statuses(), [200, 200]);
}

/// Ctrl-C ends the run, but not the refresh: the response may contain the only copy of the next refresh token.
#[test]
fn interrupted_run_stores_refreshed_token() {
    for (kind, server_kind) in database_and_server_kinds() {
        let Some(fixture) = Fixture::new(server_kind, kind) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(2)));
        let mut running = fixture.start();
        running.wait_until("the server has issued a token", |_| fixture.token_request_statuses() == [200]);
        running.interrupt();
        // The action reports the number of its successful requests, even when it is interrupted.
        assert_eq!(running.finish().expect(0).json()["output"]["succeeded"], 0, "{kind:?}, {server_kind:?}");
        assert_eq!(fixture.send_one(), Ok(()), "{kind:?}, {server_kind:?}");
        assert_eq!(fixture.token_request_statuses(), [200], "{kind:?}, {server_kind:?}: the response was stored");
    }
}

/// Verifies the state that later processes find: requests succeed, or the connection must be connected again, which is
/// reported and works.
#[track_caller]
fn verify_recovery(fixture: &Fixture, lost: bool, case: &str) {
    let started = Instant::now();
    let outcomes = fixture.send_concurrently(2, 10);
    // A refresh lease lasts 15 s, and no process extends it any more.
    assert!(started.elapsed() < Duration::from_secs(35), "{case}: {:?}", started.elapsed());
    if lost {
        assert_eq!(outcomes.succeeded, 0, "{case}");
        assert!(outcomes.errors.iter().all(|error| requires_reconnect(error)), "{case}: {outcomes:?}");
        fixture.connect(EXPIRES_IN_AN_HOUR);
        assert_eq!(fixture.send_one(), Ok(()), "{case}");
    } else {
        assert_eq!((outcomes.succeeded, outcomes.errors), (20, Vec::new()), "{case}");
    }
}
