//! Requests that the HTTP API refuses before a handler: names, limits, unknown routes, bodies that are not JSON.
//! Clients that disconnect.

use nango_tests::{ApiServer, Registry, raw_http::RawConnection};
use reqwest::Method;
use serde_json::json;

/// Sends bytes, and returns the statuses of the responses until the server closes the connection.
#[track_caller]
fn statuses(server: &ApiServer, request: impl AsRef<[u8]>) -> Vec<u16> {
    RawConnection::sent(server, request).answers().iter().map(|answer| answer.status).collect()
}

#[test]
fn unknown_host_is_misdirected_except_for_probes() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "allowed_hosts = [\"api.example.com\"]\n");
    let get = |path: &str, host: &str| server.request(Method::GET, path).header("host", host).send();
    let refused = get("/providers", "evil.example").refused(421, "misdirected_request");
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.contains("`evil.example`") && message.contains("`allowed_hosts`"), "{message}");
    for host in ["localhost:1234", "127.0.0.1", "api.example.com", "API.example.com:80"] {
        get("/providers/github", host).expect(200);
    }
    get("/health", "evil.example").expect(200);
    get("/ready", "10.0.0.1").expect(200);
}

#[test]
fn unknown_paths_and_methods_are_errors_of_the_api() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    server.get("/unknown").refused(404, "not_found");
    server.get("/").refused(404, "not_found");
    server.get("/providers/github/more/x").refused(404, "not_found");
    server.send(Method::POST, "/webhook/a/b", &json!({})).refused(404, "feature_disabled");
    let refused = server.send(Method::DELETE, "/providers", &json!({}));
    assert!(refused.header("allow").contains("GET"), "{:?}", refused.headers);
    refused.refused(405, "method_not_allowed");
    assert_eq!(server.request(Method::OPTIONS, "/providers").send().header("access-control-allow-origin"), "");
}

#[test]
fn final_slash_is_accepted_and_other_paths_are_exact() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    server.get("/providers/?search=github").expect(200);
    server.get("/providers/github/").expect(200);
    server.get("//providers").refused(404, "not_found");
    server.get("/providers/git%68ub").expect(200);
    server.get("/providers/%ff").refused(400, "invalid_uri_params");
    server.get("/providers/a%2Fb").refused(400, "invalid_uri_params");
}

#[test]
fn query_and_type_of_the_body_are_checked() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let wrong = server.get("/providers?serach=x").refused(400, "invalid_query_params");
    assert_eq!(wrong["error"]["errors"][0]["code"], "unrecognized_keys");
    let wrong = server.get("/providers?search=%00").refused(400, "invalid_query_params");
    assert_eq!(wrong["error"]["errors"][0]["path"], json!(["search"]));
    server.get("/providers?search=a&search=b").refused(400, "invalid_query_params");
    let text = server.request(Method::GET, "/providers").text("text/plain", "x");
    text.send().refused(415, "invalid_content_type");
}

#[test]
fn size_of_head_and_body_is_limited() {
    let mut registry = Registry::new();
    let server =
        ApiServer::start_configured(&mut registry, "head_bytes = \"4KiB\"\nbody_bytes = \"2KiB\"\njson_depth = 5\n");
    let large = server.request(Method::GET, "/providers").header("x-large", &"x".repeat(5_000));
    let refused = large.send().refused(431, "request_head_too_large");
    assert!(refused["error"]["message"].as_str().is_some_and(|text| text.contains("`head_bytes`")), "{refused}");
    let body = |text: String| server.request(Method::POST, "/sync/trigger").text("application/json", text).send();
    body(format!("\"{}\"", "x".repeat(2_100))).refused(413, "request_too_large");
    body("[".repeat(6) + &"]".repeat(6)).refused(400, "invalid_json");
    body("[[[[1]]]]".to_owned()).refused(400, "invalid_body");
    let head = format!("GET /providers HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
    let refused = statuses(&server, head);
    assert!(matches!(refused[..], [] | [431]), "{refused:?}");
    server.get("/health").expect(200);
}

#[test]
fn requests_that_two_programs_may_read_differently_are_refused() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "body_timeout = \"1s\"\nidle_timeout = \"1s\"\n");
    let head = "POST /providers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    for framing in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: x\r\n",
        "transfer-encoding: gzip\r\n",
        ": x\r\n",
    ] {
        let refused = statuses(&server, format!("{head}{framing}\r\nhello"));
        assert!(matches!(refused[..], [] | [400]), "{framing}: {refused:?}");
    }
    assert_eq!(statuses(&server, format!("{head}host: other\r\n\r\n")), [421]);
    let without_host = statuses(&server, "GET /providers HTTP/1.1\r\n\r\n");
    assert!(matches!(without_host[..], [421 | 400]), "{without_host:?}");
    // A body that does not arrive, and a head that does not end.
    let key = nango_tests::api_server::API_KEY;
    let slow = format!(
        "GET /providers HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: 9\r\n\r\n1"
    );
    assert_eq!(statuses(&server, slow), [408]);
    assert_eq!(statuses(&server, "GET /providers HTTP/1.1\r\n"), [0; 0]);
    server.get("/health").expect(200);
}

#[test]
fn client_that_disconnects_disturbs_no_other() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "connections = 2\n");
    for _ in 0..20 {
        let request = "GET /providers HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{";
        assert!(RawConnection::open(&server).send(request), "a request");
    }
    server.get("/health").expect(200);
    server.get("/providers/github").expect(200);
    server.stop().expect(0);
}

#[test]
fn responses_have_the_headers_of_security_and_an_own_id() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let answer = server.request(Method::GET, "/providers/github").header("x-request-id", "of-the-client").send();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let id = answer.header("x-request-id");
    assert!(id.len() == 36 && id != "of-the-client", "{id}");
    assert_eq!(answer.header("strict-transport-security"), "");
}
