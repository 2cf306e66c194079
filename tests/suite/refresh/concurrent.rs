//! Two hundred requests at once, of one process and of two on one database, make exactly one token request.

use std::time::Duration;

use nango_tests::oauth::{AuthServerKind, RequestCounts, TokenResponse};

use super::fixture::{DatabaseKind, EXPIRED, EXPIRES_IN_AN_HOUR, Fixture, RequestOutcomes, run_concurrently};
use crate::slow_tests::SlowTest;

const CONCURRENT_REQUESTS: usize = 200;
/// Long enough for two processes to meet.
const SLOW_RESPONSE: TokenResponse = TokenResponse::Delayed(Duration::from_millis(700));

fn for_each_fixture(client: &'static str, mut test: impl FnMut(&Fixture, usize)) {
    for kind in DatabaseKind::WITHOUT_POOLER {
        for peer in AuthServerKind::BOTH {
            for processes in [1, 2] {
                let Some(fixture) = Fixture::with_client(peer, kind, client, 7200) else { return };
                println!("{kind:?}, {peer:?}, {processes} processes");
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
        assert_eq!(outcomes, RequestOutcomes { answered: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200]);
        let RequestCounts { accepted, refused } = fixture.api.request_counts();
        assert_eq!((accepted, refused), (CONCURRENT_REQUESTS, 0), "nobody used the token that had ended");
        assert!(!fixture.oauth.is_current(&first.access_token));
    });
}

#[test]
fn concurrent_requests_refused_with_revoked_token_share_one_token_request() {
    for_each_fixture("post", |fixture, processes| {
        let first = fixture.connect(EXPIRES_IN_AN_HOUR);
        fixture.oauth.revoke(&first.access_token);
        // One asks for a new token, and meanwhile the others are refused with the old one.
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(2)));
        let outcomes = fixture.send_concurrently(processes, CONCURRENT_REQUESTS / processes);
        assert_eq!(outcomes, RequestOutcomes { answered: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200]);
        let RequestCounts { accepted, refused } = fixture.api.request_counts();
        // A second process that begins late may find the new token.
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
        assert_eq!(outcomes, RequestOutcomes { answered: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        let requests = fixture.oauth.token_requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        assert_eq!(requests[0].grant_type.as_deref(), Some("client_credentials"));
        let RequestCounts { accepted, refused } = fixture.api.request_counts();
        assert_eq!((accepted, refused), (CONCURRENT_REQUESTS, 0));
    });
}

/// A token that lives shorter than the time before its end at which one is renewed would else be renewed for each request.
#[test]
fn token_with_lifetime_below_refresh_margin_is_refreshed_once() {
    for peer in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::with_client(peer, DatabaseKind::Sqlite, "basic", 300) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&SLOW_RESPONSE);
        let outcomes = fixture.send_concurrently(1, CONCURRENT_REQUESTS);
        assert_eq!(outcomes, RequestOutcomes { answered: CONCURRENT_REQUESTS as u64, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200], "{peer:?}");
    }
}

/// Each refresh of the rotating server ends its token, so that one that was not stored would be missed at once.
#[test]
fn repeated_refreshes_store_every_rotated_token() {
    for peer in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(peer, DatabaseKind::Sqlite) else { return };
        let mut current = fixture.connect(EXPIRES_IN_AN_HOUR).access_token;
        for n in 1..=4 {
            fixture.oauth.revoke(&current);
            assert_eq!(fixture.send_one(), Ok(()), "{peer:?}, refresh {n}");
            assert_eq!(fixture.token_request_statuses(), vec![200; n]);
            current = fixture.stored_access_token();
            assert!(fixture.oauth.is_current(&current));
        }
        fixture.assert_no_secret_in_files();
    }
}

