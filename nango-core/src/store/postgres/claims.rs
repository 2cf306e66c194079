//! Start of due runs, under a lock that excludes other claims.

use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{
    Db,
    error::{DbError, DbResult},
    exclusion, queue, runs, sync_names,
};
use crate::{
    declare::FunctionKind,
    store::{
        ClaimRequest, ClaimedRun, FunctionKey, NewRun, QueuedOptions, StoreError,
        claims::{BATCH, Blocked, MAX_EXAMINED, Slots},
        failpoint::failpoint,
        queue::Priority,
    },
    time::Timestamp,
};

/// Statement that reads due runs in the order in which they start.
pub(super) const CANDIDATES: &str = "SELECT d.function, d.id, f.integration, f.connection, f.name, f.variant, \
     d.due_at, d.first_run, d.attempt, d.idle, d.mark, \
     EXISTS (SELECT 1 FROM nango_rs.runs r WHERE r.function = d.function AND r.status = 'running' AND r.exclusive \
     AND r.lease_until > $7 AND r.lease_until <= $7 + r.lease) AS is_running, \
     (f.integration || E'\\x01' || f.name) = ANY($5) AS is_known \
     FROM (SELECT * FROM nango_rs.due_runs WHERE blocked = 0 AND priority = $2 AND due_at <= $1 \
     AND (due_at, function) > ($3, $4) ORDER BY priority, due_at, function LIMIT $6) d \
     CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions f WHERE f.id = d.function OFFSET 0) f \
     ORDER BY d.due_at, d.function";

/// A due run that a claim reads.
struct Candidate {
    function: i64,
    id: Uuid,
    key: FunctionKey,
    due_at: Timestamp,
    first_run: Option<i64>,
    attempt: i64,
    idle: i64,
    mark: Option<String>,
    is_running: bool,
    is_known: bool,
}

/// Starts due runs within the limits.
pub(super) async fn claim(db: &mut Db, request: &ClaimRequest) -> DbResult<Vec<ClaimedRun>> {
    let mut claimed = Vec::new();
    if request.slots == 0 {
        return Ok(claimed);
    }
    exclusion::exclude(db).await?;
    let names = sync_names::joined(&request.syncs);
    let lease_now = queue::clock_now(db, request.now).await?;
    let mut slots = Slots::new(request, active(db, lease_now).await?);
    let mut examined = 0;
    for priority in Priority::ALL {
        let mut after = (Timestamp::MIN, i64::MIN);
        while !slots.is_full() && examined < MAX_EXAMINED {
            let batch = candidates(db, (request.now, lease_now), priority, after, &names).await?;
            let Some(last) = batch.last() else { break };
            after = (last.due_at, last.function);
            for candidate in batch.into_iter().filter(|candidate| candidate.is_known) {
                examined += 1;
                if slots.is_full() {
                    break;
                }
                let FunctionKey { integration, connection, .. } = &candidate.key;
                match slots.take(integration, connection, candidate.is_running) {
                    Ok(()) => claimed.extend(start(db, request, priority, candidate).await?),
                    Err(blocked) => block(db, candidate.function, blocked).await?,
                }
            }
        }
    }
    Ok(claimed)
}

/// Returns the numbers of active exclusive runs by connection.
async fn active(db: &mut Db, now: Timestamp) -> DbResult<Vec<(String, String, u32)>> {
    const COUNT: &str = "SELECT f.integration, f.connection, count(*) FROM nango_rs.runs r \
         CROSS JOIN LATERAL (SELECT * FROM nango_rs.functions f WHERE f.id = r.function OFFSET 0) f \
         WHERE r.status = 'running' AND r.exclusive AND r.lease_until > $1 AND r.lease_until <= $1 + r.lease \
         GROUP BY 1, 2";
    let counted: Vec<(String, String, i64)> = db.query_as(COUNT).bind(now).fetch_all(&mut *db.sql).await?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(counted.into_iter().map(|(integration, connection, number)| (integration, connection, count(number))).collect())
}

async fn candidates(
    db: &mut Db,
    (now, lease_now): (Timestamp, Timestamp),
    priority: Priority,
    after: (Timestamp, i64),
    names: &[String],
) -> DbResult<Vec<Candidate>> {
    let list = db
        .query(CANDIDATES)
        .bind(now)
        .bind(priority.to_stored())
        .bind(after.0)
        .bind(after.1)
        .bind(names)
        .bind(i64::from(BATCH))
        .bind(lease_now);
    list.fetch_all(&mut *db.sql).await?.iter().map(candidate).collect()
}

