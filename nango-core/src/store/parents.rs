//! Parents of a function that walks one list per parent: their stored positions, and their part in an open scan.
//!
//! A parent is a record of another model, or an element of a list in the metadata of the connection. The children that
//! its list returned carry its [`ParentKey`] in the narrow column `record_keys.parent`. A parent has a row of its own
//! with its sealed state, and with the evidence of its walk in the latest scan, on which the deletes of its children
//! depend (`deletes/parents.rs`).

use bytes::Bytes;

use super::{
    DatasetKey, DeletePolicy, FunctionKey, NextFullRun, RunToken, ScanWalk, StoreFuture, row_flags::DELETED_FLAG,
};
use crate::time::Timestamp;

/// The key of the children of a parent: the first 16 bytes of BLAKE3 of `parent`, a NUL, and the parent's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParentKey(pub [u8; 16]);

impl ParentKey {
    /// Returns the key of a parent with this id.
    pub fn of(id: &str) -> Self {
        let hash = blake3::Hasher::new().update(b"parent\0").update(id.as_bytes()).finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Self(key)
    }
}

/// A change of a parent's row. A page contains at most one for each parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentWrite {
    /// The parent's id.
    pub id: String,
    /// The time at which the parent's record was first seen; `None` for an element of a list in the metadata.
    pub first_seen_at: Option<Timestamp>,
    /// The sealed state of the parent's walk ([`super::parent_context`]); `None` removes it.
    pub state: Option<Vec<u8>>,
    /// The number of the logical run in which the parent's walk ended; `None`: it has not ended.
    pub done: Option<i64>,
    /// The progress of the parent in the open scan; `None` keeps what is stored.
    pub scan: Option<ParentScan>,
    /// Whether the parent is walked completely only because its delete candidates await a decision. The flag counts
    /// when the parent is first written in a scan. Any other first write in a scan resets the parent's count of such
    /// runs to 0.
    pub is_early: bool,
}

/// The progress of a parent in an open scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentScan {
    /// The number of the scan. If the function has several open scans, the number of any of them.
    pub number: i64,
    /// The end of the parent's walk.
    pub end: ParentEnd,
}

/// The end of a parent's walk in a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParentEnd {
    /// The walk has begun, and has not ended: the children that it did not see stay.
    Begun,
    /// The walk ended. If it was complete, the children that it did not see are delete candidates.
    Ended(ScanWalk),
    /// The parent was deleted, or left the list: all its children that no walk saw are delete candidates.
    Gone,
}

/// The stored row of a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRow {
    /// The parent's id.
    pub id: String,
    /// The time at which the parent's record was first seen.
    pub first_seen_at: Option<Timestamp>,
    /// The sealed state of the parent's walk.
    pub state: Option<Vec<u8>>,
    /// The number of the logical run in which the parent's walk ended.
    pub done: Option<i64>,
    /// The progress of the parent in the latest scan in which it was written.
    pub scan: Option<ParentScan>,
}

/// An active record that is walked as a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRecord {
    /// The record's id.
    pub id: String,
    /// The payload as canonical JSON; `None` if it was pruned.
    pub payload: Option<Bytes>,
    /// The time at which the record was added or restored.
    pub first_seen_at: Timestamp,
}

/// The state of a record without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordState {
    /// The record is active.
    Live,
    /// The record is a tombstone.
    Deleted,
    /// No record has the id.
    Missing,
}

/// The parents of a database.
pub trait Parents {
    /// Returns the stored rows of these parents, in no defined order. Parents without a row are skipped.
    fn parent_rows(&self, function: &FunctionKey, ids: Vec<String>) -> StoreFuture<'_, Vec<ParentRow>>;

    /// Returns at most `limit` rows of a function in the order of their keys, those with a greater key than `after`.
    fn parents_after(
        &self,
        function: &FunctionKey,
        after: Option<ParentKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<ParentRow>>;

    /// Removes the rows of these parents. Their children stay.
    fn drop_parents(&self, run: &RunToken, function: &FunctionKey, ids: Vec<String>) -> StoreFuture<'_, ()>;

    /// Returns the parents of a dataset whose delete candidates bring their next complete walk forward, with its time.
    fn parents_needing_full(
        &self,
        function: &FunctionKey,
        dataset: &DatasetKey,
        policy: &DeletePolicy,
    ) -> StoreFuture<'_, Vec<(ParentKey, NextFullRun)>>;

    /// Returns at most `limit` active records of a dataset in the bytewise order of their ids, those with a greater id
    /// than `after`.
    fn live_records_after(
        &self,
        dataset: &DatasetKey,
        after: Option<&str>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<ParentRecord>>;

    /// Returns the states of the records with these ids, in the order of the ids.
    fn record_states(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, Vec<(String, RecordState)>>;
}

impl RecordState {
    /// Returns the state of a record with these flags; `None`: it has no row.
    pub(super) fn of_flags(flags: Option<i64>) -> Self {
        match flags {
            None => Self::Missing,
            Some(flags) if flags & DELETED_FLAG != 0 => Self::Deleted,
            Some(_) => Self::Live,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_key_differs_by_id() {
        assert_eq!(ParentKey::of("C1"), ParentKey::of("C1"));
        assert_ne!(ParentKey::of("C1"), ParentKey::of("C2"));
        assert_ne!(ParentKey::of(""), ParentKey::of("\0"));
    }
}
