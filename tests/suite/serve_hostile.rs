//! Hostile and broken clients of the HTTP API: connections that stall, are idle, are not read, or are not HTTP. The
//! server answers other clients meanwhile, and stops in time.

mod framing;
mod requests;
mod targets;

use std::time::{Duration, Instant};

use integrations::standin::Standin;
use nango_tests::{
    ApiServer, Registry,
    api_server::API_KEY,
    raw_http::{RawAnswer, RawConnection},
    wait,
};
use reqwest::Method;
use serde_json::json;

use crate::synced_registry::SyncedRegistry;

/// Head of a request that needs no key, without its end.
const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n";
/// Longest time of any wait of these tests, and of a stop of the server.
const LONG: Duration = Duration::from_secs(20);

/// Returns the head of a request with the key of the tests, and with further headers that end with a line break.
fn head(method: &str, target: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {API_KEY}\r\n{headers}\r\n")
}

/// Sends bytes on a connection of their own, and returns the responses until the server closes the connection.
#[track_caller]
fn exchange(server: &ApiServer, bytes: impl AsRef<[u8]>) -> Vec<RawAnswer> {
    RawConnection::sent(server, bytes).answers()
}

fn statuses(answers: &[RawAnswer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

/// Asserts that the server answers, stops in time, and has logged neither a panic nor one of the texts.
#[track_caller]
fn stop(server: ApiServer, hidden: &[&str]) {
    server.get("/health").expect(200);
    let start = Instant::now();
    let output = server.stop().expect(0);
    assert!(start.elapsed() < LONG, "the stop took {:?}", start.elapsed());
    for text in ["panicked", "generic_error_support", API_KEY].iter().chain(hidden) {
        assert!(!output.stderr.contains(text), "`{text}` in:\n{}", output.stderr);
    }
}

#[test]
fn head_that_arrives_byte_by_byte_is_closed_while_others_are_answered() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "idle_timeout = \"1s\"\n");
    let mut slow = RawConnection::sent(&server, format!("{HEALTH}x: "));
    let start = Instant::now();
    let mut sent = 0;
    while slow.send("x") && slow.is_silent_for(Duration::from_millis(20)) {
        sent += 1;
        if sent % 10 == 0 {
            server.get("/health").expect(200);
        }
        assert!(start.elapsed() < LONG, "the connection is open after {sent} bytes");
    }
    assert!(sent > 0 && slow.answers().is_empty(), "{sent} bytes");
    stop(server, &[]);
}

#[test]
fn body_that_stalls_is_a_timeout_and_closes_the_connection() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "body_timeout = \"1s\"\n");
    let length = head("POST", "/sync/trigger", "content-length: 100000\r\n");
    let chunked = head("POST", "/sync/trigger", "transfer-encoding: chunked\r\n");
    let mut slow = RawConnection::sent(&server, &length);
    let mut stalled = [
        RawConnection::sent(&server, &length),
        RawConnection::sent(&server, format!("{length}{{\"hush")),
        RawConnection::sent(&server, format!("{chunked}5\r\n{{\"hu")),
        RawConnection::sent(&server, format!("{chunked}5\r\n{{\"hus\r\n")),
    ];
    let start = Instant::now();
    while slow.send(" ") && slow.is_silent_for(Duration::from_millis(20)) {
        assert!(start.elapsed() < LONG, "a slow body is read for ever");
    }
    for connection in stalled.iter_mut().chain([&mut slow]) {
        let answers = connection.answers();
        assert_eq!(statuses(&answers), [408]);
        assert_eq!(answers[0].refused(408), "request_timeout");
        assert_eq!(answers[0].header("connection"), "close");
    }
    stop(server, &["hus"]);
}

#[test]
fn body_without_a_key_is_not_read() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    for target in ["/health", "/ready", "/unknown"] {
        // The body never ends, and nothing waits for it.
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n{{");
        let expect = if target == "/unknown" { 404 } else { 200 };
        assert_eq!(statuses(&exchange(&server, request)), [expect], "{target}");
    }
    let without_key = "POST /sync/trigger HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n{";
    assert_eq!(exchange(&server, without_key)[0].refused(401), "missing_auth_header");
    stop(server, &[]);
}

#[test]
fn several_hundred_idle_connections_disturb_neither_others_nor_the_stop() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let mut idle: Vec<RawConnection> = (0..300).map(|_| RawConnection::open(&server)).collect();
    for _ in 0..20 {
        let mut used = RawConnection::sent(&server, format!("{HEALTH}\r\n"));
        assert_eq!(used.response().status, 200);
        idle.push(used);
    }
    server.get("/providers/github").expect(200);
    stop(server, &[]);
    assert!(idle.iter_mut().all(|connection| connection.answers().is_empty()));
}

