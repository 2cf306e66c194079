//! Schedules of syncs.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::{Db, clock, error::DbResult, functions, queue, sync_names};
use crate::{
    store::{
        DueSchedule, FunctionKey, NewDueRun, QueuedOptions, Schedule, ScheduleAdvance, ScheduleChange, ScheduleFilter,
        SyncName, queue::Priority, stored_span,
    },
    time::Timestamp,
};

macro_rules! select {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT f.integration, f.connection, f.name, f.variant, s.paused, s.frequency, s.interval, s.anchor, \
             s.next_at",
            $columns,
            " FROM schedules s JOIN functions f ON f.id = s.function ",
            $rest
        )
    };
}

/// Returns the number of the connection that was added last.
pub(super) fn last_connection(db: &Db) -> DbResult<i64> {
    let mut last = db.sql.prepare_cached("SELECT coalesce(max(row), 0) FROM connections")?;
    Ok(last.query_row([], |row| row.get(0))?)
}

/// Returns the syncs without a schedule of connections with a greater number.
pub(super) fn unscheduled(db: &Db, syncs: &[SyncName], after: i64) -> DbResult<Vec<FunctionKey>> {
    let mut find = db.sql.prepare_cached(
        "SELECT c.integration, c.id, n.value ->> 1 AS name FROM json_each(?1) n \
         JOIN connections c ON c.integration = n.value ->> 0 AND c.row > ?2 \
         WHERE NOT EXISTS (SELECT 1 FROM functions f JOIN schedules s ON s.function = f.id \
         WHERE f.integration = c.integration AND f.connection = c.id AND f.kind = 'sync' AND f.name = n.value ->> 1 \
         AND f.variant = 'base') ORDER BY 1, 2, 3",
    )?;
    let key = |row: &Row<'_>| {
        let (integration, connection, sync): (String, String, String) = row.try_into()?;
        Ok(FunctionKey::sync(integration, connection, sync))
    };
    Ok(find.query_map(params![sync_names::json(syncs)?, after], key)?.collect::<Result<_, _>>()?)
}

/// Adds the schedules that do not exist, and returns their number.
pub(super) fn add(db: &Db, schedules: &[Schedule]) -> DbResult<u64> {
    let mut connected = db.sql.prepare_cached("SELECT 1 FROM connections WHERE integration = ?1 AND id = ?2")?;
    let mut insert = db.sql.prepare_cached(
        "INSERT INTO schedules (function, paused, frequency, interval, anchor, next_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (function) DO NOTHING",
    )?;
    let mut added = 0;
    for schedule in schedules {
        if !connected.exists([&schedule.key.integration, &schedule.key.connection])? {
            continue;
        }
        let function = functions::open(db, &schedule.key)?;
        added += insert.execute(params![
            function,
            schedule.paused,
            schedule.frequency,
            schedule.interval.map(stored_span::to_stored),
            schedule.anchor,
            schedule.next_at
        ])? as u64;
    }
    Ok(added)
}

/// Returns the selected schedules.
pub(super) fn list(db: &Db, filter: &ScheduleFilter) -> DbResult<Vec<Schedule>> {
    let mut list = db.sql.prepare_cached(select!(
        "",
        "WHERE (?1 IS NULL OR f.integration = ?1) AND (?2 IS NULL OR f.connection = ?2) \
         AND (?3 IS NULL OR f.name = ?3) ORDER BY f.integration, f.connection, f.name, f.variant"
    ))?;
    let selected = params![filter.integration, filter.connection, filter.sync];
    Ok(list.query_map(selected, schedule)?.collect::<Result<_, _>>()?)
}

/// Returns the schedule of a sync.
pub(super) fn find(db: &Db, key: &FunctionKey) -> DbResult<Option<Schedule>> {
    let Some(function) = functions::find(db, key)? else { return Ok(None) };
    let mut find = db.sql.prepare_cached(select!("", "WHERE s.function = ?1"))?;
    Ok(find.query_row([function], schedule).optional()?)
}

/// Changes a schedule. Returns `false` if it does not exist.
pub(super) fn change(db: &Db, key: &FunctionKey, change: &ScheduleChange) -> DbResult<bool> {
    let Some(function) = functions::find(db, key)? else { return Ok(false) };
    let (interval, next_at) = change.next.unwrap_or_default();
    let mut update = db.sql.prepare_cached(
        "UPDATE schedules SET paused = coalesce(?2, paused), frequency = CASE WHEN ?3 THEN ?4 ELSE frequency END, \
         interval = CASE WHEN ?5 THEN ?6 ELSE interval END, next_at = CASE WHEN ?5 THEN ?7 ELSE next_at END \
         WHERE function = ?1",
    )?;
    let done = update.execute(params![
        function,
        change.paused,
        change.frequency.is_some(),
        change.frequency.as_ref().and_then(Option::as_ref),
        change.next.is_some(),
        interval.map(stored_span::to_stored),
        next_at
    ])?;
    Ok(done > 0)
}

/// Removes a schedule with its due run. Returns `false` if it does not exist.
pub(super) fn remove(db: &Db, key: &FunctionKey) -> DbResult<bool> {
    let Some(function) = functions::find(db, key)? else { return Ok(false) };
    queue::remove_due(db, function)?;
    Ok(db.sql.prepare_cached("DELETE FROM schedules WHERE function = ?1")?.execute([function])? > 0)
}

/// Returns the schedules of these syncs that are due.
pub(super) fn due(db: &Db, now: Timestamp, syncs: &[SyncName], limit: u32) -> DbResult<Vec<DueSchedule>> {
    let mut list = db.sql.prepare_cached(select!(
        ", EXISTS (SELECT 1 FROM runs r WHERE r.function = s.function AND r.status = 'running' AND r.exclusive = 1 \
         AND r.lease_until > ?4 AND r.lease_until <= ?4 + r.lease)",
        "WHERE s.paused = 0 AND s.next_at <= ?1 AND f.kind = 'sync' \
         AND (f.integration, f.name) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2)) \
         ORDER BY s.next_at LIMIT ?3"
    ))?;
    let read = |row: &Row<'_>| Ok(DueSchedule { schedule: schedule(row)?, is_running: row.get(9)? });
    Ok(list
        .query_map(params![now, sync_names::json(syncs)?, limit, now.max(clock::system_now())], read)?
        .collect::<Result<_, _>>()?)
}

/// Stores the next due times, and enqueues the runs that became due.
pub(super) fn advance(db: &Db, now: Timestamp, advances: &[ScheduleAdvance]) -> DbResult<()> {
    let mut update = db.sql.prepare_cached(
        "UPDATE schedules SET next_at = ?3, interval = ?4 WHERE function = ?1 AND next_at = ?2 AND paused = 0",
    )?;
    for advance in advances {
        let Some(function) = functions::find(db, &advance.key)? else { continue };
        let interval = advance.interval.map(stored_span::to_stored);
        let updated = update.execute(params![function, advance.was_due_at, advance.next_at, interval])?;
        if updated == 1 && advance.enqueue {
            let due = NewDueRun { key: advance.key.clone(), due_at: now, options: QueuedOptions::default() };
            queue::enqueue(db, function, &due, Uuid::now_v7(), Priority::Scheduled)?;
        }
    }
    Ok(())
}

fn schedule(row: &Row<'_>) -> rusqlite::Result<Schedule> {
    Ok(Schedule {
        key: functions::sync_key(row, 0)?,
        paused: row.get(4)?,
        frequency: row.get(5)?,
        interval: row.get::<_, Option<i64>>(6)?.map(stored_span::from_stored),
        anchor: row.get(7)?,
        next_at: row.get(8)?,
    })
}
