//! Token refresh during a dry run: the refreshed token is stored in the real database, although the dry run itself
//! leaves nothing there. A rotating server accepts the replaced refresh token no more, so that a token that is lost
//! with the dry run would disconnect the connection.

use nango_tests::{DatabaseKind, oauth::AuthServerKind};

use super::fixture::{EXPIRED, Fixture, RequestOutcomes};

#[test]
fn token_refreshed_in_dry_run_is_stored_in_real_database() {
    for kind in DatabaseKind::BOTH {
        for server_kind in AuthServerKind::BOTH {
            let Some(fixture) = Fixture::new(server_kind, kind) else { return };
            let first = fixture.connect(EXPIRED);
            let outcomes = fixture.send_one_in_dry_run();
            assert_eq!(
                outcomes,
                RequestOutcomes { succeeded: 1, errors: Vec::new() },
                "{kind:?}, {server_kind:?}: the dry run uses the refreshed token"
            );
            assert_eq!(fixture.token_request_statuses(), [200], "{kind:?}, {server_kind:?}");
            let stored = fixture.stored_access_token();
            assert!(
                stored != first.access_token && fixture.oauth.is_current(&stored),
                "{kind:?}, {server_kind:?}: the refreshed token is stored"
            );
            assert_eq!(fixture.stored_runs(), 0, "{kind:?}, {server_kind:?}: the dry run is not stored");
            assert_eq!(fixture.send_one(), Ok(()), "{kind:?}, {server_kind:?}");
            assert_eq!(
                fixture.token_request_statuses(),
                [200],
                "{kind:?}, {server_kind:?}: the next run uses the stored token"
            );
        }
    }
}
