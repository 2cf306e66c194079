//! What comes back.

use std::fmt;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::header::{DATE, HeaderMap};
use serde::de::DeserializeOwned;
use url::Url;

use super::{DecodeError, HttpError, Sent, decode, limits::Limits, parse_http_date, redact};

/// An answer, its body in memory.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// What answered: the URL after redirects.
    pub url: Url,
    /// The body, decompressed.
    pub body: Bytes,
    /// When the request that this answers was sent, microseconds since 1970.
    pub sent_at: i64,
    /// How often it was sent, at least 1.
    pub attempts: u32,
    /// What was sent, without secrets.
    pub request: Sent,
    /// Whether the answer came from another origin than those that get the connection's credentials, so that it was
    /// requested without them.
    pub withheld: bool,
}

impl Response {
    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// The body is not the JSON of a `T`; the error names the field.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode(&self.body)
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// How long the answer asks to wait (`Retry-After`), read against the server's own time or `now`.
    pub(crate) fn demanded_wait(&self, now: i64) -> Option<std::time::Duration> {
        let wait = Limits::read(&self.headers).retry_after?;
        Some(wait.wait(self.date().unwrap_or(now)))
    }

    /// The server's own time, if it tells: microseconds since 1970.
    pub fn date(&self) -> Option<i64> {
        parse_http_date(self.headers.get(DATE)?.to_str().ok()?)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &redact::redact_headers(&self.headers))
            .field("url", &self.request.url.as_str())
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// An answer whose body is read as it arrives.
#[non_exhaustive]
pub struct Streaming {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// What answered: the URL after redirects.
    pub url: Url,
    /// The body, decompressed, without a limit to its size.
    pub body: BoxStream<'static, Result<Bytes, HttpError>>,
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("status", &self.status).finish_non_exhaustive()
    }
}