#[test]
fn stop_does_not_wait_for_requests_that_do_not_arrive() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "idle_timeout = \"1s\"\n");
    let request = head("POST", "/sync/trigger", "expect: 100-continue\r\ncontent-length: 100\r\n");
    let mut bodies: Vec<RawConnection> = (0..20).map(|_| RawConnection::sent(&server, &request)).collect();
    for connection in &mut bodies {
        assert_eq!(connection.response().status, 100, "the body is read");
    }
    let mut heads: Vec<RawConnection> = (0..20).map(|_| RawConnection::sent(&server, HEALTH)).collect();
    stop(server, &[]);
    for connection in &mut bodies {
        assert_eq!(connection.response().refused(503), "server_stopping");
    }
    assert!(heads.iter_mut().all(|connection| connection.answers().is_empty()));
}

#[test]
fn connection_beyond_the_limit_waits_for_the_end_of_another() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "connections = 4\n");
    let idle: Vec<RawConnection> = (0..4).map(|_| RawConnection::open(&server)).collect();
    let mut waiting = RawConnection::sent(&server, format!("{HEALTH}connection: close\r\n\r\n"));
    assert!(waiting.is_silent_for(Duration::from_millis(100)), "it is beyond the limit");
    drop(idle);
    assert_eq!(waiting.response().status, 200);
    stop(server, &[]);
}

#[test]
fn connections_leave_open_files_for_requests_to_apis() {
    let standin = wait(Standin::start()).expect("a stand-in");
    let mut connected = SyncedRegistry::connect(standin, Registry::new());
    let server = ApiServer::start_under(&mut connected.registry, &["sh", "-c", "ulimit -n 80; exec \"$0\" \"$@\""]);
    // The server accepts as many of them as half of its files.
    let idle: Vec<RawConnection> = (0..150).map(|_| RawConnection::open(&server)).collect();
    let action = json!({ "action_name": "create-issue", "input": { "title": "Hello" } });
    let request = server.request(Method::POST, "/action/trigger").json(&action);
    request.header("connection-id", "acme").header("provider-config-key", "github").send().expect(200);
    drop(idle);
    let output = server.stop().expect(0);
    assert!(output.stderr.contains("`connections` under `[server]` is lowered to 40"), "{}", output.stderr);
}

#[test]
fn client_that_reads_no_response_is_disconnected() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "connections = 3\nidle_timeout = \"1s\"\n");
    // Their responses fill the buffers of the system. The third connection is that of the other requests of the test.
    let requests = head("GET", "/openapi.json", "").repeat(200);
    let unread: Vec<RawConnection> = (0..2).map(|_| RawConnection::sent(&server, &requests)).collect();
    let mut other = RawConnection::sent(&server, format!("{HEALTH}connection: close\r\n\r\n"));
    assert_eq!(other.response().status, 200);
    drop(unread);
    stop(server, &[]);
}

#[test]
fn bytes_that_are_not_http_are_refused_and_closed() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "idle_timeout = \"1s\"\n");
    let client_hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), &[0x5a; 506]].concat();
    let garbage: Vec<u8> =
        (0..100_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    for (name, bytes, expect) in [
        ("HTTP/2", &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..], &[][..]),
        ("a version", b"GET /health HTTP/2.0\r\n\r\n", &[400]),
        ("HTTP/0.9", b"GET /health\r\n\r\n", &[400]),
        ("TLS", &client_hello, &[400]),
        ("zeros", &[0; 1_000], &[400]),
        ("garbage", &garbage, &[400]),
        ("line breaks", &b"\r\n".repeat(100_000), &[431]),
        ("one long line", &b"A".repeat(100_000), &[431]),
        ("a folded header", b"GET /health HTTP/1.1\r\nhost: localhost\r\n folded\r\n\r\n", &[400]),
        ("a space in a name", b"GET /health HTTP/1.1\r\nhost : localhost\r\n\r\n", &[400]),
        ("a control character", b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: \x01\r\n\r\n", &[400]),
        ("SMTP", b"EHLO mail.example\r\nMAIL FROM:<a@example.com>\r\n", &[400]),
    ] {
        let answers = exchange(&server, bytes);
        assert_eq!(statuses(&answers), expect, "{name}");
        assert!(answers.iter().all(|answer| answer.body.is_empty()), "{name}");
    }
    stop(server, &[]);
}
