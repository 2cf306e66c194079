//! The living processes.

use std::time::Duration;

use uuid::Uuid;

use super::{Db, error::DbResult, now};
use crate::store::{processes::MAX_LEASE, runs::micros};

/// Gives a sign of life and counts the living.
pub(super) async fn heartbeat(db: &mut Db, process: Uuid, lease: Duration) -> DbResult<u32> {
    const LIVE: &str = concat!(
        "INSERT INTO nango_rs.processes (id, until) SELECT $1, ",
        now!(),
        " + $2 ON CONFLICT (id) DO UPDATE SET until = excluded.until"
    );
    // A row that another process holds is one that it writes or takes away itself.
    const DEAD: &str = concat!(
        "DELETE FROM nango_rs.processes WHERE id IN (SELECT id FROM nango_rs.processes WHERE until <= ",
        now!(),
        " OR until > $1 + ",
        now!(),
        " FOR UPDATE SKIP LOCKED)"
    );
    const COUNT: &str = concat!("SELECT count(*) FROM nango_rs.processes WHERE until > ", now!());
    db.query(DEAD).bind(micros(MAX_LEASE)).execute(&mut *db.sql).await?;
    db.query(LIVE).bind(&process.as_bytes()[..]).bind(micros(lease)).execute(&mut *db.sql).await?;
    let count: i64 = db.query_scalar(COUNT).fetch_one(&mut *db.sql).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Says that a process ends.
pub(super) async fn remove(db: &mut Db, process: Uuid) -> DbResult<()> {
    const LEAVE: &str = "DELETE FROM nango_rs.processes WHERE id = $1";
    db.query(LEAVE).bind(&process.as_bytes()[..]).execute(&mut *db.sql).await?;
    Ok(())
}
