//! Stored states of delete candidates that await a decision.
//!
//! Invariants: a state belongs to an active record that the latest complete scan of its dataset, or of its parent, did
//! not see; `waits` of a dataset is set while it has states.

use std::collections::HashMap;

use sqlx::{Row as _, postgres::PgRow};

use super::{
    Db,
    candidates::Candidate,
    error::{DbError, DbResult},
    feed, functions, to_u64,
};
use crate::{
    store::{
        DatasetKey, DeletePolicy, FunctionKey, NextFullRun, ParentKey, PendingDeletes,
        deletes::{CandidateState, CandidateTotals},
    },
    time::Timestamp,
};

/// Deletes the stored states of candidates.
pub(super) async fn drop_states(db: &mut Db, dataset: i64, ids: &[&str]) -> DbResult<()> {
    const DELETE: &str = "DELETE FROM nango_rs.delete_states WHERE dataset = $1 AND id = ANY($2)";
    if !ids.is_empty() {
        db.query(DELETE).bind(dataset).bind(ids).execute(&mut *db.sql).await?;
    }
    Ok(())
}

/// Returns the stored states of candidates by id.
pub(super) async fn candidate_states(
    db: &mut Db,
    dataset: i64,
    candidates: &[Candidate],
) -> DbResult<HashMap<String, CandidateState>> {
    const STORED: &str = "SELECT i.id, s.* FROM unnest($2::text[]) i(id) CROSS JOIN LATERAL (SELECT first_missed_at, \
                          confirmations, needed, shifted, asked_at, by_request, brought_forward, fingerprint, held, \
                          confirmed FROM nango_rs.delete_states WHERE dataset = $1 AND id = i.id OFFSET 0) s";
    type Row = (String, Timestamp, i64, i64, bool, Option<Timestamp>, bool, bool, Vec<u8>, i64, bool);
    let ids: Vec<&str> = candidates.iter().map(|(id, ..)| id.as_str()).collect();
    let rows: Vec<Row> = db.query_as(STORED).bind(dataset).bind(ids).fetch_all(&mut *db.sql).await?;
    let state = |row: Row| {
        let (id, first_missed_at, confirmations, needed, shifted, asked_at, by_request, is_early, ..) = row;
        let (fingerprint, held, confirmed) = (row.8, row.9, row.10);
        let fingerprint = fingerprint.try_into().map_err(|_| DbError::damaged("a delete state"))?;
        let state = CandidateState {
            first_missed_at,
            confirmations,
            needed,
            shifted,
            asked_at,
            by_request,
            is_early,
            fingerprint,
            held,
            confirmed,
        };
        Ok((id, state))
    };
    rows.into_iter().map(state).collect()
}

/// States that are written in one statement.
#[derive(Debug, Default)]
pub(super) struct States<'a> {
    ids: Vec<&'a str>,
    states: Vec<CandidateState>,
}

impl<'a> States<'a> {
    /// Adds the state of a candidate.
    pub(super) fn push(&mut self, id: &'a str, state: CandidateState) {
        self.ids.push(id);
        self.states.push(state);
    }

    /// Writes the collected states, all of children of one parent or of no parent.
    pub(super) async fn write(&self, db: &mut Db, dataset: i64, scan: i64, parent: Option<ParentKey>) -> DbResult<()> {
        const PUT: &str = "INSERT INTO nango_rs.delete_states (dataset, scan, id, first_missed_at, confirmations, \
             needed, shifted, asked_at, by_request, brought_forward, fingerprint, held, confirmed, parent) \
             SELECT $1, $2, unnest($3::text[]), unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bigint[]), \
             unnest($7::boolean[]), unnest($8::bigint[]), unnest($9::boolean[]), unnest($10::boolean[]), \
             unnest($11::bytea[]), unnest($12::bigint[]), unnest($13::boolean[]), $14 \
             ON CONFLICT (dataset, id) DO UPDATE SET scan = excluded.scan, first_missed_at = excluded.first_missed_at, \
             confirmations = excluded.confirmations, needed = excluded.needed, shifted = excluded.shifted, \
             asked_at = excluded.asked_at, by_request = excluded.by_request, \
             brought_forward = excluded.brought_forward, fingerprint = excluded.fingerprint, held = excluded.held, \
             confirmed = excluded.confirmed, parent = excluded.parent";
        if self.ids.is_empty() {
            return Ok(());
        }
        let put = db.query(PUT).bind(dataset).bind(scan).bind(&self.ids);
        put.bind(self.column(|state| state.first_missed_at))
            .bind(self.column(|state| state.confirmations))
            .bind(self.column(|state| state.needed))
            .bind(self.column(|state| state.shifted))
            .bind(self.column(|state| state.asked_at))
            .bind(self.column(|state| state.by_request))
            .bind(self.column(|state| state.is_early))
            .bind(self.column(|state| state.fingerprint))
            .bind(self.column(|state| state.held))
            .bind(self.column(|state| state.confirmed))
            .bind(parent.map(|parent| parent.0.to_vec()))
            .execute(&mut *db.sql)
            .await?;
        Ok(())
    }

