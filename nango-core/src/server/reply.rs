//! Responses of handlers.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use serde::Serialize;

use crate::wire::ApiError;

/// Successful response of a handler.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    json: Option<Bytes>,
    headers: Vec<(HeaderName, HeaderValue)>,
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
        Self { status, json: Some(json.into()), headers: Vec::new() }
    }

    /// Returns a response without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, json: None, headers: Vec::new() }
    }

    /// Returns the response with a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Converts this into the response of the HTTP library.
    pub(super) fn into_response(self) -> Response {
        let Self { status, json, headers } = self;
        let mut response = json.map_or_else(|| Response::new(Body::empty()), json_response);
        *response.status_mut() = status;
        response.headers_mut().extend(headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

/// Converts an error into its response.
pub(super) fn error_response(error: &ApiError) -> Response {
    // An error consists of texts and JSON values, which can be written.
    let json = serde_json::to_vec(error.body()).unwrap_or_default();
    let mut response = json_response(json.into());
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

fn json_response(json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
