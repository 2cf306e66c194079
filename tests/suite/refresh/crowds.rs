//! Two hundred requests at once, of one process and of two on one database, make exactly one token request.

use std::time::Duration;

use nango_tests::oauth::{Answer, Peer, Seen};

use super::stage::{Crowded, Kind, LATER, PAST, Stage, at_the_same_time};
use crate::ahead::Waiting;

const CROWD: usize = 200;
/// Long enough for two processes to meet.
const SLOW: Answer = Answer::Slow(Duration::from_millis(700));

fn every_stage(client: &'static str, mut test: impl FnMut(&Stage, usize)) {
    for kind in Kind::BOTH {
        for peer in Peer::BOTH {
            for processes in [1, 2] {
                let Some(stage) = Stage::with(peer, kind, client, 7200) else { return };
                println!("{kind:?}, {peer:?}, {processes} processes");
                test(&stage, processes);
            }
        }
    }
}

#[test]
fn at_expiry() {
    every_stage("basic", |stage, processes| {
        let first = stage.connect(PAST);
        stage.oauth.next(&SLOW);
        let crowd = stage.crowd(processes, CROWD / processes);
        assert_eq!(crowd, Crowded { answered: CROWD as u64, errors: Vec::new() });
        assert_eq!(stage.statuses(), [200]);
        let Seen { accepted, refused } = stage.api.seen();
        assert_eq!((accepted, refused), (CROWD, 0), "nobody used the token that had ended");
        assert!(!stage.oauth.is_current(&first.access_token));
    });
}

#[test]
fn after_a_refusal() {
    every_stage("post", |stage, processes| {
        let first = stage.connect(LATER);
        stage.oauth.revoke(&first.access_token);
        // One asks for a new token, and meanwhile the others are refused with the old one.
        stage.oauth.next(&Answer::Slow(Duration::from_secs(2)));
        let crowd = stage.crowd(processes, CROWD / processes);
        assert_eq!(crowd, Crowded { answered: CROWD as u64, errors: Vec::new() });
        assert_eq!(stage.statuses(), [200]);
        let Seen { accepted, refused } = stage.api.seen();
        // A second process that begins late may find the new token.
        let at_least = CROWD / processes;
        assert!(accepted == CROWD && (at_least..=CROWD).contains(&refused), "{refused} were refused");
    });
}

#[test]
fn with_client_credentials() {
    every_stage("basic", |stage, processes| {
        stage.connect_client();
        stage.oauth.next(&SLOW);
        let crowd = stage.crowd(processes, CROWD / processes);
        assert_eq!(crowd, Crowded { answered: CROWD as u64, errors: Vec::new() });
        let requests = stage.oauth.token_requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        assert_eq!(requests[0].grant.as_deref(), Some("client_credentials"));
        let Seen { accepted, refused } = stage.api.seen();
        assert_eq!((accepted, refused), (CROWD, 0));
    });
}

/// A token that lives shorter than the time before its end at which one is renewed would else be renewed for each request.
#[test]
fn of_a_token_that_never_lives_long() {
    for peer in Peer::BOTH {
        let Some(stage) = Stage::with(peer, Kind::Sqlite, "basic", 300) else { return };
        stage.connect(PAST);
        stage.oauth.next(&SLOW);
        let crowd = stage.crowd(1, CROWD);
        assert_eq!(crowd, Crowded { answered: CROWD as u64, errors: Vec::new() });
        assert_eq!(stage.statuses(), [200], "{peer:?}");
    }
}

/// Each refresh of the rotating server ends its token, so that one that was not stored would be missed at once.
#[test]
fn again_and_again() {
    for peer in Peer::BOTH {
        let Some(stage) = Stage::new(peer, Kind::Sqlite) else { return };
        let mut current = stage.connect(LATER).access_token;
        for n in 1..=4 {
            stage.oauth.revoke(&current);
            assert_eq!(stage.ask(), Ok(()), "{peer:?}, refresh {n}");
            assert_eq!(stage.statuses(), vec![200; n]);
            current = stage.token();
            assert!(stage.oauth.is_current(&current));
        }
        stage.no_secret_in_files();
    }
}

