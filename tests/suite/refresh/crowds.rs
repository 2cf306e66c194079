//! Two hundred requests at once, of one process and of two on one database, make exactly one token request.

use std::time::Duration;

use nango_tests::oauth::{Answer, Peer, Seen};

use super::stage::{Crowded, Kind, LATER, PAST, Stage};

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
