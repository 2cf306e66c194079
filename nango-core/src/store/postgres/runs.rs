//! Runs: start, heartbeat, end and history.
//!
//! Leases are measured by the server's clock. The rules are those of [`crate::store::lease`].

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::{
    Db, checkpoints,
    error::{DbError, DbResult},
    functions, locks, logs, now, queue, to_i64, to_u64,
};
use crate::{
    declare::FunctionKind,
    store::{
        FunctionKey, ModelCounts, NewRun, NextAttempt, Run, RunEnd, RunFilter, RunStatus, RunToken, StoreError, Totals,
        failpoint::failpoint, lease, stored_span,
    },
    time::Timestamp,
};

/// Starts a run, and marks the runs of its key whose lease has expired as interrupted.
pub(super) async fn start(db: &mut Db, new: &NewRun) -> DbResult<RunToken> {
    start_as(db, new, Uuid::now_v7(), None).await
}

/// Starts a run with this id, and this start time instead of the current time.
pub(super) async fn start_as(db: &mut Db, new: &NewRun, id: Uuid, started_at: Option<Timestamp>) -> DbResult<RunToken> {
    // The lock prevents a removal of the connection until this run is visible to it and can be cancelled.
    const EXISTS: &str = "SELECT 1 FROM nango_rs.connections WHERE row = $1 FOR KEY SHARE";
    // Exclusive runs of one key start one after another: this row is their lock. Other runs do not wait for each other.
    const FENCE: &str =
        concat!("UPDATE nango_rs.functions SET fence = fence + 1 WHERE id = $1 RETURNING fence, ", now!());
    const SHARED: &str = concat!("SELECT fence, ", now!(), " FROM nango_rs.functions WHERE id = $1");
    // The condition of `lease::is_active` in SQL.
    const EXPIRED: &str = "SELECT row FROM nango_rs.runs WHERE function = $1 AND status = 'running' \
                           AND (lease_until <= $2 OR lease_until > $2 + lease) ORDER BY row FOR UPDATE";
    const HOLDER: &str = "SELECT id, started_at, lease_until FROM nango_rs.runs \
                          WHERE function = $1 AND status = 'running' AND exclusive";
    const INSERT: &str = "INSERT INTO nango_rs.runs (id, function, exclusive, status, fence, lease, lease_until, \
                          started_at) VALUES ($1, $2, $3, 'running', $4, $5, $6 + $5, coalesce($7, $6)) RETURNING row";
    if let Some(row) = new.connection {
        let existing: Option<i32> = db.query_scalar(EXISTS).bind(row).fetch_optional(&mut *db.sql).await?;
        if existing.is_none() {
            return Err(new.no_connection().into());
        }
    }
    let function = functions::open(db, &new.key).await?;
    let begin = if new.exclusive { FENCE } else { SHARED };
    let (fence, now): (i64, Timestamp) = db.query_as(begin).bind(function).fetch_one(&mut *db.sql).await?;
    db.shared.clock.observe_server_time(now);
    let ended: Vec<i64> = db.query_scalar(EXPIRED).bind(function).bind(now).fetch_all(&mut *db.sql).await?;
    if !ended.is_empty() {
        finish(db, &ended, RunStatus::Interrupted, None).await?;
    }
    if new.exclusive {
        let holder: Option<(Vec<u8>, Timestamp, Timestamp)> =
            db.query_as(HOLDER).bind(function).fetch_optional(&mut *db.sql).await?;
        if let Some((run, since, lease_until)) = holder {
            return Err(lease::busy(new, queue::uuid(&run)?, since, lease_until, now).into());
        }
    }
    let row = db
        .query_scalar(INSERT)
        .bind(&id.as_bytes()[..])
        .bind(function)
        .bind(new.exclusive)
        .bind(fence)
        .bind(stored_span::to_stored(new.lease))
        .bind(now)
        .bind(started_at)
        .fetch_one(&mut *db.sql)
        .await?;
    failpoint!("run:begun");
    Ok(RunToken { id, row, fence })
}

/// Extends the lease of a run by its full duration.
pub(super) async fn heartbeat(db: &mut Db, run: &RunToken) -> DbResult<()> {
    const RENEW: &str = concat!(
        "UPDATE nango_rs.runs SET lease_until = now + lease FROM (SELECT ",
        now!(),
        " AS now) clock WHERE row = $1 AND fence = $2 AND status = 'running' RETURNING now"
    );
    let now: Option<Timestamp> =
        db.query_scalar(RENEW).bind(run.row).bind(run.fence).fetch_optional(&mut *db.sql).await?;
    db.shared.clock.observe_server_time(now.ok_or(StoreError::LeaseLost)?);
    Ok(())
}

