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
//! To add a database, add a folder that implements these traits and passes the conformance suite
//! (`tests/suite/conformance.rs`).

mod batches;
mod check;
mod checkpoints;
mod commit;
mod connections;
mod copy;
mod cursor;
mod database;
mod decide;
mod deletes;
pub(crate) mod encryption;
mod error;
#[doc(hidden)]
pub mod failpoint;
mod feed_page;
mod future;
mod hash;
mod hashed_page;
mod keys;
mod lease;
mod logs;
mod maintenance;
mod merge;
mod open;
#[cfg(feature = "postgres")]
pub mod postgres;
mod processes;
mod records;
mod refresh;
mod reseal;
mod row_flags;
mod row_outcome;
mod runs;
pub mod sqlite;
mod totals;
mod transfer;
mod update_times;

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

pub use batches::{empty_dataset, prune_all};
pub use check::{CheckReport, Finding, Problem};
pub use checkpoints::{CheckpointWrite, Checkpoints, ResumeWrite, StoredCheckpoint};
pub use connections::{
    Connection, ConnectionKey, Connections, MetadataChange, NewConnection, RefreshFailure, RemovedConnection,
};
pub use copy::{CopySummary, copy, fingerprint};
pub use cursor::Cursor;
pub use database::{SharedStore, Store};
pub use deletes::{
    Confirmation, DEFAULT_HOLD, DeletePolicy, FinishScan, HeldBy, NextFullRun, PendingDeletes, Scan, ScanFrom,
    ScanOutcome, ScanWalk, WalkKind, WalkResult,
};
pub use encryption::{
    Encryption, EncryptionState, KeyId, KeyUse, Keys, ResealProgress, credentials_context, resume_context,
};
pub use error::{StoreError, StoreWarning};
pub use future::StoreFuture;
pub use keys::{BASE_VARIANT, DatasetKey, FunctionKey, RunToken};
pub use logs::{Level, LogLine, Logs};
pub use maintenance::{Backup, DatasetUsage, Emptied, Maintenance, Prune, PruneUntil, Pruned, Remains, Vacuumed};
pub use open::{open, open_target};
pub use processes::Processes;
pub use records::{
    Change, ChangeOutcome, Committed, DatasetStats, DeleteRow, FeedPage, FeedRow, Filter, LastAction, Page, PatchRow,
    ReadQuery, Records, Write,
};
pub use refresh::{ClaimOutcome, RefreshClaim, RefreshEnd, Refreshes};
pub use reseal::reseal;
pub use row_outcome::RowOutcome;
pub use runs::{NewRun, Run, RunEnd, RunStatus, Runs};
pub use totals::{ModelCounts, Totals};
pub use transfer::{Cell, Chunk, Table, Transfer};
