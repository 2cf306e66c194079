//! JSON into types, with an error that says where it does not fit and never quotes the value.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::redact::without_value;

/// Why a text is not the value that was asked for. It names the field and what was expected, and quotes no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path == "." { String::new() } else { format!("`{path}`: ") })]
#[non_exhaustive]
pub struct DecodeError {
    /// The field, such as `user.login`; `.` is the value itself.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// Reads a value. The path to the fault is worked out only when there is one.
///
/// # Errors
///
/// The text is not JSON, or not the JSON of a `T`.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|error| explain::<T>(json, &error))
}

/// The same for a text that is known to be UTF-8.
///
/// # Errors
///
/// The text is not JSON, or not the JSON of a `T`.
pub(crate) fn decode_text<T: DeserializeOwned>(json: &str) -> Result<T, DecodeError> {
    serde_json::from_str(json).map_err(|error| explain::<T>(json.as_bytes(), &error))
}

/// Reads a value that was parsed already.
///
/// # Errors
///
/// It is not the JSON of a `T`.
pub(crate) fn decode_value<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| DecodeError { path: error.path().to_string(), message: without_value(error.inner(), value) })
}

#[cold]
fn explain<T: DeserializeOwned>(json: &[u8], first: &serde_json::Error) -> DecodeError {
    let mut source = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, T>(&mut source) {
        Err(error) => {
            let value = serde_json::from_slice(json).unwrap_or(Value::Null);
            DecodeError { path: error.path().to_string(), message: without_value(error.inner(), &value) }
        }
        // What follows the value is the fault.
        Ok(_) => DecodeError { path: ".".to_owned(), message: first.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_fault_has_its_path() {
        let error = decode::<HashMap<String, Vec<u8>>>(br#"{"a":[1,2],"b":[3,-4]}"#).unwrap_err();
        assert_eq!(error.path, "b[1]");
        assert_eq!(error.to_string(), "`b[1]`: invalid value: an integer, expected u8");
        let error = decode::<u8>(b"1 2").unwrap_err();
        assert_eq!(error.to_string(), "trailing characters at line 1 column 3");
        let error = decode_value::<HashMap<String, u8>>(&serde_json::json!({ "a": "hush" })).unwrap_err();
        assert_eq!(error.to_string(), "`a`: invalid type: a string, expected u8");
    }
}
