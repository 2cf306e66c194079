//! Named locks of runs. A lock is released at the end of its run, and when another run takes over its key.

use std::time::Duration;

use super::{Db, error::DbResult, fence, now};
use crate::store::{RunToken, stored_span};

/// Acquires or extends a lock. Returns `false` if another run holds it.
pub(super) async fn acquire(db: &mut Db, run: &RunToken, key: &str, ttl: Duration) -> DbResult<bool> {
    const ACQUIRE: &str = concat!(
        "INSERT INTO nango_rs.locks AS l (key, run, until) SELECT $1, $2, now + $3 FROM (SELECT ",
        now!(),
        " AS now) clock ON CONFLICT (key) DO UPDATE SET run = excluded.run, until = excluded.until \
         WHERE l.run = excluded.run OR l.until <= excluded.until - $3"
    );
    fence::ensure_running(db, run).await?;
    let acquired =
        db.query(ACQUIRE).bind(key).bind(run.row).bind(stored_span::to_stored(ttl)).execute(&mut *db.sql).await?;
    Ok(acquired.rows_affected() == 1)
}

/// Releases a lock. Returns `false` if this run did not hold it.
pub(super) async fn release(db: &mut Db, run: &RunToken, key: &str) -> DbResult<bool> {
    const RELEASE: &str = concat!("DELETE FROM nango_rs.locks WHERE key = $1 AND run = $2 AND until > ", now!());
    fence::ensure_running(db, run).await?;
    Ok(db.query(RELEASE).bind(key).bind(run.row).execute(&mut *db.sql).await?.rows_affected() == 1)
}

/// Releases all locks of runs.
pub(super) async fn release_all(db: &mut Db, runs: &[i64]) -> DbResult<()> {
    const RELEASE: &str = "DELETE FROM nango_rs.locks WHERE run = ANY($1)";
    db.query(RELEASE).bind(runs).execute(&mut *db.sql).await?;
    Ok(())
}
