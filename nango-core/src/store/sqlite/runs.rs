//! Runs: start, heartbeat, end and history.
//!
//! Leases are measured by the system clock. The rules are those of [`crate::store::lease`].

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Db, checkpoints, clock,
    error::{DbError, DbResult},
    fence, functions, get_u64, locks, logs, queue,
};
use crate::{
    declare::FunctionKind,
    store::{
        FunctionKey, ModelCounts, NewRun, NextAttempt, Run, RunEnd, RunFilter, RunStatus, RunToken, StoreError, Totals,
        failpoint::failpoint,
        lease::{self, RunningRun},
        stored_span,
    },
    time::Timestamp,
};

/// Starts a run, and marks the runs of its key whose lease has expired as interrupted.
pub(super) fn start(db: &Db, new: &NewRun) -> DbResult<RunToken> {
    let now = clock::system_now();
    start_as(db, new, Uuid::now_v7(), now, now)
}

/// Starts a run with this id and this start time; its lease is measured from `now`.
pub(super) fn start_as(db: &Db, new: &NewRun, id: Uuid, started_at: Timestamp, now: Timestamp) -> DbResult<RunToken> {
    if let Some(row) = new.connection {
        let mut connected = db.sql.prepare_cached("SELECT 1 FROM connections WHERE row = ?1")?;
        if !connected.exists([row])? {
            return Err(new.no_connection().into());
        }
    }
    let function = functions::open(db, &new.key)?;
    let mut running = db.sql.prepare_cached(
        "SELECT row, id, exclusive, started_at, lease_until, lease FROM runs \
         WHERE function = ?1 AND status = 'running'",
    )?;
    let running = running.query_map([function], running_run)?.collect::<Result<Vec<_>, _>>()?;
    for row in lease::take_over(new, &running, now)? {
        finish(db, row, RunStatus::Interrupted, now, None)?;
    }
    let fence = if new.exclusive {
        "UPDATE functions SET fence = fence + 1 WHERE id = ?1 RETURNING fence"
    } else {
        "SELECT fence FROM functions WHERE id = ?1"
    };
    let fence: i64 = db.sql.prepare_cached(fence)?.query_row([function], |row| row.get(0))?;
    let row = db
        .sql
        .prepare_cached(
            "INSERT INTO runs (id, function, exclusive, status, fence, lease, lease_until, started_at, pages, \
             requests, left_out) VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6 + ?5, ?7, 0, 0, 0)",
        )?
        .insert(params![
            &id.as_bytes()[..],
            function,
            new.exclusive,
            fence,
            stored_span::to_stored(new.lease),
            now,
            started_at
        ])?;
    failpoint!("run:begun");
    Ok(RunToken { id, row, fence })
}

/// Extends the lease of a run by its full duration.
pub(super) fn heartbeat(db: &Db, run: &RunToken) -> DbResult<()> {
    let mut renew = db.sql.prepare_cached(
        "UPDATE runs SET lease_until = ?3 + lease WHERE row = ?1 AND fence = ?2 AND status = 'running'",
    )?;
    Ok(lease::ensure_held(renew.execute(params![run.row, run.fence, clock::system_now()])? == 1)?)
}

/// Moves the ends of all leases by a number of microseconds.
#[cfg(debug_assertions)]
pub(super) fn move_leases(db: &Db, micros: i64) -> DbResult<()> {
    for (table, column) in [("runs", "lease_until"), ("connections", "refresh_until"), ("processes", "until")] {
        db.sql.execute(&format!("UPDATE {table} SET {column} = {column} + ?1"), [micros])?;
    }
    Ok(())
}

/// Ends a run and returns it. Writes its last logs, checkpoint and resume state.
pub(super) fn end(db: &Db, run: &RunToken, end: &RunEnd, next: Option<&NextAttempt>) -> DbResult<Run> {
    fence::ensure_running_and_count(db, run, 0, end.requests, 0)?;
    logs::write(db, run.row, &end.logs)?;
    let ended = by_id(db, run.id)?.ok_or(StoreError::LeaseLost)?;
    if let Some(write) = &end.checkpoint {
        checkpoints::write(db, &ended.key, write)?;
    }
    if let Some(write) = &end.resume {
        checkpoints::write_resume(db, &ended.key, write)?;
    }
    finish(db, run.row, end.status, clock::system_now(), end.error.as_ref())?;
    if let Some(next) = next {
        queue::enqueue_attempt(db, run.row, next)?;
    }
    for due in &end.triggered {
        queue::enqueue_triggered(db, due)?;
    }
    failpoint!("run:end");
    by_id(db, run.id)?.ok_or_else(|| DbError::damaged("a run"))
}

fn running_run(row: &Row<'_>) -> rusqlite::Result<RunningRun> {
    Ok(RunningRun {
        row: row.get(0)?,
        id: Uuid::from_bytes(row.get(1)?),
        exclusive: row.get(2)?,
        started_at: row.get(3)?,
        lease_until: row.get(4)?,
        lease: stored_span::from_stored(row.get(5)?),
    })
}

