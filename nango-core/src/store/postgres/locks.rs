//! Named locks of runs. They go with their run: at its end, and when its key is taken over.

use std::time::Duration;

use super::{Db, error::DbResult, now, runs};
use crate::store::{RunToken, runs::micros};

/// Takes a lock or extends it. `false`: another run holds it.
pub(super) async fn acquire(db: &mut Db, run: &RunToken, key: &str, ttl: Duration) -> DbResult<bool> {
    const TAKE: &str = concat!(
        "INSERT INTO nango_rs.locks AS l (key, run, until) SELECT $1, $2, now + $3 FROM (SELECT ",
        now!(),
        " AS now) clock ON CONFLICT (key) DO UPDATE SET run = excluded.run, until = excluded.until \
         WHERE l.run = excluded.run OR l.until <= excluded.until - $3"
    );
    runs::ensure_running(db, run).await?;
    let taken = db.query(TAKE).bind(key).bind(run.row).bind(micros(ttl)).execute(&mut *db.sql).await?;
    Ok(taken.rows_affected() == 1)
}

/// Gives a lock back. `false`: this run did not hold it.
pub(super) async fn release(db: &mut Db, run: &RunToken, key: &str) -> DbResult<bool> {
    const RELEASE: &str = concat!("DELETE FROM nango_rs.locks WHERE key = $1 AND run = $2 AND until > ", now!());
    runs::ensure_running(db, run).await?;
    Ok(db.query(RELEASE).bind(key).bind(run.row).execute(&mut *db.sql).await?.rows_affected() == 1)
}

/// Gives back everything that runs hold.
pub(super) async fn release_all(db: &mut Db, runs: &[i64]) -> DbResult<()> {
    const RELEASE: &str = "DELETE FROM nango_rs.locks WHERE run = ANY($1)";
    db.query(RELEASE).bind(runs).execute(&mut *db.sql).await?;
    Ok(())
}
