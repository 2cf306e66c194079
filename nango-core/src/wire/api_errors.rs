//! Errors of the HTTP API: status, code and body.

use std::{borrow::Cow, time::Duration};

use reqwest::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    auth::Scope,
    error::{Chain, Error},
    store::StoreError,
};

/// Error of a request to the HTTP API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Box<ErrorBody>,
    /// Reason for the log of the server, if the client does not receive it.
    cause: Option<Box<str>>,
}

/// Body of an error response.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ErrorBody {
    error: ErrorObject,
}

/// Error in the body of an error response.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ErrorObject {
    /// Stable name of the error.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    code: Cow<'static, str>,
    /// Description for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Values of the request that are not valid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ValidationError>,
    /// Details for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
    /// Response of the API that made a function fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<Value>,
}

/// Value of a request that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ValidationError {
    /// Stable name of the problem, such as `invalid_type`.
    pub code: &'static str,
    /// Description for people.
    pub message: String,
    /// Path of the value: names of fields, and positions in lists.
    pub path: Vec<String>,
}

impl ValidationError {
    /// Creates the error of a value.
    pub(crate) fn new(code: &'static str, message: impl Into<String>, path: &[&str]) -> Self {
        Self { code, message: message.into(), path: path.iter().map(|part| (*part).to_owned()).collect() }
    }

    /// Creates the error of a key that the request may not have.
    pub(crate) fn unknown_key(key: &str) -> Self {
        Self::new("unrecognized_keys", format!("Unrecognized key: \"{key}\""), &[])
    }
}

impl ApiError {
    /// Creates an error with a status and a code.
    pub(crate) fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        let error = ErrorObject { code: code.into(), message: None, errors: Vec::new(), payload: None, upstream: None };
        Self { status, retry_after: None, body: Box::new(ErrorBody { error }), cause: None }
    }

    /// Returns the error with a description.
    #[must_use]
    pub(crate) fn message(mut self, message: impl Into<String>) -> Self {
        self.body.error.message = Some(message.into());
        self
    }

    /// Returns the error with the values that are not valid.
    #[must_use]
    pub(crate) fn errors(mut self, errors: Vec<ValidationError>) -> Self {
        self.body.error.errors = errors;
        self
    }

    /// Returns the error with details for programs.
    #[must_use]
    pub(crate) fn payload(mut self, payload: impl Into<Value>) -> Self {
        self.body.error.payload = Some(payload.into());
        self
    }

    /// Returns the error with the response of the API that made a function fail.
    #[must_use]
    pub(crate) fn upstream(mut self, upstream: impl Into<Value>) -> Self {
        self.body.error.upstream = Some(upstream.into());
        self
    }

    /// Returns the error with the time after which the client may try again.
    #[must_use]
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Error of parameters of the query string.
    pub(crate) fn invalid_query_params(errors: Vec<ValidationError>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_query_params").errors(errors)
    }

    /// Error of a body whose values are not valid.
    pub(crate) fn invalid_body(errors: Vec<ValidationError>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body").errors(errors)
    }

    /// Error of parameters of the path.
    pub(crate) fn invalid_uri_params(errors: Vec<ValidationError>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_uri_params").errors(errors)
    }

    /// Error of invalid or missing headers.
    pub(crate) fn invalid_headers(errors: Vec<ValidationError>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_headers").errors(errors)
    }

    /// Error of a body that is not JSON.
    pub(crate) fn invalid_json(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json").message(message)
    }

    /// Error of a body of another type than JSON.
    pub(crate) fn invalid_content_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_content_type")
            .message("the content type must be `application/json`")
    }

    /// Error of a request without a key.
    pub(crate) fn missing_auth_header() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "missing_auth_header")
            .message("the header `Authorization: Bearer <API key>` is missing")
    }

    /// Error of an empty key.
    pub(crate) fn malformed_auth_header() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "malformed_auth_header")
            .message("the header `Authorization` has no API key: write `Bearer <API key>`")
    }

    /// Error of a key that is unknown, revoked or expired.
    pub(crate) fn unknown_account() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unknown_account")
            .message("the API key is unknown, was revoked, or has expired")
    }

    /// Error of a key without one of the scopes that the route accepts.
    pub(crate) fn forbidden(scopes: &[Scope]) -> Self {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
        Self::new(StatusCode::FORBIDDEN, "forbidden")
            .message(format!("the API key has none of the scopes: {}", names.join(", ")))
    }

    /// Error of something that does not exist.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found").message(message)
    }

    /// Error of a connection that does not exist; its status depends on the route.
    pub(crate) fn unknown_connection(status: StatusCode, integration: &str, connection: &str) -> Self {
        let message = format!("the connection `{connection}` of `{integration}` does not exist");
        Self::new(status, "unknown_connection").message(message)
    }

    /// Error of a route that this version does not have.
    pub(crate) fn feature_disabled(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "feature_disabled").message(message)
    }

    /// Error of a method that the path does not have.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
            .message("the path has no such method: the header `Allow` lists its methods")
    }

    /// Error of a header `Host` that is not a name of the server.
    pub(crate) fn misdirected(host: &str) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "misdirected_request").message(format!(
            "`{host}` is not a name of this server: add it to `allowed_hosts`, or set `public_url`, under \
             `[server]` in nango.toml (NANGO_SERVER_ALLOWED_HOSTS, NANGO_SERVER_PUBLIC_URL)"
        ))
    }

    /// Error of a body that exceeds the limit.
    pub(crate) fn body_too_large(limit: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large").message(format!(
            "the body has more than {limit} bytes: send less, or raise `body_bytes` under `[server]` in nango.toml"
        ))
    }

    /// Error of a head that exceeds the limit.
    pub(crate) fn head_too_large(limit: u64) -> Self {
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "request_head_too_large").message(format!(
            "the URL and the headers have more than {limit} bytes: send less, or raise `head_bytes` under `[server]` \
             in nango.toml"
        ))
    }

    /// Error of a body that does not arrive in time.
    pub(crate) fn body_timeout(limit: Duration) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout").message(format!(
            "the body did not arrive within {} seconds (`body_timeout` under `[server]` in nango.toml)",
            limit.as_secs()
        ))
    }

    /// Error while the database is down. Nothing was done.
    pub(crate) fn database_unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable")
            .message("the database of the server is not available: nothing was done, try again")
            .retry_after(Duration::from_secs(1))
    }

    /// Error while the server stops. Nothing was done.
    pub(crate) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_stopping")
            .message("the server is stopping: nothing was done, try again")
            .retry_after(Duration::from_secs(1))
    }

    /// Error of the server itself. The id is that of the request, with which the cause is found in the log.
    pub(crate) fn internal(request: Uuid) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "generic_error_support")
            .message("the request failed in the server: the log has the cause under the id in `payload`")
            .payload(request.to_string())
    }

    /// Returns the error with a reason for the log of the server.
    #[must_use]
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into().into_boxed_str());
        self
    }

    /// Returns the reason for the log of the server.
    pub(crate) fn logged_cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Returns the status of the response.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the time after which the client may try again.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the code of the error.
    pub(crate) fn code(&self) -> &str {
        &self.body.error.code
    }

    /// Returns the body of the response.
    pub(crate) fn body(&self) -> &ErrorBody {
        &self.body
    }
}

