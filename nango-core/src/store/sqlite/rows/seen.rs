//! Sightings: ids that exist at the provider, with unknown content.

use super::{DELETED_FLAG, WriteContext};
use crate::store::{
    RowOutcome,
    sqlite::{dataset::Dataset, error::DbResult, page::PreparedWrite, scans},
};

/// Marks active records as seen by an open scan; the records themselves are not written.
pub(in crate::store::sqlite) fn seen(
    at: &WriteContext<'_>,
    dataset: &Dataset,
    ids: &[String],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut finder = at.finder(false)?;
    let mut rows = Vec::with_capacity(ids.len());
    let mut seen = Vec::new();
    for (id, duplicate) in ids.iter().zip(&prepared.duplicate) {
        rows.push(match finder.find(dataset, id)? {
            _ if *duplicate => RowOutcome::Duplicate,
            Some(known) if known.state & DELETED_FLAG == 0 => {
                seen.push(known.rid);
                RowOutcome::Seen
            }
            _ => RowOutcome::Missing,
        });
    }
    if let Some(scan) = dataset.scan {
        scans::mark(at.db, scan, seen)?;
    }
    Ok(rows)
}
