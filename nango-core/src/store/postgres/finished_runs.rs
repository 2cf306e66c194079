//! Runs that are stored after they have ended.

use std::collections::HashMap;

use super::{Db, error::DbResult, functions, logs, to_i64};
use crate::store::{FinishedRun, FunctionKey};

/// Stores runs that have ended, with their log lines.
pub(super) async fn write(db: &mut Db, runs: &[FinishedRun]) -> DbResult<()> {
    const INSERT: &str = "INSERT INTO nango_rs.runs (id, function, exclusive, status, fence, lease, lease_until, \
         started_at, finished_at, requests, error) SELECT u.id, u.function, FALSE, u.status, 0, 0, u.finished_at, \
         u.started_at, u.finished_at, u.requests, u.error \
         FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[]) \
         u(id, function, status, started_at, finished_at, requests, error) ON CONFLICT (id) DO NOTHING \
         RETURNING id, row";
    let functions = functions_of(db, runs).await?;
    let stored: Vec<(&FinishedRun, i64)> =
        runs.iter().filter_map(|run| Some((run, (*functions.get(&(run.connection, &run.key))?)?))).collect();
    let insert = db
        .query_as(INSERT)
        .bind(stored.iter().map(|(run, _)| run.id.into_bytes().to_vec()).collect::<Vec<_>>())
        .bind(stored.iter().map(|(_, function)| *function).collect::<Vec<_>>())
        .bind(stored.iter().map(|(run, _)| run.status.name()).collect::<Vec<_>>())
        .bind(stored.iter().map(|(run, _)| run.started_at).collect::<Vec<_>>())
        .bind(stored.iter().map(|(run, _)| run.finished_at).collect::<Vec<_>>())
        .bind(stored.iter().map(|(run, _)| to_i64(run.requests)).collect::<Vec<_>>())
        .bind(stored.iter().map(|(run, _)| run.error.as_ref().map(ToString::to_string)).collect::<Vec<_>>());
    let rows: HashMap<Vec<u8>, i64> = insert.fetch_all(&mut *db.sql).await?.into_iter().collect();
    let mut lines = Vec::new();
    for (run, _) in &stored {
        if let Some(row) = rows.get(&run.id.as_bytes()[..]) {
            lines.extend(run.logs.iter().map(|line| (*row, line)));
        }
    }
    logs::write_all(db, &lines).await?;
    Ok(())
}

/// Returns the numbers of the functions; `None` for those whose connection does not exist.
async fn functions_of<'a>(
    db: &mut Db,
    runs: &'a [FinishedRun],
) -> DbResult<HashMap<(i64, &'a FunctionKey), Option<i64>>> {
    // The lock prevents a removal of the connection until these runs are visible to it.
    const EXISTS: &str = "SELECT 1 FROM nango_rs.connections WHERE row = $1 FOR KEY SHARE";
    let mut functions = HashMap::new();
    for run in runs {
        let key = (run.connection, &run.key);
        if functions.contains_key(&key) {
            continue;
        }
        let existing: Option<i32> = db.query_scalar(EXISTS).bind(run.connection).fetch_optional(&mut *db.sql).await?;
        let function = match existing {
            Some(_) => Some(functions::open(db, &run.key).await?),
            None => None,
        };
        functions.insert(key, function);
    }
    Ok(functions)
}
