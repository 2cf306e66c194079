//! Keeping house: what takes rows or payloads out of the cache, beside the deletes that a provider reports.
//!
//! | word | what goes | what a reader of the feed sees |
//! | --- | --- | --- |
//! | prune | the payload; id, stamps, place and hash stay | the row at its old place, without a payload |
//! | erase | the whole row of an id | nothing: the row is no longer there |
//! | empty | all rows of a dataset | nothing: the rows are no longer there |
//!
//! What must stay true, whichever database is below:
//! - A sequence is never given again. An erased row leaves a gap; an emptied dataset goes on where it stopped, so a cursor
//!   from before stays good and gives what comes after.
//! - **A replica is not told of an erased row.** A tombstone would keep the id, which is what was to go. Who keeps a copy
//!   erases there as well, or drops the copy and reads again without a cursor. What is saved again later arrives as added.
//! - `live` and `bytes` of a dataset equal a recount. A pruned record counts as live, with no bytes; a tombstone counts
//!   neither, whether it has a payload or not.
//! - Each call is one bounded transaction; whoever wants more calls again.

use std::path::{Path, PathBuf};

use super::{CheckReport, DatasetKey, SharedStore, StoreError, StoreFuture};

/// How many rows one transaction of [`empty_dataset`] and [`prune_all`] takes.
const BATCH_ROWS: u32 = 2_000;

/// Up to where payloads are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PruneUntil {
    /// The record of this cursor and all before it.
    Cursor(String),
    /// All that last changed before this moment, microseconds since 1970.
    Before(i64),
}

/// What to prune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// Up to where.
    pub until: PruneUntil,
    /// Where an earlier call stopped ([`Pruned::next`]), so that what is pruned already is not walked over again.
    pub after: Option<String>,
    /// At most so many records, 1 to 10,000.
    pub limit: u32,
}

/// What was pruned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Records that lost their payload now.
    pub count: u64,
    /// The size of these payloads, in bytes.
    pub bytes: u64,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// What an [`Upkeep::empty`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Emptied {
    /// Rows that are gone, tombstones included.
    pub count: u64,
    /// The place up to which rows go: rows that are written meanwhile stay. Given back to the next call.
    pub through: i64,
    /// Whether there are more rows up to there.
    pub more: bool,
}

/// All that a dataset holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetUsage {
    /// Which.
    pub dataset: DatasetKey,
    /// Rows, tombstones included.
    pub rows: u64,
    /// Rows that still have a payload.
    pub with_payload: u64,
    /// The size of all payloads, tombstones' included, in bytes.
    pub bytes: u64,
    /// When anything last changed, microseconds since 1970.
    pub changed_at: i64,
    /// The latest place.
    pub seq: i64,
}

/// A backup that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Records in it, tombstones included.
    pub records: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Partial files of other backups to the same name, which were interrupted or are being written.
    pub partial: Vec<PathBuf>,
}

/// What a vacuum did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vacuumed {
    /// The size of the database before, in bytes.
    pub before: u64,
    /// The size after it.
    pub after: u64,
    /// What may be left of removed content nevertheless.
    pub remains: Option<Remains>,
}

/// Where the database still holds parts of removed or replaced content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remains {
    /// In the log: another process reads the state from before.
    Log,
    /// Single copies in unused parts of pages: the database is too large to be rebuilt while others wait.
    Pages {
        /// The size of the database, in bytes.
        bytes: u64,
    },
    /// In dead rows, until the server vacuums their tables.
    DeadRows,
    /// In unused parts of pages and in the server's log, until both are written over.
    Server,
}

/// Keeping house in the cache of a database.
pub trait Maintenance {
    /// Drops payloads, in the order of the feed, the oldest first; tombstones' too. Places and stamps stay. A dataset
    /// that is not there has nothing to prune.
    ///
    /// A later save of the same content gives a pruned record its payload back, in its old place; a patch finds it
    /// missing.
    fn prune(&self, dataset: &DatasetKey, prune: Prune) -> StoreFuture<'_, Pruned>;

    /// What [`Self::prune`] would take in all: records, and bytes of payload.
    fn count_prunable(&self, dataset: &DatasetKey, until: PruneUntil) -> StoreFuture<'_, Pruned>;

    /// Takes rows out by id, tombstones too; gives how many were there. Nothing in the feed tells of it.
    fn erase(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, u64>;

    /// Takes out at most `limit` rows and closes the open scan without deleting. The first call is given no `through`.
    /// Nothing in the feed tells of it.
    fn empty(&self, dataset: &DatasetKey, through: Option<i64>, limit: u32) -> StoreFuture<'_, Emptied>;

    /// How much each dataset holds that has any row, by key. Counts rows: its cost grows with the cache.
    fn dataset_usage(&self) -> StoreFuture<'_, Vec<DatasetUsage>>;

    /// Looks for whatever contradicts itself, and mends what can be mended without making something up. Readers and runs
    /// go on meanwhile.
    fn check(&self, repair: bool) -> StoreFuture<'_, CheckReport>;

    /// Writes one committed state into a new file that only its owner may read, while readers and runs go on. The keys
    /// that seal credentials are not in it.
    ///
    /// A database that is backed up by tools of its own answers [`StoreError::OwnTool`] with the command.
    fn backup(&self, to: &Path) -> StoreFuture<'_, Backup>;

    /// Clears what removed content left in the database's files, and returns where something may be left nevertheless. To
    /// be called behind removals; a large embedded database is left to [`Self::vacuum`].
    fn clear_removed(&self) -> StoreFuture<'_, Option<Remains>>;

    /// Rebuilds or cleans the database, whatever its size. Writers may have to wait; needs free disk space up to twice the
    /// size of an embedded database.
    fn vacuum(&self) -> StoreFuture<'_, Vacuumed>;
}

/// Takes out all rows that a dataset has now, in bounded transactions; gives how many. After each of them `go_on` is asked,
/// with the count so far, whether there is to be another.
///
/// # Errors
///
/// The database failed: what was taken out before stays out, and calling again goes on.
pub async fn empty_dataset(
    store: &SharedStore,
    dataset: &DatasetKey,
    mut should_continue: impl FnMut(u64) -> bool + Send,
) -> Result<u64, StoreError> {
    let (mut count, mut through) = (0, None);
    loop {
        let step = store.empty(dataset, through, BATCH_ROWS).await?;
        count += step.count;
        if !should_continue(count) || !step.more {
            return Ok(count);
        }
        through = Some(step.through);
    }
}

/// Prunes all that lies before a place, in bounded transactions.
///
/// # Errors
///
/// As [`Upkeep::prune`]: what was pruned before stays pruned.
pub async fn prune_all(store: &SharedStore, dataset: &DatasetKey, until: PruneUntil) -> Result<Pruned, StoreError> {
    let mut total = Pruned::default();
    loop {
        let prune = Prune { until: until.clone(), after: total.next.take(), limit: BATCH_ROWS };
        let step = store.prune(dataset, prune).await?;
        total.count += step.count;
        total.bytes += step.bytes;
        if step.next.is_none() {
            return Ok(total);
        }
        total.next = step.next;
    }
}
