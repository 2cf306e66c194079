//! Schedules of syncs.

use super::{Db, error::DbResult, functions, queue, sync_names};
use crate::{
    declare::FunctionKind,
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
             s.next_at, ",
            $columns,
            " FROM nango_rs.schedules s CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions f \
             WHERE f.id = s.function OFFSET 0) f ",
            $rest
        )
    };
}

type ScheduleRow =
    (String, String, String, String, i64, Option<String>, Option<i64>, Timestamp, Option<Timestamp>, bool);

/// Returns the number of the connection that was added last.
pub(super) async fn last_connection(db: &mut Db) -> DbResult<i64> {
    const LAST: &str = "SELECT row FROM nango_rs.connections ORDER BY row DESC LIMIT 1";
    Ok(db.query_scalar(LAST).fetch_optional(&mut *db.sql).await?.unwrap_or(0))
}

/// Returns the syncs without a schedule of connections with a greater number.
pub(super) async fn unscheduled(db: &mut Db, syncs: &[SyncName], after: i64) -> DbResult<Vec<FunctionKey>> {
    const FIND: &str = "SELECT c.integration, c.id, n.name FROM unnest($1::text[], $2::text[]) n(integration, name) \
         CROSS JOIN LATERAL (SELECT * FROM nango_rs.connections c WHERE c.integration = n.integration \
         AND c.row > $3 OFFSET 0) c \
         WHERE NOT EXISTS (SELECT 1 FROM nango_rs.functions f CROSS JOIN LATERAL (SELECT 1 FROM nango_rs.schedules s \
         WHERE s.function = f.id OFFSET 0) s WHERE f.integration = c.integration AND f.connection = c.id \
         AND f.kind = 'sync' AND f.name = n.name AND f.variant = 'base') ORDER BY 1, 2, 3";
    let (integrations, names) = sync_names::split(syncs);
    let found: Vec<(String, String, String)> =
        db.query_as(FIND).bind(integrations).bind(names).bind(after).fetch_all(&mut *db.sql).await?;
    let key =
        |(integration, connection, sync): (String, String, String)| FunctionKey::sync(integration, connection, sync);
    Ok(found.into_iter().map(key).collect())
}

/// Adds the schedules that do not exist, and returns their number.
pub(super) async fn add(db: &mut Db, schedules: &[Schedule]) -> DbResult<u64> {
    // The lock prevents a removal of the connection until the schedule is visible to it.
    const CONNECTED: &str = "SELECT 1 FROM nango_rs.connections WHERE integration = $1 AND id = $2 FOR KEY SHARE";
    const INSERT: &str = "INSERT INTO nango_rs.schedules (function, paused, frequency, interval, anchor, next_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (function) DO NOTHING";
    let mut added = 0;
    for schedule in schedules {
        let FunctionKey { integration, connection, .. } = &schedule.key;
        let connected: Option<i32> =
            db.query_scalar(CONNECTED).bind(integration).bind(connection).fetch_optional(&mut *db.sql).await?;
        if connected.is_none() {
            continue;
        }
        let function = functions::open(db, &schedule.key).await?;
        let insert = db
            .query(INSERT)
            .bind(function)
            .bind(i64::from(schedule.paused))
            .bind(&schedule.frequency)
            .bind(schedule.interval.map(stored_span::to_stored))
            .bind(schedule.anchor)
            .bind(schedule.next_at);
        added += insert.execute(&mut *db.sql).await?.rows_affected();
    }
    Ok(added)
}

/// Returns the selected schedules.
pub(super) async fn list(db: &mut Db, filter: &ScheduleFilter) -> DbResult<Vec<Schedule>> {
    const LIST: &str = select!(
        "FALSE",
        "WHERE ($1::text IS NULL OR f.integration = $1) AND ($2::text IS NULL OR f.connection = $2) \
         AND ($3::text IS NULL OR f.name = $3) ORDER BY f.integration, f.connection, f.name, f.variant"
    );
    db.allow_seq_scan().await?;
    let list = db.query_as(LIST).bind(&filter.integration).bind(&filter.connection).bind(&filter.sync);
    let found: Vec<ScheduleRow> = list.fetch_all(&mut *db.sql).await?;
    Ok(found.into_iter().map(|row| schedule(row).schedule).collect())
}

