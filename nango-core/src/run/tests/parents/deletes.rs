//! Deletes of children: those that the complete walk of their parent did not see, and those of parents that are gone.

use super::*;

#[tokio::test]
async fn child_is_deleted_only_if_the_walk_of_its_own_parent_was_complete() {
    let fixture = Messages::of_channels().fixture(&["a", "b", "c"]).await;
    for channel in ["a", "b", "c"] {
        fixture.list(&format!("/messages/{channel}"), &[&format!("{channel}1"), &format!("{channel}2")], None);
    }
    fixture.walked().await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.fails("/messages/b", 403);
    // A partial response: the walk is incomplete.
    fixture.script.add("/messages/c", 206, &[], json!({ "items": [{ "id": "c1" }] }));
    let (report, _) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(fixture.message_ids().await, ["a1", "b1", "b2", "c1", "c2"]);
    assert!(!report.findings.walk.as_ref().unwrap().outcome.is_complete());
    assert_eq!(fixture.log_lines(&report, "1 walks were incomplete and delete nothing").await, 1);
}

#[tokio::test]
async fn child_that_moves_to_another_parent_stays() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["1", "2", "3"], None);
    fixture.list("/messages/b", &["4", "5", "6"], None);
    fixture.walked().await;
    for (a, b) in [(["1", "2"].as_slice(), ["3", "4", "5", "6"].as_slice()), (&["1", "2", "4", "5"], &["3", "6"])] {
        fixture.list("/messages/a", a, None);
        fixture.list("/messages/b", b, None);
        fixture.walked().await;
        assert_eq!(fixture.message_ids().await, ["1", "2", "3", "4", "5", "6"]);
    }
    fixture.list("/messages/b", &["6"], None);
    fixture.walked().await;
    assert_eq!(fixture.message_ids().await, ["1", "2", "4", "5", "6"], "the new parent decides");
}

#[tokio::test]
async fn children_of_a_deleted_parent_are_deleted_and_a_restored_parent_starts_anew() {
    for track_deletes in [true, false] {
        let fixture = Messages { since: true, track_deletes, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
        fixture.list("/messages/a", &["a1"], None);
        fixture.list("/messages/b", &["b1", "b2", "b3"], None);
        fixture.walked().await;
        fixture.set_channels(&["b"]).await;
        assert_eq!(fixture.walked().await.len(), 1);
        let left = if track_deletes { ["b1", "b2", "b3"].as_slice() } else { &["a1", "b1", "b2", "b3"] };
        assert_eq!(fixture.message_ids().await, left);
        fixture.set_channels(&["a", "b"]).await;
        let requests = fixture.walked().await;
        assert_eq!(requests[0], "/messages/a", "the value of `since` was dropped with the parent");
        assert!(requests[1].starts_with("/messages/b?since="), "{requests:?}");
    }
}

#[tokio::test]
async fn parent_that_was_deleted_and_restored_between_two_runs_starts_anew() {
    let fixture = Messages { since: true, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.list("/messages/b", &["b1"], None);
    fixture.walked().await;
    fixture.set_channels(&["b"]).await;
    fixture.set_channels(&["a", "b"]).await;
    let requests = fixture.walked().await;
    assert_eq!(requests[0], "/messages/a");
    assert!(requests[1].starts_with("/messages/b?since="), "{requests:?}");
}

#[tokio::test]
async fn parent_that_is_missing_from_the_cache_is_not_gone() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.list("/messages/b", &["b1"], None);
    fixture.walked().await;
    let empty = RunRequest { reset: true, empty_cache: true, ..Fixture::request(Target::Sync("channels".into())) };
    fixture.list("/channels", &["b"], None);
    assert_succeeded(&fixture.run(empty).await.unwrap());
    assert_eq!(fixture.walked().await, ["/messages/b"]);
    assert_eq!(fixture.message_ids().await, ["a1", "b1"]);
}

#[tokio::test]
async fn guard_holds_the_children_of_a_parent_whose_list_is_suddenly_empty() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1", "a2"], None);
    fixture.list("/messages/b", &["b1", "b2", "b3"], None);
    fixture.walked().await;
    fixture.list("/messages/a", &[], None);
    let (report, _) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(fixture.message_ids().await, ["a1", "a2", "b1", "b2", "b3"]);
    assert_eq!(report.findings.deferred_deletes["Message"].held, 2);
}

#[tokio::test]
async fn missing_child_brings_the_complete_walk_of_its_own_parent_forward() {
    let fixture = Messages { since: true, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1", "a2"], None);
    fixture.list("/messages/b", &["b1", "b2"], None);
    fixture.walked().await;
    // The empty list is held, and confirmed by the next run.
    fixture.list("/messages/a", &[], None);
    let full = RunRequest { full: true, ..Fixture::request(Target::Sync("messages".into())) };
    assert_succeeded(&fixture.messages_with(full).await.0);
    let requests = fixture.walked().await;
    assert_eq!(requests[0], "/messages/a", "the parent with candidates is read completely");
    assert!(requests[1].starts_with("/messages/b?since="), "{requests:?}");
}
