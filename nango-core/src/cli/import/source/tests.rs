//! Scripted responses of a source.

use super::*;
use crate::http::mock::{FakeClock, MockResponse, MockTransport, mock_json, mock_response, unreachable_server};

/// Returns a source with scripted responses.
pub(in crate::cli::import) fn scripted(responses: Vec<MockResponse>) -> (Source, MockTransport) {
    let transport = MockTransport::new(responses);
    let host = "https://n.example/base/".parse().unwrap();
    let (clock, stop) = (Arc::new(FakeClock::default()), CancellationToken::new());
    let source = Source::new(Arc::new(transport.clone()), clock, &host, &"hush-key-1234567890".into(), stop);
    (source.unwrap(), transport)
}

fn page(from: usize, number: usize) -> MockResponse {
    let rows = (from..from + number)
        .map(|id| serde_json::json!({ "connection_id": id.to_string(), "provider_config_key": "a" }));
    mock_json(&serde_json::json!({ "connections": rows.collect::<Vec<_>>(), "novel": true }).to_string())
}

#[tokio::test]
async fn integrations_have_their_apps() {
    let list = r#"{"data":[{"unique_key":"a b","provider":"p"},{"unique_key":"c","provider":"q","credentials":null}]}"#;
    let one = r#"{"data":{"unique_key":"a b","provider":"p","credentials":{"client_id":"i","client_secret":"hush"}}}"#;
    let (source, transport) = scripted(vec![mock_json(list), mock_json(one), mock_response(404, &[], "{}")]);
    let read = source.integrations().await.unwrap();
    assert_eq!((read.len(), read[0].app.as_ref().and_then(crate::wire::SourceApp::id).as_deref()), (2, Some("i")));
    assert_eq!(
        transport.request_lines(),
        [
            "GET https://n.example/base/integrations",
            "GET https://n.example/base/integrations/a%20b?include=credentials",
            "GET https://n.example/base/integrations/c?include=credentials",
        ]
    );
    assert_eq!(transport.sent()[0].headers["authorization"], "Bearer hush-key-1234567890");
}

#[tokio::test]
async fn all_pages_of_connections_are_read_once() {
    let (source, transport) = scripted(vec![page(0, SOURCE_PAGE), page(SOURCE_PAGE - 1, 2)]);
    assert_eq!(source.connections().await.unwrap().len(), SOURCE_PAGE + 1);
    assert!(transport.request_lines()[1].ends_with("/connections?limit=500&page=1"), "{:?}", transport.request_lines());
    // The number of the page has no effect.
    let (source, transport) = scripted(vec![page(0, SOURCE_PAGE), page(0, SOURCE_PAGE)]);
    assert_eq!(source.connections().await.unwrap().len(), SOURCE_PAGE);
    assert_eq!(transport.sent().len(), 2);
}

async fn failure(responses: Vec<MockResponse>) -> ReadFailure {
    scripted(responses).0.connections().await.unwrap_err()
}

#[tokio::test]
async fn failures_say_what_to_do_and_quote_no_body() {
    let refused = |status: u16, code: &str| {
        mock_response(status, &[], &format!(r#"{{"error":{{"code":"{code}","message":"hush"}}}}"#))
    };
    for (responses, expect) in [
        (vec![refused(401, "unknown_account")], "returned 401 `unknown_account`: the source does not accept the key"),
        (vec![refused(403, "forbidden")], "returned 403 `forbidden`: the key lacks a scope"),
        (
            (0..5).map(|_| refused(429, "too_many_request")).collect(),
            "returned 429 `too_many_request`: the source limits",
        ),
        (vec![mock_response(429, &[("retry-after", "86400")], "hush")], "the source is limited until"),
        (vec![mock_response(200, &[("content-type", "text/html")], "<html>hush</html>")], "a body that is not JSON"),
        (vec![mock_json(r#"{"connections":[{"connection_id":"hush"#)], "a body that is not JSON"),
        (vec![mock_json(r#"{"connections":"hush"}"#)], "JSON of another shape: `connections`"),
        ((0..5).map(|_| unreachable_server()).collect(), "GET https://n.example/base/connections failed"),
    ] {
        let failure = failure(responses).await;
        let ReadFailure::Stop(text) = &failure else { panic!("{failure:?}") };
        assert!(text.contains(expect) && !text.contains("hush"), "{expect}: {text}");
    }
    for (responses, expect) in [
        (vec![refused(404, "not_found")], "GET /connections returned 404 `not_found`"),
        ((0..5).map(|_| mock_response(500, &[], "<html>hush")).collect(), "GET /connections returned 500"),
    ] {
        assert_eq!(failure(responses).await, ReadFailure::Skip(expect.to_owned()));
    }
}

#[tokio::test]
async fn limited_source_is_asked_again() {
    let (source, transport) = scripted(vec![mock_response(429, &[("retry-after", "2")], "{}"), page(0, 1)]);
    assert_eq!(source.connections().await.unwrap().len(), 1);
    assert_eq!(transport.sent().len(), 2);
}
