//! Named locks of runs. They go with their run: at its end, and when its key is taken over.

use std::time::Duration;

use rusqlite::params;

use super::{
    Db, clock,
    error::DbResult,
    runs::{self, micros},
};
use crate::store::RunToken;

/// Takes a lock or extends it. `false`: another run holds it.
pub(super) fn acquire(db: &Db, run: &RunToken, key: &str, ttl: Duration) -> DbResult<bool> {
    runs::check(db, run)?;
    let now = clock::system_now();
    let mut take = db.sql.prepare_cached(
        "INSERT INTO locks (key, run, until) VALUES (?1, ?2, ?3) ON CONFLICT (key) \
         DO UPDATE SET run = excluded.run, until = excluded.until WHERE run = excluded.run OR until <= ?4",
    )?;
    Ok(take.execute(params![key, run.row, now + micros(ttl), now])? == 1)
}

/// Gives a lock back. `false`: this run did not hold it.
pub(super) fn release(db: &Db, run: &RunToken, key: &str) -> DbResult<bool> {
    runs::check(db, run)?;
    let mut release = db.sql.prepare_cached("DELETE FROM locks WHERE key = ?1 AND run = ?2 AND until > ?3")?;
    Ok(release.execute(params![key, run.row, clock::system_now()])? == 1)
}

/// Gives back everything that a run holds.
pub(super) fn release_all(db: &Db, run: i64) -> DbResult<()> {
    db.sql.prepare_cached("DELETE FROM locks WHERE run = ?1")?.execute([run])?;
    Ok(())
}
