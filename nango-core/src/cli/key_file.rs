//! Key ring of a database, and the check that a new key file is not lost with a container.

use super::CommandError;
use crate::{
    auth::{KeyRing, Secret},
    config::Config,
    error::Chain,
    file_access::{LostFolder, lost_folder},
};

/// Returns the keys of the environment, of memory, or of the key file.
///
/// The ring refuses to create a key file that would be lost with a container while the database is kept: on a server,
/// or in a file that is mounted alone. If both are lost together, for example in a container for development, only
/// `registry serve` refuses.
///
/// # Errors
///
/// Fails if the keys cannot be read.
pub(super) fn key_ring(config: &Config) -> Result<KeyRing, CommandError> {
    match &config.encryption_key {
        Some(key) => KeyRing::from_key(Secret::expose(key))
            .map_err(|error| CommandError::setup(format!("NANGO_ENCRYPTION_KEY: {}", Chain(&error)))),
        None if config.is_in_memory() => Ok(KeyRing::ephemeral()?),
        None => {
            let is_database_lost = || config.database_file().is_some_and(|file| lost_folder(file).is_some());
            let lost = lost_key_folder(config).filter(|_| !is_database_lost());
            let ring = KeyRing::from_file_if_exists(&config.key_file)?.refuse_creation(lost);
            if config.encrypt_records {
                // Created in advance, because the database seals records with a key of its own choice.
                ring.create_missing()?;
            }
            Ok(ring)
        }
    }
}

/// Refuses to serve if the key file does not exist and would be lost with the container. Returns a warning if the
/// database would be lost.
///
/// # Errors
///
/// Fails if a key file would be created on the container's own layer or in memory.
#[cfg(feature = "server")]
pub(super) fn require_lasting_key(config: &Config) -> Result<Option<String>, CommandError> {
    let makes_key = config.encryption_key.is_none() && !config.is_in_memory() && !config.key_file.exists();
    if makes_key && let Some(lost) = lost_key_folder(config) {
        return Err(KeyRing::lost_file(&config.key_file, lost).into());
    }
    let lost = config.database_file().and_then(lost_folder).filter(|_| !config.allow_lost_key_file);
    Ok(lost.map(|lost| {
        format!(
            "warning: the database {} and its credentials are not kept: {lost}. Mount a volume, and set \
             `--database sqlite:/path/of/the/volume/nango.db`",
            config.database_name()
        )
    }))
}

fn lost_key_folder(config: &Config) -> Option<LostFolder> {
    if config.allow_lost_key_file { None } else { lost_folder(&config.key_file) }
}
