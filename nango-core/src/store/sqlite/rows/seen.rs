//! Sightings: ids that exist at the provider, with unknown content.

use super::lookup::KeyFinder;
use crate::store::{
    RowOutcome,
    decide::{Effect, seen as decision},
    hashed_page::PreparedWrite,
    sqlite::{Db, dataset::Dataset, error::DbResult, marks},
};

/// Marks active records as seen by an open scan; the records themselves are not written.
pub(in crate::store::sqlite) fn seen(
    db: &Db,
    dataset: &Dataset,
    ids: &[String],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut finder = KeyFinder::new(db, dataset.id, false)?;
    let mut outcomes = prepared.outcomes();
    let mut seen = Vec::new();
    for (index, id) in prepared.unique(ids.iter()) {
        let known = finder.find(id)?;
        let effect = known.as_ref().map_or(Effect::MISSING, |known| decision::by_key(&known.key));
        outcomes[index] = effect.outcome;
        seen.extend(known.filter(|_| effect.seen).map(|known| known.rid));
    }
    if let Some(scan) = dataset.scan {
        marks::mark(db, scan, seen)?;
    }
    Ok(outcomes)
}
