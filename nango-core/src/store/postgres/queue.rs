//! Due runs: enqueueing, next attempts and expired runs. Claims are in `claims`.

use uuid::Uuid;

use super::{
    Db,
    error::{DbError, DbResult},
    exclusion, functions, now, sync_names, to_u64,
};
use crate::{
    declare::FunctionKind,
    store::{
        ClaimedRun, DueRun, ExpiredRun, FunctionKey, NewDueRun, NextAttempt, QueuedOptions, RunCounts, RunToken,
        SyncName, failpoint::failpoint, queue::Priority,
    },
    time::Timestamp,
};

/// Makes a triggered run due.
pub(super) async fn enqueue_triggered(db: &mut Db, due: &NewDueRun) -> DbResult<Uuid> {
    let function = functions::open(db, &due.key).await?;
    enqueue(db, function, due, Priority::Triggered).await
}

/// Makes a run of the function due, or merges the request into the due run. Returns the id of the due run.
pub(super) async fn enqueue(db: &mut Db, function: i64, due: &NewDueRun, priority: Priority) -> DbResult<Uuid> {
    const INSERT: &str = "INSERT INTO nango_rs.due_runs AS d (function, id, integration, connection, priority, due_at, \
         options, attempt, idle) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 0) ON CONFLICT (function) DO UPDATE SET \
         priority = least(d.priority, excluded.priority), due_at = least(d.due_at, excluded.due_at), \
         options = d.options | excluded.options RETURNING id";
    let insert = db
        .query_scalar(INSERT)
        .bind(function)
        .bind(Uuid::now_v7().into_bytes().to_vec())
        .bind(&due.key.integration)
        .bind(&due.key.connection)
        .bind(priority.to_stored())
        .bind(due.due_at)
        .bind(due.options.to_stored());
    let stored: Vec<u8> = insert.fetch_one(&mut *db.sql).await?;
    failpoint!("queue:enqueued");
    uuid(&stored)
}

/// Makes the next attempt of a logical run due. Options of a run that is due already are added to it.
pub(super) async fn enqueue_attempt(db: &mut Db, run: i64, next: &NextAttempt) -> DbResult<()> {
    const INSERT: &str = "INSERT INTO nango_rs.due_runs AS d (function, id, integration, connection, priority, due_at, \
         options, first_run, attempt, idle, mark) SELECT r.function, $2, f.integration, f.connection, 0, $3, $4, \
         coalesce(r.first_run, r.row), r.attempt + 1, $5, $6 FROM nango_rs.runs r \
         CROSS JOIN LATERAL (SELECT integration, connection FROM nango_rs.functions WHERE id = r.function OFFSET 0) f \
         CROSS JOIN LATERAL (SELECT 1 FROM nango_rs.connections c WHERE c.integration = f.integration \
         AND c.id = f.connection OFFSET 0) c WHERE r.row = $1 \
         ON CONFLICT (function) DO UPDATE SET priority = 0, due_at = least(d.due_at, excluded.due_at), \
         options = d.options | excluded.options, first_run = excluded.first_run, attempt = excluded.attempt, \
         idle = excluded.idle, mark = excluded.mark";
    db.query(INSERT)
        .bind(run)
        .bind(Uuid::now_v7().into_bytes().to_vec())
        .bind(next.due_at)
        .bind(next.options.to_stored())
        .bind(i64::from(next.idle))
        .bind(&next.mark)
        .execute(&mut *db.sql)
        .await?;
    failpoint!("queue:next-attempt");
    Ok(())
}

/// Lets the next claim read the due runs that the end of runs allows to start: those of the same functions, and the
/// next ones that wait for the limits of their connections and integrations.
pub(super) async fn unblock_after(db: &mut Db, runs: &[i64]) -> DbResult<()> {
    const FIND: &str = "SELECT f.id, f.integration, f.connection FROM unnest($1::bigint[]) u(row) \
         CROSS JOIN LATERAL (SELECT function FROM nango_rs.runs r WHERE r.row = u.row AND r.exclusive OFFSET 0) r \
         CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions f WHERE f.id = r.function OFFSET 0) f";
    const SAME: &str = "UPDATE nango_rs.due_runs SET blocked = 0 WHERE function = $1 AND blocked <> 0";
    let found: Vec<(i64, String, String)> = db.query_as(FIND).bind(runs).fetch_all(&mut *db.sql).await?;
    if found.is_empty() {
        return Ok(());
    }
    // A claim that has counted these runs as active must be visible to the statements below, or not have begun.
    exclusion::exclude_shared(db).await?;
    for (function, integration, connection) in found {
        db.query(SAME).bind(function).execute(&mut *db.sql).await?;
        unblock_next(db, &integration, &connection).await?;
    }
    Ok(())
}