fn candidate(row: &PgRow) -> DbResult<Candidate> {
    let id: Vec<u8> = row.try_get(1)?;
    Ok(Candidate {
        function: row.try_get(0)?,
        id: queue::uuid(&id)?,
        key: FunctionKey {
            kind: FunctionKind::Sync,
            integration: row.try_get(2)?,
            connection: row.try_get(3)?,
            function: row.try_get(4)?,
            variant: row.try_get(5)?,
        },
        due_at: row.try_get(6)?,
        first_run: row.try_get(7)?,
        attempt: row.try_get(8)?,
        idle: row.try_get(9)?,
        mark: row.try_get(10)?,
        is_running: row.try_get(11)?,
        is_known: row.try_get(12)?,
    })
}

async fn block(db: &mut Db, function: i64, blocked: Blocked) -> DbResult<()> {
    const BLOCK: &str = "UPDATE nango_rs.due_runs SET blocked = $2 WHERE function = $1";
    db.query(BLOCK).bind(function).bind(blocked.to_stored()).execute(&mut *db.sql).await?;
    Ok(())
}

/// Moves a due run to the running runs. Returns `None` if its connection was removed, or a run of the function was
/// started meanwhile.
async fn start(
    db: &mut Db,
    request: &ClaimRequest,
    priority: Priority,
    due: Candidate,
) -> DbResult<Option<ClaimedRun>> {
    const CONNECTION: &str = "SELECT row FROM nango_rs.connections WHERE integration = $1 AND id = $2";
    const REMOVE: &str = "DELETE FROM nango_rs.due_runs WHERE function = $1 RETURNING options";
    // A run that was started by another program between the two statements.
    const RESTORE: &str = "INSERT INTO nango_rs.due_runs (function, id, integration, connection, priority, due_at, \
         options, first_run, attempt, idle, mark, blocked) VALUES ($1, $2, $3, $4, $11, $5, $6, $7, $8, $9, $10, 1) \
         ON CONFLICT (function) DO UPDATE SET blocked = 1, options = due_runs.options | excluded.options";
    const DESCRIBE: &str = "UPDATE nango_rs.runs SET queued = 1, first_run = $2, attempt = $3, idle = $4, \
         options = $5, mark = $6, \
         checkpoint_version = coalesce((SELECT version FROM nango_rs.checkpoints WHERE function = $7), 0) \
         WHERE row = $1 RETURNING checkpoint_version";
    let Candidate { function, key, attempt, idle, mark, due_at, .. } = due;
    let connection: Option<i64> =
        db.query_scalar(CONNECTION).bind(&key.integration).bind(&key.connection).fetch_optional(&mut *db.sql).await?;
    if connection.is_none() {
        queue::remove_due(db, function).await?;
        return Ok(None);
    }
    // Locks the row: an option that is added from now on belongs to the next due run.
    let options: Option<i64> = db.query_scalar(REMOVE).bind(function).fetch_optional(&mut *db.sql).await?;
    let Some(options) = options else { return Ok(None) };
    let new = NewRun { key: key.clone(), connection, exclusive: true, lease: request.lease };
    let token = match runs::start_as(db, &new, due.id, None).await {
        Ok(token) => token,
        Err(DbError::Store(StoreError::Busy { .. })) => {
            db.query(RESTORE)
                .bind(function)
                .bind(due.id.into_bytes().to_vec())
                .bind(&key.integration)
                .bind(&key.connection)
                .bind(due_at)
                .bind(options)
                .bind(due.first_run)
                .bind(attempt)
                .bind(idle)
                .bind(&mark)
                .bind(priority.to_stored())
                .execute(&mut *db.sql)
                .await?;
            return Ok(None);
        }
        // Removed with its connection.
        Err(DbError::Store(StoreError::NoConnection { .. })) => return Ok(None),
        Err(error) => return Err(error),
    };
    let describe = db
        .query_scalar(DESCRIBE)
        .bind(token.row)
        .bind(due.first_run)
        .bind(attempt)
        .bind(idle)
        .bind(options)
        .bind(&mark)
        .bind(function);
    let checkpoint_version = describe.fetch_one(&mut *db.sql).await?;
    failpoint!("queue:claimed");
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let options = QueuedOptions::from_stored(options);
    let (attempt, idle) = (count(attempt), count(idle));
    Ok(Some(ClaimedRun { token, key, options, attempt, idle, mark, checkpoint_version }))
}
