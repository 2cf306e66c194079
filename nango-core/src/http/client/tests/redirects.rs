//! Redirects: which are followed, with what method and body, and to whom credentials are sent.

use super::*;

#[tokio::test]
async fn redirect_to_another_origin_is_followed_without_credentials() {
    let to = |status, location| mock_response(status, &[("location", location)], "");
    let script = MockTransport::new([
        to(302, "/api/b"),
        to(307, "https://cdn.test/c"),
        to(301, "https://h.test/d"),
        mock_json("1"),
    ]);
    let spec = RequestSpec::get("/a").header("x-api-key".parse().unwrap(), "hush".parse().unwrap());
    let response = setup(&script).0.send(&spec).await.unwrap();
    assert_eq!(response.url.as_str(), "https://h.test/d");
    assert_eq!(sent_credentials(&script), [(true, true), (true, true), (false, false), (false, false)]);
    let keys: Vec<bool> = script.sent().iter().map(|request| request.headers.contains_key("x-api-key")).collect();
    assert_eq!(keys, [true, true, false, false]);
    assert_eq!(script.request_lines()[2], "GET https://cdn.test/c");
}

#[tokio::test]
async fn redirect_changes_the_method_by_its_status() {
    let check = async |status, method: Method, expect: &str, body: bool| {
        let script = MockTransport::new([mock_response(status, &[("location", "/b")], ""), mock_json("1")]);
        let spec = RequestSpec::new(method, "/a").body(Body::Json("{}".into()));
        setup(&script).0.send(&spec).await.unwrap();
        assert_eq!(script.request_lines()[1], format!("{expect} https://h.test/b?v=3"), "{status}");
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
async fn redirects_are_limited() {
    let around = || mock_response(302, &[("location", "/again")], "");
    let script = MockTransport::new((0..6).map(|_| around()));
    let error = setup(&script).0.send(&RequestSpec::get("/a").retries(3)).await.unwrap_err();
    assert_eq!(error.to_string(), "GET https://h.test/api/a was redirected more than 5 times");

    let script = MockTransport::new([mock_response(302, &[("location", "file:///etc/passwd")], "")]);
    let error = setup(&script).0.send(&RequestSpec::get("/a")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET https://h.test/api/a was redirected to a location that is not an http or https URL"
    );

    let script = MockTransport::new([around()]);
    assert_eq!(setup(&script).0.send(&RequestSpec::get("/a").accept([302])).await.unwrap().status, 302);
    let script = MockTransport::new([mock_response(302, &[], "")]);
    let error = setup(&script).0.send(&RequestSpec::get("/a")).await.unwrap_err();
    assert!(matches!(error, HttpError::Status(failure) if failure.status == 302));
}

#[tokio::test]
async fn request_accepted_before_a_redirect_is_not_resent() {
    for result in [unreachable_server(), mock_response(429, &[], "")] {
        let script = MockTransport::new([mock_response(303, &[("location", "/made/7")], ""), result]);
        setup(&script).0.send(&RequestSpec::new(Method::POST, "/make").retries(3)).await.unwrap_err();
        assert_eq!(script.request_lines(), ["POST https://h.test/api/make?v=3", "GET https://h.test/made/7?v=3"]);
    }
    let moved = || mock_response(307, &[("location", "/make2")], "");
    let script = MockTransport::new([moved(), unreachable_server(), moved(), mock_json("1")]);
    setup(&script).0.send(&RequestSpec::new(Method::POST, "/make").retries(3)).await.unwrap();
}

#[tokio::test]
async fn provider_may_forward_credentials_with_redirects() {
    let to = |location| mock_response(307, &[("location", location)], "");
    let script = MockTransport::new([to("https://eu.h.test/a"), to("https://eu.h.test/b"), mock_json("1")]);
    let base = "https://h.test".parse().unwrap();
    let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base)
        .authorize(Arc::new(TestAuthorizer))
        .headers([("x-app".parse().unwrap(), "shop".parse().unwrap())].into_iter().collect())
        .forward_headers(true);
    let spec = RequestSpec::get("/a").header("x-api-key".parse().unwrap(), "hush".parse().unwrap());
    Client::new(parts).send(&spec).await.unwrap();
    assert_eq!(sent_credentials(&script), [(true, true), (true, true), (true, true)]);
    assert!(script.sent().iter().all(|request| request.headers.contains_key("x-api-key")));
}

#[tokio::test]
async fn redirect_from_https_to_http_is_not_followed() {
    for forward in [false, true] {
        let script = MockTransport::new([mock_response(302, &[("location", "http://h.test/a?key=hush")], "")]);
        let base = "https://h.test".parse().unwrap();
        let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base);
        let parts = parts.authorize(Arc::new(TestAuthorizer)).forward_headers(forward);
        let error = Client::new(parts).send(&RequestSpec::get("/a")).await.unwrap_err();
        let text = "GET https://h.test/a was redirected from https to http, which is not followed";
        assert_eq!((error.to_string().as_str(), script.sent().len()), (text, 1));
    }
}

#[tokio::test]
async fn body_does_not_follow_a_redirect_to_another_origin() {
    let parts = |script: &MockTransport| {
        let base = "https://h.test".parse().unwrap();
        ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base)
            .authorize(Arc::new(TestAuthorizer))
    };
    let spec = || RequestSpec::new(Method::POST, "/a").body(Body::Json("{\"a\":\"hush\"}".into()));
    for status in [307, 308] {
        for forward in [false, true] {
            let script =
                MockTransport::new([mock_response(status, &[("location", "https://h.test:8443/b?k=hush")], "")]);
            let error =
                Client::new(parts(&script).forward_headers(forward)).send(&spec()).await.unwrap_err().to_string();
            assert!(error.contains("redirected to another origin (https://h.test:8443/b)"), "{error}");
            assert!(error.contains("trusted_origins") && !error.contains("hush"), "{error}");
            assert_eq!(script.sent().len(), 1);
        }
        // Within the origin, and to a trusted origin, the body follows.
        let to = |location| mock_response(status, &[("location", location)], "");
        let script = MockTransport::new([to("https://h.test/b"), to("https://eu.test/c"), mock_json("1")]);
        let listed = vec![Url::parse("https://eu.test").unwrap().origin()];
        Client::new(parts(&script).trusted_origins(listed)).send(&spec()).await.unwrap();
        assert!(script.sent().iter().all(|request| !request.body.is_empty()));
        assert_eq!(script.sent().len(), 3);
    }
    // A 303 redirects to the result, which is requested without a body.
    let script = MockTransport::new([mock_response(303, &[("location", "https://eu.test/c")], ""), mock_json("1")]);
    Client::new(parts(&script)).send(&spec()).await.unwrap();
    assert!(script.sent()[1].body.is_empty());
}
