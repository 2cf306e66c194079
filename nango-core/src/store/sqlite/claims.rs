//! Start of due runs. The transaction of the writer excludes other claims.

use rusqlite::{Row, params};
use uuid::Uuid;

use super::{
    Db, clock,
    error::{DbError, DbResult},
    functions, queue, runs, sync_names,
};
use crate::{
    store::{
        ClaimRequest, ClaimedRun, FunctionKey, NewRun, QueuedOptions, StoreError,
        claims::{BATCH, Blocked, MAX_EXAMINED, Slots},
        failpoint::failpoint,
        queue::Priority,
    },
    time::Timestamp,
};

/// A due run that a claim reads.
struct Candidate {
    function: i64,
    id: Uuid,
    key: FunctionKey,
    due_at: Timestamp,
    options: QueuedOptions,
    first_run: Option<i64>,
    attempt: u32,
    idle: u32,
    mark: Option<String>,
    is_running: bool,
    is_known: bool,
}

/// Starts due runs within the limits.
pub(super) fn claim(db: &Db, request: &ClaimRequest) -> DbResult<Vec<ClaimedRun>> {
    let mut claimed = Vec::new();
    if request.slots == 0 {
        return Ok(claimed);
    }
    let names = sync_names::json(&request.syncs)?;
    // A run that started after the time of the request was read is active.
    let lease_now = request.now.max(clock::system_now());
    let mut slots = Slots::new(request, active(db, lease_now)?);
    let mut examined = 0;
    for priority in Priority::ALL {
        let mut after = (Timestamp::MIN, i64::MIN);
        while !slots.is_full() && examined < MAX_EXAMINED {
            let batch = candidates(db, (request.now, lease_now), priority, after, &names)?;
            let Some(last) = batch.last() else { break };
            after = (last.due_at, last.function);
            for candidate in batch.into_iter().filter(|candidate| candidate.is_known) {
                examined += 1;
                if slots.is_full() {
                    break;
                }
                let FunctionKey { integration, connection, .. } = &candidate.key;
                match slots.take(integration, connection, candidate.is_running) {
                    Ok(()) => claimed.extend(start(db, request, lease_now, candidate)?),
                    Err(blocked) => block(db, candidate.function, blocked)?,
                }
            }
        }
    }
    Ok(claimed)
}

/// Returns the numbers of active exclusive runs by connection.
fn active(db: &Db, now: Timestamp) -> DbResult<Vec<(String, String, u32)>> {
    let mut count = db.sql.prepare_cached(
        "SELECT f.integration, f.connection, count(*) FROM runs r JOIN functions f ON f.id = r.function \
         WHERE r.status = 'running' AND r.exclusive = 1 AND r.lease_until > ?1 AND r.lease_until <= ?1 + r.lease \
         GROUP BY 1, 2",
    )?;
    let counted = count.query_map([now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(counted.collect::<Result<_, _>>()?)
}

fn candidates(
    db: &Db,
    (now, lease_now): (Timestamp, Timestamp),
    priority: Priority,
    after: (Timestamp, i64),
    names: &str,
) -> DbResult<Vec<Candidate>> {
    let mut list = db.sql.prepare_cached(
        "SELECT d.function, d.id, f.integration, f.connection, f.name, f.variant, d.due_at, d.options, d.first_run, \
         d.attempt, d.idle, d.mark, \
         EXISTS (SELECT 1 FROM runs r WHERE r.function = d.function AND r.status = 'running' AND r.exclusive = 1 \
         AND r.lease_until > ?7 AND r.lease_until <= ?7 + r.lease), \
         (f.integration, f.name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?5)) \
         FROM due_runs d JOIN functions f ON f.id = d.function \
         WHERE d.blocked = 0 AND d.priority = ?2 AND d.due_at <= ?1 AND (d.due_at, d.function) > (?3, ?4) \
         ORDER BY d.due_at, d.function LIMIT ?6",
    )?;
    let read = |row: &Row<'_>| {
        Ok(Candidate {
            function: row.get(0)?,
            id: Uuid::from_bytes(row.get(1)?),
            key: functions::sync_key(row, 2)?,
            due_at: row.get(6)?,
            options: QueuedOptions::from_stored(row.get(7)?),
            first_run: row.get(8)?,
            attempt: row.get(9)?,
            idle: row.get(10)?,
            mark: row.get(11)?,
            is_running: row.get(12)?,
            is_known: row.get(13)?,
        })
    };
    let found = list.query_map(params![now, priority.to_stored(), after.0, after.1, names, BATCH, lease_now], read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn block(db: &Db, function: i64, blocked: Blocked) -> DbResult<()> {
    let mut block = db.sql.prepare_cached("UPDATE due_runs SET blocked = ?2 WHERE function = ?1")?;
    block.execute([function, blocked.to_stored()])?;
    Ok(())
}

/// Moves a due run to the running runs. Returns `None` if its connection was removed.
fn start(db: &Db, request: &ClaimRequest, now: Timestamp, due: Candidate) -> DbResult<Option<ClaimedRun>> {
    let Candidate { function, key, options, attempt, idle, mark, .. } = due;
    let mut connection = db.sql.prepare_cached("SELECT row FROM connections WHERE integration = ?1 AND id = ?2")?;
    let connection: Option<i64> =
        connection.query_map([&key.integration, &key.connection], |row| row.get(0))?.next().transpose()?;
    if connection.is_none() {
        queue::remove_due(db, function)?;
        return Ok(None);
    }
    let new = NewRun { key: key.clone(), connection, exclusive: true, lease: request.lease };
    let token = match runs::start_as(db, &new, due.id, now, now) {
        Ok(token) => token,
        Err(DbError::Store(StoreError::Busy { .. })) => {
            block(db, function, Blocked::Running)?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    db.sql.prepare_cached("DELETE FROM due_runs WHERE function = ?1")?.execute([function])?;
    let mut describe = db.sql.prepare_cached(
        "UPDATE runs SET queued = 1, first_run = ?2, attempt = ?3, idle = ?4, options = ?5, mark = ?6, \
         checkpoint_version = coalesce((SELECT version FROM checkpoints WHERE function = ?7), 0) \
         WHERE row = ?1 RETURNING checkpoint_version",
    )?;
    let checkpoint_version = describe
        .query_row(params![token.row, due.first_run, attempt, idle, options.to_stored(), mark, function], |row| {
            row.get(0)
        })?;
    failpoint!("queue:claimed");
    Ok(Some(ClaimedRun { token, key, options, attempt, idle, mark, checkpoint_version }))
}
