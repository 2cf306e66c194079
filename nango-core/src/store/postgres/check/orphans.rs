//! Check for orphaned rows: rows whose owner does not exist.

use sqlx::AssertSqlSafe;

use super::{datasets, rows::STEP};
use crate::store::{
    CheckReport, DatasetKey, Problem, StoreError,
    postgres::{Db, Postgres, error::DbResult, maintenance, to_u64},
};

/// A kind of orphans: name in reports, table, key columns, condition on a row `t`.
type Orphans = (&'static str, &'static str, &'static str, &'static str);

const ORPHANS: [Orphans; 14] = [
    ("records of no dataset", "records", "dataset, seq", NO_DATASET),
    ("ids of no dataset", "record_keys", "dataset, id", NO_DATASET),
    (
        "open scans of no function",
        "datasets",
        "id",
        "t.scan IS NOT NULL AND NOT EXISTS (SELECT 1 FROM nango_rs.functions f WHERE f.id = t.scan_function)",
    ),
    (
        "marks of no scan",
        "scan_marks",
        "scan, chunk",
        "NOT EXISTS (SELECT 1 FROM nango_rs.datasets d WHERE d.scan = t.scan)",
    ),
    (
        "delete states of no live record",
        "delete_states",
        "dataset, id",
        "NOT EXISTS (SELECT 1 FROM nango_rs.record_keys k WHERE k.dataset = t.dataset AND k.id = t.id \
         AND k.state & 1 = 0)",
    ),
    ("checkpoints of no connection", "checkpoints", "function", UNCONNECTED),
    ("resume states of no connection", "resume_states", "function", UNCONNECTED),
    ("parents of no connection", "parents", "function, key", UNCONNECTED),
    ("schedules of no connection", "schedules", "function", UNCONNECTED),
    ("due runs of no connection", "due_runs", "function", UNCONNECTED),
    ("runs of no function", "runs", "row", "NOT EXISTS (SELECT 1 FROM nango_rs.functions f WHERE f.id = t.function)"),
    ("counters of no run", "run_models", "run, model", NO_RUN),
    ("log lines of no run", "run_logs", "n", NO_RUN),
    (
        "locks of runs that ended",
        "locks",
        "key",
        "NOT EXISTS (SELECT 1 FROM nango_rs.runs r WHERE r.row = t.run AND r.status = 'running')",
    ),
];

const NO_DATASET: &str = "NOT EXISTS (SELECT 1 FROM nango_rs.datasets d WHERE d.id = t.dataset)";
const NO_RUN: &str = "NOT EXISTS (SELECT 1 FROM nango_rs.runs r WHERE r.row = t.run)";
const UNCONNECTED: &str = "NOT EXISTS (SELECT 1 FROM nango_rs.functions f JOIN nango_rs.connections c \
                           ON c.integration = f.integration AND c.id = f.connection WHERE f.id = t.function)";

/// Counts orphaned rows, and deletes them if `repair` is set.
pub(super) async fn check(store: &Postgres, repair: bool, report: &mut CheckReport) -> Result<(), StoreError> {
    for orphans in ORPHANS {
        let count = store.read_with(orphans, |db, orphans| Box::pin(count(db, orphans))).await?;
        let mut repaired = 0;
        while repair && repaired < count {
            match store.write(orphans, |db, orphans| Box::pin(delete_orphans(db, orphans))).await? {
                // Another process deleted the rest.
                0 => repaired = count,
                deleted => repaired += deleted,
            }
        }
        report.add_finding(Problem::Orphans, orphans.0, count, repaired.min(count), "");
    }
    check_unconnected(store, repair, report).await
}

async fn count(db: &mut Db, (_, table, _, is_orphan): &Orphans) -> DbResult<u64> {
    db.allow_seq_scan().await?;
    let sql = format!("SELECT count(*) FROM nango_rs.{table} t WHERE {is_orphan}");
    Ok(to_u64(sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_one(&mut *db.sql).await?))
}

async fn delete_orphans(db: &mut Db, (_, table, columns, is_orphan): &Orphans) -> DbResult<u64> {
    db.allow_seq_scan().await?;
    let sql = if *table == "datasets" {
        // The row stays, for its sequence number; only the scan is removed.
        format!("UPDATE nango_rs.datasets t SET scan = NULL, scan_function = NULL, scan_start = NULL WHERE {is_orphan}")
    } else {
        format!(
            "DELETE FROM nango_rs.{table} WHERE ({columns}) IN \
             (SELECT {columns} FROM nango_rs.{table} t WHERE {is_orphan} LIMIT {STEP})"
        )
    };
    Ok(sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut *db.sql).await?.rows_affected())
}

/// Checks for records of removed connections, which should have been deleted with their connection.
async fn check_unconnected(store: &Postgres, repair: bool, report: &mut CheckReport) -> Result<(), StoreError> {
    for dataset in datasets::list(store).await? {
        let count = store
            .read_with(dataset.clone(), |db, dataset| Box::pin(count_unconnected(db, dataset.id, &dataset.key)))
            .await?;
        let mut repaired = 0;
        if count > 0 && repair {
            let mut through = None;
            loop {
                let input = (dataset.key.clone(), through);
                let step = store.write(input, |db, (key, through)| {
                    Box::pin(maintenance::empty(db, key, *through, u32::try_from(STEP).unwrap_or(u32::MAX)))
                });
                let step = step.await?;
                repaired += step.count;
                if !step.more {
                    break;
                }
                through = Some(step.through);
            }
        }
        let name = format!("records of a removed connection: {dataset}");
        report.add_finding(Problem::Orphans, &name, count.max(repaired), repaired, "");
    }
    Ok(())
}

/// Returns the number of records of a dataset if its connection does not exist, else 0.
async fn count_unconnected(db: &mut Db, id: i64, key: &DatasetKey) -> DbResult<u64> {
    const CONNECTED: &str = "SELECT EXISTS (SELECT 1 FROM nango_rs.connections WHERE integration = $1 AND id = $2)";
    const COUNT: &str = "SELECT count(*) FROM nango_rs.records WHERE dataset = $1";
    let connected = db.query_scalar(CONNECTED).bind(&key.integration).bind(&key.connection);
    if connected.fetch_one(&mut *db.sql).await? {
        return Ok(0);
    }
    Ok(to_u64(db.query_scalar(COUNT).bind(id).fetch_one(&mut *db.sql).await?))
}
