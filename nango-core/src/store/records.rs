//! Records: pages in, a feed out, and the scans that find what is gone.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    CheckpointWrite, Confirmation, DeletePolicy, FunctionKey, LogLine, PendingDeletes, ResumeWrite, RunToken,
    ScanOutcome, ScanWalk, StoreError, StoreFuture,
};
use crate::{
    declare::Merging,
    model::{Batch, Patch},
};

/// Which records: those of one model and variant of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetKey {
    /// The integration.
    pub integration: String,
    /// The connection's id.
    pub connection: String,
    /// The model.
    pub model: String,
    /// The variant of the sync, `base` unless it has several.
    pub variant: String,
}

impl DatasetKey {
    /// Its names as bytes that no other key has: each with its length before it, so that no two lists of names run
    /// together into one text.
    pub(crate) fn length_prefixed(&self) -> Vec<u8> {
        let names = [&self.integration, &self.connection, &self.model, &self.variant];
        let mut bytes = Vec::with_capacity(names.iter().map(|name| name.len() + 8).sum());
        for name in names {
            bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }
}

/// A page on its way into the database: all of it, or nothing.
#[derive(Debug, Clone)]
pub struct Page {
    /// Who writes.
    pub run: RunToken,
    /// The function whose checkpoint and resume state are meant.
    pub function: FunctionKey,
    /// When the page was requested, by the database's clock: another run's write after that moment wins, unless a
    /// change says otherwise.
    pub requested_at: i64,
    /// What happens to records, in order.
    pub changes: Vec<Change>,
    /// What happens to the checkpoint.
    pub checkpoint: Option<CheckpointWrite>,
    /// What happens to the resume state.
    pub resume: Option<ResumeWrite>,
    /// How many pages this counts for: 1, or 0 for a commit that is not a page of the provider.
    pub pages: u64,
    /// Requests that were sent since the last commit.
    pub requests: u64,
    /// Raw records that were left out because they do not fit.
    pub left_out: u64,
    /// Lines of the log since the last commit.
    pub logs: Vec<LogLine>,
}

/// A change to one dataset.
#[derive(Debug, Clone)]
pub struct Change {
    /// Where.
    pub dataset: DatasetKey,
    /// Who wins against a newer write of another run.
    pub merging: Merging,
    /// The full walk that it is a part of, by a number that all its pages have, also after an interruption, and no other
    /// walk of the dataset; `None`: a webhook, an incremental run, or another partial write.
    pub full_walk: Option<i64>,
    /// What.
    pub write: Write,
}

/// What happens to records.
#[derive(Debug, Clone)]
pub enum Write {
    /// They are as given. Of equal ids the first wins.
    Save(Batch),
    /// They are deleted: a tombstone that keeps the last payload. An id that is not there is left alone.
    Delete(Vec<DeleteRow>),
    /// Live ones are merged with these; missing and deleted ones are left alone.
    Patch(Vec<PatchRow>),
    /// Live ones are there at the provider, whatever their content is now: an open scan counts them as seen, and nothing
    /// is written.
    Seen(Vec<String>),
}

/// A record to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRow {
    /// The record's id.
    pub id: String,
    /// When the provider deleted it, microseconds since 1970, if that is known: a record that was updated later stays.
    pub deleted_at: Option<i64>,
}

/// A partial record: objects are merged recursively, everything else is replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRow {
    /// The record's id.
    pub id: String,
    /// The fields that change.
    pub fields: Map<String, Value>,
    /// What becomes of its time of update, microseconds since 1970: a time is compared with the stored one.
    pub updated: Patch<i64>,
}

/// What became of one row of a [`Write`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowOutcome {
    /// It was not there, or was deleted, and lives now.
    Added,
    /// It changed.
    Updated,
    /// It was saved or patched as it already was.
    Unchanged,
    /// It lived and is deleted now.
    Deleted,
    /// Another run wrote it after the page was requested; it was left alone.
    SkippedNewer,
    /// The stored record was updated later at the provider; it was left alone, and counts as seen.
    SkippedOlder,
    /// Its id came before in the same write; it was ignored.
    Duplicate,
    /// A delete, patch or sighting of a record that is not there (or, unless it is a delete, is deleted).
    Missing,
    /// It was seen at the provider and is unchanged here.
    Seen,
}

