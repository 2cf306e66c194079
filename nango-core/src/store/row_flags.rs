//! The numbers that stand in the row of a record, the same on every database.

/// A row is deleted.
pub(super) const DELETED_FLAG: i64 = 1;
/// A row's payload was dropped.
pub(super) const PRUNED_FLAG: i64 = 2;
/// A row's payload was written by a patch.
pub(super) const MERGED_FLAG: i64 = 4;

/// `last_action` of a row that was added or came back.
pub(super) const ADDED_ACTION: i64 = 0;
/// `last_action` of a row that changed.
pub(super) const UPDATED_ACTION: i64 = 1;
/// `last_action` of a row that was deleted.
pub(super) const DELETED_ACTION: i64 = 2;
