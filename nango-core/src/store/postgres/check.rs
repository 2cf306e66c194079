//! Checking the database: its datasets row by row, and what belongs to nothing.
//!
//! The server looks after its own files; what it finds wrong there ends the check with its error. Must stay true: each look
//! is one snapshot; a repair looks again in its own transaction, under the dataset's lock, because what was read may have
//! changed since; and the counts come last, because the other repairs move them.

mod datasets;
mod orphans;
mod rows;
mod values;

use super::Postgres;
use crate::store::{CheckReport, StoreError};

/// Rows that are read in one snapshot, and the most that are mended in one transaction.
const STEP: i64 = 2_000;

/// Checks everything, and mends what is safe to mend.
pub(super) async fn check(store: &Postgres, repair: bool) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    orphans::check(store, repair, &mut report).await?;
    values::check(store, &mut report).await?;
    for place in datasets::list(store).await? {
        report.datasets += 1;
        rows::check(store, &place, repair, &mut report).await?;
        rows::check_keys(store, &place, repair, &mut report).await?;
        datasets::check(store, &place, repair, &mut report).await?;
    }
    Ok(report)
}