/// Moves the ends of all leases by a number of microseconds.
#[cfg(debug_assertions)]
pub(super) async fn move_leases(db: &mut Db, micros: i64) -> DbResult<()> {
    for sql in [
        "UPDATE nango_rs.runs SET lease_until = lease_until + $1",
        "UPDATE nango_rs.connections SET refresh_until = refresh_until + $1",
        "UPDATE nango_rs.processes SET until = until + $1",
    ] {
        db.query(sql).bind(micros).execute(&mut *db.sql).await?;
    }
    Ok(())
}

/// Ends a run and returns it. Writes its last logs, checkpoint and resume state.
pub(super) async fn end(db: &mut Db, run: &RunToken, end: &RunEnd, next: Option<&NextAttempt>) -> DbResult<Run> {
    // Locked by an update: two transactions that upgrade a shared lock would deadlock.
    const LOCK: &str = "UPDATE nango_rs.runs SET requests = requests + $3 \
                        WHERE row = $1 AND fence = $2 AND status = 'running'";
    let lock = db.query(LOCK).bind(run.row).bind(run.fence).bind(to_i64(end.requests));
    lease::ensure_held(lock.execute(&mut *db.sql).await?.rows_affected() == 1)?;
    logs::write(db, run.row, &end.logs).await?;
    let ended = by_id(db, run.id).await?.ok_or(StoreError::LeaseLost)?;
    if let Some(write) = &end.checkpoint {
        checkpoints::write(db, &ended.key, write).await?;
    }
    if let Some(write) = &end.resume {
        checkpoints::write_resume(db, None, &ended.key, write).await?;
    }
    finish(db, &[run.row], end.status, end.error.as_ref()).await?;
    if let Some(next) = next {
        queue::enqueue_attempt(db, run.row, next).await?;
    }
    for due in &end.triggered {
        queue::enqueue_triggered(db, due).await?;
    }
    failpoint!("run:end");
    by_id(db, run.id).await?.ok_or_else(|| DbError::damaged("a run"))
}

/// Ends runs without a check of their leases, and lets the due runs start that waited for their end.
pub(super) async fn finish(db: &mut Db, rows: &[i64], status: RunStatus, error: Option<&Value>) -> DbResult<()> {
    const FINISH: &str =
        concat!("UPDATE nango_rs.runs SET status = $2, finished_at = ", now!(), ", error = $3 WHERE row = ANY($1)");
    let finish = db.query(FINISH).bind(rows).bind(status.name()).bind(error.map(Value::to_string));
    finish.execute(&mut *db.sql).await?;
    locks::release_all(db, rows).await?;
    queue::unblock_after(db, rows).await
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, f.kind, f.integration, f.connection, f.name, f.variant, r.status, r.started_at, \
             r.finished_at, r.pages, r.requests, r.error, r.row, r.left_out FROM nango_rs.runs r \
             CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions f WHERE f.id = r.function OFFSET 0) f ",
            $rest
        )
    };
}

type Row = (
    Vec<u8>,
    String,
    String,
    String,
    String,
    String,
    String,
    Timestamp,
    Option<Timestamp>,
    i64,
    i64,
    Option<String>,
    i64,
    i64,
);

/// Returns a run by its public id.
pub(super) async fn by_id(db: &mut Db, id: Uuid) -> DbResult<Option<Run>> {
    const FIND: &str = select!("WHERE r.id = $1");
    let found: Vec<Row> = db.query_as(FIND).bind(&id.as_bytes()[..]).fetch_all(&mut *db.sql).await?;
    Ok(to_runs(db, found).await?.pop())
}

/// Returns the latest runs of a function, newest first.
pub(super) async fn latest(db: &mut Db, key: &FunctionKey, limit: u32) -> DbResult<Vec<Run>> {
    const LIST: &str = select!("WHERE r.function = $1 ORDER BY r.row DESC LIMIT $2");
    let Some(function) = functions::find(db, key).await? else { return Ok(Vec::new()) };
    let found: Vec<Row> = db.query_as(LIST).bind(function).bind(i64::from(limit)).fetch_all(&mut *db.sql).await?;
    to_runs(db, found).await
}

/// Returns the latest runs of each function, newest first.
pub(super) async fn latest_of_each(db: &mut Db, functions: &[i64], limit: u32) -> DbResult<Vec<Run>> {
    const LIST: &str = select!(
        "WHERE r.row = ANY(ARRAY(SELECT l.row FROM unnest($1::bigint[]) k(id) CROSS JOIN LATERAL (SELECT row \
         FROM nango_rs.runs WHERE function = k.id ORDER BY row DESC LIMIT $2) l)) ORDER BY r.row DESC"
    );
    let found: Vec<Row> = db.query_as(LIST).bind(functions).bind(i64::from(limit)).fetch_all(&mut *db.sql).await?;
    to_runs(db, found).await
}

