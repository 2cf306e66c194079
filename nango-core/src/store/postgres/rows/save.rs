//! Saves of whole records.

use super::{
    ChangeWriter,
    change::RowWrites,
    lookup::{self, KeyColumns, KeyRow},
};
use crate::{
    model::Batch,
    store::{
        RowOutcome,
        decide::{ByKey, ByRow, SaveRow, parent, save as decision},
        failpoint::failpoint,
        hashed_page::PreparedWrite,
        postgres::{Db, dataset::Dataset, error::DbResult, marks},
    },
};

/// Saves a batch; all its ids are marked as seen by an open scan.
pub(in crate::store::postgres) async fn save(
    db: &mut Db,
    writer: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    batch: &Batch,
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let ids: Vec<_> = prepared.saves(batch).map(|(_, row)| Some(row.item.id)).collect();
    let columns = KeyColumns { times: batch.has_times(), parent: writer.context.parent.is_some() };
    let known = lookup::find_keys(db, dataset.id, &ids, columns).await?;
    // Payloads that must be compared are read in one statement, between the decisions that need none and the others.
    let decided: Vec<Option<ByRow<'_>>> = prepared
        .saves(batch)
        .zip(&known)
        .map(|((_, row), known)| Some(decide(writer, &row, known.as_ref()?)))
        .collect();
    let compared = known.iter().zip(&decided).filter(|(_, decided)| **decided == Some(ByRow::NeedPayload));
    let compared: Vec<i64> = compared.filter_map(|(known, _)| Some(known.as_ref()?.seq)).collect();
    let payloads = lookup::payloads(db, dataset.id, &compared).await?;

    let mut changed = RowWrites::default();
    let mut outcomes = prepared.outcomes();
    let mut seen = Vec::with_capacity(if dataset.scan.is_some() { batch.len() } else { 0 });
    for (((index, row), known), decided) in prepared.saves(batch).zip(&known).zip(decided) {
        let (rid, effect) = if let (Some(known), Some(decided)) = (known, decided) {
            let verdict = match decided {
                ByRow::Decided(verdict) => verdict,
                ByRow::NeedPayload => {
                    let same = match payloads.get(&known.seq) {
                        Some((stored, key)) => {
                            let stored = writer.seal.open(row.item.id, stored, *key)?;
                            decision::same_content(&stored, row.item.payload)
                        }
                        None => false,
                    };
                    decision::by_content(&writer.context, &row, &known.key, known.last, same)
                }
            };
            let effect = verdict.effect;
            changed.push(writer, dataset, row.item.id, known, verdict)?;
            if let Some(parent) = parent::changed(&writer.context, &known.key, effect.outcome) {
                changed.push_parent(row.item.id, parent);
            }
            (known.rid, effect)
        } else {
            let effect = decision::insert(&row);
            let (rid, seq) = (dataset.next_rid(), dataset.counters.apply(&effect));
            changed.insert(writer, row.item.id, [rid, seq], row.content())?;
            (rid, effect)
        };
        outcomes[index] = effect.outcome;
        if effect.seen && dataset.scan.is_some() {
            seen.push(rid);
        }
    }
    changed.write_inserts(db, writer, dataset.id).await?;
    failpoint!("page:record-half");
    changed.write_changes(db, writer, dataset.id).await?;
    if let Some(scan) = dataset.scan {
        marks::mark(db, scan.number, seen).await?;
        failpoint!("page:marks");
    }
    Ok(outcomes)
}

/// Decides about a record that has a row, as far as that is possible without its payload.
fn decide<'a>(writer: &ChangeWriter<'_>, row: &SaveRow<'a>, known: &KeyRow) -> ByRow<'a> {
    match decision::by_key(&writer.context, row, &known.key) {
        ByKey::Decided(verdict) => ByRow::Decided(verdict),
        ByKey::NeedRow => decision::by_row(&writer.context, row, &known.key, known.last),
    }
}
