//! Reading of request bodies: size, time, type and depth.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::{
    config::ServerConfig,
    json::{deserialize_exact, has_inexact},
    redact::{INEXACT, without_value},
    wire::{ApiError, ValidationError},
};

/// Initial capacity of a body of unknown length, in bytes.
const CAPACITY: usize = 8 << 10;

/// Checks the type of the content. A request without the header is accepted.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    const JSON: &[u8] = b"application/json";
    let Some(found) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let found = found.as_bytes();
    let is_json = found.len() >= JSON.len() && found[..JSON.len()].eq_ignore_ascii_case(JSON);
    if is_json { Ok(()) } else { Err(ApiError::invalid_content_type()) }
}

/// Reads a body within the limits of size, time and depth.
pub(super) async fn read(body: Body, headers: &HeaderMap, limits: &ServerConfig) -> Result<Bytes, ApiError> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limits.body_bytes) {
        return Err(ApiError::body_too_large(limits.body_bytes));
    }
    let read = collect(body, declared, limits.body_bytes);
    let bytes = within(limits.body_timeout, read).await?;
    if depth(&bytes) > limits.json_depth {
        return Err(ApiError::invalid_json(format!(
            "the JSON is nested more than {} levels deep (`json_depth` under `[server]` in nango.toml)",
            limits.json_depth
        )));
    }
    Ok(bytes)
}

async fn within<F>(limit: Duration, read: F) -> Result<Bytes, ApiError>
where
    F: Future<Output = Result<Bytes, ApiError>>,
{
    tokio::time::timeout(limit, read).await.unwrap_or_else(|_| Err(ApiError::body_timeout(limit)))
}

