mod bodies;
mod limits;

use super::*;
use crate::{
    ErrorKind,
    http::{
        AuthError, Authorize, Body, BoxFuture, Method, Stamp, StreamBody,
        script::{FakeClock, Script, TestKey, answer, broken, json, torn, unreachable},
    },
};

fn setup(script: &Script) -> (Client, FakeClock) {
    let clock = FakeClock::default();
    let base = "https://h.test/api/".parse().unwrap();
    let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), base)
        .authorize(Arc::new(TestKey))
        .headers([("x-app".parse().unwrap(), "shop".parse().unwrap())].into_iter().collect())
        .query(vec![("v".into(), "3".into())]);
    (Client::new(parts), clock)
}

/// What a scripted server saw of the credentials: `authorization`, `x-app`.
fn seen(script: &Script) -> Vec<(bool, bool)> {
    let has = |request: &Outgoing, name| request.headers.contains_key(name);
    script.sent().iter().map(|request| (has(request, "authorization"), has(request, "x-app"))).collect()
}

#[tokio::test]
async fn a_call_is_joined_authorised_and_counted() {
    let script = Script::new([json("[1]")]);
    let (client, _) = setup(&script);
    let response = client.send(&Call::get("/items?a=1").query("b", "2")).await.unwrap();
    assert_eq!(script.lines(), ["GET https://h.test/api/items?a=1&b=2&v=3"]);
    assert_eq!(seen(&script), [(true, true)]);
    assert!(script.sent()[0].headers["user-agent"].to_str().unwrap().starts_with("nango-rs/"));
    assert_eq!((response.status, response.attempts, response.json::<Vec<u8>>().unwrap()), (200, 1, vec![1]));
    assert_eq!(response.request.headers["authorization"], "***");
    assert_eq!(client.requests_sent(), 1);
    assert_eq!(client.take_oldest_request(), Some(response.sent_at));
    assert_eq!(client.take_oldest_request(), None);
}

#[tokio::test]
async fn the_callers_headers_win() {
    let script = Script::new([json("[]")]);
    let (client, _) = setup(&script);
    let call = Call::get("/").header("x-app".parse().unwrap(), "mine".parse().unwrap());
    client.send(&call).await.unwrap();
    let headers = &script.sent()[0].headers;
    assert_eq!(headers.get_all("x-app").iter().collect::<Vec<_>>(), ["mine"]);
}

#[tokio::test]
async fn another_origin_gets_no_credentials() {
    let hosts = ["https://evil.test/x", "http://h.test/x", "https://h.test:444/x", "https://sub.h.test/x"];
    let prefixes = ["https://h.test.evil.test/api/x", "https://h.testing.test/api", "https://h.test:80/api/x"];
    for endpoint in hosts.into_iter().chain(prefixes) {
        let script = Script::new([json("[]")]);
        setup(&script).0.send(&Call::get(endpoint)).await.unwrap();
        assert_eq!(seen(&script), [(false, false)], "{endpoint}");
        assert_eq!(script.lines(), [format!("GET {endpoint}")]);
    }
    let script = Script::new([json("[]")]);
    let mut call = Call::get("/x");
    call.base_url = Some("https://other.test/v2".into());
    setup(&script).0.send(&call).await.unwrap();
    assert_eq!(seen(&script), [(true, true)]);
}

#[tokio::test]
async fn redirects_are_followed_and_lose_credentials_abroad() {
    let to = |status, location| answer(status, &[("location", location)], "");
    let script =
        Script::new([to(302, "/api/b"), to(307, "https://cdn.test/c"), to(301, "https://h.test/d"), json("1")]);
    let call = Call::get("/a").header("x-api-key".parse().unwrap(), "hush".parse().unwrap());
    let response = setup(&script).0.send(&call).await.unwrap();
    assert_eq!(response.url.as_str(), "https://h.test/d");
    assert_eq!(seen(&script), [(true, true), (true, true), (false, false), (false, false)]);
    let keys: Vec<bool> = script.sent().iter().map(|sent| sent.headers.contains_key("x-api-key")).collect();
    assert_eq!(keys, [true, true, false, false]);
    assert_eq!(script.lines()[2], "GET https://cdn.test/c");
}

