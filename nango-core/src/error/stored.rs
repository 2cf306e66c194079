//! Form in which the error of a run is stored: an object with the name of its kind and its message.

use serde_json::{Value, json};

use super::{Error, ErrorKind};

impl Error {
    /// Returns the stored form. The message must not contain secrets.
    pub(crate) fn to_stored(&self) -> Value {
        json!({ "kind": self.kind().name(), "message": self.to_string() })
    }

    /// Returns the error of a stored form. An unknown kind becomes an internal error.
    pub(crate) fn from_stored(stored: &Value) -> Self {
        let text = |name: &str| stored.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = ErrorKind::from_name(text("kind")).unwrap_or(ErrorKind::Internal);
        Self::new(kind, text("message").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_error_keeps_kind_and_message() {
        let error = Error::new(ErrorKind::RateLimit, "too many requests");
        let stored = error.to_stored();
        assert_eq!(stored, json!({ "kind": "RateLimit", "message": "too many requests" }));
        let read = Error::from_stored(&stored);
        assert_eq!((read.kind(), read.to_string()), (error.kind(), error.to_string()));
        assert_eq!(Error::from_stored(&json!({ "kind": "Unheard", "message": 7 })).kind(), ErrorKind::Internal);
    }
}
