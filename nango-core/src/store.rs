//! Database layer: one family of traits, and one folder per database that implements them.
//!
//! Invariants, whichever database is used:
//! - A page is one transaction: records, sequence, delete marks, checkpoint, resume state, counters and log lines are
//!   written together or not at all ([`Records::commit`]).
//! - A sequence number of a dataset is assigned under the dataset's lock, in commit order, and never restarts. Readers
//!   receive only durable sequence numbers.
//! - Every write of a run carries its [`RunToken`]; a run that lost its lease cannot write.
//! - Commit times come from the database's clock under the dataset's lock and never go back. They are microseconds
//!   since 1970 (UTC).
//! - Payloads enter and leave the store as plaintext; the transaction that writes them decides whether they are sealed
//!   ([`Encryption`]).
//! - Only `sqlite/` and `postgres/` contain SQL.
//!
//! To add a database, add a folder that implements these traits and passes the conformance suite in `conformance.rs`.

mod check;
mod checkpoints;
mod commit;
mod connections;
mod cursor;
mod decide;
mod deletes;
pub(crate) mod encryption;
mod error;
#[doc(hidden)]
pub mod failpoint;
mod feed_page;
mod hash;
mod hashed_page;
mod lease;
mod logs;
mod maintenance;
mod merge;
#[cfg(feature = "postgres")]
pub mod postgres;
mod processes;
mod records;
mod refresh;
mod row_flags;
mod runs;
pub mod sqlite;
mod transfer;
mod update_times;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod frozen;
#[cfg(all(test, feature = "postgres"))]
#[path = "../../tests/support/postgres.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a helper of the crate `nango-tests`, with more than is needed here"
)]
mod postgres_server;

use crate::time::Timestamp;
use std::{future::Future, pin::Pin, sync::Arc};

pub use check::{CheckReport, Finding, Problem};
pub use checkpoints::{CheckpointWrite, Checkpoints, ResumeWrite, StoredCheckpoint};
pub use connections::{Connection, Connections, MetadataChange, NewConnection, RefreshFailure, RemovedConnection};
pub use cursor::Cursor;
pub use deletes::{
    Confirmation, DEFAULT_HOLD, DeletePolicy, HeldBy, NextFullRun, PendingDeletes, ScanOutcome, ScanWalk, WalkKind,
    WalkResult,
};
pub use encryption::{
    Encryption, EncryptionState, KeyId, KeyUse, Keys, ResealProgress, credentials_context, reseal, resume_context,
};
pub use error::{StoreError, StoreWarning};
pub use logs::{Level, LogLine, Logs};
pub use maintenance::{
    Backup, DatasetUsage, Emptied, Maintenance, Prune, PruneUntil, Pruned, Remains, Vacuumed, empty_dataset, prune_all,
};
pub use processes::Processes;
pub use records::{
    Change, ChangeOutcome, Committed, DatasetKey, DatasetStats, DeleteRow, FeedPage, FeedRow, Filter, FinishScan,
    LastAction, Page, PatchRow, ReadQuery, Records, RowOutcome, Scan, ScanFrom, Write,
};
pub use refresh::{ClaimOutcome, RefreshClaim, RefreshEnd, Refreshes};
pub use runs::{FunctionKey, ModelCounts, NewRun, Run, RunEnd, RunStatus, RunToken, Runs, Totals};
pub use transfer::{Cell, Chunk, CopySummary, Table, Transfer, copy, fingerprint};

/// The default variant of a sync; every other function has only this variant.
pub const BASE_VARIANT: &str = "base";

/// The future that the methods of a store return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A database: connections, records, runs and everything else that is stored.
pub trait Store:
    Connections
    + Refreshes
    + Processes
    + Records
    + Checkpoints
    + Runs
    + Logs
    + Encryption
    + Maintenance
    + Transfer
    + Send
    + Sync
    + std::fmt::Debug
{
    /// Returns the time of the database's clock.
    fn now(&self) -> Timestamp;

    /// Returns what is unsafe about the configuration of this database, for the user who set it up. Empty by default.
    fn warnings(&self) -> &[StoreWarning] {
        &[]
    }

    /// Waits until something may have changed since the call: changes of this process return at once, those of another
    /// process within `timeout`. Returns after `timeout` in any case.
    fn wait_for_change(&self, timeout: std::time::Duration) -> StoreFuture<'_, ()>;

    /// Completes pending writes and closes the database.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// A database that is shared by several owners.
pub type SharedStore = Arc<dyn Store>;

/// Opens the database of a URL: `sqlite:nango.db`, `sqlite::memory:`, `postgres://user@host/database`.
///
/// # Errors
///
/// Fails if the scheme is unknown, if the file belongs to another program, was written by a newer version, contains an
/// incomplete copy, or cannot be read or written, and for the errors of [`postgres::Postgres::open`].
pub async fn open(url: &str) -> Result<SharedStore, StoreError> {
    open_as(url, false).await
}

/// Opens the target of a copy, which may contain an earlier incomplete copy.
///
/// # Errors
///
/// Returns the errors of [`open`], except the one for an incomplete copy.
pub async fn open_target(url: &str) -> Result<SharedStore, StoreError> {
    open_as(url, true).await
}

async fn open_as(url: &str, target: bool) -> Result<SharedStore, StoreError> {
    #[cfg(feature = "postgres")]
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let opening =
            if target { postgres::Postgres::open_target(url).await } else { postgres::Postgres::open(url).await };
        return Ok(Arc::new(opening?));
    }
    match url.strip_prefix("sqlite:") {
        Some("") => Err(StoreError::Url(url.to_owned())),
        // This may be the URL of a server: an error that shows it as a path would reveal its password.
        Some(path) if path.trim_start_matches('/').contains("://") => Err(StoreError::Url("sqlite:…://…".to_owned())),
        Some(path) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            let opening =
                if target { sqlite::Sqlite::open_target(path).await } else { sqlite::Sqlite::open(path).await };
            Ok(Arc::new(opening?))
        }
        None => {
            Err(StoreError::Url(url.split_once(':').map_or_else(|| url.to_owned(), |(scheme, _)| format!("{scheme}:"))))
        }
    }
}
