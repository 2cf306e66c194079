//! Responses: with a buffered body ([`Response`]), and with a streamed one ([`StreamingResponse`]).

use std::{any::type_name, borrow::Cow, fmt, sync::Arc};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::header::{DATE, HeaderMap};
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    BodyError, HttpError, RedactedRequest,
    rate_limit_headers::RateLimitHeaders,
    redact,
    redacted_failure::{MAX_ERROR_BODY_BYTES, RequestHead, redacted_failure, redactor_of},
};
use crate::{
    error::{ErrorInBody, HttpFailure},
    json,
    redact::{Redactor, one_line},
    time::{Timestamp, parse_http_date},
};

/// Maximum number of characters of a declared error that a message shows.
const MAX_SHOWN_CHARS: usize = 200;
/// Number of characters that are redacted: more than are shown, because a text is redacted before it is truncated.
const MAX_REDACTED_CHARS: usize = 4096;

/// A response with its body in memory.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The response headers.
    pub headers: HeaderMap,
    /// The final URL, after redirects.
    pub url: Url,
    /// The body, decompressed.
    pub body: Bytes,
    /// Time at which the request was sent.
    pub sent_at: Timestamp,
    /// Number of attempts, at least 1.
    pub attempts: u32,
    /// The request without its secrets.
    pub request: RedactedRequest,
    /// Whether the request was sent without the connection's credentials, because the final URL is of an origin that
    /// does not receive them.
    pub credentials_withheld: bool,
    /// Redacts the secrets of the connection in what errors quote of the response.
    pub(super) redactor: Redactor,
    /// Head of the request, whose secrets are redacted too. Shared, because responses are cloned.
    pub(super) request_head: Arc<RequestHead>,
}

impl Response {
    /// Decodes the body as JSON.
    ///
    /// # Errors
    ///
    /// Fails if the body is not the JSON of a `T`; the error names the request, the response and the field.
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

    /// Decodes the body as text, in the charset of its byte order mark or content type, else UTF-8. Invalid bytes are
    /// replaced by U+FFFD.
    pub fn text(&self) -> String {
        json::body_text_lossy(&self.body, json::charset(&self.headers))
    }

    /// Converts the body to UTF-8 if its byte order mark or content type declares another charset.
    ///
    /// # Errors
    ///
    /// Fails if the body is not valid in its declared charset.
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

    /// Returns a text of the body for a message: on one line, without secrets, with at most 200 characters.
    pub(crate) fn shown_text(&self, text: &str) -> String {
        shown_text(&self.full_redactor(), text)
    }

    /// Returns the failure of a declared error in the body, found at a path.
    pub(crate) fn declared_error(&self, path: &str, message: &str, is_fatal: bool) -> HttpError {
        let redactor = self.full_redactor();
        let error = Some(ErrorInBody { path: path.to_owned(), message: shown_text(&redactor, message), is_fatal });
        let body = self.body.slice(..self.body.len().min(MAX_ERROR_BODY_BYTES));
        let request = (&self.request.method, &self.request.url);
        let failure = redacted_failure(&redactor, request, (self.status, self.headers.clone(), body), self.attempts);
        HttpError::Declared(Box::new(HttpFailure { error, ..failure }))
    }

    /// Returns a redactor of the secrets of the connection and of the request.
    fn full_redactor(&self) -> Redactor {
        redactor_of(&self.redactor, &self.request_head)
    }

    /// Returns the wait that the response requires (`Retry-After`), relative to the server's own time, or to `now`
    /// without one.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<std::time::Duration> {
        let wait = RateLimitHeaders::parse(&self.headers).retry_after?;
        Some(wait.wait_from(self.date().unwrap_or(now)))
    }

    /// Returns the server's time from its `Date` header.
    pub fn date(&self) -> Option<Timestamp> {
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

/// A response whose body is read as a stream.
#[non_exhaustive]
pub struct StreamingResponse {
    /// The HTTP status code.
    pub status: u16,
    /// The response headers.
    pub headers: HeaderMap,
    /// The final URL, after redirects.
    pub url: Url,
    /// The body, decompressed, without a size limit.
    pub body: BoxStream<'static, Result<Bytes, HttpError>>,
}

impl fmt::Debug for StreamingResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Redacts a text before it is truncated to 200 characters on one line.
fn shown_text(redactor: &Redactor, text: &str) -> String {
    let long: String = text.chars().take(MAX_REDACTED_CHARS).collect();
    let mut hidden = redactor.hide(&long).into_owned();
    if long.len() < text.len() {
        // The end may contain a part of a secret.
        hidden.truncate(hidden.floor_char_boundary(hidden.len().saturating_sub(redactor.max_pattern_len())));
    }
    let shown = one_line(&hidden);
    let short: String = shown.chars().take(MAX_SHOWN_CHARS).collect();
    if short.len() < shown.len() || long.len() < text.len() { format!("{short} …") } else { short }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn redactor(secret: &str) -> Redactor {
        Redactor::new([Zeroizing::new(secret.to_owned())])
    }

    #[test]
    fn part_of_a_secret_at_the_end_of_a_long_text_is_not_shown() {
        for length in [40, 2100, 5000] {
            let secret: String = (0..length).map(|i| char::from(b'a' + u8::try_from(i * 7 % 26).unwrap())).collect();
            let hidden = redactor(&secret);
            for text in [secret.clone(), secret.repeat(2), format!("{}{secret}", " x".repeat(2030))] {
                let shown = shown_text(&hidden, &text);
                assert!(!shown.contains(&secret[..12]), "{length}: {shown}");
                assert!(shown.chars().count() <= MAX_SHOWN_CHARS + 2, "{length}: {shown}");
            }
        }
        assert_eq!(shown_text(&redactor("secret-token"), "the token secret-token\nis old"), "the token *** is old");
        assert_eq!(shown_text(&redactor("secret-token"), &"é".repeat(300)), format!("{} …", "é".repeat(200)));
    }
}
