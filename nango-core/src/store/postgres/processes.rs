//! Process registry: the processes that use the database.

use std::time::Duration;

use uuid::Uuid;

use super::{Db, Postgres, error::DbResult, now};
use crate::store::{Processes, StoreFuture, processes::MAX_LEASE, stored_span::to_stored};

impl Processes for Postgres {
    fn process_heartbeat(&self, process: Uuid, lease: Duration, is_serving: bool) -> StoreFuture<'_, u32> {
        self.write_unnoticed((process, lease, is_serving), |db, (process, lease, is_serving)| {
            Box::pin(heartbeat(db, *process, *lease, *is_serving))
        })
    }

    fn remove_process(&self, process: Uuid) -> StoreFuture<'_, ()> {
        self.write(process, |db, process| Box::pin(remove(db, *process)))
    }

    fn start_serving(&self, process: Uuid, lease: Duration) -> StoreFuture<'_, ()> {
        self.write((process, lease), |db, (process, lease)| Box::pin(serve(db, *process, *lease)))
    }

    fn stop_serving(&self, process: Uuid) -> StoreFuture<'_, ()> {
        self.write(process, |db, process| Box::pin(stop_serving(db, *process)))
    }

    fn is_served(&self) -> StoreFuture<'_, bool> {
        self.read_with((), |db, ()| Box::pin(is_served(db)))
    }
}

/// Records the heartbeat of a process and returns the number of active processes.
async fn heartbeat(db: &mut Db, process: Uuid, lease: Duration, is_serving: bool) -> DbResult<u32> {
    const REGISTER: &str = concat!(
        "INSERT INTO nango_rs.processes AS p (id, until, serving) \
         SELECT $1, now + $2, CASE WHEN $3 THEN now + $2 ELSE 0 END FROM (SELECT ",
        now!(),
        " AS now) clock ON CONFLICT (id) DO UPDATE SET until = excluded.until, \
         serving = greatest(p.serving, excluded.serving)"
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
    let register = db.query(REGISTER).bind(&process.as_bytes()[..]).bind(to_stored(lease)).bind(is_serving);
    register.execute(&mut *db.sql).await?;
    let count: i64 = db.query_scalar(COUNT).fetch_one(&mut *db.sql).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Removes a process that ends.
async fn remove(db: &mut Db, process: Uuid) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM nango_rs.processes WHERE id = $1";
    db.query(REMOVE).bind(&process.as_bytes()[..]).execute(&mut *db.sql).await?;
    Ok(())
}

/// Marks a process as one that runs the schedules, until the end of the lease.
async fn serve(db: &mut Db, process: Uuid, lease: Duration) -> DbResult<()> {
    const MARK: &str = concat!(
        "INSERT INTO nango_rs.processes (id, until, serving) SELECT $1, now + $2, now + $2 FROM (SELECT ",
        now!(),
        " AS now) clock ON CONFLICT (id) DO UPDATE SET until = greatest(processes.until, excluded.until), \
         serving = excluded.serving"
    );
    db.query(MARK).bind(&process.as_bytes()[..]).bind(to_stored(lease)).execute(&mut *db.sql).await?;
    Ok(())
}

/// Removes the mark of a serving process.
async fn stop_serving(db: &mut Db, process: Uuid) -> DbResult<()> {
    const UNMARK: &str = "UPDATE nango_rs.processes SET serving = 0 WHERE id = $1";
    db.query(UNMARK).bind(&process.as_bytes()[..]).execute(&mut *db.sql).await?;
    Ok(())
}

/// Returns whether a process with a valid mark exists.
async fn is_served(db: &mut Db) -> DbResult<bool> {
    const FIND: &str = concat!(
        "SELECT count(*) > 0 FROM nango_rs.processes, (SELECT ",
        now!(),
        " AS now) clock WHERE serving > now AND serving <= now + $1"
    );
    db.allow_seq_scan().await?;
    Ok(db.query_scalar(FIND).bind(to_stored(MAX_LEASE)).fetch_one(&mut *db.sql).await?)
}
