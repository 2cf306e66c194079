//! Failures of the authorization server: they are reported, they do not cause repeated token requests, and the
//! connection recovers or must be connected again.

use std::{thread, time::Duration};

use nango_tests::{
    DatabaseKind,
    oauth::{AuthServerKind, TokenResponse},
};

use crate::slow_tests::SlowTest;

use super::fixture::{
    EXPIRED, EXPIRES_IN_AN_HOUR, FIRST_BACKOFF, Fixture, TOKEN_TIMEOUT, requires_reconnect, run_concurrently,
};

const SERVICE_UNAVAILABLE: TokenResponse = TokenResponse::error(503, "down");

#[test]
fn refused_refresh_token_is_not_sent_again() {
    for kind in DatabaseKind::BOTH {
        for server_kind in AuthServerKind::BOTH {
            let Some(fixture) = Fixture::new(server_kind, kind) else { return };
            fixture.connect(EXPIRED);
            fixture.oauth.set_next_response(&TokenResponse::INVALID_GRANT);
            let outcomes = fixture.send_concurrently(1, 50);
            assert!(
                outcomes.succeeded == 0 && outcomes.errors.iter().all(|error| requires_reconnect(error)),
                "{outcomes:?}"
            );
            let second = fixture.send_one().expect_err("the grant was refused");
            assert!(requires_reconnect(&second), "{second}");
            assert_eq!(
                (fixture.token_request_statuses(), fixture.api.request_counts().accepted),
                (vec![400], 0),
                "one request, and no second one"
            );
            assert_eq!(fixture.must_reconnect(), Some(true));

            fixture.connect(EXPIRES_IN_AN_HOUR);
            assert_eq!(
                (fixture.must_reconnect(), fixture.send_one()),
                (None, Ok(())),
                "a new connection clears the failure"
            );
            assert_eq!(fixture.token_request_statuses(), [400]);
        }
    }
}

/// Processes that wait for the refresh lease find the stored failure and do not repeat the token request.
#[test]
fn processes_share_failed_token_request() {
    for kind in DatabaseKind::BOTH {
        for refused in [TokenResponse::INVALID_GRANT, SERVICE_UNAVAILABLE] {
            let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
            fixture.connect(EXPIRED);
            fixture.oauth.set_next_response(&refused.clone().delayed_by(Duration::from_millis(800)));
            let outcomes = fixture.send_concurrently(8, 5);
            assert!(outcomes.succeeded == 0 && outcomes.errors.len() >= 8, "{kind:?}, {refused:?}: {outcomes:?}");
            assert_eq!(fixture.token_request_statuses().len(), 1, "{kind:?}, {refused:?}");
        }
    }
}

#[test]
fn database_failure_during_refresh_is_reported_as_one() {
    let Some(fixture) = Fixture::new(AuthServerKind::Rotating, DatabaseKind::Sqlite) else { return };
    fixture.connect(EXPIRED);
    let database = rusqlite::Connection::open(fixture.registry.database()).expect("the database");
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON connections BEGIN SELECT RAISE(ABORT, 'refused by test'); END";
    database.execute_batch(refuse).expect("a trigger");
    let output = fixture.registry.run(["run", "proof", "raw", "--connection", "acme", "--json"]).expect(1);
    let error = &output.json()["error"];
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("the database failed") && message.contains("refused by test"), "{message}");
    assert_eq!(error["type"], "script_internal_error", "no error of the credentials: {message}");
    assert_eq!(fixture.must_reconnect(), None, "the connection needs no new credentials");
}

