//! Due runs: enqueueing, cancellation, next attempts and expired runs. Claims are in `claims`.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::{Db, clock, error::DbResult, functions, get_u64, sync_names};
use crate::{
    store::{
        ClaimedRun, DueRun, ExpiredRun, FunctionKey, NewDueRun, NextAttempt, QueuedOptions, RunCounts, RunToken,
        SyncName, failpoint::failpoint, queue::Priority,
    },
    time::Timestamp,
};

/// Makes a triggered run due.
pub(super) fn enqueue_triggered(db: &Db, due: &NewDueRun) -> DbResult<Uuid> {
    let function = functions::open(db, &due.key)?;
    enqueue(db, function, due, Uuid::now_v7(), Priority::Triggered)
}

/// Makes a run of the function due, or merges the request into the due run. Returns the id of the due run.
pub(super) fn enqueue(db: &Db, function: i64, due: &NewDueRun, id: Uuid, priority: Priority) -> DbResult<Uuid> {
    let mut insert = db.sql.prepare_cached(
        "INSERT INTO due_runs (function, id, integration, connection, priority, due_at, options, attempt, idle) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, 0) ON CONFLICT (function) DO UPDATE SET \
         priority = min(priority, excluded.priority), due_at = min(due_at, excluded.due_at), \
         options = options | excluded.options RETURNING id",
    )?;
    let names = (&due.key.integration, &due.key.connection);
    let stored: [u8; 16] = insert.query_row(
        params![
            function,
            &id.as_bytes()[..],
            names.0,
            names.1,
            priority.to_stored(),
            due.due_at,
            due.options.to_stored()
        ],
        |row| row.get(0),
    )?;
    failpoint!("queue:enqueued");
    Ok(Uuid::from_bytes(stored))
}

/// Makes the next attempt of a logical run due. Options of a run that is due already are added to it.
pub(super) fn enqueue_attempt(db: &Db, run: i64, next: &NextAttempt) -> DbResult<()> {
    let mut insert = db.sql.prepare_cached(
        "INSERT INTO due_runs (function, id, integration, connection, priority, due_at, options, first_run, attempt, \
         idle, mark) SELECT r.function, ?2, f.integration, f.connection, 0, ?3, ?4, coalesce(r.first_run, r.row), \
         r.attempt + 1, ?5, ?6 FROM runs r JOIN functions f ON f.id = r.function \
         JOIN connections c ON c.integration = f.integration AND c.id = f.connection WHERE r.row = ?1 \
         ON CONFLICT (function) DO UPDATE SET priority = 0, due_at = min(due_at, excluded.due_at), \
         options = options | excluded.options, first_run = excluded.first_run, attempt = excluded.attempt, \
         idle = excluded.idle, mark = excluded.mark",
    )?;
    let id = Uuid::now_v7();
    insert.execute(params![run, &id.as_bytes()[..], next.due_at, next.options.to_stored(), next.idle, next.mark])?;
    failpoint!("queue:next-attempt");
    Ok(())
}

/// Lets the next claim read the due runs that the end of a run allows to start: that of the same function, and the next
/// ones that wait for the limits of its connection and its integration.
pub(super) fn unblock_after(db: &Db, run: i64) -> DbResult<()> {
    let mut find = db.sql.prepare_cached(
        "SELECT f.id, f.integration, f.connection FROM runs r JOIN functions f ON f.id = r.function \
         WHERE r.row = ?1 AND r.exclusive = 1",
    )?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, String, String)> = find.query_row([run], read).optional()?;
    let Some((function, integration, connection)) = found else { return Ok(()) };
    db.sql
        .prepare_cached("UPDATE due_runs SET blocked = 0 WHERE function = ?1 AND blocked <> 0")?
        .execute([function])?;
    unblock_next(db, &integration, &connection)
}

/// Lets the next claim read one due run of the connection, and one of the integration.
fn unblock_next(db: &Db, integration: &str, connection: &str) -> DbResult<()> {
    db.sql
        .prepare_cached(
            "UPDATE due_runs SET blocked = 0 WHERE function = (SELECT function FROM due_runs \
             WHERE integration = ?1 AND connection = ?2 AND blocked = 2 ORDER BY priority, due_at LIMIT 1)",
        )?
        .execute([integration, connection])?;
    db.sql
        .prepare_cached(
            "UPDATE due_runs SET blocked = 0 WHERE function = (SELECT function FROM due_runs \
             WHERE integration = ?1 AND blocked = 3 ORDER BY priority, due_at LIMIT 1)",
        )?
        .execute([integration])?;
    Ok(())
}

/// Lets the next claim read all due runs.
pub(super) fn unblock_all(db: &Db) -> DbResult<()> {
    db.sql.prepare_cached("UPDATE due_runs SET blocked = 0 WHERE blocked <> 0")?.execute([])?;
    Ok(())
}

/// Removes the due run of a function.
pub(super) fn remove_due(db: &Db, function: i64) -> DbResult<()> {
    let mut remove =
        db.sql.prepare_cached("DELETE FROM due_runs WHERE function = ?1 RETURNING integration, connection")?;
    let removed: Option<(String, String)> =
        remove.query_row([function], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    // It may have been the one that would have started next.
    removed.map_or(Ok(()), |(integration, connection)| unblock_next(db, &integration, &connection))
}

macro_rules! due {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, f.integration, f.connection, f.name, f.variant, d.due_at, d.blocked <> 0 \
             FROM due_runs d JOIN functions f ON f.id = d.function ",
            $rest
        )
    };
}

