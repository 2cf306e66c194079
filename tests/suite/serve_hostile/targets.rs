//! Hostile targets of requests: encoded separators, invalid encodings, other forms of a target, and the routes of the
//! listener for operators.

use nango_tests::{ApiServer, Registry, api_server::API_KEY, http_client, http_server::free_port, wait};
use reqwest::StatusCode;

use super::{exchange, head, statuses, stop};

#[test]
fn encoded_and_dotted_paths_reach_no_other_route() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    for (target, status, code) in [
        ("/providers/%00", 400, "invalid_uri_params"),
        ("/providers/github%00", 400, "invalid_uri_params"),
        ("/providers/a%2fb", 400, "invalid_uri_params"),
        ("/providers/a%5cb", 400, "invalid_uri_params"),
        ("/providers/%zz", 400, "invalid_uri_params"),
        ("/providers/%", 400, "invalid_uri_params"),
        ("/providers/%ff", 400, "invalid_uri_params"),
        ("/providers/%c0%ae", 400, "invalid_uri_params"),
        ("/providers/%ed%a0%80", 400, "invalid_uri_params"),
        ("/providers/..", 400, "invalid_uri_params"),
        ("/providers/%2e%2e", 400, "invalid_uri_params"),
        ("/providers/%252e%252e", 400, "invalid_uri_params"),
        ("/providers/%2e%2e%2fhealth", 400, "invalid_uri_params"),
        ("/providers/../health", 404, "not_found"),
        ("/providers/%2e%2e/health", 404, "not_found"),
        ("/./health", 404, "not_found"),
        ("//health", 404, "not_found"),
        ("/health//", 404, "not_found"),
        ("/health%00", 404, "not_found"),
        ("/health%2f", 404, "not_found"),
        ("/%68ealth", 404, "not_found"),
        ("/HEALTH", 404, "not_found"),
        ("/health;a=b", 404, "not_found"),
        ("/providers%3fsearch=a", 404, "not_found"),
        ("/connections/a%2f..%2fb?provider_config_key=github", 404, "not_found"),
        ("/connections/a%00?provider_config_key=github", 400, "invalid_uri_params"),
        ("/connections/%ff?provider_config_key=github", 400, "invalid_uri_params"),
        ("/connections/a?provider_config_key=%00", 400, "invalid_query_params"),
        ("/connections/a?provider_config_key=%ff", 400, "invalid_query_params"),
        ("/connections/a?provider_config_key=%zz", 400, "invalid_query_params"),
        ("/connections/a?provider_config_key=a%2fb", 400, "invalid_query_params"),
        ("/connections/a?provider_config_key=github&provider%5fconfig%5fkey=hubspot", 400, "invalid_query_params"),
        ("/connections/a?%70rovider_config_key=github", 404, "not_found"),
        ("/providers?search=%00", 400, "invalid_query_params"),
        ("/providers?%ff=1", 400, "invalid_query_params"),
        ("/providers?%00", 400, "invalid_query_params"),
        ("/providers?search%5b%5d=a", 400, "invalid_query_params"),
        ("/webhook/%2e%2e/health", 404, "feature_disabled"),
    ] {
        let answers = exchange(&server, head("GET", target, "connection: close\r\n"));
        assert_eq!(statuses(&answers), [status], "{target}");
        assert_eq!(answers[0].refused(status), code, "{target}");
    }
    stop(server, &[]);
}

#[test]
fn other_forms_of_a_target_are_refused_or_mean_the_same() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    for (line, expect) in [
        ("GET http://localhost/health", 200),
        ("GET HTTP://LOCALHOST:80/providers/github", 200),
        ("GET http://evil.example/providers/github", 421),
        ("GET http://user:password@evil.example/providers", 421),
        ("GET http://localhost", 404),
        ("GET localhost", 404),
        ("GET *", 404),
        ("OPTIONS *", 404),
        ("CONNECT localhost:80", 404),
        ("CONNECT evil.example:443", 421),
        ("TRACE /health", 405),
        ("GET /health?", 200),
        ("get /health", 405),
        ("SELECT /health", 405),
        ("GET health", 421),
        ("GET", 400),
        ("GET /health /health", 400),
        ("GET /he\u{1}alth", 400),
        ("GET /providers/\u{e9}", 400),
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        let answers = exchange(&server, format!("{request}authorization: Bearer {API_KEY}\r\n\r\n"));
        assert_eq!(statuses(&answers), [expect], "{line}");
        assert!(!answers[0].head.contains("evil"), "{}", answers[0].head);
    }
    let invalid = b"GET /providers/\xff HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(statuses(&exchange(&server, invalid)), [400]);
    stop(server, &["evil", "password"]);
}

#[test]
fn listener_for_operators_has_only_the_routes_of_operators() {
    let mut registry = Registry::new();
    let port = free_port();
    let server = ApiServer::start_configured(&mut registry, &format!("operations_listen = \"127.0.0.1:{port}\"\n"));
    let client = http_client::builder().build().expect("a client");
    let mut own = Vec::new();
    for operation in server.operations() {
        let without_key = server.request(operation.method.clone(), &operation.path).without_key().send();
        // Values of the path do not matter: nothing of the request is looked up.
        let url = format!("http://127.0.0.1:{port}{}", operation.path.replace(['{', '}'], ""));
        let request =
            client.request(operation.method.clone(), url).header("authorization", format!("Bearer {API_KEY}"));
        let status = wait(async move { request.send().await.expect("a response").status() });
        if status == StatusCode::OK {
            own.push(operation.path.clone());
            assert_eq!(without_key.status, if operation.is_public { 200 } else { 401 }, "{}", operation.path);
        } else {
            assert_eq!(status, StatusCode::NOT_FOUND, "{}", operation.path);
            without_key.refused(401, "missing_auth_header");
        }
    }
    own.sort_unstable();
    assert_eq!(own, ["/health", "/metrics", "/openapi.json", "/ready"]);
    stop(server, &[]);
}
