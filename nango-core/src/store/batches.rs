//! Maintenance of a whole dataset in bounded transactions.

use super::{DatasetKey, Prune, PruneUntil, Pruned, SharedStore, StoreError};

/// The number of rows per transaction of [`empty_dataset`] and [`prune_all`].
const BATCH_ROWS: u32 = 2_000;

/// Removes all rows that a dataset has now, in bounded transactions, and returns their number. After each transaction
/// `should_continue` receives the count; if it returns `false`, no further transaction is started.
///
/// # Errors
///
/// Fails if the database fails: earlier transactions stay committed, and another call continues after them.
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

/// Prunes everything up to `until`, in bounded transactions.
///
/// # Errors
///
/// Returns the errors of `Maintenance::prune`: earlier transactions stay committed.
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
