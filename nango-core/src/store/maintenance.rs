//! Maintenance: removal of rows and payloads from the cache, apart from deletes that a provider reports.
//!
//! | operation | what is removed | what a reader of the feed sees |
//! | --- | --- | --- |
//! | prune | the payload; id, times, sequence number and hash are kept | the row at its sequence number, without a payload |
//! | erase | the whole row of an id | nothing: the row does not exist |
//! | empty | all rows of a dataset | nothing: the rows do not exist |
//!
//! The rows are selected by these conditions, which each database states in SQL:
//! - prune: records of the dataset that were not pruned yet, after the cursor `after` and up to `until`. A time is
//!   converted first: `until` is then the last sequence number before the first record with a commit time at or after
//!   it.
//! - erase: records of the dataset with one of the ids.
//! - empty: records of the dataset up to the sequence number `through`, by default its last.
//!
//! Invariants, whichever database is used:
//! - A sequence number is never reused. An erased row leaves a gap; an emptied dataset continues its numbers, so that
//!   an earlier cursor stays valid and returns later changes.
//! - **Replicas are not notified of an erased row.** A tombstone would keep the id, which must be removed. The owner of
//!   a replica erases the row there as well, or drops the replica and reads again without a cursor. If the record is
//!   saved again, the feed returns it as added.
//! - `live` and `bytes` of a dataset equal a recount. A pruned record counts as active with 0 bytes; a tombstone counts
//!   neither, with or without a payload.
//! - Each call is one bounded transaction; the caller repeats it until nothing is left.
//! - Each call is one bounded transaction; the caller repeats it until nothing is left.

use std::path::{Path, PathBuf};

use super::{CheckReport, DatasetKey, StoreFuture};
use crate::time::Timestamp;

/// The end of the range whose payloads are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PruneUntil {
    /// The record of this cursor and all records before it in the feed.
    Cursor(String),
    /// All records that last changed before this time.
    Before(Timestamp),
}

/// A request to prune a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// The end of the range.
    pub until: PruneUntil,
    /// The position at which an earlier call ended ([`Pruned::next`]), so that pruned records are not read again.
    pub after: Option<String>,
    /// The maximum number of records, 1 to 10,000.
    pub limit: u32,
}

/// The result of `Maintenance::prune`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// The number of records that lost their payload.
    pub count: u64,
    /// The size of these payloads in bytes.
    pub bytes: u64,
    /// The position for the next call, if there is more to prune.
    pub next: Option<String>,
}

/// The result of [`Maintenance::empty`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Emptied {
    /// The number of removed rows, tombstones included.
    pub count: u64,
    /// The sequence number up to which rows are removed: rows that are written meanwhile are kept. Passed to the next
    /// call.
    pub through: i64,
    /// Whether rows are left up to that sequence number.
    pub more: bool,
}

/// The storage that a dataset uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetUsage {
    /// The dataset that was measured.
    pub dataset: DatasetKey,
    /// The number of rows, tombstones included.
    pub rows: u64,
    /// The number of rows that have a payload.
    pub with_payload: u64,
    /// The size of all payloads in bytes, those of tombstones included.
    pub bytes: u64,
    /// The time of the last change.
    pub changed_at: Timestamp,
    /// The latest sequence number.
    pub seq: i64,
}

/// The result of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The number of records in the backup, tombstones included.
    pub records: u64,
    /// The size of the backup in bytes.
    pub bytes: u64,
    /// Partial files of other backups to the same name, which were interrupted or are still being written.
    pub partial: Vec<PathBuf>,
}

/// The result of a vacuum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vacuumed {
    /// The size of the database before the vacuum, in bytes.
    pub before: u64,
    /// The size of the database after the vacuum, in bytes.
    pub after: u64,
    /// The location of removed content that may be left nevertheless.
    pub remains: Option<Remains>,
}

/// The location where the database still contains parts of removed or replaced content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remains {
    /// In the write-ahead log: another process reads an earlier snapshot.
    Log,
    /// Single copies in unused parts of pages: the database is too large to be rebuilt while other processes wait.
    Pages {
        /// The size of the database, in bytes.
        bytes: u64,
    },
    /// In dead rows, until the server vacuums their tables.
    DeadRows,
    /// In unused parts of pages and in the server's log, until both are overwritten.
    Server,
}

/// Maintenance of the cache of a database.
pub trait Maintenance {
    /// Drops payloads in the order of the feed, oldest first, those of tombstones included. Sequence numbers and
    /// commit times are kept. A dataset that does not exist has nothing to prune.
    ///
    /// A later save of the same content restores the payload of a pruned record at its old sequence number; a patch
    /// treats the record as missing.
    fn prune(&self, dataset: &DatasetKey, prune: Prune) -> StoreFuture<'_, Pruned>;

    /// Returns what [`Self::prune`] would drop in total: the number of records, and the bytes of their payloads.
    fn count_prunable(&self, dataset: &DatasetKey, until: PruneUntil) -> StoreFuture<'_, Pruned>;

    /// Removes rows by id, tombstones included, and returns their number. The feed does not report the removal.
    fn erase(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, u64>;

    /// Removes at most `limit` rows and closes the open scan without deleting. The first call passes no `through`. The
    /// feed does not report the removal.
    fn empty(&self, dataset: &DatasetKey, through: Option<i64>, limit: u32) -> StoreFuture<'_, Emptied>;

    /// Returns the usage of each dataset that has rows, sorted by key. Counts rows: the cost grows with the cache.
    fn dataset_usage(&self) -> StoreFuture<'_, Vec<DatasetUsage>>;

    /// Checks the database for contradictions. With `repair`, corrects what follows from stored data, without inventing
    /// content. Readers and runs continue meanwhile.
    fn check(&self, repair: bool) -> StoreFuture<'_, CheckReport>;

    /// Writes a snapshot into a new file that only its owner may read, while readers and runs continue. The file does
    /// not contain the encryption keys.
    ///
    /// A database with a backup tool of its own returns [`ExternalTool`](super::StoreError::ExternalTool) with the
    /// command.
    fn backup(&self, to: &Path) -> StoreFuture<'_, Backup>;

    /// Clears removed content from the database's files, and returns the location of content that may be left. Called
    /// after removals; a large embedded database is cleared by [`Self::vacuum`] only.
    fn clear_removed(&self) -> StoreFuture<'_, Option<Remains>>;

    /// Rebuilds or cleans the database, whatever its size. Writers may have to wait. An embedded database needs free
    /// disk space of up to twice its size.
    fn vacuum(&self) -> StoreFuture<'_, Vacuumed>;
}
