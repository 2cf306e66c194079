//! Decoding of texts: byte order marks, charsets, content encodings, and responses that are not JSON.

use std::{
    fs,
    io::Write as _,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{any, get},
};
use nango_tests::{Registry, serve};
use serde_json::json;

const LABEL: &str = r#"{"id":1,"name":"café","color":"ff0000","description":null}"#;
const LABEL_INPUT: &str = r#"{"owner":"o","repo":"r","name":"bug"}"#;

/// Serves this body to every request, and records the `Authorization` headers.
fn serve_response(
    content_type: &'static str,
    coding: Option<&'static str>,
    body: impl Into<Bytes>,
) -> (String, SeenBodies) {
    let body: Bytes = body.into();
    let bodies = SeenBodies::default();
    let recorded = bodies.clone();
    let router = Router::new().fallback(any(move |headers: HeaderMap| async move {
        let token =
            headers.get(header::AUTHORIZATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        recorded.0.lock().expect("no panic").push(token.unwrap_or_default());
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().expect("a type"))]);
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, coding.parse().expect("a coding"));
        }
        (headers, body)
    }));
    (serve(router), bodies)
}

/// The `Authorization` headers that a server saw.
#[derive(Clone, Default)]
struct SeenBodies(Arc<Mutex<Vec<String>>>);

impl SeenBodies {
    fn last(&self) -> String {
        self.0.lock().expect("no panic").last().cloned().unwrap_or_default()
    }
}

fn connected(url: &str) -> Registry {
    let registry = Registry::new();
    registry.base_url("github", url);
    registry
        .run(["connection", "add", "github", "acme", "--auth", "bearer", "--credentials", "t0ken", "--no-verify"])
        .expect(0);
    registry
}

fn label(registry: &Registry) -> nango_tests::Output {
    registry.run(["run", "github", "get-label", "--connection", "acme", "--input", LABEL_INPUT, "--json"])
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn response_is_decoded_with_any_byte_order_mark_charset_and_encoding() {
    let (start, end) = LABEL.split_at(15);
    let latin: Vec<u8> = LABEL.chars().map(|c| u8::try_from(u32::from(c)).expect("latin")).collect();
    let responses: [(&str, Option<&str>, Vec<u8>); 7] = [
        ("application/json", None, LABEL.into()),
        ("application/json", None, format!("\u{feff}{LABEL}").into()),
        ("application/json; charset=iso-8859-1", None, latin),
        ("application/json", None, utf16(LABEL)),
        ("application/json", Some("X-GZIP"), gzip(LABEL)),
        ("application/json", Some("gzip"), [gzip(start), gzip(end)].concat()),
        ("text/plain", None, LABEL.into()),
    ];
    for (content_type, coding, body) in responses {
        let (url, _) = serve_response(content_type, coding, body);
        let report = label(&connected(&url)).expect(0).json();
        assert_eq!(report["output"]["name"], "café", "{content_type} {coding:?}: {report:#}");
    }
}

#[test]
fn response_without_json_is_reported_with_request_and_body() {
    let (url, _) = serve_response("text/html; charset=utf-8", None, "<html>\n<title>Sign in</title>");
    let output = label(&connected(&url));
    assert_eq!(output.status, Some(1), "{}", output.stderr);
    let message = output.json()["error"]["message"].as_str().expect("a message").to_owned();
    assert_eq!(
        message,
        format!(
            "GET {url}/repos/o/r/labels/bug returned 200 (text/html; charset=utf-8) with a body that is not JSON: \
             expected value at line 1 column 1; it begins with `<html> <title>Sign in</title>`"
        )
    );

    let (url, _) = serve_response("application/json", None, r#"{"id":"private@example.com"}"#);
    let output = label(&connected(&url));
    let message = output.json()["error"]["message"].as_str().expect("a message").to_owned();
    let expect =
        "returned 200 (application/json) with JSON that does not fit `GithubLabel`: `id`: invalid type: a string";
    assert!(message.contains(expect) && !message.contains("private"), "{message}");
}

#[test]
fn file_with_byte_order_mark_is_read_by_every_command() {
    let (url, bodies) = serve_response("application/json", None, LABEL);
    let token = |n: u8| format!("token-{n}");
    let files = [
        ("utf8.json", format!("\u{feff}{{\"access_token\":\"{}\"}}", token(1)).into_bytes()),
        ("utf16.json", utf16(&format!("{{\"access_token\":\"{}\"}}", token(2)))),
        ("bare.txt", format!("\u{feff}{}\n", token(3)).into_bytes()),
    ];
    for (n, (name, content)) in (1..).zip(files) {
        let registry = Registry::new();
        // The configuration file begins with a byte order mark too.
        registry.config(&format!("\u{feff}[integrations.github]\nbase_url = \"{url}\"\n"));
        fs::write(registry.dir().join(name), content).expect("a file");
        fs::write(registry.dir().join("input.json"), format!("\u{feff}{LABEL_INPUT}")).expect("a file");
        fs::write(registry.dir().join("metadata.json"), "\u{feff}{\"owner\":\"o\",\"repo\":\"r\"}").expect("a file");
        let file = format!("@{name}");
        registry
            .run(["connection", "add", "github", "acme", "--auth", "bearer", "--credentials", &file, "--no-verify"])
            .expect(0);
        registry.run(["connection", "set-metadata", "github", "acme", "@metadata.json"]).expect(0);
        registry.run(["run", "github", "get-label", "--connection", "acme", "--input", "@input.json"]).expect(0);
        assert_eq!(bodies.last(), format!("Bearer {}", token(n)), "{name}");
    }
}

#[test]
fn credentials_are_accepted_in_token_response_format() {
    let (url, bodies) = serve_response("application/json", None, LABEL);
    let registry = Registry::new();
    registry.base_url("github", &url);
    let token_response = json!({
        "access_token": "a1", "refresh_token": "r1", "token_type": "bearer", "scope": "repo", "expires_in": 28800
    });
    let added = registry
        .run([
            "connection",
            "add",
            "github",
            "acme",
            "--credentials",
            &token_response.to_string(),
            "--no-verify",
            "--json",
        ])
        .expect(0)
        .json();
    let shown = &added["credentials"];
    assert_eq!(shown["type"], "OAUTH2", "{added:#}");
    let ends: jiff::Timestamp = shown["expires_at"].as_str().expect("an end").parse().expect("a time");
    let hours = ends.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((7..=8).contains(&hours), "{added:#}");
    label(&registry).expect(0);
    assert_eq!(bodies.last(), "Bearer a1");
}

#[test]
fn number_beyond_f64_precision_fails_action_that_returns_any_json() {
    let body = r#"{"id":12345678901234567890123}"#;
    let router = Router::new().route("/raw", get(move || async move { (StatusCode::OK, body).into_response() }));
    let url = serve(router);
    let registry = Registry::proof(&url);
    registry.run(["connection", "add", "proof", "acme", "--auth", "none"]).expect(0);
    let output = registry.run(["run", "proof", "raw", "--connection", "acme"]);
    assert_eq!(output.status, Some(1), "{}", output.stderr);
    assert!(output.stderr.contains("`id`: the number would lose digits"), "{}", output.stderr);
}
