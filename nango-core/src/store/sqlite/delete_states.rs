//! Stored states of delete candidates that await a decision.
//!
//! Invariant: a state belongs to an active record that the latest complete scan of its dataset, or of its parent, did
//! not see.

use rusqlite::{OptionalExtension, Row, params};

use super::{Db, dataset::Dataset, error::DbResult, functions, get_u64};
use crate::store::{
    DatasetKey, DeletePolicy, FunctionKey, NextFullRun, ParentKey, PendingDeletes,
    deletes::{CandidateState, CandidateTotals},
};

/// Deletes the stored states of candidates.
pub(super) fn drop_states(db: &Db, dataset: i64, ids: &[&str]) -> DbResult<()> {
    let mut delete = db.sql.prepare_cached("DELETE FROM delete_states WHERE dataset = ?1 AND id = ?2")?;
    for id in ids {
        delete.execute(params![dataset, id])?;
    }
    Ok(())
}

/// Returns the stored state of a candidate.
pub(super) fn candidate_state(db: &Db, dataset: i64, id: &str) -> DbResult<Option<CandidateState>> {
    let mut read = db.sql.prepare_cached(
        "SELECT first_missed_at, confirmations, needed, shifted, asked_at, by_request, brought_forward, fingerprint, \
         held, confirmed FROM delete_states WHERE dataset = ?1 AND id = ?2",
    )?;
    let state = |row: &Row<'_>| {
        Ok(CandidateState {
            first_missed_at: row.get(0)?,
            confirmations: row.get(1)?,
            needed: row.get(2)?,
            shifted: row.get(3)?,
            asked_at: row.get(4)?,
            by_request: row.get(5)?,
            is_early: row.get(6)?,
            fingerprint: row.get(7)?,
            held: row.get(8)?,
            confirmed: row.get(9)?,
        })
    };
    Ok(read.query_row(params![dataset, id], state).optional()?)
}

/// Stores the state of a candidate.
pub(super) fn put_state(
    db: &Db,
    dataset: i64,
    id: &str,
    scan: i64,
    parent: Option<ParentKey>,
    state: &CandidateState,
) -> DbResult<()> {
    let mut put = db.sql.prepare_cached(
        "INSERT OR REPLACE INTO delete_states (dataset, id, scan, first_missed_at, confirmations, needed, shifted, \
         asked_at, by_request, brought_forward, fingerprint, held, confirmed, parent) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    put.execute(params![
        dataset,
        id,
        scan,
        state.first_missed_at,
        state.confirmations,
        state.needed,
        state.shifted,
        state.asked_at,
        state.by_request,
        state.is_early,
        state.fingerprint,
        state.held,
        state.confirmed,
        parent.map(|parent| parent.0)
    ])?;
    Ok(())
}

/// Returns the totals over the states of a dataset.
pub(super) fn candidate_totals(db: &Db, dataset: i64) -> DbResult<CandidateTotals> {
    let mut totals = db.sql.prepare_cached(
        "SELECT count(*), count(*) FILTER (WHERE held <> 0), coalesce(max(held), 0), \
         count(*) FILTER (WHERE NOT confirmed), min(first_missed_at), \
         min(first_missed_at) FILTER (WHERE NOT brought_forward), \
         coalesce(max(needed) FILTER (WHERE NOT brought_forward), 0), \
         count(*) FILTER (WHERE NOT brought_forward AND held = 0), \
         (SELECT d.brought_forward FROM datasets d WHERE d.id = ?1) FROM delete_states WHERE dataset = ?1",
    )?;
    Ok(totals.query_row([dataset], totals_of_row)?)
}

/// Reads totals from the first nine columns.
fn totals_of_row(row: &Row<'_>) -> rusqlite::Result<CandidateTotals> {
    Ok(CandidateTotals {
        states: get_u64(row, 0)?,
        held: get_u64(row, 1)?,
        held_by: row.get(2)?,
        unconfirmed: get_u64(row, 3)?,
        first_missed_at: row.get(4)?,
        triggering_since: row.get(5)?,
        triggering_needed: row.get(6)?,
        triggering_unheld: get_u64(row, 7)?,
        early_full_runs: row.get(8)?,
    })
}

/// Returns the deletes of a dataset that await a decision.
pub(super) fn pending_deletes(db: &Db, key: &DatasetKey, policy: &DeletePolicy) -> DbResult<PendingDeletes> {
    Ok(match Dataset::find(db, key)? {
        Some(dataset) => candidate_totals(db, dataset.id)?.pending_deletes(policy),
        None => PendingDeletes::default(),
    })
}

/// Returns the parents of a dataset whose candidates bring a complete walk forward.
pub(super) fn needing_full(
    db: &Db,
    function: &FunctionKey,
    dataset: &DatasetKey,
    policy: &DeletePolicy,
) -> DbResult<Vec<(ParentKey, NextFullRun)>> {
    const TOTALS: &str = "SELECT count(*), count(*) FILTER (WHERE held <> 0), coalesce(max(held), 0), \
         count(*) FILTER (WHERE NOT confirmed), min(first_missed_at), \
         min(first_missed_at) FILTER (WHERE NOT brought_forward), \
         coalesce(max(needed) FILTER (WHERE NOT brought_forward), 0), \
         count(*) FILTER (WHERE NOT brought_forward AND held = 0), \
         coalesce((SELECT p.early_full_runs FROM parents p WHERE p.function = ?2 AND p.key = s.parent), 0), s.parent \
         FROM delete_states s WHERE s.dataset = ?1 AND s.parent IS NOT NULL GROUP BY s.parent";
    let Some(function) = functions::find(db, function)? else { return Ok(Vec::new()) };
    let Some(dataset) = Dataset::find(db, dataset)?.filter(|dataset| dataset.has_candidates) else {
        return Ok(Vec::new());
    };
    let mut totals = db.sql.prepare_cached(TOTALS)?;
    let read = |row: &Row<'_>| Ok((ParentKey(row.get(9)?), totals_of_row(row)?.next_full(policy)));
    let mut found = totals.query_map([dataset.id, function], read)?.collect::<Result<Vec<_>, _>>()?;
    found.retain(|(_, next)| *next != NextFullRun::Regular);
    Ok(found)
}
