//! What a database can refuse, in words for the person at the terminal.

use std::path::PathBuf;

use super::{KeyId, Keys};

/// What is unsafe about how a database is used, although it works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreWarning {
    /// The role of the connection is a superuser of the server.
    Superuser {
        /// Its name.
        role: String,
    },
}

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names no database that this program knows. Holds its scheme, or a text without one: a URL may contain a
    /// password.
    #[error(
        "`{0}` names no database that this program knows: write `sqlite:nango.db` (a file) or \
         `postgres://user@host/database` (a server; its password by PGPASSWORD or PGPASSFILE)"
    )]
    Url(String),
    /// The file is a database, but not one of ours.
    #[error("{0} is an SQLite database of another program: choose another path")]
    Foreign(PathBuf),
    /// The file is not a database.
    #[error("{0} is not an SQLite database: choose another path, or restore the file from a backup")]
    NotADatabase(PathBuf),
    /// The database was written by a newer program.
    #[error("{path} has schema version {found}, this program knows versions up to {known}: use a newer program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// The file cannot be opened, read or written.
    #[error("the database {path} cannot be {doing}: {reason}")]
    Access {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        reason: String,
    },
    /// The disk is full. Nothing of the transaction was written.
    #[error("the disk is full: nothing of this page was written. Free some space and run again")]
    Full,
    /// Another process held the database for too long.
    #[error("the database is locked by another process: it did not let go within {0} seconds")]
    Locked(u64),
    /// The URL of a server cannot be read. What is wrong with it, without the URL: it may contain a password.
    #[error(
        "the database URL cannot be used: {0}. Write `postgres://user@host:5432/database`, and give the password by PGPASSWORD or PGPASSFILE"
    )]
    ServerUrl(String),
    /// The server does not answer.
    #[error("the database {at} cannot be reached: {reason}. Check that the server runs and that the URL is right")]
    Unreachable {
        /// Database, host and port.
        at: String,
        /// What went wrong.
        reason: String,
    },
    /// The server offers no encryption, or its certificate is not trusted. Nothing was sent, no password either.
    #[error(
        "the connection to the database {at} is not secure: {reason}. Without `sslmode` in the URL a server on another host \
         needs TLS and a trusted certificate: name the authority that signed it (`?sslrootcert=FILE`), or choose \
         `?sslmode=require` (encrypted, the server is not verified) or `?sslmode=disable` (everything in clear text)"
    )]
    Unverified {
        /// Database, host and port.
        at: String,
        /// What is missing.
        reason: String,
    },
    /// The server does not know the user, or the password is wrong.
    #[error("the database {at} refused the login: {reason}. Check user and password of the URL")]
    Login {
        /// Database, host and port.
        at: String,
        /// What the server said.
        reason: String,
    },
    /// The server has no database of this name.
    #[error("there is no database {at}: create it (`createdb {name}`), or write another name at the end of the URL")]
    NoDatabase {
        /// Database, host and port.
        at: String,
        /// The name.
        name: String,
    },
    /// The server, or what it is set to, is not one that this program can use.
    #[error("the database {at} cannot be used: {reason}")]
    UnsupportedServer {
        /// Database, host and port.
        at: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The schema was written by a newer program.
    #[error(
        "the database {at} has schema version {found}, this program knows versions up to {known}: use a newer program"
    )]
    NewerSchema {
        /// Database, host and port.
        at: String,
        /// Its version.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// The server does not let this user do it.
    #[error("the database refused: {0}. The user of the URL must be allowed to create and to write its tables")]
    Refused(String),
    /// The server does not write just now: it was set so, often because its disk runs full, or it became a standby.
    #[error(
        "the database cannot be written: the server lets it only be read (`default_transaction_read_only`, or it became a \
         standby). Nothing of this was written; run again when it may be written"
    )]
    ReadOnly,
    /// All connections of the pool are in use, or the server takes no new one.
    #[error("no connection to the database within {0} seconds: it cannot be reached, or is busy")]
    Exhausted(u64),
    /// The connection broke in a transaction, before it was to be committed.
    #[error("the connection to the database broke: nothing of this was written. Run again when the server is back")]
    Disconnected,
    /// The connection broke while a transaction was being committed.
    #[error(
        "the connection to the database broke in a commit: all of it was written, or nothing. Run again: it goes on from \
         what is there"
    )]
    CommitUnknown,
    /// A text with a character that the database cannot hold.
    #[error("a name holds the character NUL, which PostgreSQL cannot store")]
    Nul,
    /// A run of the same key is going on.
    #[error("`{function}` is already running for this connection (run {run}, since {since})")]
    Busy {
        /// The function.
        function: String,
        /// The run that goes on.
        run: uuid::Uuid,
        /// When it started, RFC 3339.
        since: String,
        /// Until when it holds the key, microseconds since 1970, unless it renews its lease.
        lease_until: i64,
        /// How long that is, by the clock of the database.
        remaining: std::time::Duration,
    },
    /// The run's lease ended and another took over: it may not write any more.
    #[error("this run lost its lease: another process took over, and what this one still wrote was refused")]
    LeaseLost,
    /// A checkpoint was written by somebody else since it was read.
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
    /// A cursor that was not made by this database for this dataset.
    #[error("this cursor is not of this dataset: start without one, or use the `next_cursor` of an earlier answer")]
    Cursor,
    /// The named connection is not there.
    #[error("there is no connection `{connection}` of `{integration}`")]
    NoConnection {
        /// The integration.
        integration: String,
        /// The connection.
        connection: String,
    },
    /// A scan that was closed or replaced.
    #[error("the scan of `{0}` is no longer open: another run began one, so nothing was deleted")]
    ScanClosed(String),
    /// The database holds half a copy of another one.
    #[error(
        "{0} holds half a copy: `registry database copy` into it was interrupted. Copy again, which begins anew, or \
         remove it"
    )]
    IncompleteCopy(String),
    /// An instance can only be copied into an empty database.
    #[error("the database to copy into is not empty: choose a new one")]
    NotEmpty,
    /// After a copy, the two sides are not the same. Holds what differs.
    #[error("the copy differs from its source in its {0}: it cannot be used. Copy again, or report this")]
    CopyDiffers(&'static str),
    /// This database has its own tool for what was asked. Holds what to type.
    #[error("{0}")]
    ExternalTool(String),
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// A row cannot be read as what it must be.
    #[error("the database holds {0} that cannot be read: run with a backup, or report this")]
    Damaged(String),
    /// A key is needed that the ring of this process does not hold. Holds the ids of both, never a key.
    #[error(
        "this database is sealed with the encryption key {needed}, and {have}: add that key to NANGO_ENCRYPTION_KEY \
         (separated by a comma) or, as a line, to the key file. Nothing was written"
    )]
    NoKey {
        /// The key that is needed.
        needed: KeyId,
        /// What there is instead, as a clause.
        have: String,
    },
    /// A sealed payload was changed, or moved to another record or dataset.
    #[error(
        "the payload of record `{id}` does not open with its key {key}: it was changed, or belongs to another record. \
         Save it again, or restore a backup"
    )]
    DecryptFailed {
        /// The record.
        id: String,
        /// The key that its row names.
        key: KeyId,
    },
    /// Anything else that the driver says.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A key is needed that this ring does not hold.
    pub(crate) fn no_key(needed: KeyId, keys: Option<&dyn Keys>) -> Self {
        let ids: Vec<String> = keys.map(Keys::ids).unwrap_or_default().iter().map(ToString::to_string).collect();
        let have = match ids.as_slice() {
            [] => "this process was given none".to_owned(),
            [one] => format!("the one in use is {one}"),
            more => format!("those in use are {}", more.join(", ")),
        };
        Self::NoKey { needed, have }
    }
}