#[tokio::test]
async fn a_redirect_changes_the_method_as_http_says() {
    let check = async |status, method: Method, expect: &str, body: bool| {
        let script = Script::new([answer(status, &[("location", "/b")], ""), json("1")]);
        let call = Call::new(method, "/a").body(Body::Json("{}".into()));
        setup(&script).0.send(&call).await.unwrap();
        assert_eq!(script.lines()[1], format!("{expect} https://h.test/b?v=3"), "{status}");
        assert_eq!(!script.sent()[1].body.is_empty(), body, "{status}");
    };
    check(301, Method::POST, "GET", false).await;
    check(302, Method::POST, "GET", false).await;
    check(302, Method::PUT, "PUT", true).await;
    check(303, Method::PUT, "GET", false).await;
    check(307, Method::POST, "POST", true).await;
    check(308, Method::PATCH, "PATCH", true).await;
}

#[tokio::test]
async fn redirects_end() {
    let around = || answer(302, &[("location", "/again")], "");
    let script = Script::new((0..6).map(|_| around()));
    let error = setup(&script).0.send(&Call::get("/a").retries(3)).await.unwrap_err();
    assert_eq!(error.to_string(), "GET https://h.test/api/a was redirected more than 5 times");

    let script = Script::new([answer(302, &[("location", "file:///etc/passwd")], "")]);
    let error = setup(&script).0.send(&Call::get("/a")).await.unwrap_err();
    assert_eq!(error.to_string(), "GET https://h.test/api/a was redirected to something that is no web address");

    let script = Script::new([around()]);
    assert_eq!(setup(&script).0.send(&Call::get("/a").accept([302])).await.unwrap().status, 302);
    let script = Script::new([answer(302, &[], "")]);
    let error = setup(&script).0.send(&Call::get("/a")).await.unwrap_err();
    assert!(matches!(error, HttpError::Status(failure) if failure.status == 302));
}

#[tokio::test]
async fn a_status_is_a_failure_unless_it_is_accepted() {
    let script = Script::new([answer(404, &[("x-id", "7")], "{\"message\":\"gone\"}")]);
    let error = setup(&script).0.send(&Call::get("/a?token=hush").retries(3)).await.unwrap_err().into_error();
    let failure = error.http().unwrap();
    assert_eq!((failure.status, failure.attempts, &failure.headers["x-id"]), (404, 1, &"7".parse().unwrap()));
    assert_eq!(error.to_string(), "GET https://h.test/api/a answered 404: {\"message\":\"gone\"}");
    assert_eq!(error.kind(), ErrorKind::Http);

    let script = Script::new([answer(404, &[], "x")]);
    assert_eq!(setup(&script).0.send(&Call::get("/a").accept([404])).await.unwrap().status, 404);
}

#[tokio::test]
async fn attempts_follow_the_demanded_wait_or_our_own() {
    let script = Script::new([
        answer(503, &[], ""),
        answer(429, &[("retry-after", "7")], ""),
        broken(),
        torn("{\"a\":"),
        json("{\"a\":1}"),
    ]);
    let (client, clock) = setup(&script);
    let response = client.send(&Call::get("/a").retries(4)).await.unwrap();
    assert_eq!((response.attempts, client.requests_sent()), (5, 5));
    assert_eq!(clock.slept(), [1, 7, 4, 8].map(Duration::from_secs));
    // The knowledge is as old as the attempt that was answered, not as the first.
    assert_eq!(client.take_oldest_request(), Some(response.sent_at));
    assert!(response.sent_at > 1_000_020_000_000);
}

