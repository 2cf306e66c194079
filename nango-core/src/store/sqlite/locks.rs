//! Named locks of runs. A lock is released at the end of its run, and when another run takes over its key.

use std::time::Duration;

use rusqlite::params;

use super::{Db, clock, error::DbResult, fence};
use crate::store::{RunToken, stored_span};

/// Acquires or extends a lock. Returns `false` if another run holds it.
pub(super) fn acquire(db: &Db, run: &RunToken, key: &str, ttl: Duration) -> DbResult<bool> {
    fence::ensure_running(db, run)?;
    let mut acquire = db.sql.prepare_cached(
        "INSERT INTO locks (key, run, until) VALUES (?1, ?2, ?3 + ?4) ON CONFLICT (key) \
         DO UPDATE SET run = excluded.run, until = excluded.until WHERE run = excluded.run OR until <= ?3",
    )?;
    Ok(acquire.execute(params![key, run.row, clock::system_now(), stored_span::to_stored(ttl)])? == 1)
}

/// Releases a lock. Returns `false` if this run did not hold it.
pub(super) fn release(db: &Db, run: &RunToken, key: &str) -> DbResult<bool> {
    fence::ensure_running(db, run)?;
    let mut release = db.sql.prepare_cached("DELETE FROM locks WHERE key = ?1 AND run = ?2 AND until > ?3")?;
    Ok(release.execute(params![key, run.row, clock::system_now()])? == 1)
}

/// Releases all locks of a run.
pub(super) fn release_all(db: &Db, run: i64) -> DbResult<()> {
    db.sql.prepare_cached("DELETE FROM locks WHERE run = ?1")?.execute([run])?;
    Ok(())
}
