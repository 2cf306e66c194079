//! What went wrong inside a transaction, whether to try again, and how it is told outside.

use sqlx::{Error, postgres::PgDatabaseError};

use super::{ACQUIRE_PATIENCE, LOCK_PATIENCE};
use crate::store::StoreError;

/// Why a piece of work in the database did not succeed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The driver or the server, before the transaction was to be committed: nothing of it was written.
    Sql(Error),
    /// The driver or the server, while the transaction was being committed.
    Commit(Error),
    /// A rule of the store.
    Store(StoreError),
}

/// The result of a piece of work in the database.
pub(super) type Outcome<T> = Result<T, Fault>;

/// What another attempt may help against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Two transactions were in each other's way, and the server took this one back.
    Conflict,
    /// The connection broke before anything could be committed.
    Broken,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// A stored value that is not what it must be.
    pub(super) fn damaged(what: &str) -> Self {
        Self::Store(StoreError::Damaged(what.to_owned()))
    }

    /// Whether nothing was written for certain, and why another attempt may succeed.
    pub(super) fn again(&self) -> Option<Again> {
        match self {
            // The server answered: it took the transaction back, also if it was asked to commit it.
            Self::Sql(error) | Self::Commit(error) if matches!(code(error), Some("40P01" | "40001")) => {
                Some(Again::Conflict)
            }
            Self::Sql(error) if broken(error) => Some(Again::Broken),
            _ => None,
        }
    }

    /// The error for the floors above.
    #[cold]
    pub(super) fn told(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Commit(error) if broken(&error) => StoreError::CommitUnknown,
            Self::Sql(error) if broken(&error) => StoreError::Disconnected,
            Self::Sql(error) | Self::Commit(error) => told(error),
        }
    }
}

/// What the server calls the error.
pub(super) fn code(error: &Error) -> Option<&str> {
    Some(server(error)?.code())
}

/// What the server says.
pub(super) fn server(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Whether the connection is gone.
fn broken(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) => true,
        // The server is being stopped, or crashed, or somebody ended the session.
        _ => code(error)
            .is_some_and(|code| code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P05" | "25P03")),
    }
}

#[cold]
fn told(error: Error) -> StoreError {
    match &error {
        Error::PoolClosed => return StoreError::Closed,
        Error::PoolTimedOut => return StoreError::Exhausted(ACQUIRE_PATIENCE.as_secs()),
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnIndexOutOfBounds { .. } => {
            return StoreError::Damaged(format!("a value ({error})"));
        }
        _ => {}
    }
    let Some(said) = server(&error) else { return StoreError::Database(Box::new(error)) };
    match said.code() {
        "55P03" => StoreError::Locked(LOCK_PATIENCE.as_secs()),
        "53100" => StoreError::Full,
        "22021" | "22P05" => StoreError::Nul,
        "25006" => StoreError::ReadOnly,
        "42501" => StoreError::Refused(said.message().to_owned()),
        "XX001" | "XX002" => StoreError::Damaged("a page".to_owned()),
        _ => StoreError::Database(Box::new(error)),
    }
}
