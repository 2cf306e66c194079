//! Errors inside a transaction: whether to retry, and the [`StoreError`] for the caller.

use sqlx::{Error, postgres::PgDatabaseError};

use super::db::{ACQUIRE_TIMEOUT, LOCK_TIMEOUT};
use crate::store::{StoreError, error::Cause};

/// Error of a unit of work in the database.
#[derive(Debug)]
pub(super) enum DbError {
    /// The driver or the server failed before the commit: nothing was written.
    Sql(Error),
    /// The driver or the server failed during the commit.
    Commit(Error),
    /// A rule of the store was violated.
    Store(StoreError),
}

/// Result of a unit of work in the database.
pub(super) type DbResult<T> = Result<T, DbError>;

/// Reason why a retry may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryReason {
    /// The transaction conflicted with another one, and the server rolled it back.
    Conflict,
    /// The connection broke before anything could be committed.
    Disconnected,
}

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
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

    /// Returns why a retry may succeed, if it is certain that nothing was written.
    pub(super) fn retry_reason(&self) -> Option<RetryReason> {
        match self {
            // The server responded: it rolled the transaction back, even if this was the response to a commit.
            Self::Sql(error) | Self::Commit(error) if matches!(code(error), Some("40P01" | "40001")) => {
                Some(RetryReason::Conflict)
            }
            Self::Sql(error) if is_disconnected(error) => Some(RetryReason::Disconnected),
            _ => None,
        }
    }

    /// Converts the error for callers of the store.
    #[cold]
    pub(super) fn into_store_error(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Commit(error) if is_disconnected(&error) => StoreError::CommitUnknown,
            Self::Sql(error) if is_disconnected(&error) => StoreError::Disconnected,
            Self::Sql(error) | Self::Commit(error) => store_error(error),
        }
    }
}

/// Returns the `SQLSTATE` code of an error of the server.
pub(super) fn code(error: &Error) -> Option<&str> {
    Some(database_error(error)?.code())
}

/// Returns the error of the server, if it is one.
pub(super) fn database_error(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Returns whether the connection was lost.
fn is_disconnected(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) => true,
        // The server is shutting down or crashed, or an administrator terminated the session.
        _ => code(error)
            .is_some_and(|code| code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P05" | "25P03")),
    }
}

#[cold]
fn store_error(error: Error) -> StoreError {
    match &error {
        Error::PoolClosed => return StoreError::Closed,
        Error::PoolTimedOut => return StoreError::Exhausted(ACQUIRE_TIMEOUT.as_secs()),
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnIndexOutOfBounds { .. } => {
            return StoreError::Damaged(format!("a value ({error})"));
        }
        _ => {}
    }
    let Some(server_error) = database_error(&error) else { return StoreError::Database(without_repetition(error)) };
    match server_error.code() {
        "55P03" => StoreError::Locked(LOCK_TIMEOUT.as_secs()),
        "53100" => StoreError::Full,
        "22021" | "22P05" => StoreError::Nul,
        "25006" => StoreError::ReadOnly,
        "42501" => StoreError::Refused(server_error.message().to_owned()),
        "XX001" | "XX002" => StoreError::Damaged("a page".to_owned()),
        _ => StoreError::Database(without_repetition(error)),
    }
}

/// Returns the cause of an error whose text repeats that of its source.
pub(super) fn without_repetition(error: Error) -> Cause {
    match error {
        Error::Database(error) => error.into_error(),
        Error::Io(error) => Box::new(error),
        Error::Configuration(error) | Error::Tls(error) | Error::Encode(error) | Error::Decode(error) => error,
        other => Box::new(other),
    }
}
