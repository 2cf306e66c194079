//! Recordings of runs that start from a position, which may contain a secret of the connection.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Map;

use super::{super::recorded::check_replay, *};
use crate::auth::Credentials;

const TOKEN: &str = "CANARY-token-of-the-connection";

async fn connected(feed: Feed) -> Fixture {
    let fixture = Fixture::with_registry_and_limits(feed.registry(), "https://api.acme.test", Limits::default()).await;
    let new = crate::run::AddConnection {
        integration: "acme".into(),
        id: "one".into(),
        credentials: Credentials::bearer(TOKEN),
        config: Map::new(),
        metadata: None,
        profile: crate::store::ProfileChange::default(),
        verify: true,
    };
    crate::run::add_connection(&fixture.runtime, new, std::sync::Arc::new(crate::run::NoopObserver)).await.unwrap();
    fixture
}

/// Records a run, checks that it has no secret, and replays it. Returns the requests of the run.
async fn check(fixture: &Fixture, feed: Feed) -> Vec<String> {
    let before = fixture.requests().len();
    let (report, recording) = fixture.record("feed").await;
    assert_succeeded(&report);
    assert!(!recording.contains("CANARY") && !recording.contains(&STANDARD.encode(TOKEN)[..30]), "{recording}");
    check_replay(&recording, &report, feed.registry()).await;
    fixture.requests().split_off(before)
}

/// Position that repeats the token of the connection: in its text, or in base64.
fn positions(number: u32) -> [String; 3] {
    let encoded = STANDARD.encode(json!({ "token": TOKEN, "at": number }).to_string());
    [format!("p{number}00"), format!("{TOKEN}/{number}"), encoded]
}

#[tokio::test]
async fn run_from_a_position_is_replayed_although_it_contains_a_secret() {
    for form in 0..3 {
        let position = |number| positions(number)[form].clone();
        let fixture = connected(Feed::synced()).await;
        fixture.page(json!([item("1"), item("p100")]), json!({ "next": "p" }));
        fixture.page(json!([item("2")]), json!({ "sync": position(1) }));
        assert_eq!(check(&fixture, Feed::synced()).await.len(), 2);
        fixture.page(json!([item("3")]), json!({ "next": position(7) }));
        fixture.page(json!([gone_item("2")]), json!({ "sync": position(2) }));
        let requests = check(&fixture, Feed::synced()).await;
        assert_eq!(requests[0], format!("/feed?sync={}", position(1)));
        assert!(requests[1].ends_with(&format!("&page={}", position(7))), "{requests:?}");
        // The position expires, and the run reads the complete list.
        fixture.gone();
        fixture.page(json!([item("3")]), json!({ "sync": position(3) }));
        assert_eq!(check(&fixture, Feed::synced()).await.len(), 2);
        assert_eq!(fixture.contents().await, ["3"]);
    }
}

#[tokio::test]
async fn run_from_a_position_link_is_replayed_although_it_contains_a_secret() {
    for (form, name) in [(0, "$deltatoken"), (0, "key"), (1, "$deltatoken"), (2, "position"), (1, "access_token")] {
        let fixture = connected(Feed::linked()).await;
        let link = |number| {
            let mut url: url::Url = "https://api.acme.test/feed".parse().unwrap();
            url.query_pairs_mut().append_pair(name, &positions(number)[form]);
            url.to_string()
        };
        fixture.page(json!([item("1"), item("p200")]), json!({ "@next": "https://api.acme.test/feed?skip=1" }));
        fixture.page(json!([item("2")]), json!({ "@delta": link(1) }));
        check(&fixture, Feed::linked()).await;
        // The page repeats the position in its records.
        fixture.page(json!([gone_item("1"), item("p100")]), json!({ "@next": link(2) }));
        fixture.page(json!([item("p200")]), json!({ "@delta": link(2) }));
        let requests = check(&fixture, Feed::linked()).await;
        assert_eq!(requests, [1, 2].map(|number| format!("/feed?{name}={}", positions(number)[form])));
        assert_eq!(fixture.contents().await, ["2", "p100", "p200"]);
    }
}