/// Ends a run without a check of its lease, and lets the due runs start that waited for its end.
pub(super) fn finish(db: &Db, row: i64, status: RunStatus, now: Timestamp, error: Option<&Value>) -> DbResult<()> {
    db.sql
        .prepare_cached("UPDATE runs SET status = ?2, finished_at = ?3, error = ?4 WHERE row = ?1")?
        .execute(params![row, status.name(), now, error.map(Value::to_string)])?;
    locks::release_all(db, row)?;
    queue::unblock_after(db, row)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, f.kind, f.integration, f.connection, f.name, f.variant, r.status, r.started_at, \
             r.finished_at, r.pages, r.requests, r.error, r.row, r.left_out \
             FROM runs r CROSS JOIN functions f ON f.id = r.function ",
            $rest
        )
    };
}

/// Returns a run by its public id.
pub(super) fn by_id(db: &Db, id: Uuid) -> DbResult<Option<Run>> {
    let mut find = db.sql.prepare_cached(select!("WHERE r.id = ?1"))?;
    find.query_row([&id.as_bytes()[..]], |row| Ok(run(db, row))).optional()?.transpose()
}

/// Returns the latest runs of a function, newest first.
pub(super) fn latest(db: &Db, key: &FunctionKey, limit: u32) -> DbResult<Vec<Run>> {
    let Some(function) = functions::find(db, key)? else { return Ok(Vec::new()) };
    let mut list = db.sql.prepare_cached(select!("WHERE r.function = ?1 ORDER BY r.row DESC LIMIT ?2"))?;
    list.query_and_then(params![function, limit], |row| run(db, row))?.collect()
}

/// Returns the latest of the selected runs, newest first.
pub(super) fn select(db: &Db, filter: &RunFilter) -> DbResult<Vec<Run>> {
    // Of few functions, the runs are read by the index of functions; otherwise all runs from the newest on.
    let sql = if filter.is_narrow() {
        select!(
            "WHERE r.function IN (SELECT id FROM functions WHERE (?1 IS NULL OR integration = ?1) \
             AND (?2 IS NULL OR connection = ?2) AND (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR kind = ?4)) \
             AND (?5 IS NULL OR r.status = ?5) AND r.started_at >= ?6 AND r.row >= ?7 ORDER BY r.row DESC LIMIT ?8"
        )
    } else {
        select!(
            "WHERE (?1 IS NULL OR f.integration = ?1) AND (?2 IS NULL OR f.connection = ?2) \
             AND (?3 IS NULL OR f.name = ?3) AND (?4 IS NULL OR f.kind = ?4) AND (?5 IS NULL OR r.status = ?5) \
             AND r.started_at >= ?6 AND r.row >= ?7 ORDER BY r.row DESC LIMIT ?8"
        )
    };
    let first = filter.since.map_or(Ok(0), |since| first_row_since(db, since))?;
    let mut list = db.sql.prepare_cached(sql)?;
    let values = params![
        filter.integration,
        filter.connection,
        filter.function,
        filter.kind.map(FunctionKind::name),
        filter.status.map(RunStatus::name),
        filter.since.unwrap_or(Timestamp::MIN),
        first,
        filter.limit,
    ];
    list.query_and_then(values, |row| run(db, row))?.collect()
}

/// Returns a row number that no run is below that started at this time or later: such a run is active, or ended later.
fn first_row_since(db: &Db, since: Timestamp) -> DbResult<i64> {
    let mut find = db.sql.prepare_cached(
        // `+` keeps the planner from reading all rows in their order.
        "SELECT coalesce(min(row), 0) FROM (SELECT min(+row) AS row FROM runs WHERE finished_at >= ?1 \
         UNION ALL SELECT min(+row) FROM runs WHERE status = 'running')",
    )?;
    Ok(find.query_row([since], |row| row.get(0))?)
}

fn run(db: &Db, row: &Row<'_>) -> DbResult<Run> {
    let name = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
    let status = RunStatus::from_name(name).ok_or_else(|| DbError::damaged("the status of a run"))?;
    let error = row.get_ref(11)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let error = error.map(serde_json::from_str).transpose().map_err(|_| DbError::damaged("the error of a run"))?;
    Ok(Run {
        id: Uuid::from_bytes(row.get(0)?),
        key: functions::key(row, 1)?,
        status,
        started_at: row.get(7)?,
        finished_at: row.get(8)?,
        totals: Totals {
            models: models(db, row.get(12)?)?,
            pages: get_u64(row, 9)?,
            requests: get_u64(row, 10)?,
            skipped_invalid: get_u64(row, 13)?,
        },
        error,
    })
}

fn models(db: &Db, run: i64) -> DbResult<BTreeMap<String, ModelCounts>> {
    let mut list = db.sql.prepare_cached(
        "SELECT model, added, updated, deleted, unchanged, skipped_newer, skipped_older FROM run_models WHERE run = ?1",
    )?;
    let read = |row: &Row<'_>| {
        let (added, updated, deleted) = (get_u64(row, 1)?, get_u64(row, 2)?, get_u64(row, 3)?);
        let (unchanged, skipped_newer, skipped_older) = (get_u64(row, 4)?, get_u64(row, 5)?, get_u64(row, 6)?);
        Ok((row.get(0)?, ModelCounts { added, updated, deleted, unchanged, skipped_newer, skipped_older }))
    };
    Ok(list.query_map([run], read)?.collect::<Result<_, _>>()?)
}
