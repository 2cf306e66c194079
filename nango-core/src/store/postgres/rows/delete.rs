//! Deletes of records by id.

use super::{
    ChangeWriter,
    change::RowWrites,
    lookup::{self, KeyColumns},
};
use crate::store::{
    DeleteRow, RowOutcome,
    decide::{ByKey, Effect, delete as decision},
    hashed_page::PreparedWrite,
    postgres::{Db, dataset::Dataset, error::DbResult},
};

/// Deletes records by id; the last payload stays.
pub(in crate::store::postgres) async fn delete(
    db: &mut Db,
    writer: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    deletes: &[DeleteRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let ids: Vec<_> = prepared.unique(deletes.iter()).map(|(_, row)| lookup::id_parameter(&row.id)).collect();
    let times = deletes.iter().any(|row| row.deleted_at.is_some());
    let known = lookup::find_keys(db, dataset.id, &ids, KeyColumns { times, parent: false }).await?;
    let mut changed = RowWrites::default();
    let mut outcomes = prepared.outcomes();
    for ((index, row), known) in prepared.unique(deletes.iter()).zip(&known) {
        let Some(known) = known else {
            outcomes[index] = Effect::MISSING.outcome;
            continue;
        };
        let verdict = match decision::by_key(&writer.context, row, &known.key) {
            ByKey::Decided(verdict) => verdict,
            ByKey::NeedRow => decision::by_row(&writer.context, row, &known.key, known.last),
        };
        outcomes[index] = verdict.effect.outcome;
        changed.push(writer, dataset, &row.id, known, verdict)?;
    }
    changed.write_changes(db, writer, dataset.id).await?;
    Ok(outcomes)
}
