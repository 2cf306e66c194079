//! `registry serve` as a process: start, document, stop, and one server per file.

use std::time::{Duration, Instant};

use nango_tests::{ApiServer, Registry, api_server::API_KEY, http_client, http_server::free_port, wait};
use serde_json::{Value, json};

use crate::openapi_schema;

#[test]
fn server_starts_with_its_address_and_stops_on_sigterm() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    assert_eq!(server.get("/health").expect(200), json!({ "result": "ok" }));
    assert_eq!(server.get("/ready").expect(200), json!({ "result": "ok" }));
    let start = Instant::now();
    let output = server.stop().expect(0);
    assert!(start.elapsed() < Duration::from_secs(10), "an idle server stops at once");
    assert!(output.stdout.is_empty(), "{}", output.stdout);
    let first = output.stderr.lines().find(|line| line.starts_with("serving ")).expect("a first line");
    assert!(first.contains(" functions of nango.db at http://127.0.0.1:"), "{first}");
    let health = log_lines(&output.stderr).find(|line| line["route"] == "/health").expect("a log line");
    assert_eq!(
        (&health["method"], &health["status"], &health["peer"]),
        (&json!("GET"), &json!(200), &json!("127.0.0.1"))
    );
    assert!(health["duration_ms"].is_number() && health["request"].is_string(), "{health}");
}

#[test]
fn log_has_neither_keys_nor_query_strings() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    server.get("/providers?search=needle").expect(200);
    server.get(&format!("/unknown/{API_KEY}?needle=1")).refused(404, "not_found");
    server.get("/providers/needle").refused(404, "not_found");
    let output = server.stop().expect(0);
    assert!(!output.stderr.contains("needle") && !output.stderr.contains(API_KEY), "{}", output.stderr);
    let unknown = log_lines(&output.stderr).find(|line| line["path"].is_string()).expect("a log line");
    assert_eq!((&unknown["path"], &unknown["error"]), (&json!("/unknown/***"), &json!("not_found")));
}

#[test]
fn second_server_on_one_file_is_refused() {
    let mut registry = Registry::new();
    let first = ApiServer::start(&mut registry);
    let second = registry.run(["serve", "--listen", "127.0.0.1:0"]).expect(3);
    assert!(second.stderr.contains("nango.db is served by another process already"), "{}", second.stderr);
    let taken = registry.run(["serve", "--database", "sqlite:other.db", "--listen", first.address()]).expect(3);
    assert!(taken.stderr.contains("cannot listen on 127.0.0.1:"), "{}", taken.stderr);
    first.stop().expect(0);
    ApiServer::start(&mut registry).stop().expect(0);
}

#[test]
fn wrong_address_is_a_usage_error() {
    let registry = Registry::new();
    let wrong = registry.run(["serve", "--listen", "3003"]).expect(2);
    assert!(wrong.stderr.contains("must be an IP address and a port"), "{}", wrong.stderr);
}

#[test]
fn document_is_valid_openapi_and_needs_a_key() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let request = || server.request(reqwest::Method::GET, "/openapi.json");
    request().without_key().send().refused(401, "missing_auth_header");
    request().key("").send().refused(401, "malformed_auth_header");
    request().key(&"x".repeat(40)).send().refused(401, "unknown_account");
    let document = request().send().expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], server.url());
    let models = document["x-nango-models"].as_array().expect("models");
    assert!(
        models.iter().any(|model| model["integration"] == "github" && model["name"] == "GithubIssue"),
        "{models:?}"
    );
    let actions = document["x-nango-actions"].as_array().expect("actions");
    assert!(actions.iter().any(|action| action["name"] == "create-issue"), "{actions:?}");
    if let Some(wrong) = openapi_schema::check(&document) {
        assert_eq!(wrong, [""; 0]);
    }
}

#[test]
fn listener_for_operators_needs_no_key_and_has_no_other_routes() {
    let mut registry = Registry::new();
    let port = free_port();
    registry
        .config(&format!("[server]\noperations_listen = \"127.0.0.1:{port}\"\npublic_url = \"https://a.example/\"\n"));
    let server = ApiServer::start(&mut registry);
    let get = |path: &str, key: Option<&str>| {
        let url = format!("http://127.0.0.1:{port}{path}");
        let client = http_client::builder().build().expect("a client");
        let request = client.get(url).header("host", "localhost");
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        wait(async move {
            let response = request.send().await.expect("a response");
            let hsts = response.headers().get("strict-transport-security").is_some();
            let (status, text) = (response.status().as_u16(), response.text().await.expect("a body"));
            (status, serde_json::from_str::<Value>(&text).expect("JSON"), hsts)
        })
    };
    let (status, document, hsts) = get("/openapi.json", None);
    assert_eq!((status, &document["servers"][0]["url"], hsts), (200, &json!("https://a.example"), true));
    assert_eq!(get("/providers", Some(API_KEY)).0, 404);
    server.stop().expect(0);
}

/// Returns the records of the log.
fn log_lines(stderr: &str) -> impl Iterator<Item = Value> {
    stderr.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).expect("JSON"))
}
