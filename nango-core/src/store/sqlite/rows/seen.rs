//! Sightings: ids that exist at the provider, with unknown content.

use super::{
    ChangeWriter,
    lookup::{KeyColumns, KeyFinder},
};
use crate::store::{
    RowOutcome,
    decide::{Effect, parent, seen as decision},
    hashed_page::PreparedWrite,
    sqlite::{dataset::Dataset, error::DbResult, marks},
};

/// Marks active records as seen by an open scan. Of the records themselves, only the parent is written.
pub(in crate::store::sqlite) fn seen(
    at: &ChangeWriter<'_>,
    dataset: &Dataset,
    ids: &[String],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut finder =
        KeyFinder::new(at.db, dataset.id, KeyColumns { times: false, parent: at.context.parent.is_some() })?;
    let mut outcomes = prepared.outcomes();
    let mut seen = Vec::new();
    for (index, id) in prepared.unique(ids.iter()) {
        let known = finder.find(id)?;
        let effect = known.as_ref().map_or(Effect::MISSING, |known| decision::by_key(&known.key));
        outcomes[index] = effect.outcome;
        if let Some(known) = &known
            && let Some(parent) = parent::changed(&at.context, &known.key, effect.outcome)
        {
            at.store_parent(dataset, id, parent)?;
        }
        seen.extend(known.filter(|_| effect.seen).map(|known| known.rid));
    }
    if let Some(scan) = dataset.scan {
        marks::mark(at.db, scan, seen)?;
    }
    Ok(outcomes)
}
