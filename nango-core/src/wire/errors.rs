//! JSON of errors of functions, with Nango's error codes.
//!
//! | cause | type | payload |
//! | --- | --- | --- |
//! | an `ActionError` | `action_script_runtime_error` | that of the error |
//! | a response with a status that was not accepted | `script_http_error` | `payload` of the response, or its body |
//! | a rate limit with a wait time above the maximum | `script_api_rate_limit_error` | |
//! | no response, or a token refresh in backoff | `script_network_error` | |
//! | an invalid input | `invalid_action_input` | |
//! | a record that cannot be saved | `invalid_sync_record` | |
//! | a cancellation, or a lost lease | `script_aborted` | |
//! | concurrent writes of a checkpoint | `checkpoint_conflict` | |
//! | a connection that does not exist | `unknown_connection` | |
//! | credentials that cannot be decrypted, lack a value, were refused, or are of a mode that the provider does not support | `invalid_credentials` | |
//! | anything else | `script_internal_error` | |
//!
//! After `invalid_credentials` the connection must be added again, and after `checkpoint_conflict` the call can be
//! retried. Errors that this would not fix (program settings, metadata or a checkpoint of another schema) are internal.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    auth::{CredentialError, InjectError, KeyError},
    error::{Error, ErrorKind, HttpFailure},
    http::HttpError,
    provider::ResolveError,
    store::StoreError,
};

/// Maximum size of a payload, in bytes of JSON; longer ones are truncated.
const MAX_PAYLOAD_BYTES: usize = 99_000;

/// Error on the wire: `{ "type", "message", "payload"?, "status"?, "additional_properties"? }`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct WireError {
    /// Error code, such as `script_http_error`.
    pub r#type: &'static str,
    /// Message for users.
    pub message: String,
    /// Details for the caller: the payload of an action error, or the body of a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// HTTP status of the API's response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `upstream_response` with status, some headers and body, if there was a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<Value>,
}

impl WireError {
    /// Converts an error, with secrets redacted.
    pub(crate) fn of(error: &Error) -> Self {
        let mut wire = Self {
            r#type: code(error),
            message: error.to_string(),
            payload: None,
            status: None,
            additional_properties: None,
        };
        if let Some(refusal) = error.action() {
            wire.payload = Some(bounded(error.hide_value(refusal.payload().clone())));
        } else if let Some(failure) = error.http() {
            let body = error.hide_value(failure.json());
            wire.payload = Some(bounded(object(body.get("payload").filter(|p| !p.is_null()).unwrap_or(&body).clone())));
            wire.status = Some(failure.status);
            wire.additional_properties = Some(json!({
                "upstream_response": {
                    "status": failure.status,
                    "headers": exposed_headers(failure),
                    "body": bounded(body),
                }
            }));
        }
        wire
    }
}

fn code(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Action => "action_script_runtime_error",
        ErrorKind::Http => "script_http_error",
        ErrorKind::RateLimit if error.http().is_some() => "script_http_error",
        ErrorKind::RateLimit => "script_api_rate_limit_error",
        ErrorKind::Network => "script_network_error",
        ErrorKind::Input => "invalid_action_input",
        ErrorKind::Record => "invalid_sync_record",
        ErrorKind::Interrupted | ErrorKind::LeaseLost => "script_aborted",
        ErrorKind::NoProgress => "no_progress",
        ErrorKind::Connection if is_credentials_error(error) => "invalid_credentials",
        _ => match error.find::<StoreError>() {
            Some(StoreError::NoConnection { .. }) => "unknown_connection",
            Some(StoreError::CheckpointConflict { .. }) => "checkpoint_conflict",
            _ => "script_internal_error",
        },
    }
}

fn is_credentials_error(error: &Error) -> bool {
    error.downcast_ref::<InjectError>().is_some()
        || error.downcast_ref::<ResolveError>().is_some()
        || error.find::<KeyError>().is_some()
        || error.downcast_ref::<CredentialError>().is_some()
        // The connection was removed, if a database error is the cause of a missing credential.
        || (matches!(error.downcast_ref(), Some(HttpError::Auth(_))) && error.find::<StoreError>().is_none())
}

/// Returns the headers that are exposed: content type and rate limits. Other headers may contain cookies.
fn exposed_headers(failure: &HttpFailure) -> Map<String, Value> {
    failure
        .headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            name == "content-type"
                || name == "retry-after"
                || name.starts_with("x-rate")
                || name.starts_with("ratelimit")
        })
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect()
}

/// Converts a payload to an object, unless it is an object or an array: other values become a `message`.
fn object(value: Value) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) => value,
        Value::Null => json!({}),
        Value::String(message) => json!({ "message": message }),
        other => json!({ "message": other.to_string() }),
    }
}

