//! Records: page commits, the feed of changes, and the scans that find deleted records.

#[cfg(debug_assertions)]
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    CheckpointWrite, DatasetKey, DeletePolicy, FinishScan, FunctionKey, LogLine, ParentKey, ParentWrite,
    PendingDeletes, ResumeWrite, RowOutcome, RunToken, Scan, ScanFrom, ScanOutcome, StoreError, StoreFuture, Totals,
};
use crate::{
    declare::Merging,
    model::{Batch, Patch},
    time::Timestamp,
};

/// A page to commit: all of it is written, or nothing.
#[derive(Debug, Clone)]
pub struct Page {
    /// The run that writes, with its fence.
    pub run: RunToken,
    /// The function whose checkpoint and resume state change.
    pub function: FunctionKey,
    /// The time of the page's request, by the database's clock. A write of another run after this time wins, unless the
    /// change declares another merging strategy.
    pub requested_at: Timestamp,
    /// The changes of datasets, applied in order.
    pub changes: Vec<Change>,
    /// The change of the checkpoint, if any.
    pub checkpoint: Option<CheckpointWrite>,
    /// The change of the resume state, if any.
    pub resume: Option<ResumeWrite>,
    /// The changes of parents, written after the records.
    pub parents: Vec<ParentWrite>,
    /// The number of pages to count: 1, or 0 for a commit that is not a page of the provider.
    pub pages: u64,
    /// The number of requests sent since the last commit.
    pub requests: u64,
    /// The number of raw records that were skipped because they do not fit the model.
    pub skipped_invalid: u64,
    /// The log lines since the last commit.
    pub logs: Vec<LogLine>,
}

/// A change of one dataset.
#[derive(Debug, Clone)]
pub struct Change {
    /// The target dataset.
    pub dataset: DatasetKey,
    /// The strategy for a record that another run wrote later.
    pub merging: Merging,
    /// The number of the full walk that the write belongs to. All pages of a walk have the same number, also after an
    /// interruption, and no other walk of the dataset has it. `None`: a webhook, an incremental run, or another partial
    /// write.
    pub full_walk: Option<i64>,
    /// The parent whose list returned the records: saved and seen records get it, also if their content is unchanged.
    /// `None`: the stored parents stay.
    pub parent: Option<ParentKey>,
    /// The operation.
    pub write: Write,
}

/// An operation on records.
#[derive(Debug, Clone)]
pub enum Write {
    /// Upserts these records. Of equal ids the first one is used.
    Save(Batch),
    /// Upserts these records like [`Self::Save`], and turns the other active records of the change's parent into
    /// tombstones. Without a parent, no other record changes.
    Replace(Batch),
    /// Turns these records into tombstones that keep the last payload. Unknown ids are skipped.
    Delete(Vec<DeleteRow>),
    /// Merges these fields into active records. Missing and deleted records are skipped.
    Patch(Vec<PatchRow>),
    /// Marks these active records as seen by an open scan, whatever their content is now. Writes nothing to the
    /// records.
    Seen(Vec<String>),
}

/// A record to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRow {
    /// The record's id.
    pub id: String,
    /// The time of the deletion at the provider, if known: a record that was updated later is kept.
    pub deleted_at: Option<Timestamp>,
}

/// A partial record: objects are merged recursively, all other values are replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRow {
    /// The record's id.
    pub id: String,
    /// The fields to change.
    pub fields: Map<String, Value>,
    /// The change of the record's update time. A new time is compared with the stored one.
    pub updated: Patch<Timestamp>,
}

/// The result of a committed page.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// The changes in order, each with the outcomes of its rows.
    pub changes: Vec<ChangeOutcome>,
    /// The new version of the checkpoint, if the page changed the checkpoint.
    pub checkpoint_version: Option<i64>,
    /// The counters that the page added to the run.
    pub totals: Totals,
}

/// A committed change and the outcomes of its rows.
#[derive(Debug, Clone)]
pub struct ChangeOutcome {
    /// The change as it was given to the store.
    pub change: Change,
    /// One outcome for each row, in order; then one for each record that [`Write::Replace`] removed, or skipped because
    /// of a newer write.
    pub rows: Vec<RowOutcome>,
}

/// A query of a dataset's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadQuery {
    /// The cursor after which reading resumes; `None`: from the start.
    pub cursor: Option<String>,
    /// The maximum number of records, 1 to 10,000. Default 100.
    pub limit: u32,
    /// The last actions to return; an empty filter returns all records.
    pub filter: Filter,
    /// Returns only records that changed at or after this time.
    pub modified_after: Option<Timestamp>,
    /// Returns only these ids; an empty list returns all records.
    pub ids: Vec<String>,
    /// The maximum size of all payloads in bytes; one record is always returned. 0: unlimited.
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

/// The last actions to read. If none is set, all records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// Active records that have not changed since they were added.
    pub added: bool,
    /// Active records that changed.
    pub updated: bool,
    /// Deleted records.
    pub deleted: bool,
}

/// The last change of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LastAction {
    /// The record was added, or restored after a deletion.
    Added,
    /// The record changed.
    Updated,
    /// The record was deleted.
    Deleted,
}

impl LastAction {
    /// Returns the name in the API and in JSON.
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
    /// The record's id as it was saved.
    pub id: String,
    /// The payload as canonical JSON; `None` if it was pruned.
    pub payload: Option<Bytes>,
    /// The time at which the record was added or restored.
    pub first_seen_at: Timestamp,
    /// The time of the last change.
    pub last_modified_at: Timestamp,
    /// The time of the deletion, if the record is deleted.
    pub deleted_at: Option<Timestamp>,
    /// The time at which the payload was dropped, if it was pruned.
    pub pruned_at: Option<Timestamp>,
    /// The last change of the record.
    pub last_action: LastAction,
    /// The cursor after this record.
    pub cursor: String,
}

