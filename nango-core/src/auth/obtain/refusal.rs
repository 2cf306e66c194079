//! Whether an answer without a token refuses the credentials, or says that there is no token now.
//!
//! A refusal ends the attempts until somebody connects again, so that only the token server's own words make one: an
//! `OAuth` error code that is not temporary, or a 400 or 401 that is not a page of something in front of the server.

use reqwest::header::LOCATION;
use serde_json::Value;

use super::{ObtainError, TokenContext};
use crate::{
    http::{self, Response},
    redact::one_line,
};

/// How many characters of a server's words are shown.
const MAX_MESSAGE_CHARS: usize = 300;
/// Codes that refuse whatever the status says: those of RFC 6749 (5.2) that name credentials, and those that token servers
/// are known to answer with 200.
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
/// Parts of codes that say that another attempt may end otherwise.
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

/// Checks the status of an answer. `body`: what it holds, if that can be read.
///
/// # Errors
///
/// The status is not one of success.
pub(super) fn check_status(
    response: &Response,
    body: Option<&Value>,
    subject: &TokenContext<'_>,
) -> Result<(), ObtainError> {
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let moved = response.headers.get(LOCATION).filter(|_| (300..400).contains(&status));
    let moved = moved.and_then(|to| to.to_str().ok()?.parse().ok()).map(|to: http::Url| http::redacted_url(&to));
    let moved =
        moved.map(|to| format!(": it moved to {to}, and what is secret is not sent after it")).unwrap_or_default();
    let message = format!("{} answered {status}{}{moved}", request_line(response), server_message(body, subject));
    let code = body.and_then(error_code);
    let temporary = code.as_deref().is_some_and(is_temporary) || matches!(status, 408 | 425 | 429 | 500..);
    let refused = match &code {
        Some(code) => is_rejection(code) || matches!(status, 400 | 401),
        // A page is not the token server's word, but that of something in front of it.
        None => matches!(status, 400 | 401) && (body.is_some() || !is_html(response)),
    };
    let wait = response.retry_after(subject.now);
    Err(if refused && !temporary {
        ObtainError::Refused(message)
    } else {
        ObtainError::Failed { message, wait, answered: !temporary }
    })
}

/// Checks an answer of success that has no token.
///
/// # Errors
///
/// It says why.
pub(super) fn check_body(response: &Response, body: &Value, subject: &TokenContext<'_>) -> Result<(), ObtainError> {
    let message = || format!("{} refused{}", request_line(response), server_message(Some(body), subject));
    match error_code(body) {
        Some(code) if is_rejection(&code) => Err(ObtainError::Refused(message())),
        Some(code) => Err(ObtainError::Failed { message: message(), wait: None, answered: !is_temporary(&code) }),
        None => Ok(()),
    }
}

/// The failure of an answer of success that has something else where a token should be.
pub(super) fn no_token(response: &Response, what: &str) -> ObtainError {
    let message =
        format!("{} answered {} with {what} where a token should be", request_line(response), response.status);
    ObtainError::Failed { message, wait: None, answered: true }
}

/// Method and URL, for errors.
pub(super) fn request_line(response: &Response) -> String {
    format!("{} {}", response.request.method, http::redacted_url(&response.request.url))
}

/// The error code of a body, as one word. Some servers write a sentence that ends in it.
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

/// What a server says of its refusal: the code and the description of the standard. Secrets that it repeats are hidden
/// before the text is cut short, so that no half of one is left.
fn server_message(body: Option<&Value>, subject: &TokenContext<'_>) -> String {
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
    let hidden = one_line(&subject.redactor.hide(&texts.join(": ")));
    let text: String = hidden.chars().take(MAX_MESSAGE_CHARS).collect();
    format!(" ({text})")
}
