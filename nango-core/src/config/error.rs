//! What a configuration can be refused for.

use std::path::PathBuf;

/// Why a configuration file cannot be used. Never holds a value of the file: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {message}", path.display())]
#[non_exhaustive]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, and what to write instead.
    pub message: String,
}