#[tokio::test]
async fn what_may_have_had_an_effect_is_not_repeated() {
    let post = || Call::new(Method::POST, "/a").retries(3);
    let script = Script::new([unreachable(), answer(429, &[], ""), answer(201, &[], "")]);
    assert_eq!(setup(&script).0.send(&post()).await.unwrap().attempts, 3);

    for fault in [broken(), torn("x"), answer(500, &[], "")] {
        let script = Script::new([fault]);
        let (client, clock) = setup(&script);
        client.send(&post()).await.unwrap_err();
        assert!(clock.slept().is_empty());
    }
    let script = Script::new([answer(500, &[], ""), json("1")]);
    let mut call = post();
    call.retry_on = vec![500];
    assert_eq!(setup(&script).0.send(&call).await.unwrap().attempts, 2);
}

#[tokio::test]
async fn what_was_taken_before_a_redirect_is_not_repeated() {
    for result in [unreachable(), answer(429, &[], "")] {
        let script = Script::new([answer(303, &[("location", "/made/7")], ""), result]);
        setup(&script).0.send(&Call::new(Method::POST, "/make").retries(3)).await.unwrap_err();
        assert_eq!(script.lines(), ["POST https://h.test/api/make?v=3", "GET https://h.test/made/7?v=3"]);
    }
    let moved = || answer(307, &[("location", "/make2")], "");
    let script = Script::new([moved(), unreachable(), moved(), json("1")]);
    setup(&script).0.send(&Call::new(Method::POST, "/make").retries(3)).await.unwrap();
}

#[tokio::test]
async fn the_last_failure_is_told_with_its_attempts() {
    let script = Script::new((0..3).map(|_| unreachable()));
    let error = setup(&script).0.send(&Call::get("/a?key=hush").retries(2)).await.unwrap_err();
    let text = "GET https://h.test/api/a failed after 3 attempts: the server could not be reached";
    assert_eq!(error.to_string(), text);
    let error = error.into_error();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Network, format!("{text}: refused")));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_with_its_time() {
    let script = Script::new([answer(429, &[("retry-after", "3600")], "")]);
    let (client, clock) = setup(&script);
    let error = client.send(&Call::get("/a").retries(1)).await.unwrap_err().into_error();
    assert!(error.is_rate_limit() && error.http().is_some() && clock.slept().is_empty());
    assert_eq!(
        error.to_string(),
        "the API asks to wait until 1970-01-12T14:46:40Z (1 h 0 min), longer than the 10 min that a run waits: \
         GET https://h.test/api/a answered 429"
    );
}

#[tokio::test]
async fn a_body_is_bounded_and_a_stream_is_not() {
    let limited = |script: &Script| {
        let base = "https://h.test".parse().unwrap();
        let mut parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base);
        parts.max_body = 1 << 20;
        Client::new(parts)
    };
    let large = "x".repeat((1 << 20) + 1);
    let script = Script::new([answer(200, &[], &large), answer(200, &[], &large[1..]), answer(200, &[], &large)]);
    let client = limited(&script);
    let error = client.send(&Call::get("/a").retries(2)).await.unwrap_err();
    let text = "GET https://h.test/a answered with more than 1 MiB: read it with `.stream()`, or ask for smaller pages";
    assert_eq!(error.to_string(), text);
    assert_eq!(client.send(&Call::get("/a")).await.unwrap().body.len(), 1 << 20);
    let mut streaming = client.stream(&Call::get("/a")).await.unwrap();
    let mut length = 0;
    while let Some(piece) = streaming.body.next().await {
        length += piece.unwrap().len();
    }
    assert_eq!(length, large.len());
}

#[tokio::test]
async fn a_stream_that_breaks_off_says_so() {
    let script = Script::new([answer(503, &[], ""), torn("abc")]);
    let mut streaming = setup(&script).0.stream(&Call::get("/a").retries(1)).await.unwrap();
    assert_eq!(streaming.body.next().await.unwrap().unwrap(), "abc");
    let error = streaming.body.next().await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("GET https://h.test/api/a failed after 2 attempts"), "{error}");
}

#[tokio::test]
async fn fetch_has_nothing_to_do_with_the_connection() {
    let script = Script::new([answer(500, &[], "x")]);
    let (client, _) = setup(&script);
    let response = client.fetch(&Outgoing::new(Method::GET, "https://h.test/api/a".parse().unwrap())).await.unwrap();
    assert_eq!((response.status, seen(&script)), (500, vec![(false, false)]));
    assert_eq!(script.lines(), ["GET https://h.test/api/a"]);
}