/// Returns the schedule of a sync.
pub(super) async fn find(db: &mut Db, key: &FunctionKey) -> DbResult<Option<Schedule>> {
    const FIND: &str = select!("FALSE", "WHERE s.function = $1");
    let Some(function) = functions::find(db, key).await? else { return Ok(None) };
    let found: Option<ScheduleRow> = db.query_as(FIND).bind(function).fetch_optional(&mut *db.sql).await?;
    Ok(found.map(|row| schedule(row).schedule))
}

/// Changes a schedule. Returns `false` if it does not exist.
pub(super) async fn change(db: &mut Db, key: &FunctionKey, change: &ScheduleChange) -> DbResult<bool> {
    const UPDATE: &str = "UPDATE nango_rs.schedules SET paused = coalesce($2, paused), \
         frequency = CASE WHEN $3 THEN $4 ELSE frequency END, interval = CASE WHEN $5 THEN $6 ELSE interval END, \
         next_at = CASE WHEN $5 THEN $7 ELSE next_at END WHERE function = $1";
    let Some(function) = functions::find(db, key).await? else { return Ok(false) };
    let (interval, next_at) = change.next.unwrap_or_default();
    let update = db
        .query(UPDATE)
        .bind(function)
        .bind(change.paused.map(i64::from))
        .bind(change.frequency.is_some())
        .bind(change.frequency.clone().flatten())
        .bind(change.next.is_some())
        .bind(interval.map(stored_span::to_stored))
        .bind(next_at);
    Ok(update.execute(&mut *db.sql).await?.rows_affected() > 0)
}

/// Removes a schedule with its due run. Returns `false` if it does not exist.
pub(super) async fn remove(db: &mut Db, key: &FunctionKey) -> DbResult<bool> {
    const REMOVE: &str = "DELETE FROM nango_rs.schedules WHERE function = $1";
    let Some(function) = functions::find(db, key).await? else { return Ok(false) };
    queue::remove_due(db, function).await?;
    Ok(db.query(REMOVE).bind(function).execute(&mut *db.sql).await?.rows_affected() > 0)
}

/// Returns the schedules of these syncs that are due.
pub(super) async fn due(db: &mut Db, now: Timestamp, syncs: &[SyncName], limit: u32) -> DbResult<Vec<DueSchedule>> {
    const LIST: &str = select!(
        "EXISTS (SELECT 1 FROM nango_rs.runs r WHERE r.function = s.function AND r.status = 'running' AND r.exclusive \
         AND r.lease_until > $4 AND r.lease_until <= $4 + r.lease)",
        "WHERE s.paused = 0 AND s.next_at IS NOT NULL AND s.next_at <= $1 AND f.kind = 'sync' \
         AND (f.integration || E'\\x01' || f.name) = ANY($2) ORDER BY s.next_at LIMIT $3"
    );
    let names = sync_names::joined(syncs);
    let lease_now = queue::clock_now(db, now).await?;
    let list = db.query_as(LIST).bind(now).bind(names).bind(i64::from(limit)).bind(lease_now);
    let found: Vec<ScheduleRow> = list.fetch_all(&mut *db.sql).await?;
    Ok(found.into_iter().map(schedule).collect())
}

/// Stores the next due times, and enqueues the runs that became due.
pub(super) async fn advance(db: &mut Db, now: Timestamp, advances: &[ScheduleAdvance]) -> DbResult<()> {
    const UPDATE: &str = "UPDATE nango_rs.schedules SET next_at = $3, interval = $4 \
                          WHERE function = $1 AND next_at = $2 AND paused = 0";
    for advance in advances {
        let Some(function) = functions::find(db, &advance.key).await? else { continue };
        let update = db
            .query(UPDATE)
            .bind(function)
            .bind(advance.was_due_at)
            .bind(advance.next_at)
            .bind(advance.interval.map(stored_span::to_stored));
        let updated = update.execute(&mut *db.sql).await?.rows_affected();
        if updated == 1 && advance.enqueue {
            let due = NewDueRun { key: advance.key.clone(), due_at: now, options: QueuedOptions::default() };
            queue::enqueue(db, function, &due, Priority::Scheduled).await?;
        }
    }
    Ok(())
}

fn schedule(row: ScheduleRow) -> DueSchedule {
    let (integration, connection, function, variant, paused, frequency, interval, anchor, next_at, is_running) = row;
    let key = FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant };
    let interval = interval.map(stored_span::from_stored);
    let schedule = Schedule { key, paused: paused != 0, frequency, interval, anchor, next_at };
    DueSchedule { schedule, is_running }
}
