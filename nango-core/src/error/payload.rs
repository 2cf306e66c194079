//! Causes that functions handle: the payload of an action, and the response of an API.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use super::kind::ErrorKind;
use crate::{json, redact::one_line};

/// Error with a payload for the caller of an action.
///
/// ```
/// use nango_core::prelude::*;
///
/// fn check(title: &str) -> Result<()> {
///     if title.is_empty() {
///         return Err(ActionError::new(json!({ "message": "an issue needs a title" })).into());
///     }
///     Ok(())
/// }
/// assert!(check("").unwrap_err().action().is_some());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ActionError {
    payload: Value,
}

impl ActionError {
    /// Creates an error; a payload that is not an object or array is sent as `{ "message": payload }`, `null` as `{}`.
    pub fn new(payload: impl Serialize) -> Self {
        let payload = match serde_json::to_value(payload) {
            Ok(payload @ (Value::Object(_) | Value::Array(_))) => payload,
            Ok(Value::Null) => Value::Object(serde_json::Map::new()),
            Ok(message) => serde_json::json!({ "message": message }),
            Err(error) => serde_json::json!({ "message": format!("the payload of this error is not JSON: {error}") }),
        };
        Self { payload }
    }

    /// Returns the payload that the caller receives: an object or an array.
    pub fn payload(&self) -> &Value {
        &self.payload
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload.get("message").and_then(Value::as_str) {
            Some(message) => f.write_str(message),
            None => write!(f, "{}", self.payload),
        }
    }
}

impl StdError for ActionError {}

/// Declared error in the body of a response with a success status, such as `ok: false`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorInBody {
    /// Path at which it was found.
    pub path: String,
    /// Text of the provider, at most 200 characters. Secrets of the connection in it are `***`.
    pub message: String,
    /// Whether the text is one of those that the declaration calls fatal, such as an error about the credentials.
    pub is_fatal: bool,
}

/// Response with a status that the request did not accept, or with a declared error in its body.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpFailure {
    /// Method of the request, such as `GET` or `POST`.
    pub method: String,
    /// URL of the request without its query, which may contain a key.
    pub url: String,
    /// Status code of the last attempt.
    pub status: u16,
    /// Headers of the last response. Secrets of the connection in them are `***`.
    pub headers: HeaderMap,
    /// Body of the last response, at most its first MiB. Secrets of the connection in it are `***`.
    pub body: Bytes,
    /// Number of attempts, at least 1.
    pub attempts: u32,
    /// Whether a rate limit of the API refused the request, according to its status 429, its headers, or the rule for
    /// its body in the provider's entry.
    pub is_rate_limited: bool,
    /// Declared error in the body of a response with a success status.
    pub error: Option<ErrorInBody>,
}

impl HttpFailure {
    /// Creates a failure from a received response.
    pub(crate) fn new(
        method: String,
        url: String,
        status: u16,
        headers: HeaderMap,
        body: Bytes,
        attempts: u32,
    ) -> Self {
        Self { method, url, status, headers, body, attempts, is_rate_limited: status == 429, error: None }
    }

    /// Returns the body as JSON, or as a string if it is not JSON.
    pub fn json(&self) -> Value {
        let charset = json::charset(&self.headers);
        json::parse_rounding(&self.body, charset)
            .unwrap_or_else(|_| Value::String(json::body_text_lossy(&self.body, charset)))
    }

    /// Returns the kind of the error that functions receive.
    pub(crate) fn kind(&self) -> ErrorKind {
        if self.is_rate_limited { ErrorKind::RateLimit } else { ErrorKind::Http }
    }
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} returned {}", self.method, self.url, self.status)?;
        if self.attempts > 1 {
            write!(f, " after {} attempts", self.attempts)?;
        }
        if let Some(ErrorInBody { path, message, .. }) = &self.error {
            return write!(f, " with an error at `{path}`: {message}");
        }
        let body = one_line(&json::body_text_lossy(&self.body, json::charset(&self.headers)));
        if !body.is_empty() {
            let short: String = body.chars().take(300).collect();
            let dots = if short.len() < body.len() { " …" } else { "" };
            write!(f, ": {short}{dots}")?;
        }
        Ok(())
    }
}

impl StdError for HttpFailure {}