#[tokio::test]
async fn a_run_that_was_stopped_while_waiting_sends_nothing_more() {
    let script = Script::new([unreachable(), json("[]")]);
    let (client, clock) = setup(&script);
    clock.stop();
    let error = client.send(&Call::get("/x").retries(3)).await.unwrap_err();
    assert!(matches!(error, HttpError::Network { source: TransportError::Stopped, attempts: 1, .. }), "{error:?}");
    assert_eq!(error.into_error().kind(), ErrorKind::Interrupted);
    assert_eq!((script.sent().len(), clock.slept().len()), (1, 1));
}

#[tokio::test]
async fn a_foreign_answer_arrives_whole_or_in_pieces() {
    let script = Script::new([answer(404, &[], "no"), answer(404, &[], "no"), torn("half")]);
    let (client, _) = setup(&script);
    let request = Outgoing::new(Method::GET, "https://other.test/x".parse().unwrap());
    let whole = client.fetch(&request).await.unwrap();
    assert_eq!((whole.status, &*whole.body), (404, &b"no"[..]));
    let open = client.fetch_stream(&request).await.unwrap();
    assert_eq!(open.status, 404);
    let pieces: Vec<_> = open.body.collect().await;
    assert_eq!(pieces.into_iter().collect::<Result<Vec<_>, _>>().unwrap().concat(), b"no");
    let torn: Vec<_> = client.fetch_stream(&request).await.unwrap().body.collect().await;
    assert!(matches!(torn.last(), Some(Err(HttpError::Network { .. }))), "{torn:?}");
    assert_eq!(seen(&script), [(false, false); 3]);
}

/// Credentials with a version: the script says what becomes of each refusal.
#[derive(Debug)]
struct Versions {
    now: AtomicU64,
    refusals: Mutex<Vec<Stamp>>,
    renew: Result<bool, AuthError>,
}

impl Versions {
    fn new(renew: Result<bool, AuthError>) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(1), refusals: Mutex::default(), renew })
    }
}

impl Authorize for Versions {
    fn authorize<'a>(&'a self, request: &'a mut Outgoing) -> BoxFuture<'a, Result<Stamp, AuthError>> {
        let now = self.now.load(Ordering::Relaxed);
        request.headers.insert("authorization", format!("Bearer v{now}").parse().unwrap());
        Box::pin(async move { Ok(Stamp(now)) })
    }

    fn refused(&self, used: Stamp) -> BoxFuture<'_, Result<bool, AuthError>> {
        self.refusals.lock().unwrap().push(used);
        self.now.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { self.renew.clone() })
    }
}

fn versioned(script: &Script, versions: &Arc<Versions>) -> Client {
    let base = "https://h.test".parse().unwrap();
    let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base);
    Client::new(parts.authorize(versions.clone()))
}

#[tokio::test]
async fn a_refused_request_is_sent_once_more_with_other_credentials() {
    for method in [Method::GET, Method::POST] {
        let script = Script::new([answer(401, &[], ""), json("[]")]);
        let versions = Versions::new(Ok(true));
        let response = versioned(&script, &versions).send(&Call::new(method, "/a")).await.unwrap();
        assert_eq!(response.attempts, 2);
        assert_eq!(*versions.refusals.lock().unwrap(), [Stamp(1)]);
        let used: Vec<_> = script.sent().iter().map(|sent| sent.headers["authorization"].clone()).collect();
        assert_eq!(used, ["Bearer v1", "Bearer v2"]);
    }
}

