//! Checking the file: its structure, its datasets row by row, and what belongs to nothing.
//!
//! Must stay true: a repair looks again in its own transaction, because what was read may have changed since; and the
//! counts come last, because the other repairs move them.

mod datasets;
mod orphans;
mod rows;

use super::{Sqlite, error::DbResult};
use crate::store::{CheckReport, Problem, StoreError};

/// Checks everything, and mends what is safe to mend.
pub(super) async fn check(store: &Sqlite, repair: bool) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    for line in store.read_with(structure).await? {
        report.add_finding(Problem::File, "the file", 1, 0, line);
    }
    if !report.findings.is_empty() {
        // What is read from a damaged file says nothing, and what is written to it may make it worse.
        return Ok(report);
    }
    orphans::check(store, repair, &mut report).await?;
    for place in store.read_with(datasets::list).await? {
        report.datasets += 1;
        rows::check(store, &place, repair, &mut report).await?;
        rows::check_keys(store, &place, repair, &mut report).await?;
        datasets::check(store, &place, repair, &mut report).await?;
    }
    Ok(report)
}

/// What `SQLite` finds wrong with its own trees.
fn structure(db: &super::Db) -> DbResult<Vec<String>> {
    let mut check = db.sql.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}
