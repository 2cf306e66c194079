//! JSON into types, with an error that says where it does not fit.

use serde::de::DeserializeOwned;

/// Why a text is not the value that was asked for.
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

#[cold]
fn explain<T: DeserializeOwned>(json: &[u8], first: &serde_json::Error) -> DecodeError {
    let mut source = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, T>(&mut source) {
        Err(error) => DecodeError { path: error.path().to_string(), message: error.inner().to_string() },
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
        assert!(error.to_string().starts_with("`b[1]`: invalid value: integer `-4`"), "{error}");
        let error = decode::<u8>(b"1 2").unwrap_err();
        assert_eq!(error.to_string(), "trailing characters at line 1 column 3");
    }
}