#[tokio::test]
async fn a_second_refusal_is_the_answer_and_costs_no_retry() {
    let script = Script::new([answer(401, &[], ""), answer(503, &[], ""), answer(401, &[], "")]);
    let versions = Versions::new(Ok(true));
    let error = versioned(&script, &versions).send(&Call::get("/a").retries(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "GET https://h.test/a answered 401 after 3 attempts");
    assert_eq!(versions.refusals.lock().unwrap().len(), 1);

    let script = Script::new([answer(401, &[], "")]);
    let versions = Versions::new(Ok(false));
    let response = versioned(&script, &versions).send(&Call::get("/a").accept([401])).await.unwrap();
    assert_eq!((response.status, versions.refusals.lock().unwrap().len()), (401, 1));
}

#[tokio::test]
async fn what_cannot_be_renewed_says_why() {
    let check = async |error: AuthError, kind: ErrorKind| {
        let script = Script::new([answer(401, &[], "")]);
        let error = versioned(&script, &Versions::new(Err(error))).send(&Call::get("/a")).await.unwrap_err();
        let error = error.into_error();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, "why"));
    };
    check(AuthError::Missing("why".into()), ErrorKind::Connection).await;
    check(AuthError::Refused("why".into()), ErrorKind::Connection).await;
    check(AuthError::Network("why".into()), ErrorKind::Network).await;
    check(AuthError::Later { message: "why".into(), wait: Duration::from_secs(30) }, ErrorKind::Network).await;
}

#[tokio::test]
async fn only_the_trusted_origin_refuses_credentials() {
    let never = Versions::new(Err(AuthError::Missing("asked".into())));
    let away = answer(302, &[("location", "https://cdn.test/b")], "");
    let script = Script::new([away, answer(401, &[], "")]);
    let error = versioned(&script, &never).send(&Call::get("/a")).await.unwrap_err();
    assert!(matches!(error, HttpError::Status(_)), "{error}");
    let script = Script::new([answer(401, &[], "")]);
    versioned(&script, &never).send(&Call::get("https://cdn.test/b")).await.unwrap_err();
    let script = Script::new([answer(401, &[], "")]);
    let request = Outgoing::new(Method::GET, "https://h.test/a".parse().unwrap());
    assert_eq!(versioned(&script, &never).fetch(&request).await.unwrap().status, 401);
    // The first hop made something; sending it again would make another.
    let script = Script::new([answer(303, &[("location", "/made/7")], ""), answer(401, &[], "")]);
    versioned(&script, &never).send(&Call::new(Method::POST, "/make")).await.unwrap_err();
    assert!(never.refusals.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_provider_may_take_credentials_along_with_its_redirects() {
    let to = |location| answer(307, &[("location", location)], "");
    let script = Script::new([to("https://eu.h.test/a"), to("https://eu.h.test/b"), json("1")]);
    let base = "https://h.test".parse().unwrap();
    let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base)
        .authorize(Arc::new(TestKey))
        .headers([("x-app".parse().unwrap(), "shop".parse().unwrap())].into_iter().collect())
        .forward_headers(true);
    let call = Call::get("/a").header("x-api-key".parse().unwrap(), "hush".parse().unwrap());
    Client::new(parts).send(&call).await.unwrap();
    assert_eq!(seen(&script), [(true, true), (true, true), (true, true)]);
    assert!(script.sent().iter().all(|sent| sent.headers.contains_key("x-api-key")));
}

#[tokio::test]
async fn redirect_from_https_to_http_is_not_followed() {
    for forward in [false, true] {
        let script = Script::new([answer(302, &[("location", "http://h.test/a?key=hush")], "")]);
        let base = "https://h.test".parse().unwrap();
        let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base);
        let parts = parts.authorize(Arc::new(TestKey)).forward_headers(forward);
        let error = Client::new(parts).send(&Call::get("/a")).await.unwrap_err();
        let text = "GET https://h.test/a was redirected from https to http, which is not followed";
        assert_eq!((error.to_string().as_str(), script.sent().len()), (text, 1));
    }
}

