//! Errors of the configuration.

use std::path::{Path, PathBuf};

/// Error of a configuration file or an environment variable. It never contains a value, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", location(path, *line))]
#[non_exhaustive]
pub struct ConfigError {
    /// Path of the file, or name of the variable.
    pub path: PathBuf,
    /// Line in the file, counted from 1; 0 for a variable.
    pub line: usize,
    /// Problem, and allowed values.
    pub message: String,
}

impl ConfigError {
    /// Creates the error of an environment variable.
    pub(super) fn variable(name: &str, message: impl Into<String>) -> Self {
        Self { path: name.into(), line: 0, message: message.into() }
    }
}

fn location(path: &Path, line: usize) -> String {
    if line == 0 { path.display().to_string() } else { format!("{}:{line}", path.display()) }
}
