//! Patches: merging partial records into stored ones.

use std::borrow::Cow;

use super::{
    ChangeWriter,
    change::RowWrites,
    lookup::{self, KeyColumns},
};
use crate::store::{
    PatchRow, RowOutcome,
    decide::{ByKey, Effect, patch as decision},
    hashed_page::PreparedWrite,
    postgres::{
        Db,
        dataset::Dataset,
        error::{DbError, DbResult},
        marks,
    },
};

/// Number of payloads that are read at once; bounds the memory for a page.
const GROUP_ROWS: usize = 1000;

/// Merges patches into active records.
pub(in crate::store::postgres) async fn patch(
    db: &mut Db,
    writer: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut outcomes = prepared.outcomes();
    let rows: Vec<(usize, &PatchRow)> = prepared.unique(patches.iter()).collect();
    for group in rows.chunks(GROUP_ROWS) {
        patch_group(db, writer, dataset, group, &mut outcomes).await?;
    }
    Ok(outcomes)
}

async fn patch_group(
    db: &mut Db,
    writer: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    group: &[(usize, &PatchRow)],
    outcomes: &mut [RowOutcome],
) -> DbResult<()> {
    let ids: Vec<_> = group.iter().map(|(_, row)| lookup::id_parameter(&row.id)).collect();
    let known = lookup::find_keys(db, dataset.id, &ids, KeyColumns { times: true, parent: false }).await?;
    let needed = known.iter().flatten().filter(|known| decision::by_key(&known.key) == ByKey::NeedRow);
    let needed: Vec<_> = needed.map(|known| known.seq).collect();
    let payloads = lookup::payloads(db, dataset.id, &needed).await?;

    let mut changed = RowWrites::default();
    let mut seen = Vec::new();
    for ((index, row), known) in group.iter().zip(&known) {
        let Some(known) = known else {
            outcomes[*index] = Effect::MISSING.outcome;
            continue;
        };
        let verdict = match decision::by_key(&known.key) {
            ByKey::Decided(verdict) => verdict,
            ByKey::NeedRow => {
                let (stored, key) = payloads.get(&known.seq).ok_or_else(|| DbError::damaged("a record"))?;
                let stored = writer.seal.open(&row.id, stored, *key)?;
                let mut merged = Vec::with_capacity(stored.len());
                let unchanged = decision::merge(&stored, &row.fields, &mut merged)?;
                decision::by_content(&writer.context, row, &known.key, known.last, unchanged, Cow::Owned(merged))
            }
        };
        outcomes[*index] = verdict.effect.outcome;
        if verdict.effect.seen {
            seen.push(known.rid);
        }
        changed.push(writer, dataset, &row.id, known, verdict)?;
    }
    changed.write_changes(db, writer, dataset.id).await?;
    if let Some(scan) = dataset.scan {
        marks::mark(db, scan.number, seen).await?;
    }
    Ok(())
}