/// A committed page.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// The changes, each with what became of its rows, in order.
    pub changes: Vec<ChangeOutcome>,
    /// The new version of the checkpoint, if the page changed it.
    pub checkpoint_version: Option<i64>,
}

/// A change that was carried out.
#[derive(Debug, Clone)]
pub struct ChangeOutcome {
    /// The change, given back.
    pub change: Change,
    /// One outcome for each row, in order.
    pub rows: Vec<RowOutcome>,
}

/// A walk over all records of a dataset, at whose end the unseen ones are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scan {
    /// The number of the scan, unique in the database.
    pub number: i64,
    /// Whether it goes on from an interrupted run.
    pub resumed: bool,
}

/// Which scan a walk goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanFrom {
    /// None: it begins at the first record.
    Start,
    /// The one that the same function left open, if there is one.
    Unfinished,
    /// This one, if it is still open and the same function's.
    Number(i64),
}

/// The end of a scan.
#[derive(Debug, Clone)]
pub struct FinishScan {
    /// Who writes.
    pub run: RunToken,
    /// The function whose resume state is meant.
    pub function: FunctionKey,
    /// What was walked.
    pub dataset: DatasetKey,
    /// The scan.
    pub scan: Scan,
    /// How its walks ended.
    pub walk: ScanWalk,
    /// What the sync declares about deletes.
    pub policy: DeletePolicy,
    /// The answers to requests for candidates ([`Records::delete_candidates`]).
    pub confirmations: Vec<Confirmation>,
    /// What happens to the resume state in the same transaction.
    pub resume: Option<ResumeWrite>,
}

/// What to read of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadQuery {
    /// Where to go on; `None`: from the start.
    pub cursor: Option<String>,
    /// At most so many records, 1 to 10,000.
    pub limit: u32,
    /// Which last actions; all without any.
    pub filter: Filter,
    /// Only records that changed at this moment or later, microseconds since 1970.
    pub modified_after: Option<i64>,
    /// Only these ids; all without any.
    pub ids: Vec<String>,
    /// At most so many bytes of payload, but always one record; 0: no such limit.
    pub max_bytes: usize,
}

impl Default for ReadQuery {
    fn default() -> Self {
        Self {
            cursor: None,
            limit: 100,
            filter: Filter::default(),
            modified_after: None,
            ids: Vec::new(),
            max_bytes: 0,
        }
    }
}

/// Which last actions to read; none set means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// Live records that never changed since they were added.
    pub added: bool,
    /// Live records that changed.
    pub updated: bool,
    /// Deleted records.
    pub deleted: bool,
}

/// What last happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LastAction {
    /// It was added, or came back.
    Added,
    /// It changed.
    Updated,
    /// It was deleted.
    Deleted,
}

impl LastAction {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Updated => "UPDATED",
            Self::Deleted => "DELETED",
        }
    }
}

/// A record of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// The written id.
    pub id: String,
    /// The canonical JSON; `None`: pruned.
    pub payload: Option<Bytes>,
    /// When it entered the cache, or came back, microseconds since 1970.
    pub first_seen_at: i64,
    /// When it last changed.
    pub last_modified_at: i64,
    /// When it was deleted.
    pub deleted_at: Option<i64>,
    /// When its payload was dropped.
    pub pruned_at: Option<i64>,
    /// What last happened.
    pub last_action: LastAction,
    /// The place behind this record.
    pub cursor: String,
}

/// A page of the feed, in commit order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPage {
    /// The records.
    pub records: Vec<FeedRow>,
    /// Where to go on, if there is more now.
    pub next_cursor: Option<String>,
}

/// The size of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetStats {
    /// Which.
    pub dataset: DatasetKey,
    /// Live records.
    pub live: u64,
    /// The size of their payloads, in bytes.
    pub bytes: u64,
}

