//! What goes wrong at the authorization server: it is told, it is not asked again and again, and the connection recovers
//! or must be made again.

use std::{thread, time::Duration};

use nango_tests::oauth::{AuthServerKind, TokenResponse};

use crate::slow_tests::SlowTest;

use super::fixture::{
    DatabaseKind, EXPIRED, EXPIRES_IN_AN_HOUR, FIRST_BACKOFF, Fixture, TOKEN_TIMEOUT, requires_reconnect,
    run_concurrently,
};

const SERVICE_UNAVAILABLE: TokenResponse = TokenResponse::error(503, "down");

#[test]
fn refused_refresh_token_is_not_sent_again() {
    for kind in DatabaseKind::WITHOUT_POOLER {
        for peer in AuthServerKind::BOTH {
            let Some(fixture) = Fixture::new(peer, kind) else { return };
            fixture.connect(EXPIRED);
            fixture.oauth.set_next_response(&TokenResponse::INVALID_GRANT);
            let outcomes = fixture.send_concurrently(1, 50);
            assert!(
                outcomes.answered == 0 && outcomes.errors.iter().all(|error| requires_reconnect(error)),
                "{outcomes:?}"
            );
            let second = fixture.send_one().expect_err("it is in vain");
            assert!(requires_reconnect(&second), "{second}");
            assert_eq!(
                (fixture.token_request_statuses(), fixture.api.request_counts().accepted),
                (vec![400], 0),
                "one request, and then none"
            );
            assert_eq!(fixture.must_reconnect(), Some(true));

            fixture.connect(EXPIRES_IN_AN_HOUR);
            assert_eq!(
                (fixture.must_reconnect(), fixture.send_one()),
                (None, Ok(())),
                "a new connection is a new beginning"
            );
            assert_eq!(fixture.token_request_statuses(), [400]);
        }
    }
}

/// The others find a failure when their turn comes, and do not repeat what failed.
#[test]
fn several_processes_share_a_failure() {
    for kind in DatabaseKind::WITHOUT_POOLER {
        for refused in [TokenResponse::INVALID_GRANT, SERVICE_UNAVAILABLE] {
            let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
            fixture.connect(EXPIRED);
            fixture.oauth.set_next_response(&refused.clone().delayed_by(Duration::from_millis(800)));
            let outcomes = fixture.send_concurrently(8, 5);
            assert!(outcomes.answered == 0 && outcomes.errors.len() >= 8, "{kind:?}, {refused:?}: {outcomes:?}");
            assert_eq!(fixture.token_request_statuses().len(), 1, "{kind:?}, {refused:?}");
        }
    }
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
    for kind in DatabaseKind::WITHOUT_POOLER {
        for answer in [
            SERVICE_UNAVAILABLE,
            TokenResponse::error(500, ""),
            TokenResponse::error(200, "<html>"),
            TokenResponse::error(200, "{}"),
        ] {
            let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
            fixture.connect(EXPIRED);
            fixture.oauth.set_next_response(&answer);
            let outcomes = fixture.send_concurrently(1, 50);
            assert!(outcomes.answered == 0 && !outcomes.errors.is_empty(), "{answer:?}: {outcomes:?}");
            assert!(!outcomes.errors.iter().any(|error| requires_reconnect(error)), "{answer:?}: {outcomes:?}");
            assert_eq!(fixture.token_request_statuses().len(), 1, "{answer:?}: the crowd shares the failure");
            fixture.send_one().expect_err("it was a moment ago");
            assert_eq!(fixture.token_request_statuses().len(), 1, "{answer:?}: nobody asks so soon");
            assert_eq!(fixture.must_reconnect(), Some(false), "{answer:?}: it is told");
            assert_eq!(fixture.refresh_concurrently(1).answered, 1, "{answer:?}: who asks for it is heard at once");
            assert_eq!((fixture.must_reconnect(), fixture.send_one()), (None, Ok(())), "{answer:?}: all is well again");
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

/// A token is renewed some time before its end: what fails then harms nobody yet.
#[test]
fn a_token_that_is_still_good_is_used_while_the_server_is_down() {
    SlowTest::ValidTokenWhileServerIsDown.run();
}

pub(crate) fn check_valid_token_while_server_is_down() {
    run_concurrently(AuthServerKind::BOTH.to_vec(), |peer| {
        let Some(fixture) = Fixture::new(peer, DatabaseKind::Sqlite) else { return };
        // It is due a quarter of that time before its end.
        fixture.connect(40);
        fixture.oauth.set_next_response(&SERVICE_UNAVAILABLE);
        thread::sleep(Duration::from_secs(31));
        let outcomes = fixture.send_concurrently(1, 50);
        assert_eq!((outcomes.answered, outcomes.errors), (50, Vec::new()), "{peer:?}");
        assert_eq!(fixture.token_request_statuses(), [503]);
    });
}

/// The server did its work, and nobody saw what it gave.
#[test]
fn lost_token_response_requires_reconnect_only_with_rotating_tokens() {
    SlowTest::LostTokenResponse.run();
}

pub(crate) fn check_lost_token_response() {
    // It is tried again by itself after a while, and at once for who asks for it.
    let too_slow = TokenResponse::Delayed(TOKEN_TIMEOUT + Duration::from_secs(3));
    let lost = [
        (TokenResponse::Lost, true),
        (TokenResponse::Lost, false),
        (TokenResponse::Truncated, false),
        (too_slow, false),
    ];
    let cases =
        lost.into_iter().flat_map(|(answer, waits)| AuthServerKind::BOTH.map(|peer| (answer.clone(), waits, peer)));
    run_concurrently(cases.collect(), |(answer, waits, peer)| {
        let Some(fixture) = Fixture::new(peer, DatabaseKind::Sqlite) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&answer);
        let lost = fixture.send_one().expect_err("there is no token");
        assert!(!requires_reconnect(&lost), "{peer:?}: nobody knows yet: {lost}");
        let second = if waits {
            thread::sleep(FIRST_BACKOFF);
            fixture.send_one()
        } else {
            fixture.refresh_concurrently(1).errors.into_iter().next().map_or(Ok(()), Err)
        };
        if peer == AuthServerKind::NonRotating {
            assert_eq!(second, Ok(()), "{answer:?}");
        } else {
            let refused = second.expect_err("its refresh token was used");
            assert!(requires_reconnect(&refused), "{answer:?}: {refused}");
            fixture.connect(EXPIRES_IN_AN_HOUR);
            assert_eq!(fixture.send_one(), Ok(()));
        }
        assert_eq!(fixture.token_request_statuses().len(), 2, "{peer:?}, {answer:?}");
    });
}

#[test]
fn an_answer_that_comes_late_is_waited_for() {
    for peer in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(peer, DatabaseKind::Sqlite) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(3)));
        assert_eq!(fixture.send_concurrently(2, 10).answered, 20, "{peer:?}");
        assert_eq!(fixture.token_request_statuses(), [200]);
    }
}
