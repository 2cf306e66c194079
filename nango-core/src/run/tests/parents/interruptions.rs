//! Interrupted runs: the next one continues after the parents that are done, and in the lists that are open.

use std::time::Duration;

use super::*;
use crate::store::copy;

#[tokio::test]
async fn next_run_continues_after_the_parents_that_are_done() {
    let fixture = Messages::of_channels().fixture(&["a", "b", "c"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.list("/messages/b", &["b1"], Some("x"));
    fixture.fails("/messages/b", 500);
    let (report, _) = fixture.run_messages().await;
    assert_eq!((report.status, report.resumable), (RunStatus::Error, true));
    fixture.list("/messages/b", &["b2"], None);
    fixture.list("/messages/c", &["c1"], None);
    let (report, requests) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/messages/b?page=x", "/messages/c"]);
    assert_eq!(fixture.message_ids().await, ["a1", "b1", "b2", "c1"], "nothing is deleted");
    assert_eq!(counts(&report), (2, 0));
    assert_eq!(fixture.walked().await, ["/messages/a", "/messages/b", "/messages/c"]);
}

#[tokio::test]
async fn parents_that_are_done_after_an_open_one_are_not_requested_again() {
    let fixture = Messages { at_once: 2, ..Messages::of_channels() }.fixture(&["a", "b", "c", "d"]).await;
    for page in 0..9 {
        fixture.list("/messages/a", &[&format!("a{page}")], Some(&format!("p{page}")));
    }
    fixture.fails("/messages/a", 500);
    for channel in ["b", "c", "d"] {
        fixture.list(&format!("/messages/{channel}"), &[channel], None);
    }
    let (report, requests) = fixture.run_messages().await;
    assert_eq!(report.status, RunStatus::Error);
    let done: Vec<&String> = requests.iter().filter(|request| !request.starts_with("/messages/a")).collect();
    assert!(!done.is_empty(), "{requests:?}");
    let before = fixture.message_ids().await;
    fixture.list("/messages/a", &["last"], None);
    let again = fixture.walked().await;
    // A response that was not committed is requested again.
    let committed = |request: &str| before.iter().any(|id| request == format!("/messages/{id}"));
    assert!(again.iter().all(|request| !committed(request)), "{requests:?}, then {again:?}");
    assert!(!again.contains(&"/messages/a".to_owned()), "{again:?}");
}

#[tokio::test]
async fn full_run_starts_over() {
    let fixture = Messages { since: true, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.fails("/messages/b", 500);
    fixture.run_messages().await;
    let full = RunRequest { full: true, ..Fixture::request(Target::Sync("messages".into())) };
    let (report, requests) = fixture.messages_with(full).await;
    assert_eq!((report.status, requests), (RunStatus::Error, vec!["/messages/a".into(), "/messages/b".into()]));
    // The run that continues it reads complete lists too.
    fixture.list("/messages/b", &["b1"], None);
    assert_eq!(fixture.walked().await, ["/messages/b"]);
}

#[tokio::test]
async fn reset_walks_all_parents_again() {
    let fixture = Messages { since: true, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.fails("/messages/b", 500);
    fixture.run_messages().await;
    fixture.list("/messages/b", &["b1"], None);
    let reset = RunRequest { reset: true, ..Fixture::request(Target::Sync("messages".into())) };
    let (report, requests) = fixture.messages_with(reset).await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/messages/a", "/messages/b"]);
}

#[tokio::test]
async fn change_of_the_declaration_starts_over() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.fails("/messages/b", 500);
    fixture.run_messages().await;
    fixture.list("/messages/b", &["b1"], None);
    let fixture = fixture.with_registry(Messages { since: true, ..Messages::of_channels() }.registry());
    assert_eq!(fixture.walked().await, ["/messages/a", "/messages/b"]);
}

#[tokio::test]
async fn expired_resume_point_of_a_parent_starts_its_list_over() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], Some("x"));
    fixture.fails("/messages/a", 500);
    fixture.run_messages().await;
    fixture.fails("/messages/a", 410);
    fixture.list("/messages/a", &["a1", "a2"], None);
    fixture.list("/messages/b", &["b1"], None);
    let (report, requests) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/messages/a?page=x", "/messages/a", "/messages/b"]);
    assert_eq!(counts(&report), (2, 0));
    assert_eq!(fixture.message_ids().await, ["a1", "a2", "b1"]);
}

#[tokio::test]
async fn run_that_was_interrupted_more_than_a_day_ago_starts_over() {
    for (hours, expect) in [(23, ["/messages/b?page=x"].as_slice()), (25, &["/messages/a", "/messages/b"])] {
        let store = Arc::new(Sqlite::open(":memory:").await.unwrap());
        let fixture = Messages::of_channels().fixture_on(store.clone(), &["a", "b"]).await;
        fixture.list("/messages/a", &["a1"], None);
        fixture.list("/messages/b", &["b1"], Some("x"));
        fixture.fails("/messages/b", 500);
        fixture.run_messages().await;
        store.advance_clock(Duration::from_hours(hours));
        fixture.list("/messages/b", &["b1"], None);
        assert_eq!(fixture.walked().await, expect, "after {hours} hours");
        assert_eq!(fixture.message_ids().await, ["a1", "b1"], "after {hours} hours");
    }
}

#[tokio::test]
async fn copied_database_starts_an_interrupted_run_over_if_it_deletes() {
    for (track_deletes, expect) in [(true, ["/messages/a", "/messages/b"].as_slice()), (false, &["/messages/b"])] {
        let fixture = Messages { track_deletes, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
        fixture.list("/messages/a", &["a1", "a2"], None);
        fixture.list("/messages/b", &["b1"], None);
        fixture.walked().await;
        fixture.list("/messages/a", &["a1"], None);
        fixture.fails("/messages/b", 500);
        let (report, _) = fixture.run_messages().await;
        assert_eq!((report.status, report.resumable), (RunStatus::Error, true));
        // A copy has no open scans: those of the parents that are done would not know which records were seen.
        let copied: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
        copy(&fixture.runtime.store, &copied, |_, _| {}).await.unwrap();
        let fixture = fixture.with_store(copied);
        fixture.list("/messages/b", &["b1"], None);
        assert_eq!(fixture.walked().await, expect);
        let left = if track_deletes { ["a1", "b1"].as_slice() } else { &["a1", "a2", "b1"] };
        assert_eq!(fixture.message_ids().await, left);
    }
}