/// The cache of a database.
pub trait Records: Send + Sync {
    /// Writes pages that follow each other in one transaction: all of them, or none. A later one sees what an earlier one
    /// did.
    fn commit_all(&self, pages: Vec<Page>) -> StoreFuture<'_, Vec<Committed>>;

    /// Writes one page.
    fn commit(&self, page: Page) -> StoreFuture<'_, Committed> {
        Box::pin(async move {
            let mut committed = self.commit_all(vec![page]).await?;
            committed.pop().ok_or_else(|| StoreError::Damaged("an outcome without its page".to_owned()))
        })
    }

    /// Reads a page of the feed: records in the order in which they last changed. A dataset that is not there is empty.
    ///
    /// Deleted records come as tombstones. Rows that keeping house took out ([`super::Upkeep`]) do not come at all: a copy
    /// that was made with cursors keeps them until it erases them too, or is made anew.
    fn read(&self, dataset: &DatasetKey, query: ReadQuery) -> StoreFuture<'_, FeedPage>;

    /// Records by id, deleted ones included, in no order; unknown ids are left out.
    fn records_by_id(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, Vec<FeedRow>>;

    /// The datasets of a connection (or of all) that ever had a record, by key.
    fn datasets(&self, integration: Option<&str>, connection: Option<&str>) -> StoreFuture<'_, Vec<DatasetStats>>;

    /// Opens a scan of a dataset, or goes on with an open one if `from` says so. Any other open scan of the dataset is
    /// closed without deleting.
    ///
    /// `brought_forward` says that the run is full only because candidates wait. It counts when a scan is opened, and not
    /// when one is gone on with: a regular full run sets the dataset's count of such runs to 0.
    fn begin_scan(
        &self,
        run: &RunToken,
        function: &FunctionKey,
        dataset: &DatasetKey,
        from: ScanFrom,
        brought_forward: bool,
    ) -> StoreFuture<'_, Scan>;

    /// Candidates of an open scan whose deletion may be asked for, at most `limit`: not yet confirmed by request, the ones
    /// that were asked longest ago first, and before them those that were never asked, by id.
    ///
    /// An answer that is given to [`Self::finish_scan`] as undecided counts as asked, so that others are next.
    fn delete_candidates(
        &self,
        run: &RunToken,
        dataset: &DatasetKey,
        scan: Scan,
        fingerprint: [u8; 16],
        limit: u32,
    ) -> StoreFuture<'_, Vec<FeedRow>>;

    /// Ends a scan. If its walks were complete, the live records that it did not see and that nothing wrote since it began
    /// are candidates: each becomes a tombstone, or waits with what is known of it (the rules: `store/deletes.rs`). Otherwise it is
    /// only closed.
    fn finish_scan(&self, finish: FinishScan) -> StoreFuture<'_, ScanOutcome>;

    /// The deletes of a dataset that wait for a decision, judged by this policy.
    fn pending_deletes(&self, dataset: &DatasetKey, policy: &DeletePolicy) -> StoreFuture<'_, PendingDeletes>;

    /// Makes everything that is noted of scans and candidates older, as if so many microseconds had passed.
    #[cfg(test)]
    fn pass_time(&self, micros: i64) -> StoreFuture<'_, ()>;
}

impl Write {
    /// A delete of these ids, at times that are not known.
    pub fn delete(ids: impl IntoIterator<Item = String>) -> Self {
        Self::Delete(ids.into_iter().map(|id| DeleteRow { id, deleted_at: None }).collect())
    }

    /// The ids of its rows, in order.
    pub fn ids(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Save(batch) => Box::new(batch.iter().map(|item| item.id)),
            Self::Delete(rows) => Box::new(rows.iter().map(|row| row.id.as_str())),
            Self::Patch(rows) => Box::new(rows.iter().map(|row| row.id.as_str())),
            Self::Seen(ids) => Box::new(ids.iter().map(String::as_str)),
        }
    }

    /// Whether it changes nothing because it has no rows.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Save(batch) => batch.is_empty(),
            Self::Delete(rows) => rows.is_empty(),
            Self::Patch(rows) => rows.is_empty(),
            Self::Seen(ids) => ids.is_empty(),
        }
    }
}
