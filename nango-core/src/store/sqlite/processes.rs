//! Process registry: the processes that use the database.

use std::time::Duration;

use rusqlite::params;
use uuid::Uuid;

use super::{Db, Sqlite, clock, error::DbResult};
use crate::store::{Processes, StoreFuture, processes::MAX_LEASE, stored_span::to_stored};

impl Processes for Sqlite {
    fn process_heartbeat(&self, process: Uuid, lease: Duration, _: bool) -> StoreFuture<'_, u32> {
        self.write(move |db| heartbeat(db, process, lease))
    }

    fn remove_process(&self, process: Uuid) -> StoreFuture<'_, ()> {
        self.write(move |db| remove(db, process))
    }

    fn start_serving(&self, _: Uuid, _: Duration) -> StoreFuture<'_, ()> {
        Box::pin(self.serving.start())
    }

    fn stop_serving(&self, _: Uuid) -> StoreFuture<'_, ()> {
        Box::pin(self.serving.stop())
    }

    fn is_served(&self) -> StoreFuture<'_, bool> {
        Box::pin(self.serving.is_held())
    }
}

/// Records the heartbeat of a process and returns the number of active processes.
fn heartbeat(db: &Db, process: Uuid, lease: Duration) -> DbResult<u32> {
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
fn remove(db: &Db, process: Uuid) -> DbResult<()> {
    db.sql.prepare_cached("DELETE FROM processes WHERE id = ?1")?.execute([&process.as_bytes()[..]])?;
    Ok(())
}
