//! Deletes of records by id.

use super::{
    ChangeWriter,
    lookup::{self, KeyColumns, KeyFinder},
};
use crate::store::{
    DeleteRow, RowOutcome,
    decide::{ByKey, Effect, delete as decision},
    hashed_page::PreparedWrite,
    sqlite::{dataset::Dataset, error::DbResult},
};

/// Deletes records by id; the last payload stays.
pub(in crate::store::sqlite) fn delete(
    at: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    deletes: &[DeleteRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let times = deletes.iter().any(|row| row.deleted_at.is_some());
    let mut finder = KeyFinder::new(at.db, dataset.id, KeyColumns { times, parent: false })?;
    let mut outcomes = prepared.outcomes();
    for (index, row) in prepared.unique(deletes.iter()) {
        let Some(known) = finder.find(&row.id)? else {
            outcomes[index] = Effect::MISSING.outcome;
            continue;
        };
        let verdict = match decision::by_key(&at.context, row, &known.key) {
            ByKey::Decided(verdict) => verdict,
            ByKey::NeedRow => decision::by_row(&at.context, row, &known.key, lookup::last_change(at.db, known.rid)?),
        };
        at.write(dataset, &row.id, known.rid, &verdict)?;
        outcomes[index] = verdict.effect.outcome;
    }
    Ok(outcomes)
}
