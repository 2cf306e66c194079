//! Classification of responses without a token: rejections and temporary failures.
//!
//! A rejection stops all attempts until the user connects again. Therefore only a response of the token server itself
//! counts: an `OAuth` error code that is not temporary, or a 400 or 401 that is not an HTML page of a proxy.

use reqwest::header::LOCATION;
use serde_json::Value;

use super::{ObtainError, TokenContext};
use crate::{
    http::{self, Response},
    redact::one_line,
};

/// Maximum length of a server message in errors, in characters.
const MAX_MESSAGE_CHARS: usize = 300;
/// Error codes that reject the credentials regardless of the status: those of RFC 6749 (5.2) about credentials, and
/// those that known token servers send with status 200.
const REJECTION_CODES: [&str; 13] = [
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "bad_refresh_token",
    "incorrect_client_credentials",
    "invalid_refresh_token",
    "invalid_client_id",
    "bad_client_secret",
    "invalid_client_secret",
    "invalid_code",
    "token_revoked",
    "token_expired",
];
/// Parts of error codes for temporary failures, which may be retried.
const TEMPORARY_CODE_PARTS: [&str; 14] = [
    "temporar",
    "unavailable",
    "server_error",
    "internal",
    "slow_down",
    "rate_limit",
    "ratelimit",
    "too_many",
    "throttl",
    "quota",
    "timeout",
    "timed_out",
    "try_again",
    "authorization_pending",
];

/// Checks the status of a response. `body`: the parsed body, if it could be parsed.
///
/// # Errors
///
/// Fails if the status is not from 200 to 299.
pub(super) fn check_status(
    response: &Response,
    body: Option<&Value>,
    context: &TokenContext<'_>,
) -> Result<(), ObtainError> {
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let target = response.headers.get(LOCATION).filter(|_| (300..400).contains(&status));
    let target = target.and_then(|to| to.to_str().ok()?.parse().ok()).map(|to: http::Url| http::redacted_url(&to));
    let redirect =
        target.map(|to| format!(": redirect to {to}, which is not followed with secrets")).unwrap_or_default();
    let message = format!("{} returned {status}{}{redirect}", request_line(response), server_message(body, context));
    let code = body.and_then(error_code);
    let temporary = code.as_deref().is_some_and(is_temporary) || matches!(status, 408 | 425 | 429 | 500..);
    let refused = match &code {
        Some(code) => is_rejection(code) || matches!(status, 400 | 401),
        // An HTML page was sent by a proxy in front of the token server.
        None => matches!(status, 400 | 401) && (body.is_some() || !is_html(response)),
    };
    let wait = response.retry_after(context.now);
    Err(if refused && !temporary {
        ObtainError::Refused(message)
    } else {
        ObtainError::Failed { message, wait, responded: !temporary }
    })
}

/// Checks a successful response without a token for an error code.
///
/// # Errors
///
/// Fails if the body contains an error code.
pub(super) fn check_body(response: &Response, body: &Value, context: &TokenContext<'_>) -> Result<(), ObtainError> {
    let message = || format!("{} was rejected{}", request_line(response), server_message(Some(body), context));
    match error_code(body) {
        Some(code) if is_rejection(&code) => Err(ObtainError::Refused(message())),
        Some(code) => Err(ObtainError::Failed { message: message(), wait: None, responded: !is_temporary(&code) }),
        None => Ok(()),
    }
}

/// Returns the error of a successful response that contains `what` in place of a token.
pub(super) fn no_token(response: &Response, what: &str) -> ObtainError {
    let message = format!("{} returned {} with {what} instead of a token", request_line(response), response.status);
    ObtainError::Failed { message, wait: None, responded: true }
}

/// Returns method and redacted URL, for errors.
pub(super) fn request_line(response: &Response) -> String {
    format!("{} {}", response.request.method, http::redacted_url(&response.request.url))
}

/// Returns the error code of a body in lower case with `_` between words. Some servers write a sentence that ends in
/// it.
fn error_code(body: &Value) -> Option<String> {
    let code = raw_error_code(body)?.trim().to_lowercase();
    Some(code.replace(|c: char| !c.is_alphanumeric(), "_"))
}

fn raw_error_code(body: &Value) -> Option<&str> {
    body.get("error").and_then(|error| error.as_str().or_else(|| error.get("code")?.as_str()))
}

fn is_rejection(code: &str) -> bool {
    REJECTION_CODES.iter().any(|known| code.trim_end_matches('_').ends_with(known))
}

fn is_temporary(code: &str) -> bool {
    !is_rejection(code) && TEMPORARY_CODE_PARTS.iter().any(|part| code.contains(part))
}

fn is_html(response: &Response) -> bool {
    response.body.trim_ascii_start().starts_with(b"<")
}

/// Returns the standard error code and description of a body, in parentheses. Secrets are redacted before the text is
/// truncated, so that no part of one remains.
fn server_message(body: Option<&Value>, context: &TokenContext<'_>) -> String {
    let Some(body) = body else { return String::new() };
    let texts = [
        raw_error_code(body),
        body.get("error_description").and_then(Value::as_str),
        body.get("message").and_then(Value::as_str),
    ];
    let texts: Vec<&str> = texts.into_iter().flatten().collect();
    if texts.is_empty() {
        return String::new();
    }
    let hidden = one_line(&context.redactor.hide(&texts.join(": ")));
    let text: String = hidden.chars().take(MAX_MESSAGE_CHARS).collect();
    format!(" ({text})")
}
