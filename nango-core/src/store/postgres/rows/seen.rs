//! Sightings: ids that exist at the provider, with unknown content.

use super::lookup;
use crate::store::{
    RowOutcome,
    hashed_page::PreparedWrite,
    postgres::{Db, dataset::Dataset, error::DbResult, scans},
    row_flags::DELETED_FLAG,
};

/// Marks active records as seen by an open scan; the records themselves are not written.
pub(in crate::store::postgres) async fn seen(
    db: &mut Db,
    dataset: &Dataset,
    ids: &[String],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    // No record has a NUL in its id, and the server would refuse the parameter.
    let is_looked_up = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let sighted = ids.iter().zip(&prepared.duplicate).filter(|(id, dup)| is_looked_up(id, **dup));
    let looked_up: Vec<&str> = sighted.map(|(id, _)| id.as_str()).collect();
    let mut known = lookup::find_keys(db, dataset.id, &looked_up, false).await?.into_iter();
    let mut rows = Vec::with_capacity(ids.len());
    let mut seen = Vec::new();
    for (id, duplicate) in ids.iter().zip(&prepared.duplicate) {
        let known = if is_looked_up(id, *duplicate) { known.next().flatten() } else { None };
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