    fn column<T>(&self, of: impl Fn(&CandidateState) -> T) -> Vec<T> {
        self.states.iter().map(of).collect()
    }
}

/// Returns the totals over the states of a dataset.
pub(super) async fn candidate_totals(db: &mut Db, dataset: i64) -> DbResult<CandidateTotals> {
    const ADD_UP: &str = "SELECT count(*), count(*) FILTER (WHERE held <> 0), coalesce(max(held), 0), \
         count(*) FILTER (WHERE NOT confirmed), min(first_missed_at), \
         min(first_missed_at) FILTER (WHERE NOT brought_forward), \
         coalesce(max(needed) FILTER (WHERE NOT brought_forward), 0), \
         count(*) FILTER (WHERE NOT brought_forward AND held = 0), \
         (SELECT d.brought_forward FROM nango_rs.datasets d WHERE d.id = $1) \
         FROM nango_rs.delete_states WHERE dataset = $1";
    let row = db.query(ADD_UP).bind(dataset).fetch_one(&mut *db.sql).await?;
    totals_of_row(&row)
}

/// Reads totals from the first nine columns.
fn totals_of_row(row: &PgRow) -> DbResult<CandidateTotals> {
    Ok(CandidateTotals {
        states: to_u64(row.try_get(0)?),
        held: to_u64(row.try_get(1)?),
        held_by: row.try_get(2)?,
        unconfirmed: to_u64(row.try_get(3)?),
        first_missed_at: row.try_get(4)?,
        triggering_since: row.try_get(5)?,
        triggering_needed: row.try_get(6)?,
        triggering_unheld: to_u64(row.try_get(7)?),
        early_full_runs: row.try_get(8)?,
    })
}

/// Returns the deletes of a dataset that await a decision.
pub(super) async fn pending_deletes(db: &mut Db, key: &DatasetKey, policy: &DeletePolicy) -> DbResult<PendingDeletes> {
    Ok(match feed::find_dataset(db, key).await? {
        Some(dataset) => candidate_totals(db, dataset.id).await?.pending_deletes(policy),
        None => PendingDeletes::default(),
    })
}

/// Returns the parents of a dataset whose candidates bring a complete walk forward.
pub(super) async fn needing_full(
    db: &mut Db,
    function: &FunctionKey,
    dataset: &DatasetKey,
    policy: &DeletePolicy,
) -> DbResult<Vec<(ParentKey, NextFullRun)>> {
    const TOTALS: &str = "SELECT s.count, s.held, s.held_by, s.unconfirmed, s.first_missed_at, s.triggering_since, \
         s.triggering_needed, s.triggering_unheld, coalesce(p.early_full_runs, 0), s.parent FROM \
         (SELECT parent, count(*), count(*) FILTER (WHERE held <> 0) AS held, coalesce(max(held), 0) AS held_by, \
         count(*) FILTER (WHERE NOT confirmed) AS unconfirmed, min(first_missed_at) AS first_missed_at, \
         min(first_missed_at) FILTER (WHERE NOT brought_forward) AS triggering_since, \
         coalesce(max(needed) FILTER (WHERE NOT brought_forward), 0) AS triggering_needed, \
         count(*) FILTER (WHERE NOT brought_forward AND held = 0) AS triggering_unheld \
         FROM nango_rs.delete_states WHERE dataset = $1 AND parent IS NOT NULL GROUP BY parent) s LEFT JOIN LATERAL \
         (SELECT early_full_runs FROM nango_rs.parents WHERE function = $2 AND key = s.parent OFFSET 0) p ON TRUE \
         ORDER BY s.parent";
    let Some(function) = functions::find(db, function).await? else { return Ok(Vec::new()) };
    let Some(dataset) = feed::find_dataset(db, dataset).await? else { return Ok(Vec::new()) };
    let rows = db.query(TOTALS).bind(dataset.id).bind(function).fetch_all(&mut *db.sql).await?;
    let next = |row: &PgRow| Ok((key(row.try_get(9)?)?, totals_of_row(row)?.next_full(policy)));
    let mut found = rows.iter().map(next).collect::<DbResult<Vec<_>>>()?;
    found.retain(|(_, next)| *next != NextFullRun::Regular);
    Ok(found)
}

/// Converts a stored key.
pub(super) fn key(stored: &[u8]) -> DbResult<ParentKey> {
    stored.try_into().map(ParentKey).map_err(|_| DbError::damaged("the key of a parent"))
}