async fn collect(body: Body, declared: Option<u64>, limit: u64) -> Result<Bytes, ApiError> {
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ApiError::invalid_json("the body ended too early"))?;
        if bytes.len() as u64 + chunk.len() as u64 > limit {
            return Err(ApiError::body_too_large(limit));
        }
        if bytes.is_empty() {
            // Many small chunks do not reserve what the client only announced.
            bytes.reserve(chunk.len().max(declared.map_or(CAPACITY, |_| 0)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Returns the depth of lists and objects in JSON text, without parsing it.
fn depth(json: &[u8]) -> u64 {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_u64, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Decodes a body, which is an object. An empty one counts as `{}`.
///
/// # Errors
///
/// Fails if the body is not JSON, does not fit the type, or has a number that would be rounded; the error has the path,
/// and never the value.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let text = str::from_utf8(bytes).map_err(|_| ApiError::invalid_json("the body is not UTF-8"))?;
    let text = if text.trim_ascii().is_empty() { "{}" } else { text };
    if text.trim_ascii_start().starts_with('[') {
        // serde accepts the values of the fields in their order too, which the document does not describe.
        let error = ValidationError::new("invalid_type", "Invalid input: expected object, received array", &[]);
        return Err(ApiError::invalid_body(vec![error]));
    }
    let decoded = if has_inexact(text) {
        deserialize_exact(text)
    } else {
        let mut json = serde_json::Deserializer::from_str(text);
        let decoded = serde_path_to_error::deserialize(&mut json);
        if decoded.is_ok() {
            json.end().map_err(|error| ApiError::invalid_json(error.to_string()))?;
        }
        decoded
    };
    decoded.map_err(|error| match serde_json::from_str(text) {
        Ok(whole) => {
            let path: Vec<String> = error.path().iter().filter_map(path_part).collect();
            ApiError::invalid_body(vec![mismatch(error.inner(), &whole, path)])
        }
        Err(error) => ApiError::invalid_json(error.to_string()),
    })
}

/// Returns a part of a path: the name of a field, or a position in a list.
fn path_part(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn mismatch(error: &serde_json::Error, whole: &Value, mut path: Vec<String>) -> ValidationError {
    let message = without_value(error, whole);
    let named = |start: &str| message.strip_prefix(start)?.split('`').next().map(str::to_owned);
    let (code, message) = if let Some(field) = named("unknown field `") {
        // The path of the error has the key at its end.
        path.pop_if(|last| *last == field);
        ("unrecognized_keys", format!("Unrecognized key: \"{field}\""))
    } else if let Some(field) = named("missing field `") {
        path.push(field);
        ("invalid_type", "Invalid input: a value is required".to_owned())
    } else if message.starts_with("invalid type") {
        ("invalid_type", format!("Invalid input: {message}"))
    } else if message.starts_with(INEXACT) {
        ("custom", "Invalid number: it would lose digits, send it as a string".to_owned())
    } else if message.starts_with("unknown variant") {
        ("invalid_value", format!("Invalid option: {message}"))
    } else {
        ("custom", message)
    };
    ValidationError { code, message, path }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        items: Vec<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        size: u8,
    }

    #[track_caller]
    fn check(body: &str, code: &str, path: &[&str]) {
        let error = decode::<Outer>(body.as_bytes()).unwrap_err();
        let json = serde_json::to_value(error.body()).unwrap();
        assert_eq!(json["error"]["code"], "invalid_body", "{json}");
        assert_eq!(json["error"]["errors"][0]["code"], code, "{json}");
        assert_eq!(json["error"]["errors"][0]["path"], serde_json::json!(path), "{json}");
        assert!(!json.to_string().contains("hush"), "{json}");
    }

    #[test]
    fn body_error_has_the_path_and_not_the_value() {
        check("{}", "invalid_type", &["name"]);
        check("", "invalid_type", &["name"]);
        check(r#"{"name": 5}"#, "invalid_type", &["name"]);
        check(r#"{"name": "a", "x": "hush"}"#, "unrecognized_keys", &[]);
        check(r#"{"name": "a", "items": [{"size": 1}, {"size": "hush"}]}"#, "invalid_type", &["items", "1", "size"]);
        check(r#"{"name": "a", "items": [{"size": 1, "y": 1}]}"#, "unrecognized_keys", &["items", "0"]);
        check("[]", "invalid_type", &[]);
        check(r#" ["a", []]"#, "invalid_type", &[]);
    }

    #[test]
    fn number_that_would_be_rounded_is_refused() {
        let check = |number: &str| {
            let error = decode::<Value>(format!("{{\"hush\": [0, {number}]}}").as_bytes()).unwrap_err();
            let json = serde_json::to_value(error.body()).unwrap();
            assert_eq!(json["error"]["errors"][0]["path"], serde_json::json!(["hush", "1"]), "{json}");
            let message = "Invalid number: it would lose digits, send it as a string";
            assert_eq!(json["error"]["errors"][0]["message"], message, "{json}");
        };
        check("12345678901234567890123");
        check("0.12345678901234567890123");
        assert_eq!(decode::<Value>(b"{\"a\":0.30000000000000004}").unwrap()["a"], 0.300_000_000_000_000_04);
    }

    #[test]
    fn text_that_is_not_json_is_invalid_json() {
        for body in [
            "{",
            "{} x",
            "nul",
            "\"\u{1}\"",
            "1e400",
            "\u{feff}{}",
            "{\"a\":12345678901234567890123,\"b\":\"\\ud800\"}",
        ] {
            assert_eq!(decode::<Value>(body.as_bytes()).unwrap_err().code(), "invalid_json", "{body}");
        }
        assert_eq!(decode::<Value>(b"\"\xff\"").unwrap_err().code(), "invalid_json");
    }

    #[test]
    fn depth_ignores_brackets_in_texts() {
        assert_eq!(depth(br#"{"a": [1, "[[\"[["], "b": {}}"#), 2);
        assert_eq!(depth(b"1"), 0);
        assert_eq!(depth("[".repeat(5).as_bytes()), 5);
    }

    #[test]
    fn only_json_is_accepted() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            check_type(&headers).is_ok()
        };
        assert!(check("application/json") && check("Application/JSON; charset=utf-8"));
        assert!(!check("text/plain") && !check("app"));
        assert!(check_type(&HeaderMap::new()).is_ok());
    }
}
