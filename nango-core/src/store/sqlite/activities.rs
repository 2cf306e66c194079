//! Runs and checkpoints of syncs.

use std::collections::BTreeMap;

use super::{Db, checkpoints, error::DbResult, queue, runs};
use crate::store::{FunctionKey, SyncActivity, schedules::RECENT_RUNS};

/// Returns the due run, the latest runs and the checkpoint of each sync.
pub(super) fn read(db: &Db, keys: Vec<FunctionKey>) -> DbResult<BTreeMap<FunctionKey, SyncActivity>> {
    let activity = |key: FunctionKey| {
        let due = queue::of(db, &key)?;
        let runs = runs::latest(db, &key, RECENT_RUNS)?;
        let checkpoint = checkpoints::read(db, &key)?;
        Ok((key, SyncActivity { due, runs, checkpoint }))
    };
    keys.into_iter().map(activity).collect()
}
