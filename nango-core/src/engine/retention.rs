//! Removal of old runs with their logs.

use crate::{
    store::{SharedStore, StoreError},
    time::Timestamp,
};

/// Number of runs that one transaction removes.
const BATCH: u32 = 500;

/// Removes the runs that ended before this time, except the latest of each function. Ends early when `is_stopping`
/// returns `true`. Returns the number of removed runs.
pub(super) async fn purge(
    store: &SharedStore,
    before: Timestamp,
    is_stopping: impl Fn() -> bool,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    while !is_stopping() {
        let count = store.purge_runs(before, BATCH).await?;
        removed += count;
        if count < u64::from(BATCH) {
            break;
        }
    }
    Ok(removed)
}
