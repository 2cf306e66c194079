//! Process registry: the processes that use the database.

use std::time::Duration;

use uuid::Uuid;

use super::{Db, error::DbResult, now};
use crate::store::{processes::MAX_LEASE, stored_span::to_stored};

/// Records the heartbeat of a process and returns the number of active processes.
pub(super) async fn heartbeat(db: &mut Db, process: Uuid, lease: Duration) -> DbResult<u32> {
    const REGISTER: &str = concat!(
        "INSERT INTO nango_rs.processes (id, until) SELECT $1, ",
        now!(),
        " + $2 ON CONFLICT (id) DO UPDATE SET until = excluded.until"
    );
    // A row that another process has locked is being updated or deleted by that process.
    const DELETE_EXPIRED: &str = concat!(
        "DELETE FROM nango_rs.processes WHERE id IN (SELECT id FROM nango_rs.processes WHERE until <= ",
        now!(),
        " OR until > $1 + ",
        now!(),
        " FOR UPDATE SKIP LOCKED)"
    );
    const COUNT: &str = concat!("SELECT count(*) FROM nango_rs.processes WHERE until > ", now!());
    db.query(DELETE_EXPIRED).bind(to_stored(MAX_LEASE)).execute(&mut *db.sql).await?;
    db.query(REGISTER).bind(&process.as_bytes()[..]).bind(to_stored(lease)).execute(&mut *db.sql).await?;
    let count: i64 = db.query_scalar(COUNT).fetch_one(&mut *db.sql).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Removes a process that ends.
pub(super) async fn remove(db: &mut Db, process: Uuid) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM nango_rs.processes WHERE id = $1";
    db.query(REMOVE).bind(&process.as_bytes()[..]).execute(&mut *db.sql).await?;
    Ok(())
}
