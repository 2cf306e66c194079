//! What a configuration can be refused for.

use std::path::{Path, PathBuf};

/// Why a configuration file or a variable cannot be used. Never holds a value of it: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", location(path, *line))]
#[non_exhaustive]
pub struct ConfigError {
    /// The file, or the variable.
    pub path: PathBuf,
    /// The line, counted from 1; 0: a variable has none.
    pub line: usize,
    /// What is wrong there, and what to write instead.
    pub message: String,
}

impl ConfigError {
    /// A variable of the environment that cannot be used.
    pub(super) fn variable(name: &str, message: impl Into<String>) -> Self {
        Self { path: name.into(), line: 0, message: message.into() }
    }
}

fn location(path: &Path, line: usize) -> String {
    if line == 0 { path.display().to_string() } else { format!("{}:{line}", path.display()) }
}
