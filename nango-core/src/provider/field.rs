//! Fields of connection forms: the credentials and the configuration that a user enters for a connection.

mod check;

use super::{InvalidPattern, LazyPattern};

/// A value of the credentials or the configuration of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "the format has as many switches")]
pub struct Field {
    /// Name in templates and in JSON.
    pub name: String,
    /// Display name.
    pub title: String,
    /// Meaning of the value, and where a user finds it.
    pub description: String,
    /// Example value.
    pub example: Option<String>,
    /// Regular expression that values must match, in JavaScript's syntax.
    pub pattern: Option<LazyPattern>,
    /// Format of values: `hostname`, `uuid`, `uri` or `email`.
    pub format: Option<String>,
    /// Allowed values; empty if all are allowed.
    pub choices: Vec<String>,
    /// Default value, which may be empty.
    pub default: Option<String>,
    /// Text displayed before the value, not part of it.
    pub prefix: Option<String>,
    /// Text displayed after the value, not part of it.
    pub suffix: Option<String>,
    /// Position in the form.
    pub order: Option<i64>,
    /// Whether the value may be omitted.
    pub optional: bool,
    /// Whether the value is set from a response of the provider instead of by the user.
    pub automated: bool,
    /// Whether the field is not displayed.
    pub hidden: bool,
    /// Whether the value is secret.
    pub secret: bool,
}

impl Field {
    /// Returns whether a connection requires the value.
    pub fn is_required(&self) -> bool {
        !self.optional && !self.automated && self.default.is_none()
    }

    /// Returns whether a value matches the pattern; any value does if there is none. Takes linear time.
    ///
    /// # Errors
    ///
    /// Fails if the pattern is invalid, so that no value can be checked.
    pub fn pattern_matches(&self, value: &str) -> Result<bool, InvalidPattern> {
        let Some(pattern) = &self.pattern else { return Ok(true) };
        pattern.compiled().map(|pattern| pattern.is_match(value)).map_err(Clone::clone)
    }
}