/// Lets the next claim read one due run of the connection, and one of the integration.
async fn unblock_next(db: &mut Db, integration: &str, connection: &str) -> DbResult<()> {
    const OF_CONNECTION: &str = "UPDATE nango_rs.due_runs SET blocked = 0 WHERE function = (SELECT function \
         FROM nango_rs.due_runs WHERE integration = $1 AND connection = $2 AND blocked = 2 \
         ORDER BY priority, due_at LIMIT 1)";
    const OF_INTEGRATION: &str = "UPDATE nango_rs.due_runs SET blocked = 0 WHERE function = (SELECT function \
         FROM nango_rs.due_runs WHERE integration = $1 AND blocked = 3 ORDER BY priority, due_at LIMIT 1)";
    db.query(OF_CONNECTION).bind(integration).bind(connection).execute(&mut *db.sql).await?;
    db.query(OF_INTEGRATION).bind(integration).execute(&mut *db.sql).await?;
    Ok(())
}

/// Lets the next claim read all due runs.
pub(super) async fn unblock_all(db: &mut Db) -> DbResult<()> {
    const UNBLOCK: &str = "UPDATE nango_rs.due_runs SET blocked = 0 WHERE blocked <> 0";
    db.allow_seq_scan().await?;
    exclusion::exclude(db).await?;
    db.query(UNBLOCK).execute(&mut *db.sql).await?;
    Ok(())
}

/// Removes the due run of a function. Returns `false` if there is none.
pub(super) async fn remove_due(db: &mut Db, function: i64) -> DbResult<bool> {
    const REMOVE: &str = "DELETE FROM nango_rs.due_runs WHERE function = $1 RETURNING integration, connection";
    exclusion::exclude_shared(db).await?;
    let removed: Option<(String, String)> = db.query_as(REMOVE).bind(function).fetch_optional(&mut *db.sql).await?;
    let Some((integration, connection)) = removed else { return Ok(false) };
    // It may have been the one that would have started next.
    unblock_next(db, &integration, &connection).await?;
    Ok(true)
}

macro_rules! due {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, f.integration, f.connection, f.name, f.variant, d.due_at, d.blocked FROM nango_rs.due_runs d \
             CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions f WHERE f.id = d.function OFFSET 0) f ",
            $rest
        )
    };
}

type DueRow = (Vec<u8>, String, String, String, String, Timestamp, i64);

/// Returns the due run with an id.
pub(super) async fn by_id(db: &mut Db, id: Uuid) -> DbResult<Option<DueRun>> {
    const FIND: &str = due!("WHERE d.id = $1");
    let found: Option<DueRow> = db.query_as(FIND).bind(&id.as_bytes()[..]).fetch_optional(&mut *db.sql).await?;
    found.map(due_run).transpose()
}

/// Returns the due run of a sync.
pub(super) async fn of(db: &mut Db, key: &FunctionKey) -> DbResult<Option<DueRun>> {
    const FIND: &str = due!("WHERE d.function = $1");
    let Some(function) = functions::find(db, key).await? else { return Ok(None) };
    let found: Option<DueRow> = db.query_as(FIND).bind(function).fetch_optional(&mut *db.sql).await?;
    found.map(due_run).transpose()
}

/// Returns the due runs of functions.
pub(super) async fn of_each(db: &mut Db, functions: &[i64]) -> DbResult<Vec<DueRun>> {
    const FIND: &str = due!("WHERE d.function = ANY($1)");
    let found: Vec<DueRow> = db.query_as(FIND).bind(functions).fetch_all(&mut *db.sql).await?;
    found.into_iter().map(due_run).collect()
}

fn due_run((id, integration, connection, function, variant, due_at, blocked): DueRow) -> DbResult<DueRun> {
    let key = FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant };
    Ok(DueRun { id: uuid(&id)?, key, due_at, is_blocked: blocked != 0 })
}

/// Returns the earliest time after `now` at which a run or a schedule becomes due.
pub(super) async fn next_due_at(db: &mut Db, now: Timestamp) -> DbResult<Option<Timestamp>> {
    const FIND: &str = "SELECT least(\
         (SELECT next_at FROM nango_rs.schedules WHERE paused = 0 AND next_at IS NOT NULL AND next_at > $1 \
         ORDER BY next_at LIMIT 1), \
         (SELECT due_at FROM nango_rs.due_runs WHERE blocked = 0 AND priority = 0 AND due_at > $1 \
         ORDER BY priority, due_at LIMIT 1), \
         (SELECT due_at FROM nango_rs.due_runs WHERE blocked = 0 AND priority = 1 AND due_at > $1 \
         ORDER BY priority, due_at LIMIT 1))";
    Ok(db.query_scalar(FIND).bind(now).fetch_one(&mut *db.sql).await?)
}

