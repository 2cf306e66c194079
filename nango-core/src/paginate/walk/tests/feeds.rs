//! Walks over incremental feeds: the position of each page, and the requests with and without a stored position.

use serde_json::json;

use super::*;
use crate::{
    declare::DeltaPosition,
    paginate::{FeedPosition, cursor::Cursor, delta::Feed, resume_point::ResumeTarget},
};

const TOKEN: DeltaPosition = DeltaPosition::Param { param: "cursor", path: "after" };
const LINK: DeltaPosition = DeltaPosition::Link { path: "@delta" };

fn feed(position: DeltaPosition) -> Feed {
    Feed { position, end: None, expired: &[410], from: None, initial: vec![("start", json!(0))] }
}

fn ended(end: &'static str) -> Feed {
    Feed { end: Some(end), ..feed(TOKEN) }
}

fn after(feed: &Feed, token: &str) -> Feed {
    let target = ResumeTarget::Cursor(Cursor::Json(token.into()));
    Feed { from: Some(FeedPosition(target)), initial: Vec::new(), ..feed.clone() }
}

fn after_link(feed: &Feed, link: &str) -> Feed {
    Feed { from: Some(FeedPosition(ResumeTarget::Link(link.to_owned()))), initial: Vec::new(), ..feed.clone() }
}

/// Returns the text of the last position.
fn position(walk: &Walk) -> Option<String> {
    walk.feed_position().map(|position| match &position.0 {
        ResumeTarget::Cursor(value) => value.text(),
        ResumeTarget::Link(url) => url.clone(),
    })
}

/// Reads the walk to its end, and returns its reason and its position.
async fn end_of(mut walk: Walk) -> (String, Option<String>) {
    while walk.next().await.unwrap().is_some() {}
    (walk.end().unwrap().outcome.reason().to_owned(), position(&walk))
}

fn walk_of(script: &MockTransport, request: RequestSpec, paginate: Option<Paginate>, feed: Feed) -> Walk {
    let options = WalkOptions { feed: Some(feed), ..WalkOptions::default() };
    Walk::new(script.client(BASE), request, paginate, options).unwrap()
}

async fn check_feed(
    feed: Feed,
    paginate: Option<Paginate>,
    bodies: &[&str],
    end: (&str, Option<&str>),
    requests: &[&str],
) {
    let script = MockTransport::new(bodies.iter().map(|body| mock_json(body)));
    let walk = walk_of(&script, RequestSpec::get("/x?a=1"), paginate, feed);
    assert_eq!(end_of(walk).await, (end.0.to_owned(), end.1.map(str::to_owned)));
    check_requests(&script, requests);
}

