//! Failures of requests without secrets: those of the connection, and those of the request, which the caller or a
//! signature may have added.

use bytes::Bytes;
use reqwest::{Method, header::HeaderMap};
use url::Url;

use super::redact;
use crate::{error::HttpFailure, redact::Redactor};

/// Maximum size of the body that a failure keeps, in bytes.
pub(super) const MAX_ERROR_BODY_BYTES: usize = 1 << 20;

/// URL and headers of a sent request, secrets included.
pub(super) type RequestHead = (Url, HeaderMap);

/// Returns a redactor of the secrets of the connection and of one request.
pub(super) fn redactor_of(connection: &Redactor, head: &RequestHead) -> Redactor {
    let redactor = connection.detached();
    for secret in redact::request_secrets(&head.0, &head.1) {
        redactor.add(secret);
    }
    redactor
}

/// Returns a failure without the secrets that a redactor hides. A longer body than [`MAX_ERROR_BODY_BYTES`] is cut.
pub(super) fn redacted_failure(
    redactor: &Redactor,
    (method, url): (&Method, &Url),
    (status, headers, mut body): (u16, HeaderMap, Bytes),
    attempts: u32,
) -> HttpFailure {
    let cut = body.len() >= MAX_ERROR_BODY_BYTES;
    if let Some(hidden) = redactor.hide_bytes(&body) {
        body = hidden.into();
    }
    if cut {
        // The end may contain a part of a secret.
        body.truncate(MAX_ERROR_BODY_BYTES.min(body.len()).saturating_sub(redactor.max_pattern_len()));
    }
    let url = redact::redacted_url(&redactor.hide_url(url.clone()));
    HttpFailure::new(method.to_string(), url, status, redactor.hide_headers(headers), body, attempts)
}