#[test]
fn concurrent_requests_of_several_connections_make_one_token_request_each() {
    for kind in DatabaseKind::WITHOUT_POOLER {
        let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
        let ids = ["acme", "bolt", "coil", "dune"];
        for id in ids {
            fixture.connect_as(id, EXPIRED);
        }
        let outcomes = fixture.send_concurrently_for(&ids, 50);
        assert_eq!(outcomes, RequestOutcomes { answered: 200, errors: Vec::new() });
        assert_eq!(fixture.token_request_statuses(), [200; 4], "{kind:?}: one each");
    }
}

/// Who asks for a new token while one is on its way may have asked after that one's request left, and so needs another.
#[test]
fn concurrent_forced_refreshes_share_a_token_request() {
    for peer in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(peer, DatabaseKind::Sqlite) else { return };
        let first = fixture.connect(EXPIRES_IN_AN_HOUR);
        fixture.oauth.set_next_response(&SLOW_RESPONSE);
        assert_eq!(fixture.refresh_concurrently(50), RequestOutcomes { answered: 50, errors: Vec::new() }, "{peer:?}");
        let requests = fixture.token_request_statuses();
        assert!((1..=2).contains(&requests.len()), "{peer:?}: {requests:?}");
        assert!(!fixture.oauth.is_current(&first.access_token));
        assert_eq!(fixture.send_one(), Ok(()));
    }
}

/// The answer is slow enough for both to have asked before it comes.
#[test]
fn forced_refreshes_of_two_processes_share_one_token_request() {
    for kind in DatabaseKind::WITHOUT_POOLER {
        for peer in AuthServerKind::BOTH {
            let Some(fixture) = Fixture::new(peer, kind) else { return };
            let first = fixture.connect(EXPIRES_IN_AN_HOUR);
            fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(4)));
            assert_eq!(
                fixture.refresh_in_processes(2),
                RequestOutcomes { answered: 2, errors: Vec::new() },
                "{kind:?}, {peer:?}"
            );
            assert_eq!(fixture.token_request_statuses(), [200], "{kind:?}, {peer:?}");
            assert!(!fixture.oauth.is_current(&first.access_token));
        }
    }
}

/// A connection that must be made again, which two persons test at the same time.
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
    for peer in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(peer, DatabaseKind::Pooled) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(4)));
        let outcomes = fixture.send_concurrently(3, 20);
        assert_eq!(outcomes, RequestOutcomes { answered: 60, errors: Vec::new() }, "{peer:?}");
        assert_eq!(fixture.token_request_statuses(), [200], "{peer:?}");
    }
}

/// Its lease is extended while its request is on its way.
#[test]
fn refresh_longer_than_its_lease_makes_one_token_request() {
    SlowTest::RefreshOutlastsLease.run();
}

pub(crate) fn check_refresh_outlasts_lease() {
    run_concurrently(DatabaseKind::WITHOUT_POOLER.to_vec(), |kind| {
        let Some(fixture) = Fixture::new(AuthServerKind::Rotating, kind) else { return };
        fixture.connect(EXPIRED);
        fixture.oauth.set_next_response(&TokenResponse::Delayed(Duration::from_secs(22)));
        let outcomes = fixture.send_concurrently(2, 5);
        assert_eq!(outcomes, RequestOutcomes { answered: 10, errors: Vec::new() }, "{kind:?}");
        assert_eq!(fixture.token_request_statuses(), [200], "{kind:?}");
    });
}

/// An API that takes no token at all does not make the authorization server work.
#[test]
fn api_that_refuses_new_token_causes_one_token_request() {
    for peer in AuthServerKind::BOTH {
        let Some(fixture) = Fixture::new(peer, DatabaseKind::Sqlite) else { return };
        fixture.connect(EXPIRES_IN_AN_HOUR);
        fixture.api.refuse_all();
        let outcomes = fixture.send_concurrently(1, 50);
        assert!(
            outcomes.answered == 0 && outcomes.errors.iter().all(|error| error.contains("401")),
            "{peer:?}: {outcomes:?}"
        );
        assert_eq!(fixture.token_request_statuses(), [200], "{peer:?}");
    }
}
