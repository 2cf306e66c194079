mod bodies;
mod limits;
mod redirects;
mod rejections;

use rejections::{VersionedAuthorizer, versioned};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    ErrorKind,
    error::Chain,
    http::{
        AuthError, Authorize, Body, BoxFuture, CredentialsVersion, Method, RawResponse, StreamBody, Transport,
        TransportError,
        mock::{
            FakeClock, MockTransport, TestAuthorizer, disconnected, interrupted_body, mock_json, mock_response,
            unreachable_server,
        },
    },
};

fn setup(script: &MockTransport) -> (Client, FakeClock) {
    setup_cancellable(script, CancellationToken::new())
}

fn setup_cancellable(script: &MockTransport, cancellation: CancellationToken) -> (Client, FakeClock) {
    let clock = FakeClock::default();
    let base = "https://h.test/api/".parse().unwrap();
    let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), base)
        .authorize(Arc::new(TestAuthorizer))
        .cancellation(cancellation)
        .headers([("x-app".parse().unwrap(), "shop".parse().unwrap())].into_iter().collect())
        .query(vec![("v".into(), "3".into())]);
    (Client::new(parts), clock)
}

/// Whether each request had the headers `authorization` and `x-app`.
fn sent_credentials(script: &MockTransport) -> Vec<(bool, bool)> {
    let has = |request: &OutgoingRequest, name| request.headers.contains_key(name);
    script.sent().iter().map(|request| (has(request, "authorization"), has(request, "x-app"))).collect()
}

#[tokio::test]
async fn request_is_joined_authorised_and_counted() {
    let script = MockTransport::new([mock_json("[1]")]);
    let (client, _) = setup(&script);
    let response = client.send(&RequestSpec::get("/items?a=1").query("b", "2")).await.unwrap();
    assert_eq!(script.request_lines(), ["GET https://h.test/api/items?a=1&b=2&v=3"]);
    assert_eq!(sent_credentials(&script), [(true, true)]);
    assert!(script.sent()[0].headers["user-agent"].to_str().unwrap().starts_with("nango-rs/"));
    assert_eq!((response.status, response.attempts, response.json::<Vec<u8>>().unwrap()), (200, 1, vec![1]));
    assert_eq!(response.request.headers["authorization"], "***");
    assert_eq!(client.requests_sent(), 1);
    assert_eq!(client.take_oldest_request(), Some(response.sent_at));
    assert_eq!(client.take_oldest_request(), None);
}

#[tokio::test]
async fn caller_headers_override_others() {
    let script = MockTransport::new([mock_json("[]")]);
    let (client, _) = setup(&script);
    let spec = RequestSpec::get("/").header("x-app".parse().unwrap(), "mine".parse().unwrap());
    client.send(&spec).await.unwrap();
    let headers = &script.sent()[0].headers;
    assert_eq!(headers.get_all("x-app").iter().collect::<Vec<_>>(), ["mine"]);
}

#[tokio::test]
async fn other_origin_gets_no_credentials() {
    let hosts = ["https://evil.test/x", "http://h.test/x", "https://h.test:444/x", "https://sub.h.test/x"];
    let prefixes = ["https://h.test.evil.test/api/x", "https://h.testing.test/api", "https://h.test:80/api/x"];
    for endpoint in hosts.into_iter().chain(prefixes) {
        let script = MockTransport::new([mock_json("[]")]);
        setup(&script).0.send(&RequestSpec::get(endpoint)).await.unwrap();
        assert_eq!(sent_credentials(&script), [(false, false)], "{endpoint}");
        assert_eq!(script.request_lines(), [format!("GET {endpoint}")]);
    }
    let script = MockTransport::new([mock_json("[]")]);
    let mut spec = RequestSpec::get("/x");
    spec.base_url = Some("https://other.test/v2".into());
    setup(&script).0.send(&spec).await.unwrap();
    assert_eq!(sent_credentials(&script), [(true, true)]);
}

