//! Process registry: the processes that use the database.

use std::time::Duration;

use rusqlite::params;
use uuid::Uuid;

use super::{Db, clock, error::DbResult};
use crate::store::{processes::MAX_LEASE, stored_span::to_stored};

/// Records the heartbeat of a process and returns the number of active processes.
pub(super) fn heartbeat(db: &Db, process: Uuid, lease: Duration) -> DbResult<u32> {
    let now = clock::system_now();
    db.sql
        .prepare_cached("DELETE FROM processes WHERE until <= ?1 OR until > ?1 + ?2")?
        .execute(params![now, to_stored(MAX_LEASE)])?;
    db.sql.prepare_cached("INSERT OR REPLACE INTO processes (id, until) VALUES (?1, ?2 + ?3)")?.execute(params![
        &process.as_bytes()[..],
        now,
        to_stored(lease)
    ])?;
    Ok(db.sql.prepare_cached("SELECT count(*) FROM processes")?.query_row([], |row| row.get(0))?)
}

/// Removes a process that ends.
pub(super) fn remove(db: &Db, process: Uuid) -> DbResult<()> {
    db.sql.prepare_cached("DELETE FROM processes WHERE id = ?1")?.execute([&process.as_bytes()[..]])?;
    Ok(())
}
