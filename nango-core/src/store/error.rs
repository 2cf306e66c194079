//! Errors and warnings of the database, with messages for the user at the terminal.

use std::path::PathBuf;

use super::{KeyId, Keys};
use crate::{
    error::{Error, ErrorKind, Remedy, register_layer_error},
    time::Timestamp,
};

/// The cause of an error: an error of the operating system or of a database driver, or a text. Never contains the URL
/// of a database, which may contain a password.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Unsafe configuration of a database that works nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreWarning {
    /// The role of the connection is a superuser of the server.
    Superuser {
        /// The name of the role.
        role: String,
    },
}

/// An error of the database layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names no supported database. Contains its scheme, or a text without one: the whole URL may contain a
    /// password.
    #[error(
        "unsupported database URL `{0}`: use `sqlite:nango.db` (a file) or `postgres://user@host/database` (a server; \
         password in PGPASSWORD or PGPASSFILE)"
    )]
    Url(String),
    /// The URL is the path of a file.
    #[error("`{0}` is a path, not a database URL: write `sqlite:{0}`")]
    Path(String),
    /// The file is an SQLite database of another program.
    #[error("{0} is an SQLite database of another program: choose another path")]
    Foreign(PathBuf),
    /// The file is not a database.
    #[error("{0} is not an SQLite database: choose another path, or restore the file from a backup")]
    NotADatabase(PathBuf),
    /// The file was written by a newer version of this program.
    #[error("{path} has schema version {found}, this program supports versions up to {known}: use a newer program")]
    Newer {
        /// The path of the file.
        path: PathBuf,
        /// The schema version of the file.
        found: i64,
        /// The latest schema version that this program supports.
        known: i64,
    },
    /// The file cannot be opened, read or written.
    #[error("the database {path} cannot be {doing}")]
    Access {
        /// The path of the file.
        path: PathBuf,
        /// The operation that failed, as a participle such as `opened` or `written`.
        doing: &'static str,
        /// Whether the permissions of the file or of its directory may be the cause.
        permissions: bool,
        /// The error of the operating system or of `SQLite`, or a text.
        source: Cause,
    },
    /// The disk is full. Nothing of the transaction was written.
    #[error("the disk is full: nothing of this page was written. Free some space and run again")]
    Full,
    /// Another process kept the database locked for this number of seconds.
    #[error("the database is locked by another process: the lock was not released within {0} seconds")]
    Locked(u64),
    /// The URL of a server is invalid. Contains the reason as a text: the error of the driver may quote a part of the
    /// URL, which may contain a password.
    #[error(
        "invalid database URL: {0}. Use `postgres://user@host:5432/database`, with the password in PGPASSWORD or \
         PGPASSFILE"
    )]
    ServerUrl(String),
    /// The server does not respond.
    #[error("the database {at} cannot be reached")]
    Unreachable {
        /// Database, host and port.
        at: String,
        /// The error of the operating system, the driver or the server, or a text.
        source: Cause,
    },
    /// The server does not offer encryption, or its certificate is not trusted. Nothing was sent, not even a password.
    #[error("the connection to the database {at} is not secure")]
    Unverified {
        /// Database, host and port.
        at: String,
        /// The error of the TLS handshake, or a text about the certificate.
        source: Cause,
    },
    /// The user does not exist on the server, or the password is wrong.
    #[error("the database {at} refused the login")]
    Login {
        /// Database, host and port.
        at: String,
        /// The error of the server, which names the user and never the password.
        source: Cause,
    },
    /// The server has no database of this name.
    #[error("the database {at} does not exist: create it (`createdb {name}`), or change its name in the URL")]
    NoDatabase {
        /// Database, host and port.
        at: String,
        /// The name of the database.
        name: String,
    },
    /// The server's version or settings are not supported.
    #[error("the database {at} cannot be used: {reason}")]
    UnsupportedServer {
        /// Database, host and port.
        at: String,
        /// The reason, and the next step.
        reason: String,
    },
    /// The schema was written by a newer version of this program.
    #[error(
        "the database {at} has schema version {found}, this program supports versions up to {known}: use a newer \
         program"
    )]
    NewerSchema {
        /// Database, host and port.
        at: String,
        /// The schema version of the database.
        found: i64,
        /// The latest schema version that this program supports.
        known: i64,
    },
    /// The server denied the user a permission.
    #[error("the database denied permission: {0}. The user of the URL must be allowed to create and write its tables")]
    Refused(String),
    /// The server accepts no writes: it was set to read-only, often because its disk is almost full, or became a
    /// standby.
    #[error(
        "the database is read-only (`default_transaction_read_only`, or the server became a standby): nothing was \
         written. Run again when the server accepts writes"
    )]
    ReadOnly,
    /// All connections of the pool are in use, or the server accepts no new one, for this number of seconds.
    #[error("no connection to the database within {0} seconds: it cannot be reached, or is busy")]
    Exhausted(u64),
    /// The connection was lost in a transaction, before its commit.
    #[error("the connection to the database was lost: nothing was written. Run again when the server is available")]
    Disconnected,
    /// The connection was lost during a commit.
    #[error(
        "the connection to the database was lost during a commit: the transaction was written completely or not at \
         all. Run again: the run resumes from the stored state"
    )]
    CommitUnknown,
    /// A text contains a character that the database cannot store.
    #[error("a name contains the character NUL, which PostgreSQL cannot store")]
    Nul,
    /// Another run of the same key is active.
    #[error("`{function}` is already running for this connection (run {run}, since {since:.0})")]
    Busy {
        /// The function's name.
        function: String,
        /// The id of the active run.
        run: uuid::Uuid,
        /// The start time of that run.
        since: Timestamp,
        /// The time at which its lease expires unless it is renewed.
        lease_until: Timestamp,
        /// The duration until then, by the clock of the database.
        remaining: std::time::Duration,
    },
    /// Another process runs the schedules of this file.
    #[error(
        "the database {0} is served by another process already: stop that process first, or use a PostgreSQL database, \
         which several processes can serve"
    )]
    Served(PathBuf),
    /// The lease of the run expired and another process took over: the run may not write any more.
    #[error("this run lost its lease: another process took over, and later writes of this run were refused")]
    LeaseLost,
    /// Another run wrote the checkpoint since it was read.
    #[error(
        "the checkpoint was changed by another run since it was read (version {found}, expected {expected}): \
         nothing of this page was written"
    )]
    CheckpointConflict {
        /// The version that was read.
        expected: i64,
        /// The version that is stored.
        found: i64,
    },
    /// The cursor was not issued by this database for this dataset.
    #[error("this cursor does not belong to this dataset: start without one, or use the `next_cursor` of a response")]
    Cursor,
    /// The connection does not exist.
    #[error("the connection `{connection}` of `{integration}` does not exist")]
    NoConnection {
        /// The integration's unique key.
        integration: String,
        /// The connection's id.
        connection: String,
    },
    /// The scan was closed or replaced.
    #[error("the scan of `{0}` is no longer open: another run started one, and nothing was deleted")]
    ScanClosed(String),
    /// The database contains an incomplete copy of another one.
    #[error("{0} contains an incomplete copy, which was interrupted: copy again, which starts over, or remove it")]
    IncompleteCopy(String),
    /// The target of a copy is not empty.
    #[error("the target database is not empty: choose a new one")]
    NotEmpty,
    /// The two sides of a copy differ. Contains the name of the table.
    #[error("the copy differs from its source in its {0}: it cannot be used. Copy again, or report this")]
    CopyDiffers(&'static str),
    /// The database needs its own tool for the operation. Contains the command to run.
    #[error("{0}")]
    ExternalTool(String),
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// A stored value is invalid. Contains a description of the value.
    #[error("the database contains {0} that cannot be read: restore a backup, or report this")]
    Damaged(String),
    /// A record cannot be found by its id, because its key row is missing.
    #[error("the database contains a record without its key row: repair the database")]
    MissingKeyRow,
    /// The key ring of this process lacks a key. Contains the ids of keys, never a key.
    #[error(
        "this database is sealed with the encryption key {needed}, and {have}: add that key to NANGO_ENCRYPTION_KEY \
         (separated by a comma) or, as a line, to the key file. Nothing was written"
    )]
    NoKey {
        /// The id of the missing key.
        needed: KeyId,
        /// The ids of the keys in the ring, as a clause of the message.
        have: String,
    },
    /// A sealed payload was modified, or moved to another record or dataset.
    #[error(
        "the payload of record `{id}` cannot be decrypted with its key {key}: it was modified, or belongs to another \
         record. Save the record again, or restore a backup"
    )]
    DecryptFailed {
        /// The record's id.
        id: String,
        /// The key that is stored with the row.
        key: KeyId,
    },
    /// Any other error of the database driver.
    #[error("the database failed")]
    Database(#[source] Cause),
}

