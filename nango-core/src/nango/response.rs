//! Response to a request of a function.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Context;
use crate::{error::Result, http, json};

/// Response to a request of a function.
#[derive(Debug)]
pub struct Response {
    inner: http::Response,
    /// Context whose provider declares errors in successful responses.
    declaring: Option<Arc<Context>>,
    data: OnceLock<Value>,
}

impl Response {
    /// Creates the response of a received one. `declaring` is the context if its provider declares errors.
    pub(super) fn new(inner: http::Response, declaring: Option<Arc<Context>>) -> Self {
        Self { inner, declaring, data: OnceLock::new() }
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.inner.status
    }

    /// Returns the headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.inner.headers
    }

    /// Returns a header as text. `None` if it is missing or is not valid text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as JSON, parsed on first use. An empty body is `null`. A body that is not JSON, or has a number
    /// that a [`Value`] would round, is returned as a string.
    pub fn data(&self) -> &Value {
        self.data.get_or_init(|| match self.inner.body.as_ref() {
            [] => Value::Null,
            body => json::value_or_text(body, json::charset(&self.inner.headers)),
        })
    }

    /// Decodes the body from JSON to type `T`.
    ///
    /// # Errors
    ///
    /// Fails if the body is not JSON or does not fit `T`. The error contains the request, the status, the content type
    /// and the field, and the first characters of a body that is not JSON. A number that a [`Value`] in `T` would round
    /// is an error, too.
    ///
    /// Also fails if the body has an error that the provider's entry declares (`proxy.error`); [`data`](Self::data)
    /// returns such a body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if let Some(context) = &self.declaring {
            context.check_declared(&context.provider.proxy.errors, &self.inner)?;
        }
        self.inner.json().map_err(http::BodyError::into_error)
    }

    /// Returns the body as text. The charset is taken from the byte order mark or the content type; the default is
    /// UTF-8. Invalid bytes are replaced by U+FFFD.
    pub fn text(&self) -> String {
        self.inner.text()
    }

    /// Returns the bytes of the body.
    pub fn body(&self) -> &Bytes {
        &self.inner.body
    }

    /// Returns the URL of the response after redirects, without its query, which may contain a key.
    pub fn url(&self) -> String {
        http::redacted_url(&self.inner.request.url)
    }

    /// Returns the number of attempts.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// Returns the request as it was sent, without secrets.
    pub fn request(&self) -> &http::RedactedRequest {
        &self.inner.request
    }
}