/// Truncates a value to [`MAX_PAYLOAD_BYTES`] of JSON.
fn bounded(value: Value) -> Value {
    let text = value.to_string();
    if text.len() <= MAX_PAYLOAD_BYTES {
        return value;
    }
    let end = text.floor_char_boundary(MAX_PAYLOAD_BYTES);
    json!({ "message": format!("{} …", &text[..end]), "truncated": true })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;
    use std::sync::Arc;

    use crate::{auth::RefreshError, error::ActionError, http::AuthError};

    fn http_error(status: u16, body: &'static str) -> Error {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
        headers.insert("set-cookie", HeaderValue::from_static("session=secret"));
        HttpFailure::new("GET".into(), "http://h/p".into(), status, headers, Bytes::from_static(body.as_bytes()), 1)
            .into()
    }

    #[track_caller]
    fn check(error: &Error, expect: &str, payload: Option<Value>) {
        let wire = WireError::of(error);
        assert_eq!((wire.r#type, wire.payload), (expect, payload));
    }

    #[test]
    fn every_error_kind_has_a_code() {
        let error = |kind| Error::new(kind, "x");
        check(&error(ErrorKind::Network), "script_network_error", None);
        check(&error(ErrorKind::RateLimit), "script_api_rate_limit_error", None);
        check(&error(ErrorKind::Input), "invalid_action_input", None);
        check(&error(ErrorKind::Record), "invalid_sync_record", None);
        check(&error(ErrorKind::Interrupted), "script_aborted", None);
        check(&error(ErrorKind::LeaseLost), "script_aborted", None);
        check(&error(ErrorKind::Decode), "script_internal_error", None);
        check(&Error::msg("x"), "script_internal_error", None);
        let missing = StoreError::NoConnection { integration: "github".into(), connection: "acme".into() };
        check(&Error::new(ErrorKind::Connection, missing), "unknown_connection", None);
    }

    #[test]
    fn code_is_specific_to_its_cause() {
        let conflict = StoreError::CheckpointConflict { expected: 1, found: 2 };
        check(&Error::new(ErrorKind::Checkpoint, conflict).context("saving"), "checkpoint_conflict", None);
        check(&Error::new(ErrorKind::Checkpoint, "it no longer fits"), "script_internal_error", None);
        let connection = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Connection, source).context("the connection `acme`")
        };
        let mode = InjectError::NoApiKeyPlacement { provider: "github".into(), others: String::new() };
        check(&connection(Box::new(mode)), "invalid_credentials", None);
        check(&connection(Box::new(KeyError::Damaged)), "invalid_credentials", None);
        check(
            &connection(Box::new(HttpError::Auth(AuthError::new(ErrorKind::Connection, "no token")))),
            "invalid_credentials",
            None,
        );
        check(&connection("its metadata has no `owner`".into()), "script_internal_error", None);
    }

    #[test]
    fn database_failure_during_refresh_is_no_credentials_error() {
        let refresh = |source| RefreshError::Store { connection: "acme".into(), source: Arc::new(source) };
        let check = |source: fn() -> StoreError, kind: ErrorKind, expect: &str| {
            for error in [refresh(source()).into_error(), HttpError::Auth(refresh(source()).into()).into_error()] {
                assert_eq!((error.kind(), WireError::of(&error).r#type), (kind, expect), "{error}");
            }
        };
        check(|| StoreError::Full, ErrorKind::Store, "script_internal_error");
        let removed = || StoreError::NoConnection { integration: "github".into(), connection: "acme".into() };
        check(removed, ErrorKind::Connection, "unknown_connection");
    }

    #[test]
    fn action_error_keeps_payload() {
        let refusal = Error::from(ActionError::new(json!({ "field": "title" }))).context("creating");
        check(&refusal, "action_script_runtime_error", Some(json!({ "field": "title" })));
        check(&ActionError::new("no").into(), "action_script_runtime_error", Some(json!({ "message": "no" })));
    }

    #[test]
    fn http_error_payload_has_status_and_no_cookies() {
        check(
            &http_error(404, r#"{"message":"Not Found"}"#),
            "script_http_error",
            Some(json!({ "message": "Not Found" })),
        );
        check(&http_error(429, r#"{"payload":[1]}"#), "script_http_error", Some(json!([1])));
        check(&http_error(500, "oops"), "script_http_error", Some(json!({ "message": "oops" })));
        check(&http_error(500, ""), "script_http_error", Some(json!({ "message": "" })));
        let json = serde_json::to_value(WireError::of(&http_error(404, "{}"))).unwrap();
        assert_eq!(json["status"], 404);
        let upstream = &json["additional_properties"]["upstream_response"];
        assert_eq!(upstream["headers"], json!({ "x-ratelimit-remaining": "0" }));
    }

    #[test]
    fn long_payload_is_truncated() {
        let error = ActionError::new(json!({ "text": "é".repeat(MAX_PAYLOAD_BYTES) }));
        let payload = WireError::of(&error.into()).payload.unwrap_or_default();
        assert_eq!(payload["truncated"], true);
        assert!(payload.to_string().len() < MAX_PAYLOAD_BYTES + 10_000);
    }
}