/// A page of the feed, in commit order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPage {
    /// The records of this page.
    pub records: Vec<FeedRow>,
    /// The cursor of the next page, if there are more records now.
    pub next_cursor: Option<String>,
}

/// The size of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetStats {
    /// The dataset that was measured.
    pub dataset: DatasetKey,
    /// The number of active records.
    pub live: u64,
    /// The size of the active records' payloads in bytes.
    pub bytes: u64,
}

/// The record cache of a database.
pub trait Records: Send + Sync {
    /// Writes consecutive pages in one transaction: all of them, or none. A later page sees the changes of an earlier
    /// one.
    fn commit_all(&self, pages: Vec<Page>) -> StoreFuture<'_, Vec<Committed>>;

    /// Writes one page in one transaction.
    fn commit(&self, page: Page) -> StoreFuture<'_, Committed> {
        Box::pin(async move {
            let mut committed = self.commit_all(vec![page]).await?;
            committed.pop().ok_or_else(|| StoreError::Damaged("an outcome without its page".to_owned()))
        })
    }

    /// Reads a page of the feed: records in the order of their last change. A dataset that does not exist is empty.
    ///
    /// Deleted records are returned as tombstones. Rows that maintenance removed ([`super::Maintenance`]) are not
    /// returned: a replica that was built with cursors keeps them until it erases them too, or is rebuilt.
    fn read(&self, dataset: &DatasetKey, query: ReadQuery) -> StoreFuture<'_, FeedPage>;

    /// Returns records by id, deleted ones included, in no defined order. Unknown ids are skipped.
    fn records_by_id(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, Vec<FeedRow>>;

    /// Returns the datasets of a connection (or of all connections) that ever had a record, sorted by key.
    fn datasets(&self, integration: Option<&str>, connection: Option<&str>) -> StoreFuture<'_, Vec<DatasetStats>>;

    /// Opens a scan of a dataset, or resumes the open one that `from` selects. Every other open scan of the dataset is
    /// closed without deleting.
    ///
    /// `is_early` means that the run is full only because delete candidates await a decision. The flag counts
    /// when a scan is opened, and not when one is resumed. A regular full run resets the dataset's count of such runs
    /// to 0.
    fn begin_scan(
        &self,
        run: &RunToken,
        function: &FunctionKey,
        dataset: &DatasetKey,
        from: ScanFrom,
        is_early: bool,
    ) -> StoreFuture<'_, Scan>;

    /// Returns at most `limit` candidates of an open scan whose deletion may be confirmed by a request and is not yet
    /// confirmed: first those that were never requested, by id, then the others, the oldest request first.
    ///
    /// An undecided confirmation in [`Self::finish_scan`] counts as a request, so that other candidates are next. With
    /// `by_parent`, only children of parents whose walk was complete, or that are gone, are candidates.
    fn delete_candidates(
        &self,
        run: &RunToken,
        dataset: &DatasetKey,
        scan: Scan,
        fingerprint: [u8; 16],
        by_parent: bool,
        limit: u32,
    ) -> StoreFuture<'_, Vec<FeedRow>>;

    /// Finishes a scan. If its walks were complete, the active records that the scan did not see and that no run wrote
    /// since it began are candidates: each becomes a tombstone, or is stored as pending (rules: `store/deletes.rs`). If
    /// they were not complete, the scan is only closed.
    fn finish_scan(&self, finish: FinishScan) -> StoreFuture<'_, ScanOutcome> {
        Box::pin(async move {
            let mut finished = self.finish_scans(vec![finish]).await?;
            finished.pop().ok_or_else(|| StoreError::Damaged("an outcome without its scan".to_owned()))
        })
    }

    /// Finishes scans of several datasets in one transaction, in the order of their numbers: all of them, or none.
    /// Returns the outcomes in the order of `finishes`. Parents that are gone and have no active child left in these
    /// datasets lose their rows.
    fn finish_scans(&self, finishes: Vec<FinishScan>) -> StoreFuture<'_, Vec<ScanOutcome>>;

    /// Returns the deletes of a dataset that await a decision, evaluated with this policy.
    fn pending_deletes(&self, dataset: &DatasetKey, policy: &DeletePolicy) -> StoreFuture<'_, PendingDeletes>;

    /// Shifts the stored times of scans and candidates back by this span, as if it had passed.
    /// For the conformance suite; a release build does not contain it.
    #[cfg(debug_assertions)]
    #[doc(hidden)]
    fn backdate_scans(&self, span: Duration) -> StoreFuture<'_, ()>;
}

impl Write {
    /// Returns a delete of these ids without deletion times.
    pub fn delete(ids: impl IntoIterator<Item = String>) -> Self {
        Self::Delete(ids.into_iter().map(|id| DeleteRow { id, deleted_at: None }).collect())
    }

    /// Returns the ids of the rows in order.
    pub fn ids(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Save(batch) | Self::Replace(batch) => Box::new(batch.iter().map(|item| item.id)),
            Self::Delete(rows) => Box::new(rows.iter().map(|row| row.id.as_str())),
            Self::Patch(rows) => Box::new(rows.iter().map(|row| row.id.as_str())),
            Self::Seen(ids) => Box::new(ids.iter().map(String::as_str)),
        }
    }

    /// Returns whether the write has no effect. A replacement without rows removes records.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Save(batch) => batch.is_empty(),
            Self::Replace(_) => false,
            Self::Delete(rows) => rows.is_empty(),
            Self::Patch(rows) => rows.is_empty(),
            Self::Seen(ids) => ids.is_empty(),
        }
    }
}
