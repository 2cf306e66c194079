//! Positions between runs: which requests a run sends, and which position it stores.

use super::*;

#[tokio::test]
async fn stream_is_read_from_its_position_until_its_end_flag() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1"), item("2")]), json!({ "after": "a", "done": false }));
    fixture.page(json!([item("3")]), json!({ "after": "b", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?start=0", "/feed?cursor=a"]);
    assert_eq!(fixture.contents().await, ["1", "2", "3"]);
    fixture.page(json!([gone_item("1"), item("4")]), json!({ "after": "c", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?cursor=b"]);
    assert_eq!(fixture.contents().await, ["2", "3", "4"], "the others are unchanged, not missing");
    fixture.page(json!([]), json!({ "after": "c", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?cursor=c"]);
    assert_eq!(fixture.feed().await, ["/feed?cursor=c"]);
}

#[tokio::test]
async fn position_is_sent_on_all_pages_beside_their_cursor() {
    let fixture = Feed::synced().fixture().await;
    fixture.page(json!([item("1")]), json!({ "next": "p" }));
    fixture.page(json!([item("2")]), json!({ "sync": "a" }));
    assert_eq!(fixture.feed().await, ["/feed?start=0", "/feed?start=0&page=p"]);
    fixture.page(json!([item("3")]), json!({ "next": "q" }));
    fixture.page(json!([gone_item("2")]), json!({ "sync": "b" }));
    assert_eq!(fixture.feed().await, ["/feed?sync=a", "/feed?sync=a&page=q"]);
    assert_eq!(fixture.contents().await, ["1", "3"]);
    fixture.page(json!([]), json!({ "sync": "c" }));
    assert_eq!(fixture.feed().await, ["/feed?sync=b"]);
}

#[tokio::test]
async fn position_link_is_followed() {
    let fixture = Feed::linked().fixture().await;
    fixture.page(json!([item("1")]), json!({ "@next": "https://api.acme.test/feed?skip=1" }));
    fixture.page(json!([item("2")]), json!({ "@delta": "https://api.acme.test/feed?token=a" }));
    assert_eq!(fixture.feed().await, ["/feed?start=0", "/feed?skip=1"]);
    fixture.page(json!([gone_item("1")]), json!({ "@delta": "/feed?token=b" }));
    assert_eq!(fixture.feed().await, ["/feed?token=a"]);
    assert_eq!(fixture.contents().await, ["2"]);
    fixture.page(json!([]), json!({ "@delta": "/feed?token=b" }));
    assert_eq!(fixture.feed().await, ["/feed?token=b"]);
}

#[tokio::test]
async fn feed_without_pages_is_one_request() {
    let fixture = Feed { delta: synced(), ..Feed::stream() }.fixture().await;
    fixture.page(json!([item("1")]), json!({ "sync": 7 }));
    assert_eq!(fixture.feed().await, ["/feed?start=0"]);
    fixture.page(json!([item("2")]), json!({ "sync": 8 }));
    assert_eq!(fixture.feed().await, ["/feed?sync=7"]);
    assert_eq!(fixture.contents().await, ["1", "2"]);
}

#[tokio::test]
async fn last_change_of_a_record_counts() {
    let fixture = Feed::stream().fixture().await;
    let text = |id: &str, text: &str| json!({ "id": id, "text": text });
    let changes =
        json!([text("1", "old"), text("2", "x"), text("1", "new"), gone_item("2"), gone_item("3"), item("3")]);
    fixture.page(changes, json!({ "after": "a", "done": false }));
    fixture.page(json!([gone_item("4"), text("5", "x")]), json!({ "after": "b", "done": false }));
    fixture.page(json!([text("4", "new"), gone_item("5")]), json!({ "after": "c", "done": true }));
    fixture.feed().await;
    assert_eq!(fixture.contents().await, ["1", "3", "4"]);
    let new = json!([text("1", "new"), text("4", "new")]);
    fixture.page(new, json!({ "after": "c", "done": true }));
    let report = fixture.sync("feed").await;
    assert_eq!(report.totals.models["FeedItem"].unchanged, 2, "the last contents were stored");
}

#[tokio::test]
async fn full_run_sends_no_position_and_keeps_it() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1"), item("2")]), json!({ "after": "a", "done": true }));
    fixture.feed().await;
    fixture.page(json!([item("2")]), json!({ "after": "b", "done": true }));
    assert_succeeded(&fixture.full().await);
    assert_eq!(fixture.contents().await, ["2"], "a full run deletes what its walk did not see");
    fixture.page(json!([]), json!({ "after": "c", "done": true }));
    assert_eq!(fixture.feed().await, ["/feed?cursor=a"], "the feed may list deletes since then");
    assert_eq!(fixture.feed().await, ["/feed?cursor=c"]);
}

#[tokio::test]
async fn changed_version_or_declaration_makes_the_run_full() {
    let mut fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1")]), json!({ "after": "a", "done": true }));
    fixture.feed().await;
    assert_eq!(fixture.feed().await, ["/feed?cursor=a"]);
    let other = InitialValues::Metadata(|_, values| values.add("start", &5));
    for (version, initial) in [("2.0.0", stream().initial), ("2.0.0", Some(other))] {
        let delta = Delta { initial, ..stream() };
        fixture = fixture.with_registry(Feed { delta, version, ..Feed::stream() }.registry());
        let requests = fixture.feed().await;
        assert!(requests[0].starts_with("/feed?start="), "{requests:?}");
        assert_eq!(fixture.feed().await, ["/feed?cursor=a"]);
    }
    let statuses = Delta { initial: Some(other), expired: &[400], ..stream() };
    fixture = fixture.with_registry(Feed { version: "2.0.0", delta: statuses, ..Feed::stream() }.registry());
    assert_eq!(fixture.feed().await, ["/feed?cursor=a"], "the statuses do not change what a position means");
}

#[tokio::test]
async fn reset_drops_the_position() {
    let fixture = Feed::stream().fixture().await;
    fixture.page(json!([item("1")]), json!({ "after": "a", "done": true }));
    fixture.feed().await;
    let reset = RunRequest { reset: true, ..Fixture::request(Target::Sync("feed".into())) };
    assert_succeeded(&fixture.run(reset).await.unwrap());
    assert_eq!(fixture.requests(), ["/feed?start=0", "/feed?start=0"]);
}

#[tokio::test]
async fn delete_candidate_brings_the_next_full_run_forward() {
    let deletes = Deletes { confirm: Some(2), ..Deletes::standard() };
    let fixture = Feed { deletes, ..Feed::stream() }.fixture().await;
    fixture.page(json!([item("1"), item("2")]), json!({ "after": "a", "done": true }));
    fixture.feed().await;
    fixture.page(json!([item("2")]), json!({ "after": "b", "done": true }));
    assert_succeeded(&fixture.full().await);
    assert_eq!(fixture.contents().await, ["1", "2"], "one more complete walk must miss the record");
    assert_eq!(fixture.feed().await, ["/feed?start=0"]);
    assert_eq!(fixture.contents().await, ["2"]);
    assert_eq!(fixture.feed().await, ["/feed?cursor=a"]);
}
