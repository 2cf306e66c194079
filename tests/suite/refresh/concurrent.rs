//! Concurrent requests: 200 requests of one process, or of two processes on one database, make exactly one token
//! request.

use std::time::Duration;

use nango_tests::{
    DatabaseKind,
    oauth::{AuthServerKind, RequestCounts, TokenResponse},
};

use super::fixture::{EXPIRED, EXPIRES_IN_AN_HOUR, Fixture, RequestOutcomes, run_concurrently};
use crate::slow_tests::SlowTest;

const CONCURRENT_REQUESTS: usize = 200;
/// Long enough for the requests of two processes to overlap.
const SLOW_RESPONSE: TokenResponse = TokenResponse::Delayed(Duration::from_millis(700));

fn for_each_fixture(client: &'static str, mut test: impl FnMut(&Fixture, usize)) {
    for kind in DatabaseKind::BOTH {
        for server_kind in AuthServerKind::BOTH {
            for processes in [1, 2] {
                let Some(fixture) = Fixture::with_client(server_kind, kind, client, 7200) else { return };
                println!("{kind:?}, {server_kind:?}, {processes} processes");
                test(&fixture, processes);
            }
        }
    }
}

#[test]
fn concurrent_requests_with_expired_token_share_one_token_request() {
    for_each_fixture("basic", |fixture, processes| {
        let first = fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&SLOW_RESPONSE);
        let outcomes = fixture.send_concurrently(processes, CONCURRENT_REQUESTS / processes);
        assert_eq!(outcomes, RequestOutcomes { succeeded: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200]);
        let RequestCounts { accepted, refused } = fixture.api.request_counts();
        assert_eq!((accepted, refused), (CONCURRENT_REQUESTS, 0), "no request used the expired token");
        assert!(!fixture.oauth.is_current(&first.access_token));
    });
}

#[test]
fn concurrent_requests_refused_with_revoked_token_share_one_token_request() {
    for_each_fixture("post", |fixture, processes| {
        let first = fixture.connect(EXPIRES_IN_AN_HOUR);
        fixture.oauth.revoke(&first.access_token);
        // One request starts a refresh; meanwhile the others are refused with the old token.
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(2)));
        let outcomes = fixture.send_concurrently(processes, CONCURRENT_REQUESTS / processes);
        assert_eq!(outcomes, RequestOutcomes { succeeded: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200]);
        let RequestCounts { accepted, refused } = fixture.api.request_counts();
        // Requests of a second process that starts late may use the new token.
        let at_least = CONCURRENT_REQUESTS / processes;
        assert!(
            accepted == CONCURRENT_REQUESTS && (at_least..=CONCURRENT_REQUESTS).contains(&refused),
            "{refused} were refused"
        );
    });
}

#[test]
fn concurrent_requests_with_client_credentials_share_one_token_request() {
    for_each_fixture("basic", |fixture, processes| {
        fixture.connect_client();
        fixture.oauth.set_next_response(&SLOW_RESPONSE);
        let outcomes = fixture.send_concurrently(processes, CONCURRENT_REQUESTS / processes);
        assert_eq!(outcomes, RequestOutcomes { succeeded: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        let requests = fixture.oauth.token_requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        assert_eq!(requests[0].grant_type.as_deref(), Some("client_credentials"));
        let RequestCounts { accepted, refused } = fixture.api.request_counts();
        assert_eq!((accepted, refused), (CONCURRENT_REQUESTS, 0));
    });
}

/// Without this rule, a token whose lifetime is below the refresh margin would be refreshed for each request.
#[test]
fn token_with_lifetime_below_refresh_margin_is_refreshed_once() {
    for server_kind in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::with_client(server_kind, DatabaseKind::Sqlite, "basic", 300) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&SLOW_RESPONSE);
        let outcomes = fixture.send_concurrently(1, CONCURRENT_REQUESTS);
        assert_eq!(outcomes, RequestOutcomes { succeeded: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200], "{server_kind:?}");
    }
}

/// Each refresh invalidates the rotating server's refresh token, so that a token that was not stored fails the next
/// refresh.
#[test]
fn repeated_refreshes_store_every_rotated_token() {
    for server_kind in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(server_kind, DatabaseKind::Sqlite) else { return };
        let mut current = fixture.connect(EXPIRES_IN_AN_HOUR).access_token;
        for n in 1..=4 {
            fixture.oauth.revoke(&current);
            assert_eq!(fixture.send_one(), Ok(()), "{server_kind:?}, refresh {n}");
            assert_eq!(fixture.token_request_statuses(), vec![200; n]);
            current = fixture.stored_access_token();
            assert!(fixture.oauth.is_current(&current));
        }
        fixture.assert_no_secret_in_files();
    }
}

