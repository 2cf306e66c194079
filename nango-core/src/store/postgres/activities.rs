//! Runs and checkpoints of syncs, each read by one statement for all of them.

use std::collections::BTreeMap;

use super::{Db, checkpoints, error::DbResult, functions, queue, runs};
use crate::store::{FunctionKey, SyncActivity, schedules::RECENT_RUNS};

/// Returns the due run, the latest runs and the checkpoint of each sync.
pub(super) async fn read(db: &mut Db, keys: &[FunctionKey]) -> DbResult<BTreeMap<FunctionKey, SyncActivity>> {
    let ids = functions::find_syncs(db, keys).await?;
    let functions: Vec<i64> = ids.keys().copied().collect();
    let mut found: BTreeMap<FunctionKey, SyncActivity> = BTreeMap::new();
    for due in queue::of_each(db, &functions).await? {
        let activity = found.entry(due.key.clone()).or_default();
        activity.due = Some(due);
    }
    for run in runs::latest_of_each(db, &functions, RECENT_RUNS).await? {
        found.entry(run.key.clone()).or_default().runs.push(run);
    }
    for (function, checkpoint) in checkpoints::read_each(db, &functions).await? {
        if let Some(key) = ids.get(&function) {
            found.entry((*key).clone()).or_default().checkpoint = checkpoint;
        }
    }
    Ok(found)
}