#[tokio::test]
async fn body_does_not_follow_a_redirect_to_another_origin() {
    let parts = |script: &Script| {
        let base = "https://h.test".parse().unwrap();
        ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base).authorize(Arc::new(TestKey))
    };
    let call = || Call::new(Method::POST, "/a").body(Body::Json("{\"a\":\"hush\"}".into()));
    for status in [307, 308] {
        for forward in [false, true] {
            let script = Script::new([answer(status, &[("location", "https://h.test:8443/b?k=hush")], "")]);
            let error =
                Client::new(parts(&script).forward_headers(forward)).send(&call()).await.unwrap_err().to_string();
            assert!(error.contains("redirected to another origin (https://h.test:8443/b)"), "{error}");
            assert!(error.contains("trusted_origins") && !error.contains("hush"), "{error}");
            assert_eq!(script.sent().len(), 1);
        }
        // Within the origin, and to one that the operator lists, it does.
        let to = |location| answer(status, &[("location", location)], "");
        let script = Script::new([to("https://h.test/b"), to("https://eu.test/c"), json("1")]);
        let listed = vec![Url::parse("https://eu.test").unwrap().origin()];
        Client::new(parts(&script).trusted_origins(listed)).send(&call()).await.unwrap();
        assert!(script.sent().iter().all(|sent| !sent.body.is_empty()));
        assert_eq!(script.sent().len(), 3);
    }
    // A 303 asks for the result elsewhere, without the body.
    let script = Script::new([answer(303, &[("location", "https://eu.test/c")], ""), json("1")]);
    Client::new(parts(&script)).send(&call()).await.unwrap();
    assert!(script.sent()[1].body.is_empty());
}

#[tokio::test]
async fn a_stream_is_never_sent_twice() {
    let stream = || {
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from("abc"))]);
        Body::Stream(StreamBody::new(pieces, "text/csv"))
    };
    let script = Script::new([json("[]")]);
    setup(&script).0.send(&Call::new(Method::PUT, "/a").body(stream())).await.unwrap();
    let (_, _, headers, payload) = script.sent().remove(0).into_wire().unwrap();
    assert_eq!(
        (headers["content-type"].as_bytes(), &payload.read().await.unwrap()[..]),
        (&b"text/csv"[..], &b"abc"[..])
    );

    let script = Script::new([]);
    let error = setup(&script).0.send(&Call::new(Method::PUT, "/a?b=1").body(stream()).retries(2)).await.unwrap_err();
    let text = "the body of `/a` is a stream, which cannot be sent again: leave out `.retries(…)`, or give it as bytes";
    assert_eq!(error.to_string(), text);

    let script = Script::new([answer(307, &[("location", "/b")], "")]);
    let error = setup(&script).0.send(&Call::new(Method::PUT, "/a").body(stream())).await.unwrap_err();
    let text = "PUT https://h.test/api/a was redirected, and its body is a stream that cannot be sent again";
    assert_eq!(error.to_string(), text);

    let script = Script::new([answer(401, &[], "")]);
    let versions = Versions::new(Ok(true));
    versioned(&script, &versions).send(&Call::new(Method::PUT, "/a").body(stream())).await.unwrap_err();
    assert!(versions.refusals.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_call_may_have_limits_of_its_own() {
    let script = Script::new([json("[1,2]"), json("[1,2]"), json("[1,2]")]);
    let (client, _) = setup(&script);
    let mut call = Call::get("/a");
    call.max_body = Some(4);
    call.timeout = Some(Duration::from_secs(3));
    let error = client.send(&call).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 4, .. }), "{error}");
    client.send(&Call::get("/a")).await.unwrap();
    drop(client.stream(&call).await.unwrap());
    let timeouts: Vec<_> = script.sent().iter().map(|sent| sent.timeout).collect();
    assert_eq!(timeouts, [Some(Duration::from_secs(3)), Some(Duration::from_mins(10)), None]);
}

#[tokio::test]
async fn a_limit_proves_that_nothing_happened() {
    let used_up = || answer(403, &[("x-ratelimit-remaining", "0"), ("retry-after", "2")], "");
    let script = Script::new([used_up(), answer(201, &[], "")]);
    let (client, clock) = setup(&script);
    client.send(&Call::new(Method::POST, "/a").retries(1)).await.unwrap();
    assert_eq!(clock.slept(), [Duration::from_secs(2)]);
    let script = Script::new([answer(403, &[], "")]);
    setup(&script).0.send(&Call::get("/a").retries(3)).await.unwrap_err();
    assert_eq!(script.sent().len(), 1);
}