/// Returns the due run with an id.
pub(super) fn by_id(db: &Db, id: Uuid) -> DbResult<Option<DueRun>> {
    let mut find = db.sql.prepare_cached(due!("WHERE d.id = ?1"))?;
    Ok(find.query_row([&id.as_bytes()[..]], due_run).optional()?)
}

/// Returns the due run of a sync.
pub(super) fn of(db: &Db, key: &FunctionKey) -> DbResult<Option<DueRun>> {
    let Some(function) = functions::find(db, key)? else { return Ok(None) };
    let mut find = db.sql.prepare_cached(due!("WHERE d.function = ?1"))?;
    Ok(find.query_row([function], due_run).optional()?)
}

fn due_run(row: &Row<'_>) -> rusqlite::Result<DueRun> {
    Ok(DueRun {
        id: Uuid::from_bytes(row.get(0)?),
        key: functions::sync_key(row, 1)?,
        due_at: row.get(5)?,
        is_blocked: row.get(6)?,
    })
}

/// Returns the earliest time after `now` at which a run or a schedule becomes due.
pub(super) fn next_due_at(db: &Db, now: Timestamp) -> DbResult<Option<Timestamp>> {
    let mut find = db.sql.prepare_cached(
        "SELECT min(at) FROM (SELECT min(next_at) AS at FROM schedules WHERE paused = 0 AND next_at > ?1 \
         UNION ALL SELECT min(due_at) FROM due_runs WHERE blocked = 0 AND priority = 0 AND due_at > ?1 \
         UNION ALL SELECT min(due_at) FROM due_runs WHERE blocked = 0 AND priority = 1 AND due_at > ?1)",
    )?;
    Ok(find.query_row([now], |row| row.get(0))?)
}

/// Returns whether a claim would find a due run of these syncs.
pub(super) fn has_due(db: &Db, now: Timestamp, syncs: &[SyncName]) -> DbResult<bool> {
    // Once per priority, so that both are found by the index.
    let mut find = db.sql.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM due_runs d JOIN functions f ON f.id = d.function \
         WHERE d.blocked = 0 AND d.priority = ?2 AND d.due_at <= ?1 \
         AND (f.integration, f.name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?3)))",
    )?;
    let names = sync_names::json(syncs)?;
    for priority in Priority::ALL {
        if find.query_row(params![now, priority.to_stored(), names], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Counts the runs that are due, and those that are active.
pub(super) fn counts(db: &Db, now: Timestamp) -> DbResult<RunCounts> {
    let mut count = db.sql.prepare_cached(
        "SELECT (SELECT count(*) FROM due_runs WHERE due_at <= ?1), \
         (SELECT count(*) FROM runs WHERE status = 'running')",
    )?;
    Ok(count.query_row([now], |row| Ok(RunCounts { due: get_u64(row, 0)?, running: get_u64(row, 1)? }))?)
}

/// Returns active runs whose lease is not active at this time.
pub(super) fn expired(db: &Db, now: Timestamp, limit: u32) -> DbResult<Vec<ExpiredRun>> {
    let mut list = db.sql.prepare_cached(
        "SELECT r.row, r.id, r.fence, r.queued, r.options, r.attempt, r.idle, r.mark, r.checkpoint_version, \
         r.pages, f.kind, f.integration, f.connection, f.name, f.variant \
         FROM runs r JOIN functions f ON f.id = r.function \
         WHERE r.status = 'running' AND (r.lease_until <= ?1 OR r.lease_until > ?1 + r.lease) \
         ORDER BY r.row LIMIT ?2",
    )?;
    let now = now.max(clock::system_now());
    list.query_and_then(params![now, limit], |row| {
        let token = RunToken { row: row.get(0)?, id: Uuid::from_bytes(row.get(1)?), fence: row.get(2)? };
        let run = ClaimedRun {
            token,
            key: functions::key(row, 10)?,
            options: QueuedOptions::from_stored(row.get(4)?),
            attempt: row.get(5)?,
            idle: row.get(6)?,
            mark: row.get(7)?,
            checkpoint_version: row.get(8)?,
        };
        Ok(ExpiredRun { run, is_queued: row.get(3)?, pages: get_u64(row, 9)? })
    })?
    .collect()
}

/// Removes runs that ended before this time, except those that [`Queue::purge_runs`](crate::store::Queue) keeps.
pub(super) fn purge(db: &Db, before: Timestamp, limit: u32) -> DbResult<u64> {
    let mut list = db.sql.prepare_cached(
        "SELECT r.row FROM runs r WHERE r.finished_at < ?1 AND r.status <> 'running' \
         AND EXISTS (SELECT 1 FROM runs l WHERE l.function = r.function AND l.row > r.row AND l.status <> 'running') \
         AND NOT EXISTS (SELECT 1 FROM due_runs d WHERE d.function = r.function AND d.first_run = r.row) \
         AND NOT EXISTS (SELECT 1 FROM runs a WHERE a.function = r.function AND a.status = 'running' \
         AND a.first_run = r.row) ORDER BY r.finished_at LIMIT ?2",
    )?;
    let rows = list.query_map(params![before, limit], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?;
    for row in &rows {
        for delete in [
            "DELETE FROM run_logs WHERE run = ?1",
            "DELETE FROM run_models WHERE run = ?1",
            "DELETE FROM runs WHERE row = ?1",
        ] {
            db.sql.prepare_cached(delete)?.execute([row])?;
        }
    }
    Ok(rows.len() as u64)
}
