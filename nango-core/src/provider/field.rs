//! What a person is asked for when they connect.

mod check;

use super::{InvalidPattern, LazyPattern};

/// A value that a connection needs: part of its credentials or of its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "the format has as many switches")]
pub struct Field {
    /// Its name in templates and in JSON.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is and where it is found.
    pub description: String,
    /// What it may look like.
    pub example: Option<String>,
    /// A regular expression that it fits, in JavaScript's syntax.
    pub pattern: Option<LazyPattern>,
    /// What it is: `hostname`, `uuid`, `uri`, `email`.
    pub format: Option<String>,
    /// The values it may have; empty: any.
    pub choices: Vec<String>,
    /// The value it has if none is given, which may be empty.
    pub default: Option<String>,
    /// What stands before it on the screen, and is no part of it.
    pub prefix: Option<String>,
    /// What stands behind it on the screen, and is no part of it.
    pub suffix: Option<String>,
    /// Where it stands among the others.
    pub order: Option<i64>,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether nobody is asked for it: it comes from an answer of the provider.
    pub automated: bool,
    /// Whether it is not shown.
    pub hidden: bool,
    /// Whether it must not be seen.
    pub secret: bool,
}

impl Field {
    /// Whether a connection cannot be made without it.
    pub fn is_required(&self) -> bool {
        !self.optional && !self.automated && self.default.is_none()
    }

    /// Returns whether a value matches the pattern; any value does if there is none. Takes linear time.
    ///
    /// # Errors
    ///
    /// The pattern cannot be used, so that no value can be checked.
    pub fn pattern_matches(&self, value: &str) -> Result<bool, InvalidPattern> {
        let Some(pattern) = &self.pattern else { return Ok(true) };
        pattern.compiled().map(|pattern| pattern.is_match(value)).map_err(Clone::clone)
    }
}
