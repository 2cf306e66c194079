//! What went wrong inside a transaction, whether to try again, and how it is told outside.

use sqlx::{Error, postgres::PgDatabaseError};

use super::{ACQUIRE_TIMEOUT, LOCK_TIMEOUT};
use crate::store::StoreError;

/// Why a piece of work in the database did not succeed.
#[derive(Debug)]
pub(super) enum DbError {
    /// The driver or the server, before the transaction was to be committed: nothing of it was written.
    Sql(Error),
    /// The driver or the server, while the transaction was being committed.
    Commit(Error),
    /// A rule of the store.
    Store(StoreError),
}

/// The result of a piece of work in the database.
pub(super) type DbResult<T> = Result<T, DbError>;

/// What another attempt may help against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryReason {
    /// Two transactions were in each other's way, and the server took this one back.
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
    /// A stored value that is not what it must be.
    pub(super) fn damaged(what: &str) -> Self {
        Self::Store(StoreError::Damaged(what.to_owned()))
    }

    /// Whether nothing was written for certain, and why another attempt may succeed.
    pub(super) fn retry_reason(&self) -> Option<RetryReason> {
        match self {
            // The server answered: it took the transaction back, also if it was asked to commit it.
            Self::Sql(error) | Self::Commit(error) if matches!(code(error), Some("40P01" | "40001")) => {
                Some(RetryReason::Conflict)
            }
            Self::Sql(error) if is_disconnected(error) => Some(RetryReason::Disconnected),
            _ => None,
        }
    }

    /// The error for the floors above.
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

/// What the server calls the error.
pub(super) fn code(error: &Error) -> Option<&str> {
    Some(database_error(error)?.code())
}

/// What the server says.
pub(super) fn database_error(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Whether the connection is gone.
fn is_disconnected(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) => true,
        // The server is being stopped, or crashed, or somebody ended the session.
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
    let Some(server_error) = database_error(&error) else { return StoreError::Database(Box::new(error)) };
    match server_error.code() {
        "55P03" => StoreError::Locked(LOCK_TIMEOUT.as_secs()),
        "53100" => StoreError::Full,
        "22021" | "22P05" => StoreError::Nul,
        "25006" => StoreError::ReadOnly,
        "42501" => StoreError::Refused(server_error.message().to_owned()),
        "XX001" | "XX002" => StoreError::Damaged("a page".to_owned()),
        _ => StoreError::Database(Box::new(error)),
    }
}
