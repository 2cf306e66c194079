//! Saves of whole records.

use rusqlite::params;

use super::{
    ChangeWriter,
    lookup::{self, KeyColumns, KeyFinder, KeyRow},
};
use crate::{
    model::Batch,
    store::{
        RowOutcome,
        decide::{ByKey, ByRow, SaveRow, Verdict, parent, save as decision},
        failpoint::failpoint,
        hashed_page::PreparedWrite,
        sqlite::{dataset::Dataset, error::DbResult, marks},
    },
};

const INSERT: &str = "INSERT INTO records (dataset, id, seq, last_action, first_seen_at, modified_at, run, payload, \
                      key_id) VALUES (?1, ?2, ?3, 0, ?4, ?4, ?5, ?6, ?7)";
const INSERT_KEY: &str = "INSERT INTO record_keys (dataset, id, hash, hash_version, rid, state, updated, parent) \
     VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)";

/// Saves a batch; all its ids are marked as seen by an open scan.
pub(in crate::store::sqlite) fn save(
    at: &ChangeWriter<'_>,
    dataset: &mut Dataset,
    batch: &Batch,
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let (sql, context) = (&at.db.sql, &at.context);
    let columns = KeyColumns { times: batch.has_times(), parent: context.parent.is_some() };
    let mut finder = KeyFinder::new(at.db, dataset.id, columns)?;
    let mut insert = sql.prepare_cached(INSERT)?;
    let mut insert_key = sql.prepare_cached(INSERT_KEY)?;
    let version = context.hasher.version();
    let mut outcomes = prepared.outcomes();
    let mut seen = Vec::with_capacity(if dataset.scan.is_some() { batch.len() } else { 0 });
    for (index, row) in prepared.saves(batch) {
        let SaveRow { item, hash } = row;
        let (rid, effect) = if let Some(known) = finder.find(item.id)? {
            let verdict = decide(at, &row, &known)?;
            at.write(dataset, item.id, known.rid, &verdict)?;
            if let Some(parent) = parent::changed(context, &known.key, verdict.effect.outcome) {
                at.store_parent(dataset, item.id, parent)?;
            }
            (known.rid, verdict.effect)
        } else {
            let effect = decision::insert(&row);
            let seq = dataset.counters.apply(&effect);
            let (payload, key) = at.seal.seal(item.id, item.payload)?;
            let values = params![dataset.id, item.id, seq, context.committed_at, context.run, payload, key];
            let rid = insert.insert(values)?;
            failpoint!("page:record-half");
            let parent = context.parent.map(|parent| parent.0);
            insert_key.execute(params![dataset.id, item.id, hash, version, rid, item.updated, parent])?;
            (rid, effect)
        };
        outcomes[index] = effect.outcome;
        if effect.seen && dataset.scan.is_some() {
            seen.push(rid);
        }
    }
    if let Some(scan) = dataset.scan {
        marks::mark(at.db, scan, seen)?;
        failpoint!("page:marks");
    }
    Ok(outcomes)
}

/// Decides about a record that has a row; reads its other row and its payload only if the decision needs them.
fn decide<'a>(at: &ChangeWriter<'_>, row: &SaveRow<'a>, known: &KeyRow) -> DbResult<Verdict<'a>> {
    let KeyRow { rid, key } = known;
    if let ByKey::Decided(verdict) = decision::by_key(&at.context, row, key) {
        return Ok(verdict);
    }
    let last = lookup::last_change(at.db, *rid)?;
    if let ByRow::Decided(verdict) = decision::by_row(&at.context, row, key, last) {
        return Ok(verdict);
    }
    let stored = lookup::payload(at.db, &at.seal, *rid, row.item.id)?;
    let same = decision::same_content(&stored, row.item.payload);
    Ok(decision::by_content(&at.context, row, key, last, same))
}