#[tokio::test]
async fn status_fails_unless_it_is_accepted() {
    let script = MockTransport::new([mock_response(404, &[("x-id", "7")], "{\"message\":\"gone\"}")]);
    let error = setup(&script).0.send(&RequestSpec::get("/a?token=hush").retries(3)).await.unwrap_err().into_error();
    let failure = error.http().unwrap();
    assert_eq!((failure.status, failure.attempts, &failure.headers["x-id"]), (404, 1, &"7".parse().unwrap()));
    assert_eq!(error.to_string(), "GET https://h.test/api/a returned 404: {\"message\":\"gone\"}");
    assert_eq!(error.kind(), ErrorKind::Http);

    let script = MockTransport::new([mock_response(404, &[], "x")]);
    assert_eq!(setup(&script).0.send(&RequestSpec::get("/a").accept([404])).await.unwrap().status, 404);
}

#[tokio::test]
async fn retry_waits_as_demanded_or_with_backoff() {
    let script = MockTransport::new([
        mock_response(503, &[], ""),
        mock_response(429, &[("retry-after", "7")], ""),
        disconnected(),
        interrupted_body("{\"a\":"),
        mock_json("{\"a\":1}"),
    ]);
    let (client, clock) = setup(&script);
    let response = client.send(&RequestSpec::get("/a").retries(4)).await.unwrap();
    assert_eq!((response.attempts, client.requests_sent()), (5, 5));
    assert_eq!(clock.slept(), [1, 7, 4, 8].map(Duration::from_secs));
    // The age of the data is that of the attempt with the response, not of the first.
    assert_eq!(client.take_oldest_request(), Some(response.sent_at));
    assert!(response.sent_at > Timestamp::from_micros(1_000_020_000_000));
}

#[tokio::test]
async fn request_with_a_possible_side_effect_is_not_resent() {
    let post = || RequestSpec::new(Method::POST, "/a").retries(3);
    let script = MockTransport::new([unreachable_server(), mock_response(429, &[], ""), mock_response(201, &[], "")]);
    assert_eq!(setup(&script).0.send(&post()).await.unwrap().attempts, 3);

    for fault in [disconnected(), interrupted_body("x"), mock_response(500, &[], "")] {
        let script = MockTransport::new([fault]);
        let (client, clock) = setup(&script);
        client.send(&post()).await.unwrap_err();
        assert!(clock.slept().is_empty());
    }
    let script = MockTransport::new([mock_response(500, &[], ""), mock_json("1")]);
    let mut spec = post();
    spec.retry_on = vec![500];
    assert_eq!(setup(&script).0.send(&spec).await.unwrap().attempts, 2);
}

#[tokio::test]
async fn last_failure_reports_its_attempts() {
    let script = MockTransport::new((0..3).map(|_| unreachable_server()));
    let error = setup(&script).0.send(&RequestSpec::get("/a?key=hush").retries(2)).await.unwrap_err();
    let text = "GET https://h.test/api/a failed after 3 attempts: the server could not be reached";
    assert_eq!(Chain(&error).to_string(), format!("{text}: refused"));
    let error = error.into_error();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Network, format!("{text}: refused")));
}

#[tokio::test]
async fn wait_over_the_maximum_is_an_error_with_its_end() {
    let script = MockTransport::new([mock_response(429, &[("retry-after", "3600")], "")]);
    let (client, clock) = setup(&script);
    let error = client.send(&RequestSpec::get("/a").retries(1)).await.unwrap_err().into_error();
    assert!(error.is_rate_limit() && error.http().is_some() && clock.slept().is_empty());
    assert_eq!(
        error.to_string(),
        "the API requires a wait until 1970-01-12T14:46:40Z (1 h 0 min), longer than the maximum of 10 min: \
         GET https://h.test/api/a returned 429"
    );
}

