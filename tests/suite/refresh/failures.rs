//! What goes wrong at the authorization server: it is told, it is not asked again and again, and the connection recovers
//! or must be made again.

use std::{thread, time::Duration};

use nango_tests::oauth::{Answer, Peer};

use crate::ahead::Waiting;

use super::stage::{Kind, LATER, PAST, PATIENCE, PAUSE, Stage, at_the_same_time, must_be_made_again};

const DOWN: Answer = Answer::refused(503, "down");

#[test]
fn a_refused_refresh_token_is_not_shown_again() {
    for kind in Kind::BOTH {
        for peer in Peer::BOTH {
            let Some(stage) = Stage::new(peer, kind) else { return };
            stage.connect(PAST);
            stage.oauth.next(&Answer::INVALID_GRANT);
            let crowd = stage.crowd(1, 50);
            assert!(crowd.answered == 0 && crowd.errors.iter().all(|error| must_be_made_again(error)), "{crowd:?}");
            let again = stage.ask().expect_err("it is in vain");
            assert!(must_be_made_again(&again), "{again}");
            assert_eq!((stage.statuses(), stage.api.seen().accepted), (vec![400], 0), "one request, and then none");
            assert_eq!(stage.must_reconnect(), Some(true));

            stage.connect(LATER);
            assert_eq!((stage.must_reconnect(), stage.ask()), (None, Ok(())), "a new connection is a new beginning");
            assert_eq!(stage.statuses(), [400]);
        }
    }
}

/// The others find a failure when their turn comes, and do not repeat what failed.
#[test]
fn several_processes_share_a_failure() {
    for kind in Kind::BOTH {
        for refused in [Answer::INVALID_GRANT, DOWN] {
            let Some(stage) = Stage::new(Peer::Rotating, kind) else { return };
            stage.connect(PAST);
            stage.oauth.next(&refused.clone().later(Duration::from_millis(800)));
            let crowd = stage.crowd(8, 5);
            assert!(crowd.answered == 0 && crowd.errors.len() >= 8, "{kind:?}, {refused:?}: {crowd:?}");
            assert_eq!(stage.statuses().len(), 1, "{kind:?}, {refused:?}");
        }
    }
}

