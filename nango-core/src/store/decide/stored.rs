//! Stored state of a record, as far as decisions depend on it.

use crate::{
    store::{
        ParentKey,
        hash::Hash,
        row_flags::{DELETED_FLAG, PRUNED_FLAG},
        update_times::UpdateTimes,
    },
    time::Timestamp,
};

/// The key row of a record.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct StoredKey {
    /// Flags of [`crate::store::row_flags`].
    pub state: i64,
    /// The content hash.
    pub hash: Hash,
    /// The version of `hash`.
    pub hash_version: i64,
    /// The update times; empty if they were not requested.
    pub times: UpdateTimes,
    /// The parent; `None` also if it was not requested.
    pub parent: Option<ParentKey>,
}

impl StoredKey {
    /// Returns whether one of these flags is set.
    pub(in crate::store) fn has_flags(&self, flags: i64) -> bool {
        self.state & flags != 0
    }

    /// Returns whether the record is a tombstone.
    pub(in crate::store) fn is_deleted(&self) -> bool {
        self.has_flags(DELETED_FLAG)
    }

    /// Returns whether the record is active and its payload was not pruned.
    pub(in crate::store) fn has_payload(&self) -> bool {
        !self.has_flags(DELETED_FLAG | PRUNED_FLAG)
    }
}

/// The last change of a record.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct LastChange {
    /// The time of the change.
    pub modified_at: Timestamp,
    /// The row number of the run that made the change.
    pub run: i64,
    /// The size of the unencrypted payload in bytes; 0 if it was pruned.
    pub bytes: i64,
}
