//! Check for orphaned rows, whose owner does not exist, and for small JSON values that cannot be read.

use super::datasets;
use crate::store::{
    CheckReport, Problem, StoreError,
    sqlite::{Db, Sqlite, error::DbResult, maintenance},
};

/// Maximum number of rows that one transaction deletes.
const STEP: u32 = 2_000;

/// Kinds of orphans: name in reports, table, key columns, condition on a row `t`.
const ORPHANS: [(&str, &str, &str, &str); 14] = [
    ("records of no dataset", "records", "rid", "dataset NOT IN (SELECT id FROM datasets)"),
    ("ids of no dataset", "record_keys", "dataset, id", "dataset NOT IN (SELECT id FROM datasets)"),
    (
        "scans of no dataset or function",
        "scans",
        "number",
        "dataset NOT IN (SELECT id FROM datasets) OR function NOT IN (SELECT id FROM functions)",
    ),
    ("marks of no scan", "scan_marks", "scan, chunk", "scan NOT IN (SELECT number FROM scans)"),
    (
        "delete states of no live record",
        "delete_states",
        "dataset, id",
        "NOT EXISTS (SELECT 1 FROM record_keys k WHERE k.dataset = t.dataset AND k.id = t.id AND k.state & 1 = 0)",
    ),
    ("checkpoints of no connection", "checkpoints", "function", UNCONNECTED),
    ("resume states of no connection", "resume_states", "function", UNCONNECTED),
    ("parents of no connection", "parents", "row", UNCONNECTED),
    ("schedules of no connection", "schedules", "function", UNCONNECTED),
    ("due runs of no connection", "due_runs", "function", UNCONNECTED),
    ("runs of no function", "runs", "row", "function NOT IN (SELECT id FROM functions)"),
    ("counters of no run", "run_models", "run, model", "run NOT IN (SELECT row FROM runs)"),
    ("log lines of no run", "run_logs", "n", "run NOT IN (SELECT row FROM runs)"),
    ("locks of runs that ended", "locks", "key", "run NOT IN (SELECT row FROM runs WHERE status = 'running')"),
];

const UNCONNECTED: &str = "function NOT IN (SELECT f.id FROM functions f JOIN connections c \
                           ON c.integration = f.integration AND c.id = f.connection)";

/// Values that are JSON in a sound database: name in reports, and a query for the names of those that are not.
const VALUES: [(&str, &str); 5] = [
    (
        "checkpoints",
        "SELECT f.integration || ' ' || f.connection || ' ' || f.name FROM checkpoints c \
         JOIN functions f ON f.id = c.function WHERE c.value IS NOT NULL \
         AND CASE WHEN json_valid(c.value) THEN json_type(c.value) <> 'object' ELSE 1 END",
    ),
    (
        "connections",
        "SELECT integration || ' ' || id FROM connections WHERE NOT (json_valid(config) AND json_valid(metadata) \
         AND json_valid(coalesce(end_user, '{}')) AND json_valid(coalesce(tags, '{}')))",
    ),
    (
        "API keys",
        "SELECT name FROM api_keys WHERE NOT (json_valid(scopes) AND json_valid(coalesce(integrations, '[]')))",
    ),
    ("runs", "SELECT 'run ' || row FROM runs WHERE error IS NOT NULL AND NOT json_valid(error)"),
    ("log lines", "SELECT 'line ' || n FROM run_logs WHERE fields IS NOT NULL AND NOT json_valid(fields)"),
];

/// Counts orphaned rows, deletes them if `repair` is set, and reports values that cannot be read.
pub(super) async fn check(store: &Sqlite, repair: bool, report: &mut CheckReport) -> Result<(), StoreError> {
    for (name, table, columns, is_orphan) in ORPHANS {
        let find = format!("SELECT count(*) FROM {table} AS t WHERE {is_orphan}");
        let count = store.read_with(move |db| count(db, &find)).await?;
        let mut repaired = 0;
        while repair && repaired < count {
            // Several columns form a row value; parentheses around a single column have no effect.
            let delete = format!(
                "DELETE FROM {table} WHERE ({columns}) IN \
                 (SELECT {columns} FROM {table} AS t WHERE {is_orphan} LIMIT {STEP})"
            );
            match store.write(move |db| Ok(db.sql.prepare_cached(&delete)?.execute([])? as u64)).await? {
                // Another process deleted the rest.
                0 => repaired = count,
                deleted => repaired += deleted,
            }
        }
        report.add_finding(Problem::Orphans, name, count, repaired.min(count), "");
    }
    check_unconnected(store, repair, report).await?;
    for (name, find) in VALUES {
        let found = store
            .read_with(move |db| {
                let mut find = db.sql.prepare_cached(find)?;
                Ok(find.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?)
            })
            .await?;
        let example = found.first().cloned().unwrap_or_default();
        report.add_finding(Problem::Unreadable, name, found.len() as u64, 0, example);
    }
    Ok(())
}

/// Checks for records of removed connections, which should have been deleted with their connection.
async fn check_unconnected(store: &Sqlite, repair: bool, report: &mut CheckReport) -> Result<(), StoreError> {
    const ROWS: &str = "SELECT count(*) FROM records WHERE dataset = ?1 AND NOT EXISTS (SELECT 1 FROM connections c \
                        JOIN datasets d ON d.integration = c.integration AND d.connection = c.id WHERE d.id = ?1)";
    for dataset in store.read_with(datasets::list).await? {
        let id = dataset.id;
        let count =
            store.read_with(move |db| Ok(db.sql.prepare_cached(ROWS)?.query_row([id], |row| row.get(0))?)).await?;
        let (count, mut repaired): (i64, u64) = (count, 0);
        if count > 0 && repair {
            let mut through = None;
            loop {
                let key = dataset.key.clone();
                let step = store.write(move |db| maintenance::empty(db, &key, through, STEP)).await?;
                repaired += step.count;
                if !step.more {
                    break;
                }
                through = Some(step.through);
            }
        }
        let count = u64::try_from(count).unwrap_or(0).max(repaired);
        report.add_finding(
            Problem::Orphans,
            &format!("records of a removed connection: {dataset}"),
            count,
            repaired,
            "",
        );
    }
    Ok(())
}

fn count(db: &Db, sql: &str) -> DbResult<u64> {
    Ok(db.sql.prepare_cached(sql)?.query_row([], |row| crate::store::sqlite::get_u64(row, 0))?)
}
