//! One server per SQLite file: a second one is refused.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::PathBuf,
};

use crate::{cli::CommandError, config::Config};

/// Lock of a server on its database file. It ends with the process, also if that is killed.
#[derive(Debug)]
pub(super) struct OnlyServer {
    _locked: Option<File>,
}

/// Locks the file of the database for this server. Several servers may share a PostgreSQL database.
///
/// # Errors
///
/// Fails if another server has locked it, or the lock file cannot be created.
pub(super) fn only_server(config: &Config) -> Result<OnlyServer, CommandError> {
    let Some(database) = config.database_file() else { return Ok(OnlyServer { _locked: None }) };
    let mut name = database.as_os_str().to_owned();
    name.push(".serve");
    let path = PathBuf::from(name);
    let refused =
        |error: &io::Error| CommandError::setup(format!("the lock file {} cannot be used: {error}", path.display()));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(OnlyServer { _locked: Some(file) }),
        Err(TryLockError::WouldBlock) => Err(CommandError::setup(format!(
            "another `registry serve` uses {}: stop it, or serve another database. Several servers can share a \
             PostgreSQL database",
            config.database_name()
        ))),
        Err(TryLockError::Error(error)) => Err(refused(&error)),
    }
}
