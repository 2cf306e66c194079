//! Database check: the structure of the file, datasets record by record, and orphaned rows.
//!
//! Invariants: each read is one snapshot; a repair reads again in its own transaction, because the data may have
//! changed since; counts are checked last, because the other repairs change them.

mod datasets;
mod orphans;
mod rows;

use super::{Sqlite, error::DbResult};
use crate::store::{CheckReport, Problem, StoreError};

/// Checks everything, and repairs what is safe to repair.
pub(super) async fn check(store: &Sqlite, repair: bool) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    for line in store.read_with(structure).await? {
        report.add_finding(Problem::File, "the file", 1, 0, line);
    }
    if !report.findings.is_empty() {
        // Reads of a damaged file are not reliable, and writes may make it worse.
        return Ok(report);
    }
    orphans::check(store, repair, &mut report).await?;
    for dataset in store.read_with(datasets::list).await? {
        report.datasets += 1;
        rows::check(store, &dataset, repair, &mut report).await?;
        rows::check_keys(store, &dataset, repair, &mut report).await?;
        datasets::check(store, &dataset, repair, &mut report).await?;
    }
    Ok(report)
}

/// Returns the problems that `SQLite` finds in the structure of the file, at most 20.
fn structure(db: &super::Db) -> DbResult<Vec<String>> {
    let mut check = db.sql.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}