/// Returns the latest of the selected runs, newest first.
pub(super) async fn select(db: &mut Db, filter: &RunFilter) -> DbResult<Vec<Run>> {
    // Of few functions, the runs are read by the index of functions; otherwise all runs from the newest on.
    const NARROW: &str = select!(
        "WHERE r.function = ANY(ARRAY(SELECT id FROM nango_rs.functions WHERE ($1::text IS NULL OR integration = $1) \
         AND ($2::text IS NULL OR connection = $2) AND ($3::text IS NULL OR name = $3) \
         AND ($4::text IS NULL OR kind = $4))) AND ($5::text IS NULL OR r.status = $5) AND r.started_at >= $6 \
         AND r.row >= $7 ORDER BY r.row DESC LIMIT $8"
    );
    const WIDE: &str = select!(
        "WHERE ($1::text IS NULL OR f.integration = $1) AND ($2::text IS NULL OR f.connection = $2) \
         AND ($3::text IS NULL OR f.name = $3) AND ($4::text IS NULL OR f.kind = $4) \
         AND ($5::text IS NULL OR r.status = $5) AND r.started_at >= $6 AND r.row >= $7 ORDER BY r.row DESC LIMIT $8"
    );
    // No run that started at this time or later is below: such a run is active, or ended later. `+ 0` keeps the planner
    // from reading all rows in their order.
    const FIRST: &str = "SELECT coalesce(least((SELECT min(row + 0) FROM nango_rs.runs WHERE finished_at >= $1), \
                         (SELECT min(row + 0) FROM nango_rs.runs WHERE status = 'running')), 0)";
    let RunFilter { integration, connection, function, kind, status, since, limit } = filter;
    if [integration, connection, function].into_iter().flatten().any(|name| name.contains('\0')) {
        return Ok(Vec::new());
    }
    let first: i64 = match since {
        Some(since) => db.query_scalar(FIRST).bind(*since).fetch_one(&mut *db.sql).await?,
        None => 0,
    };
    let list = db.query_as(if filter.is_narrow() { NARROW } else { WIDE });
    let found: Vec<Row> = list
        .bind(integration)
        .bind(connection)
        .bind(function)
        .bind(kind.map(FunctionKind::name))
        .bind(status.map(RunStatus::name))
        .bind(since.unwrap_or(Timestamp::MIN))
        .bind(first)
        .bind(i64::from(*limit))
        .fetch_all(&mut *db.sql)
        .await?;
    to_runs(db, found).await
}

/// Row of a run's counters: run, model, counters.
type ModelCountsRow = (i64, String, i64, i64, i64, i64, i64, i64);

async fn to_runs(db: &mut Db, found: Vec<Row>) -> DbResult<Vec<Run>> {
    const MODELS: &str = "SELECT run, model, added, updated, deleted, unchanged, skipped_newer, skipped_older \
                          FROM nango_rs.run_models WHERE run = ANY($1)";
    let rows: Vec<_> = found.iter().map(|row| row.12).collect();
    let counted: Vec<ModelCountsRow> = db.query_as(MODELS).bind(rows).fetch_all(&mut *db.sql).await?;
    let mut models: BTreeMap<i64, BTreeMap<String, ModelCounts>> = BTreeMap::new();
    for (run, model, added, updated, deleted, unchanged, newer, older) in counted {
        let [added, updated, deleted, unchanged, skipped_newer, skipped_older] =
            [added, updated, deleted, unchanged, newer, older].map(to_u64);
        let counts = ModelCounts { added, updated, deleted, unchanged, skipped_newer, skipped_older };
        models.entry(run).or_default().insert(model, counts);
    }
    found
        .into_iter()
        .map(
            |(
                id,
                kind,
                integration,
                connection,
                function,
                variant,
                status,
                started_at,
                finished_at,
                pages,
                requests,
                error,
                row,
                skipped_invalid,
            )| {
                let kind = FunctionKind::from_name(&kind).ok_or_else(|| DbError::damaged("the kind of a function"))?;
                let error = error.as_deref().map(serde_json::from_str).transpose();
                Ok(Run {
                    id: queue::uuid(&id)?,
                    key: FunctionKey { kind, integration, connection, function, variant },
                    status: RunStatus::from_name(&status).ok_or_else(|| DbError::damaged("the status of a run"))?,
                    started_at,
                    finished_at,
                    totals: Totals {
                        models: models.remove(&row).unwrap_or_default(),
                        pages: to_u64(pages),
                        requests: to_u64(requests),
                        skipped_invalid: to_u64(skipped_invalid),
                    },
                    error: error.map_err(|_| DbError::damaged("the error of a run"))?,
                })
            },
        )
        .collect()
}
