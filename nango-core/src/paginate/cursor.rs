//! Values that lead to the next page.

use serde_json::{Value, value::RawValue};

use super::PaginateError;

/// A string or number that leads to the next page. Nothing, `null`, `false`, and a text or list that is empty end the
/// walk; 0 does not. Cursors are opaque: a text is sent as it came.
pub(super) fn scalar(
    value: &RawValue,
    what: &'static str,
    at: &str,
    path: &str,
) -> Result<Option<Value>, PaginateError> {
    let bad = |reason: &str| PaginateError::Next {
        at: at.to_owned(),
        what,
        place: path.to_owned(),
        reason: reason.to_owned(),
    };
    let value: Value = serde_json::from_str(value.get()).map_err(|error| bad(&error.to_string()))?;
    match value {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(_) | Value::Number(_) => Ok(Some(value)),
        Value::Array(list) if list.is_empty() => Ok(None),
        Value::Object(object) if object.is_empty() => Ok(None),
        Value::Bool(true) => Err(bad("it is a boolean")),
        Value::Array(_) => Err(bad("it is a list")),
        Value::Object(_) => Err(bad("it is an object")),
    }
}

pub(super) fn unusable(at: &str, place: &str, reason: String) -> PaginateError {
    PaginateError::Next { at: at.to_owned(), what: "cursor", place: place.to_owned(), reason }
}