#[tokio::test]
async fn position_is_the_cursor_of_the_pages_until_the_end_flag_is_true() {
    let items = || Some(Paginate::provider().response_path("items"));
    let bodies = [
        r#"{"items":[1],"after":"b","done":false}"#,
        r#"{"items":[],"after":"c","done":false}"#,
        r#"{"items":[2],"after":"d","done":true}"#,
    ];
    let requests = ["GET /x?a=1&start=0", "GET /x?a=1&cursor=b", "GET /x?a=1&cursor=c"];
    check_feed(ended("done"), items(), &bodies, ("has_more_false", Some("d")), &requests).await;
    let requests = ["GET /x?a=1&cursor=d", "GET /x?a=1&cursor=e"];
    let bodies = [r#"{"items":[1],"after":"e","done":false}"#, r#"{"items":[],"after":"e","done":true}"#];
    check_feed(after(&ended("done"), "d"), items(), &bodies, ("has_more_false", Some("e")), &requests).await;
}

#[tokio::test]
async fn feed_without_its_end_flag_is_incomplete() {
    let items = || Some(Paginate::provider().response_path("items"));
    for body in [r#"{"items":[1],"after":null}"#, r#"{"items":[],"after":"d"}"#] {
        let script = MockTransport::new([mock_json(body)]);
        let walk = walk_of(&script, RequestSpec::get("/x"), items(), after(&ended("done"), "d"));
        assert_eq!(end_of(walk).await.0, "contradiction", "{body}");
    }
}

#[tokio::test]
async fn declared_pages_are_followed_with_the_parameters_of_the_feed() {
    let paginate = || Some(Paginate::cursor("page", "next").response_path("items"));
    let bodies = [r#"{"items":[1],"next":"p2"}"#, r#"{"items":[2],"after":"s1"}"#];
    let end = ("no_next_page", Some("s1"));
    check_feed(feed(TOKEN), paginate(), &bodies, end, &["GET /x?a=1&start=0", "GET /x?a=1&start=0&page=p2"]).await;
    let requests = ["GET /x?a=1&cursor=s0", "GET /x?a=1&cursor=s0&page=p2"];
    check_feed(after(&feed(TOKEN), "s0"), paginate(), &bodies, end, &requests).await;
}

#[tokio::test]
async fn position_of_an_earlier_page_counts_if_the_last_page_has_none() {
    let paginate = Some(Paginate::cursor("page", "next").response_path("items"));
    let bodies = [r#"{"items":[1],"next":"p2","after":"s1"}"#, r#"{"items":[2],"after":null}"#];
    let requests = ["GET /x?a=1&start=0", "GET /x?a=1&start=0&page=p2"];
    check_feed(feed(TOKEN), paginate, &bodies, ("no_next_page", Some("s1")), &requests).await;
}

#[tokio::test]
async fn position_link_is_requested_as_it_is() {
    let paginate = || Some(Paginate::link_in_body("@next").response_path("value"));
    let bodies = [
        r#"{"value":[1],"@next":"https://h.test/v1/x?skip=b"}"#,
        r#"{"value":[2],"@delta":"https://h.test/v1/x?token=c"}"#,
    ];
    let end = ("no_next_page", Some("https://h.test/v1/x?token=c"));
    check_feed(feed(LINK), paginate(), &bodies, end, &["GET /x?a=1&start=0", "GET /x?skip=b"]).await;
    let feed = after_link(&feed(LINK), "https://h.test/v1/x?token=a");
    check_feed(feed, paginate(), &bodies, end, &["GET /x?token=a", "GET /x?skip=b"]).await;
}

#[tokio::test]
async fn position_link_on_another_host_is_requested_without_credentials() {
    let script = MockTransport::new([mock_json(r#"{"value":[1]}"#)]);
    let request = RequestSpec::get("/x").header("x-api-key".parse().unwrap(), "secret".parse().unwrap());
    let paginate = Paginate::link_in_body("@next").response_path("value");
    let walk = walk_of(&script, request, Some(paginate), after_link(&feed(LINK), "https://evil.test/x?token=a"));
    assert_eq!(end_of(walk).await.0, "other_origin");
    let sent = &script.sent()[0];
    assert!(!sent.headers.contains_key("authorization") && !sent.headers.contains_key("x-api-key"));
}

#[tokio::test]
async fn feed_without_pages_is_one_request() {
    let items = Some(Paginate::provider().response_path("items"));
    let bodies = [r#"{"items":[1,2],"after":7}"#];
    check_feed(feed(TOKEN), items, &bodies, ("single_request", Some("7")), &["GET /x?a=1&start=0"]).await;
}

#[tokio::test]
async fn parameters_of_a_feed_are_sent_in_the_body() {
    let script = MockTransport::new([
        mock_json(r#"{"items":[1],"next":"p2"}"#),
        mock_json(r#"{"items":[2],"after":12345678901234567890123}"#),
        mock_json(r#"{"items":[]}"#),
    ]);
    let request = || RequestSpec::new(Method::POST, "/x").body(Body::Json(r#"{"q":"a"}"#.into()));
    let paginate = || Some(Paginate::cursor("page.cursor", "next").limit(2).limit_name("size").response_path("items"));
    let mut walk = walk_of(&script, request(), paginate(), feed(TOKEN));
    while walk.next().await.unwrap().is_some() {}
    let from = walk.feed_position().cloned();
    assert!(from.is_some());
    let walk = walk_of(&script, request(), paginate(), Feed { from, initial: Vec::new(), ..feed(TOKEN) });
    assert_eq!(end_of(walk).await.1, None);
    let bodies: Vec<String> = script
        .sent()
        .iter()
        .map(|sent| match &sent.body {
            Body::Json(json) => String::from_utf8_lossy(json).into_owned(),
            _ => String::new(),
        })
        .collect();
    assert_eq!(
        bodies,
        [
            r#"{"q":"a","size":2,"start":0}"#,
            r#"{"q":"a","size":2,"start":0,"page":{"cursor":"p2"}}"#,
            r#"{"q":"a","size":2,"cursor":12345678901234567890123}"#,
        ]
    );
}

#[tokio::test]
async fn expired_position_is_reported_at_the_first_and_at_a_later_page() {
    let gone = || mock_response(410, &[], "");
    let next = || mock_json(r#"{"items":[1],"next":"p2"}"#);
    let paginate = || Paginate::cursor("page", "next").response_path("items");
    for (responses, feed, expired) in [
        (vec![gone()], after(&feed(TOKEN), "s0"), true),
        (vec![next(), gone()], after(&feed(TOKEN), "s0"), true),
        (vec![next(), gone()], feed(TOKEN), false),
        (vec![mock_response(404, &[], "")], after(&feed(TOKEN), "s0"), false),
    ] {
        let script = MockTransport::new(responses);
        let mut walk = walk_of(&script, RequestSpec::get("/x"), Some(paginate()), feed);
        let error = loop {
            match walk.next().await {
                Ok(page) => assert!(page.is_some()),
                Err(error) => break error,
            }
        };
        assert_eq!(walk.is_expired(), expired, "{error}");
    }
}

#[tokio::test]
async fn expired_status_of_a_counted_page_is_not_the_end_of_the_list() {
    let script = MockTransport::new([mock_json("[1]"), mock_response(410, &[], "")]);
    let paginate = Paginate::offset("page").start(1).by(OffsetBy::Page).limit(2).limit_name("size");
    let mut walk = walk_of(&script, RequestSpec::get("/x"), Some(paginate), after(&feed(TOKEN), "s0"));
    assert!(walk.next().await.unwrap().is_some());
    assert!(walk.next().await.is_err() && walk.is_expired());
}

#[tokio::test]
async fn position_of_another_type_is_an_error_without_its_value() {
    for (position, body) in [(TOKEN, r#"{"items":[1],"after":{"hush":1}}"#), (LINK, r#"{"items":[1],"@delta":7}"#)] {
        let script = MockTransport::new([mock_json(body)]);
        let paginate = Some(Paginate::provider().response_path("items"));
        let mut walk = walk_of(&script, RequestSpec::get("/x"), paginate, feed(position));
        let error = walk.next().await.unwrap_err().to_string();
        assert!(error.contains("has no usable") && !error.contains("hush"), "{error}");
    }
}