#[tokio::test]
async fn buffered_body_is_bounded_and_stream_is_not() {
    let limited = |script: &MockTransport| {
        let base = "https://h.test".parse().unwrap();
        let mut parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base);
        parts.max_body_bytes = 1 << 20;
        Client::new(parts)
    };
    let large = "x".repeat((1 << 20) + 1);
    let script = MockTransport::new([
        mock_response(200, &[], &large),
        mock_response(200, &[], &large[1..]),
        mock_response(200, &[], &large),
    ]);
    let client = limited(&script);
    let error = client.send(&RequestSpec::get("/a").retries(2)).await.unwrap_err();
    let text =
        "GET https://h.test/a returned more than 1 MiB: read the body with `.stream()`, or request smaller pages";
    assert_eq!(error.to_string(), text);
    assert_eq!(client.send(&RequestSpec::get("/a")).await.unwrap().body.len(), 1 << 20);
    let mut streaming = client.stream(&RequestSpec::get("/a")).await.unwrap();
    let mut length = 0;
    while let Some(piece) = streaming.body.next().await {
        length += piece.unwrap().len();
    }
    assert_eq!(length, large.len());
}

#[tokio::test]
async fn interrupted_stream_is_an_error() {
    let script = MockTransport::new([mock_response(503, &[], ""), interrupted_body("abc")]);
    let mut streaming = setup(&script).0.stream(&RequestSpec::get("/a").retries(1)).await.unwrap();
    assert_eq!(streaming.body.next().await.unwrap().unwrap(), "abc");
    let error = streaming.body.next().await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("GET https://h.test/api/a failed after 2 attempts"), "{error}");
}

#[tokio::test]
async fn fetch_sends_no_credentials() {
    let script = MockTransport::new([mock_response(500, &[], "x")]);
    let (client, _) = setup(&script);
    let response =
        client.fetch(&OutgoingRequest::new(Method::GET, "https://h.test/api/a".parse().unwrap())).await.unwrap();
    assert_eq!((response.status, sent_credentials(&script)), (500, vec![(false, false)]));
    assert_eq!(script.request_lines(), ["GET https://h.test/api/a"]);
}

#[tokio::test]
async fn run_cancelled_while_waiting_sends_no_request() {
    let script = MockTransport::new([unreachable_server(), mock_json("[]")]);
    let cancellation = CancellationToken::new();
    let (client, clock) = setup_cancellable(&script, cancellation.clone());
    cancellation.cancel();
    let error = client.send(&RequestSpec::get("/x").retries(3)).await.unwrap_err();
    assert!(matches!(error, HttpError::Network { source: TransportError::Cancelled, attempts: 1, .. }), "{error:?}");
    assert_eq!(error.into_error().kind(), ErrorKind::Interrupted);
    assert_eq!((script.sent().len(), clock.slept().len()), (1, 1));
}

#[tokio::test]
async fn cancelled_run_ends_request_in_progress() {
    #[derive(Debug)]
    struct Silent;
    impl Transport for Silent {
        fn send(&self, _: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
            Box::pin(std::future::pending())
        }
    }
    let cancellation = CancellationToken::new();
    let base = "https://h.test/api/".parse().unwrap();
    let parts = ClientParts::new(Arc::new(Silent), Arc::new(FakeClock::default()), base);
    let client = Client::new(parts.cancellation(cancellation.clone()));
    let spec = RequestSpec::get("/x").retries(3);
    let (error, ()) = tokio::join!(client.send(&spec), async { cancellation.cancel() });
    let error = error.unwrap_err();
    assert!(matches!(error, HttpError::Network { source: TransportError::Cancelled, attempts: 1, .. }), "{error:?}");
}

