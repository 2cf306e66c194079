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

mod api_keys;
mod batches;
mod cells;
mod check;
mod checkpoints;
mod claims;
mod commit;
mod connection_profile;
mod connection_query;
mod connections;
mod copy;
mod cursor;
mod database;
mod decide;
mod deletes;
mod due_run;
pub(crate) mod encryption;
mod error;
#[doc(hidden)]
pub(crate) mod failpoint;
mod feed_page;
mod future;
mod hash;
mod hashed_page;
mod keys;
mod lease;
mod logs;
mod maintenance;
mod mark_bits;
mod merge;
mod open;
mod parent_rows;
mod parents;
mod partial_copy;
mod plain_part;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod processes;
mod queue;
mod random;
mod records;
mod refresh;
mod reseal;
mod row_flags;
mod row_outcome;
mod runs;
mod schedules;
mod secrets;
pub(crate) mod sqlite;
mod stored_span;
mod totals;
mod transfer;
mod update_times;

#[cfg(test)]
mod fixtures;
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

pub(crate) use api_keys::ApiKeys;
pub use api_keys::{ApiKey, NewApiKey};
pub use batches::{empty_dataset, prune_all};
#[cfg(test)]
pub(crate) use check::Finding;
pub(crate) use check::{CheckReport, Problem};
pub(crate) use checkpoints::Checkpoints;
pub use checkpoints::{CheckpointWrite, ResumeWrite, StoredCheckpoint};
pub(crate) use connection_profile::ConnectionProfile;
pub use connection_profile::{EndUser, Organization, ProfileChange, TagsChange};
pub use connection_query::ConnectionQuery;
pub use connections::{Connection, MetadataChange, NewConnection, RemovedConnection};
pub(crate) use connections::{ConnectionKey, Connections, RefreshFailure};
pub(crate) use copy::CopySummary;
pub use copy::{copy, fingerprint};
pub(crate) use cursor::Cursor;
pub use database::SharedStore;
pub(crate) use database::Store;
pub use deletes::{
    Confirmation, DEFAULT_HOLD, DeletePolicy, FinishScan, FullRuns, HeldBy, NextFullRun, PendingDeletes, Scan,
    ScanFrom, ScanOutcome, ScanWalk, WalkKind, WalkResult,
};
pub use due_run::{DueRun, NewDueRun, QueuedOptions};
pub(crate) use encryption::{Encryption, KeyUse};
pub use encryption::{
    EncryptionState, KeyId, Keys, ResealProgress, credentials_context, parent_context, resume_context, secret_context,
};
pub use error::StoreError;
pub(crate) use error::StoreWarning;
pub(crate) use future::StoreFuture;
pub use keys::{BASE_VARIANT, DatasetKey, FunctionKey, RunToken};
pub(crate) use logs::Logs;
pub use logs::{Level, LogLine};
pub(crate) use maintenance::{Backup, DatasetUsage, Emptied, Maintenance, Remains, Vacuumed};
pub use maintenance::{Prune, PruneUntil, Pruned};
pub use open::open;
pub(crate) use open::open_target;
pub use parent_rows::{ParentEnd, ParentKey, ParentRow, ParentScan, ParentWrite};
pub(crate) use parents::Parents;
pub use parents::{ParentRecord, RecordState};
pub use partial_copy::{CopyScope, copy_part};
pub(crate) use plain_part::{PLAIN_TABLES, PlainLimits, PlainPart, open_plain_part, read_plain_part};
pub(crate) use processes::Processes;
pub(crate) use queue::Queue;
pub use queue::{ClaimRequest, ClaimedRun, ExpiredRun, NextAttempt, RunCounts};
pub use records::{
    Change, Committed, DatasetStats, DeleteRow, FeedPage, FeedRow, Filter, LastAction, Page, PatchRow, ReadQuery, Write,
};
pub(crate) use records::{ChangeOutcome, Records};
pub(crate) use refresh::Refreshes;
pub use refresh::{ClaimOutcome, RefreshClaim, RefreshEnd};
pub use reseal::reseal;
pub use row_outcome::RowOutcome;
pub use runs::{FinishedRun, NewRun, RunEnd, RunFilter, RunStatus};
pub(crate) use runs::{Run, Runs};
pub use schedules::{DueSchedule, Schedule, ScheduleAdvance, ScheduleChange, ScheduleFilter};
pub(crate) use schedules::{Schedules, SyncActivity, SyncName};
pub(crate) use secrets::Secrets;
pub use totals::ModelCounts;
pub(crate) use totals::Totals;
pub use transfer::Table;
pub(crate) use transfer::{Cell, Chunk, Transfer};
