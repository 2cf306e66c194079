//! Errors of decoding JSON.

/// Error of a text that is not the expected value. It names the field and what was expected, and quotes no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path == "." { String::new() } else { format!("`{path}`: ") })]
pub(crate) struct DecodeError {
    /// Path of the field, such as `user.login`; `.` is the whole value.
    pub(crate) path: String,
    /// The reason, without the value.
    pub(crate) message: String,
    /// Whether the text is not JSON at all.
    pub(crate) is_syntax: bool,
}

impl DecodeError {
    /// Creates the error of a text that is not JSON.
    pub(crate) fn syntax(message: String) -> Self {
        Self { path: ".".to_owned(), message, is_syntax: true }
    }
}
