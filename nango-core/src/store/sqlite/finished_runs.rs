//! Runs that are stored after they have ended.

use rusqlite::params;

use super::{Db, error::DbResult, functions, logs};
use crate::store::FinishedRun;

/// Stores runs that have ended, with their log lines.
pub(super) fn write(db: &Db, runs: &[FinishedRun]) -> DbResult<()> {
    let mut connected = db.sql.prepare_cached("SELECT 1 FROM connections WHERE row = ?1")?;
    let mut insert = db.sql.prepare_cached(
        "INSERT INTO runs (id, function, exclusive, status, fence, lease, lease_until, started_at, finished_at, pages, \
         requests, left_out, error) VALUES (?1, ?2, 0, ?3, 0, 0, ?5, ?4, ?5, 0, ?6, 0, ?7) \
         ON CONFLICT (id) DO NOTHING RETURNING row",
    )?;
    for run in runs {
        if !connected.exists([run.connection])? {
            continue;
        }
        let function = functions::open(db, &run.key)?;
        let stored = params![
            &run.id.as_bytes()[..],
            function,
            run.status.name(),
            run.started_at,
            run.finished_at,
            i64::try_from(run.requests).unwrap_or(i64::MAX),
            run.error.as_ref().map(ToString::to_string)
        ];
        let row: Option<i64> = insert.query_map(stored, |row| row.get(0))?.next().transpose()?;
        if let Some(row) = row {
            logs::write(db, row, &run.logs)?;
        }
    }
    Ok(())
}