register_layer_error!(StoreError);

impl StoreError {
    /// Returns the kind of the error that functions receive.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::LeaseLost => ErrorKind::LeaseLost,
            Self::CheckpointConflict { .. } => ErrorKind::Checkpoint,
            Self::NoConnection { .. } => ErrorKind::Connection,
            _ => ErrorKind::Store,
        }
    }

    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Access { permissions: true, .. } => Some(Remedy::CheckPermissions),
            Self::Unreachable { .. } => Some(Remedy::CheckServer),
            Self::Unverified { .. } => Some(Remedy::ConfigureTls),
            Self::Login { .. } => Some(Remedy::CheckLogin),
            Self::IncompleteCopy(_) => Some(Remedy::CopyAgain),
            Self::MissingKeyRow => Some(Remedy::RepairDatabase),
            _ => None,
        }
    }

    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        let remedy = self.remedy();
        Error::new(self.kind(), self).with_remedy(remedy)
    }

    /// Returns the error for a key that this ring lacks.
    pub(crate) fn no_key(needed: KeyId, keys: Option<&dyn Keys>) -> Self {
        let ids: Vec<String> = keys.map(Keys::ids).unwrap_or_default().iter().map(ToString::to_string).collect();
        let have = match ids.as_slice() {
            [] => "this process has no key".to_owned(),
            [one] => format!("this process only has {one}"),
            more => format!("this process only has {}", more.join(", ")),
        };
        Self::NoKey { needed, have }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Chain;

    #[test]
    fn kind_and_remedy_follow_the_cause() {
        let check = |error: StoreError, kind: ErrorKind, remedy: Option<Remedy>| {
            let error = Error::from(error);
            assert_eq!((error.kind(), error.remedy()), (kind, remedy.as_ref()), "{error}");
        };
        check(StoreError::Full, ErrorKind::Store, None);
        check(StoreError::LeaseLost, ErrorKind::LeaseLost, None);
        check(StoreError::CheckpointConflict { expected: 1, found: 2 }, ErrorKind::Checkpoint, None);
        check(StoreError::IncompleteCopy("a.db".into()), ErrorKind::Store, Some(Remedy::CopyAgain));
        check(StoreError::MissingKeyRow, ErrorKind::Store, Some(Remedy::RepairDatabase));
        let at = || "`shop` at h:5432".to_owned();
        let refused = || Cause::from("refused");
        check(StoreError::Unreachable { at: at(), source: refused() }, ErrorKind::Store, Some(Remedy::CheckServer));
        check(StoreError::Unverified { at: at(), source: refused() }, ErrorKind::Store, Some(Remedy::ConfigureTls));
        check(StoreError::Login { at: at(), source: refused() }, ErrorKind::Store, Some(Remedy::CheckLogin));
        for (permissions, remedy) in [(true, Some(Remedy::CheckPermissions)), (false, None)] {
            let error = StoreError::Access { path: "a.db".into(), doing: "opened", permissions, source: refused() };
            assert_eq!(Chain(&error).to_string(), "the database a.db cannot be opened: refused");
            check(error, ErrorKind::Store, remedy);
        }
    }
}
