//! What comes back.

use std::{any::type_name, borrow::Cow, fmt};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::header::{DATE, HeaderMap};
use serde::de::DeserializeOwned;
use url::Url;

use super::{BodyError, HttpError, RedactedRequest, parse_http_date, rate_limit_headers::RateLimitHeaders, redact};
use crate::{json, redact::Redactor};

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
    pub request: RedactedRequest,
    /// Whether the answer came from another origin than those that get the connection's credentials, so that it was
    /// requested without them.
    pub credentials_withheld: bool,
    /// Hides the secrets of the connection in what errors quote of the answer.
    pub(super) redactor: Redactor,
}

impl Response {
    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// The body is not the JSON of a `T`; the error names the request, the answer and the field.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, BodyError> {
        json::body_text(&self.body, json::charset(&self.headers)).and_then(|text| json::decode_str(&text)).map_err(
            |error| {
                let at = format!("{} {}", self.request.method, redact::redacted_url(&self.request.url));
                BodyError::new(at, self.status, &self.headers, &self.body, error)
                    .with_expected(json::short_name(type_name::<T>()))
                    .redacted(&self.redactor)
            },
        )
    }

    /// The body as text, in the charset that its byte order mark or its content type names, else UTF-8; bytes that are
    /// not in it are replaced by U+FFFD.
    pub fn text(&self) -> String {
        json::body_text_lossy(&self.body, json::charset(&self.headers))
    }

    /// The answer with its body in UTF-8, if a byte order mark or the content type says that it is in another charset.
    ///
    /// # Errors
    ///
    /// It is not in the charset that it says.
    pub(crate) fn into_utf8(mut self, at: impl FnOnce() -> String) -> Result<Self, BodyError> {
        let charset = json::charset(&self.headers);
        let marked = self.body.starts_with(&[0xff, 0xfe]) || self.body.starts_with(&[0xfe, 0xff]);
        if !marked && charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8")) {
            return Ok(self);
        }
        match json::body_text(&self.body, charset) {
            Ok(Cow::Borrowed(_)) => Ok(self),
            Ok(Cow::Owned(text)) => {
                self.body = text.into();
                Ok(self)
            }
            Err(error) => Err(BodyError::new(at(), self.status, &self.headers, &self.body, error)),
        }
    }

    /// How long the answer asks to wait (`Retry-After`), read against the server's own time or `now`.
    pub(crate) fn retry_after(&self, now: i64) -> Option<std::time::Duration> {
        let wait = RateLimitHeaders::parse(&self.headers).retry_after?;
        Some(wait.wait_from(self.date().unwrap_or(now)))
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
pub struct StreamingResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// What answered: the URL after redirects.
    pub url: Url,
    /// The body, decompressed, without a limit to its size.
    pub body: BoxStream<'static, Result<Bytes, HttpError>>,
}

impl fmt::Debug for StreamingResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("status", &self.status).finish_non_exhaustive()
    }
}
