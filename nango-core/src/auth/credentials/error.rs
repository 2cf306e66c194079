//! Error of values that are not credentials.

use crate::{
    error::{Error, ErrorKind, register_layer_error},
    provider::AuthMode,
};

/// Error of a JSON value that is not valid as credentials of a mode. Its texts never contain the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {mode} credentials: {reason} (expected {shape})")]
pub struct CredentialError {
    /// The expected auth mode.
    pub mode: AuthMode,
    /// The problem.
    pub reason: String,
    /// Example of valid credentials.
    pub shape: String,
}

register_layer_error!(CredentialError);

impl CredentialError {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Connection, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_mark_operator_keeps_the_kind() {
        let (reason, shape) = ("`apiKey` is missing".to_owned(), r#"{"apiKey": "…"}"#.to_owned());
        let error = Error::from(CredentialError { mode: AuthMode::ApiKey, reason, shape });
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Connection, None));
        assert_eq!(error.to_string(), r#"invalid api-key credentials: `apiKey` is missing (expected {"apiKey": "…"})"#);
    }
}
