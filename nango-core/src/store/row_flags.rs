//! Numeric values in the row of a record: last action and state, the same in every database, so that copies keep them.

/// The `state` bit of a deleted row.
pub(super) const DELETED_FLAG: i64 = 1;
/// The `state` bit of a row whose payload was pruned.
pub(super) const PRUNED_FLAG: i64 = 2;
/// The `state` bit of a row whose payload was written by a patch.
pub(super) const MERGED_FLAG: i64 = 4;

/// The `last_action` of a row that was added or restored.
pub(super) const ADDED_ACTION: i64 = 0;
/// The `last_action` of a row that changed.
pub(super) const UPDATED_ACTION: i64 = 1;
/// The `last_action` of a row that was deleted.
pub(super) const DELETED_ACTION: i64 = 2;
