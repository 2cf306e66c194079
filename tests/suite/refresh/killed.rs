//! A process that dies while it renews a token: the connection recovers, or says plainly that it must be made again.

use std::time::Duration;

use nango_tests::oauth::{Answer, Peer};

use super::stage::{Kind, Stage};

const LATER: i64 = 3600;
const PAST: i64 = -60;

/// Where a renewal may die, in the order in which they are passed, and whether the server has done its work by then.
#[cfg(debug_assertions)]
const PLACES: [(&str, bool); 3] = [("refresh:claimed", false), ("refresh:answered", true), ("refresh:stored", true)];

#[cfg(debug_assertions)]
#[test]
fn at_every_step() {
    for kind in Kind::BOTH {
        for peer in Peer::BOTH {
            for (place, asked) in PLACES {
                let Some(stage) = Stage::new(peer, kind) else { return };
                stage.connect(PAST);
                assert!(stage.ask_and_die(place), "it passes {place}");
                assert_eq!(stage.statuses(), vec![200; usize::from(asked)], "{place}");
                let stored = place == "refresh:stored";
                let lost = peer == Peer::Rotating && asked && !stored;
                check_afterwards(&stage, lost, &format!("{kind:?}, {peer:?}, {place}"));
                assert_eq!(stage.statuses().len(), if stored { 1 } else { 1 + usize::from(asked) });
            }
        }
    }
}

/// From outside: SIGKILL while the server's answer is on its way.
#[test]
fn while_the_answer_is_on_its_way() {
    for kind in Kind::BOTH {
        for peer in Peer::BOTH {
            let Some(stage) = Stage::new(peer, kind) else { return };
            stage.connect(PAST);
            stage.oauth.next(&Answer::Slow(Duration::from_secs(20)));
            let mut running = stage.start();
            running.wait_until("the server did its work", |_| stage.statuses() == [200]);
            running.kill_now();
            assert_eq!(running.finish().status, None);
            check_afterwards(&stage, peer == Peer::Rotating, &format!("{kind:?}, {peer:?}"));
            assert_eq!(stage.statuses().len(), 2);
        }
    }
}

/// What the next ones find: all is well, or the connection is to be made again, which is told and helps.
#[track_caller]
fn check_afterwards(stage: &Stage, lost: bool, what: &str) {
    let asked = stage.crowd(2, 10);
    if lost {
        assert_eq!(asked.answered, 0, "{what}");
        assert!(asked.errors.iter().all(|error| error.contains("connection add")), "{what}: {asked:?}");
        stage.connect(LATER);
        assert_eq!(stage.ask(), Ok(()), "{what}");
    } else {
        assert_eq!((asked.answered, asked.errors), (20, Vec::new()), "{what}");
    }
}