impl From<&StoreError> for ApiError {
    /// Converts an error of the database. A lost database is temporary; the text of other errors is for operators.
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unreachable { .. }
            | StoreError::Exhausted(_)
            | StoreError::Disconnected
            | StoreError::ReadOnly
            | StoreError::Locked(_)
            | StoreError::Full
            | StoreError::Closed => Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable")
                .message(
                    "the database of the server failed during the request: check what was done before you try again",
                )
                .cause(Chain(error).to_string()),
            StoreError::NoConnection { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "unknown_connection").message(error.to_string())
            }
            StoreError::Cursor => {
                Self::invalid_query_params(vec![ValidationError::new("custom", error.to_string(), &["cursor"])])
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error")
                .message("the database of the server failed: its log has the cause")
                .cause(Chain(error).to_string()),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for ApiError {
    /// Converts an error of the server's own work. Errors of functions are converted where they are run.
    fn from(error: &Error) -> Self {
        match error.find::<StoreError>() {
            Some(store) => Self::from(store),
            None => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error")
                .message("the request failed in the server: its log has the cause")
                .cause(error.to_string()),
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn error_body_has_only_what_is_known() {
        let body = |error: ApiError| serde_json::to_value(error.body()).unwrap();
        assert_eq!(body(ApiError::new(StatusCode::BAD_REQUEST, "x")), json!({ "error": { "code": "x" } }));
        let error = ApiError::invalid_query_params(vec![ValidationError::unknown_key("a")]);
        assert_eq!(
            body(error),
            json!({ "error": { "code": "invalid_query_params", "errors": [
                { "code": "unrecognized_keys", "message": "Unrecognized key: \"a\"", "path": [] }
            ] } })
        );
        let details = ApiError::new(StatusCode::FAILED_DEPENDENCY, "script_http_error")
            .payload(json!({ "a": 1 }))
            .upstream(json!({ "status": 404 }));
        assert_eq!(body(details)["error"]["upstream"], json!({ "status": 404 }));
        assert_eq!(ApiError::forbidden(&[Scope::RecordsRead]).code(), "forbidden");
    }

    #[test]
    fn lost_database_is_temporary_and_other_failures_reveal_nothing() {
        let lost = ApiError::from(StoreError::Disconnected);
        // Something may have been done before, so the client is not asked to repeat the request.
        assert_eq!((lost.status().as_u16(), lost.code(), lost.wait()), (503, "database_unavailable", None));
        let failed = ApiError::from(StoreError::Damaged("a secret".into()));
        assert_eq!(failed.status().as_u16(), 500);
        assert!(!serde_json::to_string(failed.body()).unwrap().contains("a secret"));
        assert!(failed.logged_cause().unwrap().contains("a secret"));
        let missing = StoreError::NoConnection { integration: "github".into(), connection: "acme".into() };
        assert_eq!(ApiError::from(Error::from(missing)).code(), "unknown_connection");
        assert_eq!(ApiError::from(Error::msg("hush")).code(), "server_error");
    }
}
