//! Sightings: records that are at the provider, whatever their content is.

use super::lookup;
use crate::store::{
    RowOutcome,
    hashed_page::PreparedWrite,
    postgres::{Db, dataset::Dataset, error::DbResult, scans},
    row_flags::DELETED_FLAG,
};

/// Counts live records as seen by the scan that is open; nothing of them is written.
pub(in crate::store::postgres) async fn seen(
    db: &mut Db,
    dataset: &Dataset,
    ids: &[String],
    ready: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    // No record has a NUL in its id, and the server would not take the parameter.
    let known_text = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let wanted: Vec<&str> =
        ids.iter().zip(&ready.duplicate).filter(|(id, dup)| known_text(id, **dup)).map(|(id, _)| id.as_str()).collect();
    let mut known = lookup::find_keys(db, dataset.id, &wanted, false).await?.into_iter();
    let mut rows = Vec::with_capacity(ids.len());
    let mut seen = Vec::new();
    for (id, duplicate) in ids.iter().zip(&ready.duplicate) {
        let known = if known_text(id, *duplicate) { known.next().flatten() } else { None };
        rows.push(match known {
            _ if *duplicate => RowOutcome::Duplicate,
            Some(known) if !known.has_flags(DELETED_FLAG) => {
                seen.push(known.rid);
                RowOutcome::Seen
            }
            _ => RowOutcome::Missing,
        });
    }
    if let Some(scan) = dataset.scan {
        scans::mark(db, scan.number, seen).await?;
    }
    Ok(rows)
}
