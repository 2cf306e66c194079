//! Database check: datasets record by record, and orphaned rows.
//!
//! The server verifies its own files; an error that it reports for them ends the check. Invariants: each read is one
//! snapshot; a repair reads again in its own transaction, under the dataset's lock, because the data may have changed
//! since; counts are checked last, because the other repairs change them.

mod datasets;
mod orphans;
mod rows;
mod values;

use super::Postgres;
use crate::store::{CheckReport, StoreError};

/// Checks everything, and repairs what is safe to repair.
pub(super) async fn check(store: &Postgres, repair: bool) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    orphans::check(store, repair, &mut report).await?;
    values::check(store, &mut report).await?;
    for dataset in datasets::list(store).await? {
        report.datasets += 1;
        rows::check(store, &dataset, repair, &mut report).await?;
        rows::check_keys(store, &dataset, repair, &mut report).await?;
        datasets::check(store, &dataset, repair, &mut report).await?;
    }
    Ok(report)
}
