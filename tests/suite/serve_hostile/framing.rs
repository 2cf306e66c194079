//! Several requests on one connection: order, ids, and the end of each request.

use std::collections::BTreeSet;

use nango_tests::{ApiServer, Registry, raw_http::RawConnection};

use super::{HEALTH, exchange, head, statuses, stop};

#[test]
fn pipelined_requests_are_answered_in_order_with_own_ids() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let requests = [
        format!("{HEALTH}\r\n"),
        head("GET", "/unknown", ""),
        // The body looks like a request.
        head("POST", "/unknown", "content-length: 26\r\n") + "GET /health HTTP/1.1\r\n\r\nab",
        head("POST", "/sync/trigger", "content-length: 1\r\n") + "{",
        head("GET", "/providers/github", ""),
        head("GET", "/providers?serach=x", ""),
        head("POST", "/sync/trigger", "transfer-encoding: chunked\r\n") + "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
        head("DELETE", "/providers", ""),
        head("GET", "/providers/github", "connection: close\r\n"),
        // After the connection was closed.
        format!("{HEALTH}\r\n"),
    ];
    let answers = exchange(&server, requests.concat());
    assert_eq!(statuses(&answers), [200, 404, 404, 400, 200, 400, 400, 405, 200]);
    let ids: BTreeSet<&str> = answers.iter().map(|answer| answer.header("x-request-id")).collect();
    assert_eq!(ids.len(), answers.len(), "{ids:?}");
    assert_eq!(answers[3].refused(400), "invalid_json");
    assert_eq!(answers[5].refused(400), "invalid_query_params");
    assert_eq!(answers[6].refused(400), "invalid_body");
    stop(server, &[]);
}

#[test]
fn request_after_an_invalid_one_is_not_answered() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let next = format!("{HEALTH}\r\n");
    let chunked = head("POST", "/sync/trigger", "transfer-encoding: chunked\r\n");
    for (name, request) in [
        ("a header without a name", format!("{HEALTH}: x\r\n\r\n")),
        ("two lengths", head("GET", "/health", "content-length: 1\r\ncontent-length: 2\r\n") + "x"),
        ("a negative length", head("GET", "/health", "content-length: -1\r\n")),
        ("a length beyond 64 bits", head("GET", "/health", "content-length: 18446744073709551616\r\n")),
        ("a list of lengths", head("GET", "/health", "content-length: 0, 0\r\n")),
        ("another encoding", head("GET", "/health", "transfer-encoding: chunked, gzip\r\n")),
        ("a size that is no number", format!("{chunked}zz\r\n{{}}\r\n0\r\n\r\n")),
        ("a size beyond 64 bits", format!("{chunked}fffffffffffffffff\r\n{{}}\r\n0\r\n\r\n")),
        ("a negative size", format!("{chunked}-1\r\n{{}}\r\n0\r\n\r\n")),
        ("an empty size", format!("{chunked}\r\n{{}}\r\n0\r\n\r\n")),
        ("a chunk that is longer than its size", format!("{chunked}1\r\n{{}}\r\n0\r\n\r\n")),
        ("a long extension of a chunk", format!("{chunked}1;{}\r\n1\r\n0\r\n\r\n", "x".repeat(100_000))),
        ("long trailers", format!("{chunked}1\r\n1\r\n0\r\nx: {}\r\n\r\n", "x".repeat(100_000))),
    ] {
        let answers = exchange(&server, request + &next);
        assert_eq!(statuses(&answers), [400], "{name}");
    }
    stop(server, &[]);
}

#[test]
fn body_beyond_the_limit_is_refused_before_its_end() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "body_bytes = \"64KiB\"\n");
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    let chunked = head("POST", "/sync/trigger", "transfer-encoding: chunked\r\n");
    for request in [
        head("POST", "/sync/trigger", "content-length: 9223372036854775807\r\n"),
        head("POST", "/sync/trigger", "content-length: 100000\r\n"),
        format!("{chunked}{chunk}{chunk}{chunk}"),
        format!("{chunked}7fffffffffffffff\r\n{}", " ".repeat(100_000)),
    ] {
        let mut connection = RawConnection::sent(&server, request);
        let answer = connection.response();
        assert_eq!(answer.refused(413), "request_too_large");
        assert_eq!(answer.header("connection"), "close");
        assert!(connection.answers().is_empty());
    }
    stop(server, &[]);
}

#[test]
fn client_that_is_sending_a_refused_body_is_not_reset() {
    let mut registry = Registry::new();
    let server = ApiServer::start_configured(&mut registry, "body_bytes = \"64KiB\"\n");
    let can_send_all = || {
        let head = head("POST", "/sync/trigger", "content-length: 9000000\r\n");
        let mut connection = RawConnection::sent(&server, head + &" ".repeat(500_000));
        assert_eq!(connection.response().refused(413), "request_too_large");
        connection.send(" ".repeat(8_500_000)) && connection.answers().is_empty()
    };
    // On a busy machine, nothing may have arrived at the time of the response: then the connection is closed at once.
    assert!((0..5).any(|_| can_send_all()));
    stop(server, &[]);
}

#[test]
fn expectation_is_met_when_the_body_is_read_and_trailers_are_ignored() {
    let mut registry = Registry::new();
    let server = ApiServer::start(&mut registry);
    let expecting = "expect: 100-continue\r\ncontent-length: 2\r\n";
    let mut connection = RawConnection::sent(&server, head("POST", "/sync/trigger", expecting));
    assert_eq!(connection.response().status, 100);
    connection.send("[]");
    assert_eq!(connection.response().refused(400), "invalid_body");
    // The connection is usable, and a body that is refused by its head is not requested.
    connection.send(head("POST", "/unknown", expecting));
    assert_eq!(statuses(&connection.answers()), [404]);
    let large = "expect: 100-continue\r\ncontent-length: 99999999\r\n";
    assert_eq!(statuses(&exchange(&server, head("POST", "/sync/trigger", large))), [413]);

    let chunked = "transfer-encoding: chunked\r\ntrailer: x-last\r\n";
    let body = "2;name=value\r\n[]\r\n0\r\nx-last: 1\r\nauthorization: Bearer other\r\ncontent-length: 9\r\n\r\n";
    let last = head("GET", "/providers/github", "connection: close\r\n");
    let answers = exchange(&server, head("POST", "/sync/trigger", chunked) + body + &last);
    assert_eq!(statuses(&answers), [400, 200]);
    assert_eq!(answers[0].refused(400), "invalid_body");
    stop(server, &["x-last"]);
}
