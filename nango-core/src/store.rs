//! The database behind everything: one family of traits, one folder per database.
//!
//! What must stay true, whichever database is below:
//! - A page is one transaction: records, sequence, delete marks, checkpoint, resume state, counters and log lines are
//!   written together or not at all ([`Records::commit`]).
//! - A dataset's sequence is given under its lock, in commit order, and never restarts. A reader is only given
//!   sequences that are durable.
//! - Every write of a run carries its [`RunToken`]; a run that lost its lease cannot write.
//! - Stamps come from the database's clock under the dataset's lock and never go back. They are microseconds since 1970.
//! - Payloads come and go plain; how they lie in the database is decided in the transaction that writes them
//!   ([`Encryption`]).
//! - SQL stands in `sqlite/` and in `postgres/` and nowhere else.
//!
//! Adding a database is adding a folder that implements these traits; the conformance suite in `conformance.rs` says
//! when it is done.

mod check;
mod checkpoints;
mod connections;
mod cursor;
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

/// The variant of a sync that has no other, and of every other function.
pub const BASE_VARIANT: &str = "base";

/// What a store answers, later.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A database.
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
    /// The database's clock, microseconds since 1970 (UTC).
    fn now(&self) -> i64;

    /// What is unsafe about how this database is used, for the person who set it up.
    fn warnings(&self) -> &[StoreWarning] {
        &[]
    }

    /// Waits until something may have changed since the call began: in this process at once, from another within
    /// `patience`. Returns after `patience` in any case.
    fn wait_for_change(&self, timeout: std::time::Duration) -> StoreFuture<'_, ()>;

    /// Finishes what is being written and lets go of the database.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// A database that many hold.
pub type SharedStore = Arc<dyn Store>;

/// Opens the database that a URL names: `sqlite:nango.db`, `sqlite::memory:`, `postgres://user@host/database`.
///
/// # Errors
///
/// A URL of another kind; a file that is not ours, is newer than this program, holds half a copy, cannot be read or
/// written; what [`postgres::Postgres::open`] says.
pub async fn open(url: &str) -> Result<SharedStore, StoreError> {
    open_as(url, false).await
}

/// Opens the database that an instance is to be copied into: also one that holds half a copy.
///
/// # Errors
///
/// As [`open`].
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
        // An address of a server, whose password a message about the file would show.
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
