//! Patches: merging partial records into stored ones.

use std::borrow::Cow;

use super::{
    ChangeWriter,
    lookup::{self, KeyColumns, KeyFinder, KeyRow},
};
use crate::store::{
    PatchRow, RowOutcome,
    decide::{ByKey, Effect, Verdict, patch as decision},
    hashed_page::PreparedWrite,
    sqlite::{dataset::Dataset, error::DbResult, marks},
};

/// Merges patches into active records.
pub(in crate::store::sqlite) fn patch(
    at: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut finder = KeyFinder::new(at.db, dataset.id, KeyColumns { times: true, parent: false })?;
    let mut outcomes = prepared.outcomes();
    let (mut merged, mut seen) = (Vec::new(), Vec::new());
    for (index, row) in prepared.unique(patches.iter()) {
        let Some(known) = finder.find(&row.id)? else {
            outcomes[index] = Effect::MISSING.outcome;
            continue;
        };
        let verdict = decide(at, row, &known, &mut merged)?;
        at.write(dataset, &row.id, known.rid, &verdict)?;
        outcomes[index] = verdict.effect.outcome;
        if verdict.effect.seen {
            seen.push(known.rid);
        }
    }
    if let Some(scan) = dataset.scan.filter(|_| !seen.is_empty()) {
        marks::mark(at.db, scan, seen)?;
    }
    Ok(outcomes)
}

/// Decides about a record that has a row; `merged` is a buffer for the merged payload.
fn decide<'a>(at: &ChangeWriter<'_>, row: &PatchRow, known: &KeyRow, merged: &'a mut Vec<u8>) -> DbResult<Verdict<'a>> {
    let KeyRow { rid, key } = known;
    if let ByKey::Decided(verdict) = decision::by_key(key) {
        return Ok(verdict);
    }
    merged.clear();
    let stored = lookup::payload(at.db, &at.seal, *rid, &row.id)?;
    let unchanged = decision::merge(&stored, &row.fields, merged)?;
    let last = lookup::last_change(at.db, *rid)?;
    Ok(decision::by_content(&at.context, row, key, last, unchanged, Cow::Borrowed(merged)))
}
