//! Sightings: ids that exist at the provider, with unknown content.

use super::lookup;
use crate::store::{
    RowOutcome,
    decide::{Effect, seen as decision},
    hashed_page::PreparedWrite,
    postgres::{Db, dataset::Dataset, error::DbResult, marks},
};

/// Marks active records as seen by an open scan; the records themselves are not written.
pub(in crate::store::postgres) async fn seen(
    db: &mut Db,
    dataset: &Dataset,
    ids: &[String],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let looked_up: Vec<_> = prepared.unique(ids.iter()).map(|(_, id)| lookup::id_parameter(id)).collect();
    let known = lookup::find_keys(db, dataset.id, &looked_up, false).await?;
    let mut outcomes = prepared.outcomes();
    let mut seen = Vec::new();
    for ((index, _), known) in prepared.unique(ids.iter()).zip(&known) {
        let effect = known.as_ref().map_or(Effect::MISSING, |known| decision::by_key(&known.key));
        outcomes[index] = effect.outcome;
        seen.extend(known.as_ref().filter(|_| effect.seen).map(|known| known.rid));
    }
    if let Some(scan) = dataset.scan {
        marks::mark(db, scan.number, seen).await?;
    }
    Ok(outcomes)
}
