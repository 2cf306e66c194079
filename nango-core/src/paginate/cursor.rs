//! Cursors: opaque values that lead to the next page, sent back exactly as they were received.

use std::error::Error as StdError;

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::PaginateError;

/// Value of a cursor parameter. It is opaque: it is sent exactly as it was received.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Cursor {
    /// Number whose text a [`Value`] would change.
    Number {
        /// Original text of the number.
        number: String,
    },
    /// A string or a number.
    Json(Value),
}

impl Cursor {
    /// Returns the value as text for a query parameter.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number { number } => number.clone(),
            Self::Json(Value::String(text)) => text.clone(),
            Self::Json(value) => value.to_string(),
        }
    }

    /// Returns the value as JSON text.
    pub(super) fn json(&self) -> String {
        match self {
            Self::Number { number } => number.clone(),
            Self::Json(value) => value.to_string(),
        }
    }

    /// Returns whether the value may be a count of records or pages: a JSON number, or a text of digits.
    pub(super) fn is_counting(&self) -> bool {
        match self {
            Self::Number { .. } | Self::Json(Value::Number(_)) => true,
            Self::Json(value) => value.as_str().is_some_and(is_digits),
        }
    }
}

/// Returns whether a text is a non-negative integer.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a cursor from JSON. `null`, `false`, and an empty string, list or object mean the end of the walk; 0 does not.
/// Strings are not changed, because cursors are opaque.
pub(super) fn scalar(
    raw: &RawValue,
    what: &'static str,
    at: &str,
    path: &str,
) -> Result<Option<Cursor>, PaginateError> {
    let bad = |source: Box<dyn StdError + Send + Sync>| PaginateError::Next {
        at: at.to_owned(),
        what,
        location: path.to_owned(),
        source,
    };
    let raw = raw.get();
    if raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        let value = serde_json::from_str(raw).ok().map(Cursor::Json).filter(|value| value.json() == raw);
        return Ok(Some(value.unwrap_or_else(|| Cursor::Number { number: raw.to_owned() })));
    }
    let value: Value = serde_json::from_str(raw).map_err(|error| bad(error.into()))?;
    match value {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(_) | Value::Number(_) => Ok(Some(Cursor::Json(value))),
        Value::Array(list) if list.is_empty() => Ok(None),
        Value::Object(object) if object.is_empty() => Ok(None),
        Value::Bool(true) => Err(bad("it is a boolean".into())),
        Value::Array(_) => Err(bad("it is a list".into())),
        Value::Object(_) => Err(bad("it is an object".into())),
    }
}

pub(super) fn unusable_cursor(
    at: &str,
    location: &str,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> PaginateError {
    PaginateError::Next { at: at.to_owned(), what: "cursor", location: location.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn number_is_sent_and_stored_without_rounding() {
        for number in
            ["0", "-7", "18446744073709551616123", "1.50", "1e5", "9007199254740993", "0.12345678901234567890123"]
        {
            let raw = RawValue::from_string(number.to_owned()).unwrap();
            let cursor = scalar(&raw, "cursor", "page 1", "next").unwrap().unwrap();
            assert_eq!((cursor.text(), cursor.json()), (number.to_owned(), number.to_owned()));
            let restored: Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
            assert!(restored == cursor && restored.is_counting(), "{number}");
        }
    }

    #[test]
    fn cursor_of_an_earlier_version_is_read() {
        let read = |value: Value| serde_json::from_value::<Cursor>(value).unwrap();
        assert_eq!(read(json!("a b")).text(), "a b");
        assert_eq!(read(json!(100)).text(), "100");
    }

    #[test]
    fn cursor_of_digits_is_position_based() {
        for value in [json!(100), json!("100"), json!(0)] {
            assert!(Cursor::Json(value.clone()).is_counting(), "{value}");
        }
        for value in [json!("b3Blbg"), json!("10x"), json!("-1"), json!("")] {
            assert!(!Cursor::Json(value.clone()).is_counting(), "{value}");
        }
    }
}
