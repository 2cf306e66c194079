//! Distinction of an error from values of an error field that mean none.

use super::path;

/// Values of the `code` of an error that mean success, as JSON text.
const SUCCESS_CODES: [&str; 4] = ["0", "\"0\"", "\"ok\"", "\"success\""];

/// Returns whether the JSON value of a field such as `error` is an error: anything but `null`, `false`, 0, an empty
/// value, and an object whose `code` means success.
pub(super) fn is_error(json: &str) -> bool {
    if matches!(json, "null" | "false" | "0" | "\"\"" | "[]" | "{}") {
        return false;
    }
    match path::lookup(json, "code") {
        Some(code) if json.starts_with('{') => !SUCCESS_CODES.contains(&code.get()),
        _ => !matches!(json.trim_start_matches(['[', '{']).trim(), "]" | "}"),
    }
}
