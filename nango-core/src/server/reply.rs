//! Responses of handlers.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use serde::Serialize;

use crate::wire::ApiError;

/// Type of most bodies.
const JSON: &str = "application/json";

/// Successful response of a handler.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Reply {
    /// Returns a response with a value as JSON.
    ///
    /// # Errors
    ///
    /// Fails if the value cannot be written as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, ApiError> {
        let json = serde_json::to_vec(value).map_err(|_| {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error")
                .message("the response cannot be written as JSON")
        })?;
        Ok(Self::bytes(status, json))
    }

    /// Returns a response with the status 200 and a value as JSON.
    ///
    /// # Errors
    ///
    /// Fails if the value cannot be written as JSON.
    pub(crate) fn ok(value: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(StatusCode::OK, value)
    }

    /// Returns a response with JSON that is already written.
    pub(crate) fn bytes(status: StatusCode, json: impl Into<Bytes>) -> Self {
        Self { status, content_type: JSON, body: json.into() }
    }

    /// Returns a response with the status 200 and a text of this type.
    pub(crate) fn text(content_type: &'static str, text: String) -> Self {
        Self { status: StatusCode::OK, content_type, body: text.into() }
    }

    /// Converts this into the response of the HTTP library.
    pub(super) fn into_response(self) -> Response {
        let mut response = response(self.content_type, self.body);
        *response.status_mut() = self.status;
        response
    }
}

/// Converts an error into its response.
pub(super) fn error_response(error: &ApiError) -> Response {
    // An error consists of texts and JSON values, which can be written.
    let json = serde_json::to_vec(error.body()).unwrap_or_default();
    let mut response = response(JSON, json.into());
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    if let Some(wait) = error.wait() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn response(content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