#[test]
fn refused_client_is_reported_with_oauth_error() {
    let Some(fixture) = Fixture::new(AuthServerKind::Rotating, DatabaseKind::Sqlite) else { return };
    fixture.connect(EXPIRED);
    fixture.oauth.set_next_response(&TokenResponse::error(401, r#"{"error":"invalid_client"}"#));
    let error = fixture.send_one().expect_err("the client is refused");
    assert!(error.contains("invalid_client"), "{error}");
    assert_eq!(fixture.token_request_statuses(), [401]);
}

#[test]
fn failed_refresh_is_not_retried_before_its_backoff_ends() {
    for kind in DatabaseKind::BOTH {
        for response in [
            SERVICE_UNAVAILABLE,
            TokenResponse::error(500, ""),
            TokenResponse::error(200, "<html>"),
            TokenResponse::error(200, "{}"),
        ] {
            let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
            fixture.connect(EXPIRED);
            fixture.oauth.set_next_response(&response);
            let outcomes = fixture.send_concurrently(1, 50);
            assert!(outcomes.succeeded == 0 && !outcomes.errors.is_empty(), "{response:?}: {outcomes:?}");
            assert!(!outcomes.errors.iter().any(|error| requires_reconnect(error)), "{response:?}: {outcomes:?}");
            assert_eq!(
                fixture.token_request_statuses().len(),
                1,
                "{response:?}: concurrent requests share the failure"
            );
            fixture.send_one().expect_err("the backoff has not ended");
            assert_eq!(fixture.token_request_statuses().len(), 1, "{response:?}: no token request during the backoff");
            assert_eq!(fixture.must_reconnect(), Some(false), "{response:?}: the failure is shown");
            assert_eq!(
                fixture.refresh_concurrently(1).succeeded,
                1,
                "{response:?}: a forced refresh ignores the backoff"
            );
            assert_eq!(
                (fixture.must_reconnect(), fixture.send_one()),
                (None, Ok(())),
                "{response:?}: the failure is cleared"
            );
        }
    }
}

#[test]
fn token_server_without_token_for_days_counts_as_refusal() {
    let Some(fixture) = Fixture::new(AuthServerKind::Rotating, DatabaseKind::Sqlite) else { return };
    let page = TokenResponse::error(404, "<html>moved</html>");
    fixture.connect(EXPIRED);
    for (days, refused) in [(0, false), (2, false), (1, true)] {
        let database = rusqlite::Connection::open(fixture.registry.database()).expect("the database");
        let earlier = "UPDATE connections SET rejected_since = rejected_since - ?1, failed_at = failed_at - ?1";
        database.execute(earlier, [i64::from(days) * 86_400_000_000 + 1]).expect("an earlier failure");
        fixture.oauth.set_next_response(&page);
        let error = fixture.send_one().expect_err("a page is no token");
        assert_eq!(requires_reconnect(&error), refused, "{days}: {error}");
        assert_eq!(fixture.must_reconnect(), Some(refused), "{days}");
    }
    assert_eq!(fixture.token_request_statuses(), [404; 3]);
}

/// A token is refreshed some time before it expires; a failure before that does not fail requests.
#[test]
fn valid_token_is_used_while_server_is_down() {
    SlowTest::ValidTokenWhileServerIsDown.run();
}

pub(crate) fn check_valid_token_while_server_is_down() {
    run_concurrently(AuthServerKind::BOTH.to_vec(), |server_kind| {
        let Some(fixture) = Fixture::new(server_kind, DatabaseKind::Sqlite) else { return };
        // The token is due for a refresh when a quarter of its lifetime remains.
        fixture.connect(40);
        fixture.oauth.set_next_response(&SERVICE_UNAVAILABLE);
        thread::sleep(Duration::from_secs(31));
        let outcomes = fixture.send_concurrently(1, 50);
        assert_eq!((outcomes.succeeded, outcomes.errors), (50, Vec::new()), "{server_kind:?}");
        assert_eq!(fixture.token_request_statuses(), [503]);
    });
}

/// The server processes the token request, but the client never receives the response.
#[test]
fn lost_token_response_requires_reconnect_only_with_rotating_tokens() {
    SlowTest::LostTokenResponse.run();
}

pub(crate) fn check_lost_token_response() {
    // A refresh is retried automatically after the backoff, and at once if it is forced.
    let too_slow = TokenResponse::Delayed(TOKEN_TIMEOUT + Duration::from_secs(3));
    let lost = [
        (TokenResponse::Lost, true),
        (TokenResponse::Lost, false),
        (TokenResponse::Truncated, false),
        (too_slow, false),
    ];
    let cases = lost.into_iter().flat_map(|(response, waits_for_backoff)| {
        AuthServerKind::BOTH.map(|server_kind| (response.clone(), waits_for_backoff, server_kind))
    });
    run_concurrently(cases.collect(), |(response, waits_for_backoff, server_kind)| {
        let Some(fixture) = Fixture::new(server_kind, DatabaseKind::Sqlite) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&response);
        let lost = fixture.send_one().expect_err("no token was received");
        assert!(!requires_reconnect(&lost), "{server_kind:?}: the outcome is unknown: {lost}");
        let second = if waits_for_backoff {
            thread::sleep(FIRST_BACKOFF);
            fixture.send_one()
        } else {
            fixture.refresh_concurrently(1).errors.into_iter().next().map_or(Ok(()), Err)
        };
        if server_kind == AuthServerKind::NonRotating {
            assert_eq!(second, Ok(()), "{response:?}");
        } else {
            let refused = second.expect_err("its refresh token was used");
            assert!(requires_reconnect(&refused), "{response:?}: {refused}");
            fixture.connect(EXPIRES_IN_AN_HOUR);
            assert_eq!(fixture.send_one(), Ok(()));
        }
        assert_eq!(fixture.token_request_statuses().len(), 2, "{server_kind:?}, {response:?}");
    });
}

#[test]
fn late_token_response_is_awaited() {
    for server_kind in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(server_kind, DatabaseKind::Sqlite) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(3)));
        assert_eq!(fixture.send_concurrently(2, 10).succeeded, 20, "{server_kind:?}");
        assert_eq!(fixture.token_request_statuses(), [200]);
    }
}