#[test]
fn concurrent_requests_of_several_connections_make_one_token_request_each() {
    for kind in DatabaseKind::BOTH {
        let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
        let ids = ["acme", "bolt", "coil", "dune"];
        for id in ids {
            fixture.connect_as(id, EXPIRED);
        }
        let outcomes = fixture.send_concurrently_for(&ids, 50);
        assert_eq!(outcomes, RequestOutcomes { succeeded: 200, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200; 4], "{kind:?}: one per connection");
    }
}

/// A refresh that is forced while another one is in flight may need its own token request, if it was forced after that
/// request was sent.
#[test]
fn concurrent_forced_refreshes_share_a_token_request() {
    for server_kind in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(server_kind, DatabaseKind::Sqlite) else { return };
        let first = fixture.connect(EXPIRES_IN_AN_HOUR);
        fixture.oauth.set_next_response(&SLOW_RESPONSE);
        assert_eq!(
            fixture.refresh_concurrently(50),
            RequestOutcomes { succeeded: 50, errors: Vec::new() },
            "{server_kind:?}"
        );
        let requests = fixture.token_request_statuses();
        assert!((1..=2).contains(&requests.len()), "{server_kind:?}: {requests:?}");
        assert!(!fixture.oauth.is_current(&first.access_token));
        assert_eq!(fixture.send_one(), Ok(()));
    }
}

/// The response is slow enough for both processes to force a refresh before it arrives.
#[test]
fn forced_refreshes_of_two_processes_share_one_token_request() {
    for kind in DatabaseKind::BOTH {
        for server_kind in AuthServerKind::BOTH {
            let Some(fixture) = Fixture::new(server_kind, kind) else { return };
            let first = fixture.connect(EXPIRES_IN_AN_HOUR);
            fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(4)));
            assert_eq!(
                fixture.refresh_in_processes(2),
                RequestOutcomes { succeeded: 2, errors: Vec::new() },
                "{kind:?}, {server_kind:?}"
            );
            assert_eq!(fixture.token_request_statuses(), [200], "{kind:?}, {server_kind:?}");
            assert!(!fixture.oauth.is_current(&first.access_token));
        }
    }
}

/// Two processes test a connection at the same time after a failed refresh.
#[test]
fn concurrent_connection_tests_after_failure_make_one_token_request() {
    let Some(fixture) = Fixture::new(AuthServerKind::Rotating, DatabaseKind::Sqlite) else { return };
    fixture.connect(EXPIRED);
    fixture.oauth.set_next_response(&TokenResponse::error(503, "down"));
    fixture.send_one().expect_err("the server is down");
    fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(4)));
    let test = || fixture.registry.start(["connection", "test", "proof", "acme"]);
    for test in [test(), test()] {
        fixture.assert_no_secret(test.finish()).expect(0);
    }
    assert_eq!(fixture.token_request_statuses(), [503, 200]);
}

#[test]
fn processes_behind_pooler_share_one_token_request() {
    for server_kind in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(server_kind, DatabaseKind::PooledPostgres) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(4)));
        let outcomes = fixture.send_concurrently(3, 20);
        assert_eq!(outcomes, RequestOutcomes { succeeded: 60, errors: Vec::new() }, "{server_kind:?}");
        assert_eq!(fixture.token_request_statuses(), [200], "{server_kind:?}");
    }
}

/// The refresh lease is extended while the token request is in flight.
#[test]
fn refresh_longer_than_its_lease_makes_one_token_request() {
    SlowTest::RefreshOutlastsLease.run();
}

pub(crate) fn check_refresh_outlasts_lease() {
    run_concurrently(DatabaseKind::BOTH.to_vec(), |kind| {
        let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(22)));
        let outcomes = fixture.send_concurrently(2, 5);
        assert_eq!(outcomes, RequestOutcomes { succeeded: 10, errors: Vec::new() }, "{kind:?}");
        assert_eq!(fixture.token_request_statuses(), [200], "{kind:?}");
    });
}

/// An API that refuses every token does not cause repeated token requests.
#[test]
fn api_that_refuses_new_token_causes_one_token_request() {
    for server_kind in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(server_kind, DatabaseKind::Sqlite) else { return };
        fixture.connect(EXPIRES_IN_AN_HOUR);
        fixture.api.refuse_all();
        let outcomes = fixture.send_concurrently(1, 50);
        assert!(
            outcomes.succeeded == 0 && outcomes.errors.iter().all(|error| error.contains("401")),
            "{server_kind:?}: {outcomes:?}"
        );
        assert_eq!(fixture.token_request_statuses(), [200], "{server_kind:?}");
    }
}
