//! Errors inside a transaction, and the [`StoreError`] for the caller.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use super::db::LOCK_TIMEOUT;
use crate::store::{StoreError, error::Cause};

/// Error of a unit of work in the database.
#[derive(Debug)]
pub(super) enum DbError {
    /// The driver failed.
    Sql(rusqlite::Error),
    /// A rule of the store was violated.
    Store(StoreError),
}

/// Result of a unit of work in the database.
pub(super) type DbResult<T> = Result<T, DbError>;

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for DbError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl DbError {
    /// Creates the error for a stored value that cannot be decoded.
    pub(super) fn damaged(what: &str) -> Self {
        Self::Store(StoreError::Damaged(what.to_owned()))
    }

    /// Converts the error for callers of the store; `path` is the file.
    #[cold]
    pub(super) fn into_store_error(self, path: &Path) -> StoreError {
        let error = match self {
            Self::Store(error) => return error,
            Self::Sql(error) => error,
        };
        let access = |doing, error| StoreError::Access {
            path: path.to_owned(),
            doing,
            permissions: false,
            source: without_repetition(error),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked(LOCK_TIMEOUT.as_secs()),
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::NotADatabase) => StoreError::NotADatabase(path.to_owned()),
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged("a page".to_owned()),
            Some(ErrorCode::ReadOnly) => access("written", error),
            Some(ErrorCode::SystemIoFailure) => access("read or written", error),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => access("opened", error),
            Some(_) => StoreError::Database(without_repetition(error)),
            None => StoreError::Damaged(format!("a value ({error})")),
        }
    }
}

/// Returns the cause of an error that has no text of its own: its text and its source would be the same.
pub(super) fn without_repetition(error: rusqlite::Error) -> Cause {
    match error {
        rusqlite::Error::SqliteFailure(code, None) => Box::new(code),
        other => Box::new(other),
    }
}

/// Copies an error: a failed commit is reported to every job of its group.
#[cold]
pub(super) fn clone_error(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => rusqlite::Error::SqliteFailure(*code, message.clone()),
        other => rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Chain;

    #[test]
    fn sqlite_error_codes_map_to_store_errors() {
        let message = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Chain(&DbError::Sql(clone_error(&error)).into_store_error(Path::new("a.db"))).to_string()
        };
        for (code, start) in [
            (ffi::SQLITE_FULL, "the disk is full"),
            (
                ffi::SQLITE_BUSY,
                "the database is locked by another process: the lock was not released within 10 seconds",
            ),
            (ffi::SQLITE_NOTADB, "a.db is not an SQLite database"),
            (ffi::SQLITE_CORRUPT, "the database contains a page that cannot be read"),
            (ffi::SQLITE_READONLY, "the database a.db cannot be written: "),
            (ffi::SQLITE_IOERR_FSYNC, "the database a.db cannot be read or written: "),
            (ffi::SQLITE_CANTOPEN, "the database a.db cannot be opened: "),
            (ffi::SQLITE_MISUSE, "the database failed"),
        ] {
            assert!(message(code).starts_with(start), "{}", message(code));
        }
    }
}