#[test]
fn a_refused_client_names_what_is_wrong() {
    let Some(stage) = Stage::new(Peer::Rotating, Kind::Sqlite) else { return };
    stage.connect(PAST);
    stage.oauth.next(&Answer::refused(401, r#"{"error":"invalid_client"}"#));
    let error = stage.ask().expect_err("the client is refused");
    assert!(error.contains("invalid_client"), "{error}");
    assert_eq!(stage.statuses(), [401]);
}

#[test]
fn a_server_that_is_down_is_left_alone_for_a_while() {
    for kind in Kind::BOTH {
        for answer in [DOWN, Answer::refused(500, ""), Answer::refused(200, "<html>"), Answer::refused(200, "{}")] {
            let Some(stage) = Stage::new(Peer::Rotating, kind) else { return };
            stage.connect(PAST);
            stage.oauth.next(&answer);
            let crowd = stage.crowd(1, 50);
            assert!(crowd.answered == 0 && !crowd.errors.is_empty(), "{answer:?}: {crowd:?}");
            assert!(!crowd.errors.iter().any(|error| must_be_made_again(error)), "{answer:?}: {crowd:?}");
            assert_eq!(stage.statuses().len(), 1, "{answer:?}: the crowd shares the failure");
            stage.ask().expect_err("it was a moment ago");
            assert_eq!(stage.statuses().len(), 1, "{answer:?}: nobody asks so soon");
            assert_eq!(stage.must_reconnect(), Some(false), "{answer:?}: it is told");
            assert_eq!(stage.renew(1).answered, 1, "{answer:?}: who asks for it is heard at once");
            assert_eq!((stage.must_reconnect(), stage.ask()), (None, Ok(())), "{answer:?}: all is well again");
        }
    }
}

#[test]
fn token_server_that_gives_no_token_for_days_has_refused() {
    let Some(stage) = Stage::new(Peer::Rotating, Kind::Sqlite) else { return };
    let page = Answer::refused(404, "<html>moved</html>");
    stage.connect(PAST);
    for (days, refused) in [(0, false), (2, false), (1, true)] {
        let database = rusqlite::Connection::open(stage.registry.database()).expect("the database");
        let earlier = "UPDATE connections SET rejected_since = rejected_since - ?1, failed_at = failed_at - ?1";
        database.execute(earlier, [i64::from(days) * 86_400_000_000 + 1]).expect("an earlier failure");
        stage.oauth.next(&page);
        let error = stage.ask().expect_err("a page is no token");
        assert_eq!(must_be_made_again(&error), refused, "{days}: {error}");
        assert_eq!(stage.must_reconnect(), Some(refused), "{days}");
    }
    assert_eq!(stage.statuses(), [404; 3]);
}

/// A token is renewed some time before its end: what fails then harms nobody yet.
#[test]
fn a_token_that_is_still_good_is_used_while_the_server_is_down() {
    Waiting::ATokenThatIsStillGood.run();
}

pub(crate) fn a_token_is_still_good() {
    at_the_same_time(Peer::BOTH.to_vec(), |peer| {
        let Some(stage) = Stage::new(peer, Kind::Sqlite) else { return };
        // It is due a quarter of that time before its end.
        stage.connect(40);
        stage.oauth.next(&DOWN);
        thread::sleep(Duration::from_secs(31));
        let crowd = stage.crowd(1, 50);
        assert_eq!((crowd.answered, crowd.errors), (50, Vec::new()), "{peer:?}");
        assert_eq!(stage.statuses(), [503]);
    });
}

/// The server did its work, and nobody saw what it gave.
#[test]
fn an_answer_that_is_lost_ends_a_connection_only_where_tokens_rotate() {
    Waiting::AnAnswerThatIsLost.run();
}

pub(crate) fn an_answer_is_lost() {
    // It is tried again by itself after a while, and at once for who asks for it.
    let too_slow = Answer::Slow(PATIENCE + Duration::from_secs(3));
    let lost = [(Answer::Lost, true), (Answer::Lost, false), (Answer::Garbled, false), (too_slow, false)];
    let cases = lost.into_iter().flat_map(|(answer, waits)| Peer::BOTH.map(|peer| (answer.clone(), waits, peer)));
    at_the_same_time(cases.collect(), |(answer, waits, peer)| {
        let Some(stage) = Stage::new(peer, Kind::Sqlite) else { return };
        stage.connect(PAST);
        stage.oauth.next(&answer);
        let lost = stage.ask().expect_err("there is no token");
        assert!(!must_be_made_again(&lost), "{peer:?}: nobody knows yet: {lost}");
        let again = if waits {
            thread::sleep(PAUSE);
            stage.ask()
        } else {
            stage.renew(1).errors.into_iter().next().map_or(Ok(()), Err)
        };
        if peer == Peer::Lasting {
            assert_eq!(again, Ok(()), "{answer:?}");
        } else {
            let refused = again.expect_err("its refresh token was used");
            assert!(must_be_made_again(&refused), "{answer:?}: {refused}");
            stage.connect(LATER);
            assert_eq!(stage.ask(), Ok(()));
        }
        assert_eq!(stage.statuses().len(), 2, "{peer:?}, {answer:?}");
    });
}

#[test]
fn an_answer_that_comes_late_is_waited_for() {
    for peer in Peer::BOTH {
        let Some(stage) = Stage::new(peer, Kind::Sqlite) else { return };
        stage.connect(PAST);
        stage.oauth.next(&Answer::Slow(Duration::from_secs(3)));
        assert_eq!(stage.crowd(2, 10).answered, 20, "{peer:?}");
        assert_eq!(stage.statuses(), [200]);
    }
}
