//! Errors of keys, of their file, and of sealed data. No message contains a key.

use std::{io, path::Path, sync::Arc};

use crate::{
    error::{Error, ErrorKind, register_layer_error},
    file_access::{LostFolder, UntrustedFile},
};

/// Errors of sealing and opening.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A text is not a valid key.
    #[error("invalid encryption key: {0}; it must be 32 bytes in base64, as `openssl rand -base64 32` creates")]
    InvalidKey(String),
    /// The key file cannot be read or created.
    #[error("the encryption key file {path}")]
    File {
        /// Path of the key file.
        path: String,
        /// Cause of the failure; shared, because all callers of a token refresh receive its error.
        #[source]
        source: Arc<KeyFileError>,
    },
    /// The blob was sealed with a key that the ring does not contain.
    #[error(
        "the data was sealed with the encryption key {needed}, but the key in use is {have}: {}",
        match other_file {
            Some(file) => {
                format!("{file} contains it, so append the lines of that file to the key file of this database")
            }
            None => "set NANGO_ENCRYPTION_KEY to the first or restore its key file; if it is lost, add the connection \
                     again".to_owned(),
        }
    )]
    WrongKey {
        /// Id of the required key.
        needed: String,
        /// Ids of the available keys.
        have: String,
        /// Key file in the same directory that contains the required key.
        other_file: Option<String>,
    },
    /// The blob is truncated, modified, or was sealed for another context.
    #[error("the sealed data is damaged or was sealed for another purpose: add the connection again")]
    Damaged,
    /// The blob was sealed by a newer version of this program.
    #[error("the sealed data has format {0}, which this version does not support: upgrade this program")]
    UnsupportedVersion(u8),
    /// The random number generator of the system failed.
    #[error("the random number generator of the system failed")]
    NoRandomness(#[source] getrandom::Error),
}

register_layer_error!(KeyError);

impl KeyError {
    /// Creates the error of a key file.
    pub(super) fn file(path: &Path, source: impl Into<KeyFileError>) -> Self {
        Self::File { path: path.display().to_string(), source: Arc::new(source.into()) }
    }

    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Connection, self)
    }
}

/// Reasons why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another user may have read or chosen the keys.
    #[error("{0}, or set the key in NANGO_ENCRYPTION_KEY instead of a file")]
    Untrusted(UntrustedFile),
    /// The file contains an invalid key, or none.
    #[error(transparent)]
    Content(#[from] KeyError),
    /// The file does not exist, and a new one would be lost with the container.
    #[error(
        "{0}: mount a volume, and use a database or a working directory there, or set the key in NANGO_ENCRYPTION_KEY \
         (`openssl rand -base64 32` creates one). For tests, NANGO_ALLOW_LOST_KEY_FILE=true accepts the loss"
    )]
    Lost(LostFolder),
    /// The path is a symbolic link without a target.
    #[error("it is a symbolic link to a file that does not exist: create that file, or remove the link")]
    DanglingLink,
    /// The file no longer exists after another process created it.
    #[error("it was created and removed by another process")]
    Removed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: KeyError, expect: &str) {
        let error = Error::from(error);
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Connection, None));
        assert!(error.find::<KeyError>().is_some());
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn question_mark_operator_keeps_kind_and_causes() {
        let denied = KeyError::file(Path::new("a.key"), io::Error::from(io::ErrorKind::PermissionDenied));
        check(denied, "the encryption key file a.key: permission denied");
        let invalid = KeyError::file(Path::new("a.key"), KeyError::InvalidKey("no key found".to_owned()));
        check(
            invalid,
            "the encryption key file a.key: invalid encryption key: no key found; it must be 32 bytes in base64, as \
             `openssl rand -base64 32` creates",
        );
        let lost = KeyFileError::Lost(LostFolder::new("/app", "overlay"));
        check(
            KeyError::file(Path::new("nango.key"), lost),
            "the encryption key file nango.key: /app is on the container's own layer (overlay), so its files are lost \
             with the container: mount a volume, and use a database or a working directory there, or set the key in \
             NANGO_ENCRYPTION_KEY (`openssl rand -base64 32` creates one). For tests, NANGO_ALLOW_LOST_KEY_FILE=true \
             accepts the loss",
        );
        check(
            KeyError::NoRandomness(getrandom::Error::UNSUPPORTED),
            &format!("the random number generator of the system failed: {}", getrandom::Error::UNSUPPORTED),
        );
    }
}