#[test]
fn of_several_connections() {
    for kind in Kind::BOTH {
        let Some(stage) = Stage::new(Peer::Rotating, kind) else { return };
        let ids = ["acme", "bolt", "coil", "dune"];
        for id in ids {
            stage.connect_as(id, PAST);
        }
        let crowd = stage.crowd_of(&ids, 50);
        assert_eq!(crowd, Crowded { answered: 200, errors: Vec::new() });
        assert_eq!(stage.statuses(), [200; 4], "{kind:?}: one each");
    }
}

/// Who asks for a new token while one is on its way may have asked after that one's request left, and so needs another.
#[test]
fn who_ask_for_a_new_token_share_it() {
    for peer in Peer::BOTH {
        let Some(stage) = Stage::new(peer, Kind::Sqlite) else { return };
        let first = stage.connect(LATER);
        stage.oauth.next(&SLOW);
        assert_eq!(stage.renew(50), Crowded { answered: 50, errors: Vec::new() }, "{peer:?}");
        let requests = stage.statuses();
        assert!((1..=2).contains(&requests.len()), "{peer:?}: {requests:?}");
        assert!(!stage.oauth.is_current(&first.access_token));
        assert_eq!(stage.ask(), Ok(()));
    }
}

/// The answer is slow enough for both to have asked before it comes.
#[test]
fn processes_that_ask_for_a_new_token_at_the_same_time_share_it() {
    for kind in Kind::BOTH {
        for peer in Peer::BOTH {
            let Some(stage) = Stage::new(peer, kind) else { return };
            let first = stage.connect(LATER);
            stage.oauth.next(&Answer::Slow(Duration::from_secs(4)));
            assert_eq!(stage.renew_in(2), Crowded { answered: 2, errors: Vec::new() }, "{kind:?}, {peer:?}");
            assert_eq!(stage.statuses(), [200], "{kind:?}, {peer:?}");
            assert!(!stage.oauth.is_current(&first.access_token));
        }
    }
}

/// A connection that must be made again, which two persons test at the same time.
#[test]
fn tests_of_a_failed_connection_at_the_same_time_make_one_request() {
    let Some(stage) = Stage::new(Peer::Rotating, Kind::Sqlite) else { return };
    stage.connect(PAST);
    stage.oauth.next(&Answer::refused(503, "down"));
    stage.ask().expect_err("the server is down");
    stage.oauth.next(&Answer::Slow(Duration::from_secs(4)));
    let test = || stage.registry.start(["connection", "test", "proof", "acme"]);
    for test in [test(), test()] {
        stage.no_secret(test.finish()).expect(0);
    }
    assert_eq!(stage.statuses(), [503, 200]);
}

#[test]
fn through_a_pooler() {
    for peer in Peer::BOTH {
        let Some(stage) = Stage::new(peer, Kind::Pooled) else { return };
        stage.connect(PAST);
        stage.oauth.next(&Answer::Slow(Duration::from_secs(4)));
        let crowd = stage.crowd(3, 20);
        assert_eq!(crowd, Crowded { answered: 60, errors: Vec::new() }, "{peer:?}");
        assert_eq!(stage.statuses(), [200], "{peer:?}");
    }
}

/// Its lease is extended while its request is on its way.
#[test]
fn renewal_that_takes_longer_than_its_lease_is_one_request() {
    Waiting::ARenewalThatIsSlow.run();
}

pub(crate) fn a_renewal_is_slow() {
    at_the_same_time(Kind::BOTH.to_vec(), |kind| {
        let Some(stage) = Stage::new(Peer::Rotating, kind) else { return };
        stage.connect(PAST);
        stage.oauth.next(&Answer::Slow(Duration::from_secs(22)));
        let crowd = stage.crowd(2, 5);
        assert_eq!(crowd, Crowded { answered: 10, errors: Vec::new() }, "{kind:?}");
        assert_eq!(stage.statuses(), [200], "{kind:?}");
    });
}

/// An API that takes no token at all does not make the authorization server work.
#[test]
fn before_an_api_that_refuses_new_tokens_too() {
    for peer in Peer::BOTH {
        let Some(stage) = Stage::new(peer, Kind::Sqlite) else { return };
        stage.connect(LATER);
        stage.api.refuse_all();
        let crowd = stage.crowd(1, 50);
        assert!(crowd.answered == 0 && crowd.errors.iter().all(|error| error.contains("401")), "{peer:?}: {crowd:?}");
        assert_eq!(stage.statuses(), [200], "{peer:?}");
    }
}
