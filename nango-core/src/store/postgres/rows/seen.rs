//! Sightings: ids that exist at the provider, with unknown content.

use super::{
    ChangeWriter,
    change::RowWrites,
    lookup::{self, KeyColumns},
};
use crate::store::{
    RowOutcome,
    decide::{Effect, parent, seen as decision},
    hashed_page::PreparedWrite,
    postgres::{Db, dataset::Dataset, error::DbResult, marks},
};

/// Marks active records as seen by an open scan. Of the records themselves, only the parent is written.
pub(in crate::store::postgres) async fn seen(
    db: &mut Db,
    writer: &ChangeWriter<'_>,
    dataset: &Dataset,
    ids: &[String],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let looked_up: Vec<_> = prepared.unique(ids.iter()).map(|(_, id)| lookup::id_parameter(id)).collect();
    let columns = KeyColumns { times: false, parent: writer.context.parent.is_some() };
    let known = lookup::find_keys(db, dataset.id, &looked_up, columns).await?;
    let mut outcomes = prepared.outcomes();
    let mut seen = Vec::new();
    let mut changed = RowWrites::default();
    for ((index, id), known) in prepared.unique(ids.iter()).zip(&known) {
        let effect = known.as_ref().map_or(Effect::MISSING, |known| decision::by_key(&known.key));
        outcomes[index] = effect.outcome;
        if let Some(known) = known
            && let Some(parent) = parent::changed(&writer.context, &known.key, effect.outcome)
        {
            changed.push_parent(id, parent);
        }
        seen.extend(known.as_ref().filter(|_| effect.seen).map(|known| known.rid));
    }
    changed.write_changes(db, writer, dataset.id).await?;
    if let Some(scan) = dataset.scan {
        marks::mark(db, scan.number, seen).await?;
    }
    Ok(outcomes)
}
