//! The error of a value without a canonical form.

use std::fmt::{self, Display};

use serde::ser;

/// Error for a value without a canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalError(pub(super) String);

impl Display for CanonicalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CanonicalError {}

impl ser::Error for CanonicalError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