/// Returns whether a claim would find a due run of these syncs.
pub(super) async fn has_due(db: &mut Db, now: Timestamp, syncs: &[SyncName]) -> DbResult<bool> {
    // Once per priority, so that both are found by the index.
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM (SELECT function FROM nango_rs.due_runs WHERE blocked = 0 \
         AND priority = $2 AND due_at <= $1) d CROSS JOIN LATERAL (SELECT 1 FROM nango_rs.functions f \
         WHERE f.id = d.function AND (f.integration || E'\x01' || f.name) = ANY($3) OFFSET 0) f)";
    let names = sync_names::joined(syncs);
    for priority in Priority::ALL {
        let find = db.query_scalar(FIND).bind(now).bind(priority.to_stored()).bind(&names);
        if find.fetch_one(&mut *db.sql).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Counts the runs that are due, and those that are active.
pub(super) async fn counts(db: &mut Db, now: Timestamp) -> DbResult<RunCounts> {
    const COUNT: &str = "SELECT (SELECT count(*) FROM nango_rs.due_runs WHERE due_at <= $1), \
         (SELECT count(*) FROM nango_rs.runs WHERE status = 'running')";
    let row = db.query(COUNT).bind(now).fetch_one(&mut *db.sql).await?;
    Ok(RunCounts { due: to_u64(sqlx::Row::try_get(&row, 0)?), running: to_u64(sqlx::Row::try_get(&row, 1)?) })
}

/// Returns active runs whose lease is not active at this time.
pub(super) async fn expired(db: &mut Db, now: Timestamp, limit: u32) -> DbResult<Vec<ExpiredRun>> {
    const LIST: &str = "SELECT r.row, r.id, r.fence, r.queued, r.options, r.attempt, r.idle, r.mark, \
         r.checkpoint_version, r.pages, f.kind, f.integration, f.connection, f.name, f.variant \
         FROM (SELECT * FROM nango_rs.runs r WHERE r.status = 'running' \
         AND (r.lease_until <= $1 OR r.lease_until > $1 + r.lease) LIMIT $2) r \
         CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions f WHERE f.id = r.function OFFSET 0) f";
    let now = clock_now(db, now).await?;
    let rows = db.query(LIST).bind(now).bind(i64::from(limit)).fetch_all(&mut *db.sql).await?;
    rows.iter().map(expired_run).collect()
}

/// Returns the later of a time and the server's clock, by which leases are measured: a run that started after the time
/// was read is active.
pub(super) async fn clock_now(db: &mut Db, at: Timestamp) -> DbResult<Timestamp> {
    const NOW: &str = concat!("SELECT greatest($1, ", now!(), ")");
    Ok(db.query_scalar(NOW).bind(at).fetch_one(&mut *db.sql).await?)
}

fn expired_run(row: &sqlx::postgres::PgRow) -> DbResult<ExpiredRun> {
    use sqlx::Row as _;
    let id: Vec<u8> = row.try_get(1)?;
    let kind: String = row.try_get(10)?;
    let kind = FunctionKind::from_name(&kind).ok_or_else(|| DbError::damaged("the kind of a function"))?;
    let key = FunctionKey {
        kind,
        integration: row.try_get(11)?,
        connection: row.try_get(12)?,
        function: row.try_get(13)?,
        variant: row.try_get(14)?,
    };
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let run = ClaimedRun {
        token: RunToken { row: row.try_get(0)?, id: uuid(&id)?, fence: row.try_get(2)? },
        key,
        options: QueuedOptions::from_stored(row.try_get(4)?),
        attempt: count(row.try_get(5)?),
        idle: count(row.try_get(6)?),
        mark: row.try_get(7)?,
        checkpoint_version: row.try_get(8)?,
    };
    Ok(ExpiredRun { run, is_queued: row.try_get::<i64, _>(3)? != 0, pages: to_u64(row.try_get(9)?) })
}

/// Removes runs that ended before this time, except those that [`Queue::purge_runs`](crate::store::Queue) keeps.
pub(super) async fn purge(db: &mut Db, before: Timestamp, limit: u32) -> DbResult<u64> {
    const LIST: &str = "SELECT r.row FROM nango_rs.runs r \
         WHERE r.finished_at IS NOT NULL AND r.finished_at < $1 AND r.status <> 'running' \
         AND EXISTS (SELECT 1 FROM nango_rs.runs l WHERE l.function = r.function AND l.row > r.row \
         AND l.status <> 'running' OFFSET 0) \
         AND NOT EXISTS (SELECT 1 FROM nango_rs.due_runs d WHERE d.function = r.function AND d.first_run = r.row \
         OFFSET 0) \
         AND NOT EXISTS (SELECT 1 FROM nango_rs.runs a WHERE a.function = r.function AND a.status = 'running' \
         AND a.first_run = r.row OFFSET 0) ORDER BY r.finished_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED";
    let rows: Vec<i64> = db.query_scalar(LIST).bind(before).bind(i64::from(limit)).fetch_all(&mut *db.sql).await?;
    for delete in [
        "DELETE FROM nango_rs.run_logs WHERE run = ANY($1)",
        "DELETE FROM nango_rs.run_models WHERE run = ANY($1)",
        "DELETE FROM nango_rs.runs WHERE row = ANY($1)",
    ] {
        db.query(delete).bind(&rows).execute(&mut *db.sql).await?;
    }
    Ok(rows.len() as u64)
}

/// Returns the id of a run from its stored bytes.
pub(super) fn uuid(bytes: &[u8]) -> DbResult<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| DbError::damaged("the id of a run"))
}
