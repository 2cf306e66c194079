//! Parents of a database: their rows ([`ParentRow`]), and the records that are walked as parents.

use bytes::Bytes;

use super::{
    DatasetKey, DeletePolicy, FunctionKey, NextFullRun, ParentKey, ParentRow, RunToken, StoreFuture,
    row_flags::DELETED_FLAG,
};
use crate::time::Timestamp;

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
