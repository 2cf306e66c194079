//! Expired positions, walks without a position, incomplete walks, and interruptions.

use super::*;
use crate::store::RunStatus;

#[tokio::test]
async fn expired_position_makes_the_same_run_full() {
    let fixture = Feed::synced().fixture().await;
    fixture.page(json!([item("1"), item("2"), item("3")]), json!({ "sync": "a" }));
    fixture.feed().await;
    fixture.gone();
    fixture.page(json!([item("1"), item("3"), item("4")]), json!({ "sync": "b" }));
    let report = fixture.sync("feed").await;
    assert_succeeded(&report);
    assert!(fixture.has_logged(&report, "has expired (410): this run reads the complete list").await);
    assert_eq!(fixture.requests(), ["/feed?start=0", "/feed?sync=a", "/feed?start=0"]);
    assert_eq!(fixture.contents().await, ["1", "3", "4"], "the full walk deletes what the feed missed");
    assert_eq!(fixture.feed().await, ["/feed?sync=b"]);
}

#[tokio::test]
async fn position_that_expires_on_a_later_page_makes_the_same_run_full() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1"), item("2")]), json!({ "after": "a", "done": true }));
    fixture.feed().await;
    fixture.page(json!([item("3")]), json!({ "after": "b", "done": false }));
    fixture.gone();
    fixture.page(json!([item("2"), item("3")]), json!({ "after": "c", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?cursor=a", "/feed?cursor=b", "/feed?start=0"]);
    assert_eq!(fixture.contents().await, ["2", "3"]);
    assert_eq!(fixture.feed().await, ["/feed?cursor=c"]);
}

#[tokio::test]
async fn other_status_fails_the_run_and_keeps_the_position() {
    let fixture = Feed::synced().fixture().await;
    fixture.page(json!([item("1")]), json!({ "sync": "a" }));
    fixture.feed().await;
    fixture.script.add("/feed", 404, &[], json!({}));
    assert_eq!(fixture.sync("feed").await.status, RunStatus::Error);
    fixture.page(json!([]), json!({ "sync": "b" }));
    assert_eq!(fixture.feed().await, ["/feed?sync=a"]);
}

#[tokio::test]
async fn expired_status_of_a_full_run_fails_it() {
    let fixture = Feed::synced().fixture().await;
    fixture.gone();
    assert_eq!(fixture.sync("feed").await.status, RunStatus::Error);
    assert_eq!(fixture.requests().len(), 1);
}

#[tokio::test]
async fn full_run_after_an_expired_position_is_full_again_if_it_fails() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1")]), json!({ "after": "a", "done": true }));
    fixture.feed().await;
    fixture.gone();
    fixture.page(json!([item("1")]), json!({ "after": "b", "done": false }));
    fixture.script.add("/feed", 206, &[], json!({ "items": [item("2")], "after": "c", "done": true }));
    let report = fixture.sync("feed").await;
    assert_eq!(report.findings.walk.map(|end| end.outcome.reason()), Some("partial_content"));
    fixture.page(json!([item("1"), item("2")]), json!({ "after": "d", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?start=0"]);
    assert_eq!(fixture.feed().await, ["/feed?cursor=d"]);
}

#[tokio::test]
async fn full_walk_without_a_position_is_followed_by_a_full_run() {
    let fixture = Feed::synced().fixture().await;
    fixture.page(json!([item("1"), item("2")]), json!({}));
    let report = fixture.sync("feed").await;
    assert_succeeded(&report);
    let text = "no page of the walk has a position at `sync`: the next run reads the complete list";
    assert!(fixture.has_logged(&report, text).await);
    fixture.page(json!([item("2")]), json!({ "sync": null }));
    assert_eq!(fixture.feed().await, ["/feed?start=0"]);
    assert_eq!(fixture.contents().await, ["2"], "its walk was complete, so it deletes");
}

#[tokio::test]
async fn incremental_walk_without_a_position_keeps_the_stored_one() {
    let fixture = Feed::synced().fixture().await;
    fixture.page(json!([item("1")]), json!({ "sync": "a" }));
    fixture.feed().await;
    fixture.page(json!([item("2")]), json!({}));
    let report = fixture.sync("feed").await;
    let text = "no page of the walk has a position at `sync`: the next run requests the same changes again";
    assert!(fixture.has_logged(&report, text).await);
    assert_eq!(fixture.contents().await, ["1", "2"]);
    fixture.page(json!([]), json!({}));
    let report = fixture.sync("feed").await;
    assert!(!fixture.has_logged(&report, "no page of the walk").await, "nothing has changed");
    assert_eq!(fixture.feed().await, ["/feed?sync=a"]);
}

#[tokio::test]
async fn incomplete_walk_keeps_the_position() {
    let fixture = Feed::synced().fixture().await;
    fixture.page(json!([item("1")]), json!({ "sync": "a" }));
    fixture.feed().await;
    fixture.script.add("/feed", 206, &[], json!({ "items": [item("2")], "sync": "b" }));
    let report = fixture.sync("feed").await;
    assert!(fixture.has_logged(&report, "the next run requests the same changes again").await);
    fixture.page(json!([]), json!({ "sync": "c" }));
    assert_eq!(fixture.feed().await, ["/feed?sync=a"]);
    assert_eq!(fixture.contents().await, ["1", "2"]);
}

#[tokio::test]
async fn interrupted_full_walk_resumes_and_stores_its_position_with_its_end() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1")]), json!({ "after": "a", "done": false }));
    fixture.script.add("/feed", 500, &[], json!({}));
    assert_eq!(fixture.sync("feed").await.status, RunStatus::Error);
    fixture.page(json!([item("2")]), json!({ "after": "b", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?cursor=a"], "the page is a resume point of the full walk");
    assert_eq!(fixture.contents().await, ["1", "2"], "the resumed walk saw both records");
    assert_eq!(fixture.feed().await, ["/feed?cursor=b"]);
}

#[tokio::test]
async fn interrupted_incremental_walk_resumes_with_its_position() {
    let fixture = Feed::synced().fixture().await;
    fixture.page(json!([item("1"), item("2"), item("3")]), json!({ "sync": "a" }));
    fixture.feed().await;
    fixture.page(json!([gone_item("1")]), json!({ "next": "p", "sync": "b" }));
    fixture.script.add("/feed", 500, &[], json!({}));
    assert_eq!(fixture.sync("feed").await.status, RunStatus::Error);
    fixture.page(json!([item("4")]), json!({}));
    assert_eq!(fixture.feed().await, ["/feed?sync=a&page=p"]);
    assert_eq!(fixture.contents().await, ["2", "3", "4"], "an incremental run deletes no missing record");
    assert_eq!(fixture.feed().await, ["/feed?sync=b"], "the position of the page before the interruption counts");
}

#[tokio::test]
async fn expired_resume_point_starts_over_at_the_position() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1"), item("2")]), json!({ "after": "a", "done": true }));
    fixture.feed().await;
    fixture.page(json!([item("3")]), json!({ "after": "b", "done": false }));
    fixture.script.add("/feed", 500, &[], json!({}));
    assert_eq!(fixture.sync("feed").await.status, RunStatus::Error);
    fixture.gone();
    fixture.page(json!([item("3")]), json!({ "after": "c", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?cursor=b", "/feed?cursor=a"]);
    assert_eq!(fixture.contents().await, ["1", "2", "3"]);
    fixture.page(json!([item("4")]), json!({ "after": "d", "done": false }));
    fixture.script.add("/feed", 500, &[], json!({}));
    assert_eq!(fixture.sync("feed").await.status, RunStatus::Error);
    fixture.gone();
    fixture.gone();
    fixture.page(json!([item("3"), item("4")]), json!({ "after": "e", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?cursor=d", "/feed?cursor=c", "/feed?start=0"]);
    assert_eq!(fixture.contents().await, ["3", "4"]);
}

#[tokio::test]
async fn position_is_stored_sealed_and_not_logged() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1")]), json!({ "after": "hush", "done": true }));
    fixture.feed().await;
    fixture.gone();
    fixture.page(json!([item("1")]), json!({ "after": "hush", "done": true }));
    let report = fixture.sync("feed").await;
    assert!(!fixture.has_logged(&report, "hush").await);
    let sealed = fixture.runtime.store.resume_state(&report.key).await.unwrap().unwrap();
    assert!(!sealed.windows(4).any(|part| part == b"hush"));
}
