//! Checks of single values of credentials.

use serde_json::Value;

use crate::time;

/// Returns a non-empty text, trimmed unless it is a password.
pub(super) fn trimmed_text(what: &str, key: &str, text: &str) -> Result<String, String> {
    // Whitespace may be part of a password, but not of a pasted key.
    let pasted = if key.to_ascii_lowercase().contains("password") { text } else { text.trim() };
    let token = if key == "access_token" { without_scheme(pasted) } else { pasted };
    if token.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    checked_text(what, key, token)
}

/// Removes the scheme of a token that was copied from a header; it is added again when the token is sent. Tokens
/// contain no spaces.
fn without_scheme(token: &str) -> &str {
    const SCHEME: &str = "bearer";
    match token.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => token.trim_start(),
        _ if token.eq_ignore_ascii_case(SCHEME) => "",
        _ => token,
    }
}

/// Returns a text without control characters. Only some values may have several lines.
pub(super) fn checked_text(what: &str, key: &str, text: &str) -> Result<String, String> {
    let is_forbidden = |c: char| c.is_control() && !(is_multiline(key) && matches!(c, '\n' | '\r' | '\t'));
    if text.chars().any(is_forbidden) {
        return Err(format!("{what} contains a line break or another control character"));
    }
    Ok(text.to_owned())
}

/// Converts a timestamp into the stored date format.
pub(super) fn formatted_date(value: &Value) -> Result<String, String> {
    let timestamp = time::from_value(value).filter(|at| at.is_in_calendar());
    timestamp
        .map(|timestamp| format!("{timestamp:.3}"))
        .ok_or_else(|| "`expires_at` is not a timestamp; use `2026-11-22T12:00:00Z` or seconds since 1970".to_owned())
}

/// Returns the type of a value, for messages.
pub(super) fn json_type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Returns whether the value of a key may have several lines.
fn is_multiline(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("private") || key.contains("certificate") || key.contains("pem") || key.contains("assertion")
}
