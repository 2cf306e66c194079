//! Names of syncs as a parameter of statements.

use super::error::{DbError, DbResult};
use crate::store::SyncName;

/// Returns the names of syncs as the JSON array that statements expand.
pub(super) fn json(syncs: &[SyncName]) -> DbResult<String> {
    serde_json::to_string(syncs).map_err(|_| DbError::damaged("the names of the syncs"))
}
