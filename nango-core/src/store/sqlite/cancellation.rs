//! Cancellation of due and active runs.

use rusqlite::OptionalExtension;
use uuid::Uuid;

use super::{Db, clock, error::DbResult, functions, queue, runs};
use crate::store::{FunctionKey, RunStatus};

/// Removes the due run of a sync and cancels its active runs. Returns their ids.
pub(super) fn cancel(db: &Db, key: &FunctionKey) -> DbResult<Vec<Uuid>> {
    let Some(function) = functions::find(db, key)? else { return Ok(Vec::new()) };
    queue::remove_due(db, function)?;
    let mut active = db.sql.prepare_cached("SELECT row, id FROM runs WHERE function = ?1 AND status = 'running'")?;
    let active = active.query_map([function], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?)))?;
    let active = active.collect::<Result<Vec<_>, _>>()?;
    for (row, _) in &active {
        runs::finish(db, *row, RunStatus::Cancelled, clock::system_now(), None)?;
    }
    Ok(active.into_iter().map(|(_, id)| Uuid::from_bytes(id)).collect())
}

/// Cancels one due or active run.
pub(super) fn cancel_one(db: &Db, id: Uuid) -> DbResult<bool> {
    let id = &id.as_bytes()[..];
    let mut due = db.sql.prepare_cached("SELECT function FROM due_runs WHERE id = ?1")?;
    if let Some(function) = due.query_row([id], |row| row.get(0)).optional()? {
        queue::remove_due(db, function)?;
        return Ok(true);
    }
    let mut active = db.sql.prepare_cached("SELECT row FROM runs WHERE id = ?1 AND status = 'running'")?;
    let Some(row) = active.query_row([id], |row| row.get(0)).optional()? else { return Ok(false) };
    runs::finish(db, row, RunStatus::Cancelled, clock::system_now(), None)?;
    Ok(true)
}