#[tokio::test]
async fn fetched_response_is_buffered_or_streamed() {
    let script =
        MockTransport::new([mock_response(404, &[], "no"), mock_response(404, &[], "no"), interrupted_body("half")]);
    let (client, _) = setup(&script);
    let request = OutgoingRequest::new(Method::GET, "https://other.test/x".parse().unwrap());
    let buffered = client.fetch(&request).await.unwrap();
    assert_eq!((buffered.status, &*buffered.body), (404, &b"no"[..]));
    let streamed = client.fetch_stream(&request).await.unwrap();
    assert_eq!(streamed.status, 404);
    let pieces: Vec<_> = streamed.body.collect().await;
    assert_eq!(pieces.into_iter().collect::<Result<Vec<_>, _>>().unwrap().concat(), b"no");
    let interrupted: Vec<_> = client.fetch_stream(&request).await.unwrap().body.collect().await;
    assert!(matches!(interrupted.last(), Some(Err(HttpError::Network { .. }))), "{interrupted:?}");
    assert_eq!(sent_credentials(&script), [(false, false); 3]);
}

#[tokio::test]
async fn stream_body_is_never_resent() {
    let stream = || {
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from("abc"))]);
        Body::Stream(StreamBody::new(pieces, "text/csv"))
    };
    let script = MockTransport::new([mock_json("[]")]);
    setup(&script).0.send(&RequestSpec::new(Method::PUT, "/a").body(stream())).await.unwrap();
    let (_, _, headers, payload) = script.sent().remove(0).into_parts().unwrap();
    assert_eq!(
        (headers["content-type"].as_bytes(), &payload.read().await.unwrap()[..]),
        (&b"text/csv"[..], &b"abc"[..])
    );

    let script = MockTransport::new([]);
    let error =
        setup(&script).0.send(&RequestSpec::new(Method::PUT, "/a?b=1").body(stream()).retries(2)).await.unwrap_err();
    let text = "the body of `/a` is a stream, which cannot be sent again: remove `.retries(…)`, or pass the body as \
                bytes";
    assert_eq!(error.to_string(), text);

    let script = MockTransport::new([mock_response(307, &[("location", "/b")], "")]);
    let error = setup(&script).0.send(&RequestSpec::new(Method::PUT, "/a").body(stream())).await.unwrap_err();
    let text = "PUT https://h.test/api/a was redirected, and its body is a stream, which cannot be sent again";
    assert_eq!(error.to_string(), text);

    let script = MockTransport::new([mock_response(401, &[], "")]);
    let versions = VersionedAuthorizer::new(Ok(true));
    versioned(&script, &versions).send(&RequestSpec::new(Method::PUT, "/a").body(stream())).await.unwrap_err();
    assert!(versions.refusals.lock().unwrap().is_empty());
}

#[tokio::test]
async fn request_limits_override_the_client() {
    let script = MockTransport::new([mock_json("[1,2]"), mock_json("[1,2]"), mock_json("[1,2]")]);
    let (client, _) = setup(&script);
    let mut spec = RequestSpec::get("/a");
    spec.max_body_bytes = Some(4);
    spec.timeout = Some(Duration::from_secs(3));
    let error = client.send(&spec).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 4, .. }), "{error}");
    client.send(&RequestSpec::get("/a")).await.unwrap();
    drop(client.stream(&spec).await.unwrap());
    let timeouts: Vec<_> = script.sent().iter().map(|request| request.timeout).collect();
    assert_eq!(timeouts, [Some(Duration::from_secs(3)), Some(Duration::from_mins(10)), None]);
}

#[tokio::test]
async fn rate_limited_request_is_resent_for_any_method() {
    let exhausted = || mock_response(403, &[("x-ratelimit-remaining", "0"), ("retry-after", "2")], "");
    let script = MockTransport::new([exhausted(), mock_response(201, &[], "")]);
    let (client, clock) = setup(&script);
    client.send(&RequestSpec::new(Method::POST, "/a").retries(1)).await.unwrap();
    assert_eq!(clock.slept(), [Duration::from_secs(2)]);
    let script = MockTransport::new([mock_response(403, &[], "")]);
    setup(&script).0.send(&RequestSpec::get("/a").retries(3)).await.unwrap_err();
    assert_eq!(script.sent().len(), 1);
}
