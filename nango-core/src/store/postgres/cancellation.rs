//! Cancellation of due and active runs.

use uuid::Uuid;

use super::{Db, error::DbResult, functions, queue, runs};
use crate::store::{FunctionKey, RunStatus};

/// Removes the due run of a sync and cancels its active runs. Returns their ids.
pub(super) async fn cancel(db: &mut Db, key: &FunctionKey) -> DbResult<Vec<Uuid>> {
    const ACTIVE: &str =
        "SELECT row, id FROM nango_rs.runs WHERE function = $1 AND status = 'running' ORDER BY row FOR UPDATE";
    let Some(function) = functions::find(db, key).await? else { return Ok(Vec::new()) };
    let active: Vec<(i64, Vec<u8>)> = db.query_as(ACTIVE).bind(function).fetch_all(&mut *db.sql).await?;
    let rows: Vec<i64> = active.iter().map(|(row, _)| *row).collect();
    if !rows.is_empty() {
        runs::finish(db, &rows, RunStatus::Cancelled, None).await?;
    }
    queue::remove_due(db, function).await?;
    active.iter().map(|(_, id)| queue::uuid(id)).collect()
}

/// Cancels one due or active run.
pub(super) async fn cancel_one(db: &mut Db, id: Uuid) -> DbResult<bool> {
    const DUE: &str = "SELECT function FROM nango_rs.due_runs WHERE id = $1";
    const ACTIVE: &str = "SELECT row FROM nango_rs.runs WHERE id = $1 AND status = 'running' FOR UPDATE";
    let id = &id.as_bytes()[..];
    let due: Option<i64> = db.query_scalar(DUE).bind(id).fetch_optional(&mut *db.sql).await?;
    if let Some(function) = due
        && queue::remove_due(db, function).await?
    {
        return Ok(true);
    }
    let active: Option<i64> = db.query_scalar(ACTIVE).bind(id).fetch_optional(&mut *db.sql).await?;
    let Some(row) = active else { return Ok(false) };
    runs::finish(db, &[row], RunStatus::Cancelled, None).await?;
    Ok(true)
}
