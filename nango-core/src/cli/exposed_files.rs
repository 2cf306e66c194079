//! Files of an embedded database that other users may read: records are encrypted only if that is configured.

use super::shell::shell_quoted;
use crate::{config::Config, file_access};

/// Problem of readable files, and the command that fixes it.
pub(super) struct ExposedFiles {
    pub(super) message: String,
    pub(super) command: String,
}

impl ExposedFiles {
    /// Returns the problem of the files of a database, if other users may read one of them.
    pub(super) fn of(config: &Config) -> Option<Self> {
        let exposed = file_access::readable_by_others(config.database_file()?);
        let (_, mode) = exposed.first()?;
        let files: Vec<String> = exposed.iter().map(|(file, _)| shell_quoted(&file.display().to_string())).collect();
        Some(Self {
            message: format!(
                "other users may read {} (mode {mode:03o}), which contains your customers' records",
                config.database_name()
            ),
            command: format!("chmod 600 {}", files.join(" ")),
        })
    }
}
