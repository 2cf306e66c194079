//! Delete candidates: selection at the end of a scan, stored states of pending ones, and tombstones.
//!
//! The decisions are made in [`crate::store::deletes`]. Invariants: a state belongs to an active record that the latest
//! complete scan of its dataset did not see; memory does not grow with the number of candidates.

use std::collections::BTreeSet;
#[cfg(debug_assertions)]
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Db,
    dataset::Dataset,
    error::{DbError, DbResult},
    feed, fence, get_u64,
    marks::SeenRecords,
    rows::tombstone,
};
#[cfg(debug_assertions)]
use crate::store::stored_span;
use crate::{
    store::{
        DatasetKey, DeletePolicy, FeedRow, FinishScan, PendingDeletes, RunToken, Scan, StoreError,
        deletes::{CandidateEvaluator, CandidateState, CandidateTotals, Decision, ScanStart, confirmed_deleted},
        failpoint::failpoint,
        row_flags::DELETED_FLAG,
    },
    time::Timestamp,
};

/// Number of candidates that are fetched before anything is written.
const BATCH_SIZE: usize = 4096;

/// Deletes the stored states of candidates.
pub(super) fn drop_states(db: &Db, dataset: i64, ids: &[&str]) -> DbResult<()> {
    let mut delete = db.sql.prepare_cached("DELETE FROM delete_states WHERE dataset = ?1 AND id = ?2")?;
    for id in ids {
        delete.execute(params![dataset, id])?;
    }
    Ok(())
}

/// Iterator in batches over the candidates of a scan, in the order of their ids.
struct Candidates<'a> {
    db: &'a Db,
    dataset: i64,
    start_seq: i64,
    seen: SeenRecords,
    after: String,
}

impl<'a> Candidates<'a> {
    fn new(db: &'a Db, dataset: &Dataset, scan: i64) -> DbResult<Self> {
        let mut start = db.sql.prepare_cached("SELECT start_seq FROM scans WHERE number = ?1")?;
        let start_seq = start.query_row([scan], |row| row.get(0))?;
        Ok(Self { db, dataset: dataset.id, start_seq, seen: SeenRecords::load(db, scan)?, after: String::new() })
    }

    /// Returns the next candidates with their record numbers. A batch of fewer than [`BATCH_SIZE`] is the last.
    fn next_batch(&mut self) -> DbResult<Vec<(String, i64)>> {
        let sql = &self.db.sql;
        let mut walk = sql.prepare_cached(
            "SELECT id, rid FROM record_keys WHERE dataset = ?1 AND id > ?2 AND state & ?3 = 0 ORDER BY id",
        )?;
        let mut seq = sql.prepare_cached("SELECT seq FROM records WHERE rid = ?1")?;
        let mut found: Vec<(String, i64)> = Vec::new();
        let mut rows = walk.query(params![self.dataset, self.after, DELETED_FLAG])?;
        while found.len() < BATCH_SIZE
            && let Some(row) = rows.next()?
        {
            let rid = row.get(1)?;
            if !self.seen.contains(rid) && seq.query_row([rid], |row| row.get::<_, i64>(0))? <= self.start_seq {
                found.push((row.get(0)?, rid));
            }
        }
        if let Some((last, _)) = found.last() {
            self.after.clone_from(last);
        }
        Ok(found)
    }

    /// Returns whether a record was deleted since the scan began.
    fn is_deleted(&self, id: &str) -> DbResult<bool> {
        let mut deleted = self.db.sql.prepare_cached(
            "SELECT 1 FROM record_keys k JOIN records r ON r.rid = k.rid \
             WHERE k.dataset = ?1 AND k.id = ?2 AND k.state & ?3 <> 0 AND r.seq > ?4",
        )?;
        Ok(deleted.exists(params![self.dataset, id, DELETED_FLAG, self.start_seq])?)
    }
}

/// Decides about the candidates of a scan whose walks were complete. Returns how many became tombstones.
pub(super) fn process_candidates(
    db: &Db,
    dataset: &mut Dataset,
    end: &FinishScan,
    committed_at: Timestamp,
) -> DbResult<u64> {
    let mut candidates = Candidates::new(db, dataset, end.scan.number)?;
    let mut next = candidates.next_batch()?;
    // Each decision depends on the share of all candidates, so they are counted first; most often one batch is enough.
    let mut count = next.len() as u64;
    if next.len() == BATCH_SIZE {
        while next.len() == BATCH_SIZE {
            next = candidates.next_batch()?;
            count += next.len() as u64;
        }
        candidates.after.clear();
        next = candidates.next_batch()?;
    }
    for id in confirmed_deleted(end) {
        count += u64::from(candidates.is_deleted(id)?);
    }
    failpoint!("scan:counted");

    let evaluator = CandidateEvaluator::new(end, scan_start(db, dataset, end.scan.number)?, committed_at, count);
    let mut deleted = 0;
    loop {
        for (id, rid) in &next {
            let stored = if dataset.has_candidates { candidate_state(db, dataset.id, id)? } else { None };
            let was_stored = stored.is_some();
            match evaluator.evaluate(id, stored) {
                Decision::Wait(state) => put_state(db, dataset.id, id, end.scan.number, &state)?,
                Decision::Delete => {
                    if was_stored {
                        drop_states(db, dataset.id, &[id])?;
                    }
                    tombstone(db, dataset, id, *rid, committed_at, end.run.row)?;
                    deleted += 1;
                    failpoint!("scan:tombstone");
                }
            }
        }
        if next.len() < BATCH_SIZE {
            break;
        }
        next = candidates.next_batch()?;
    }
    // An older version of the program may have saved a record without deleting its state.
    db.sql
        .prepare_cached("DELETE FROM delete_states WHERE dataset = ?1 AND scan <> ?2")?
        .execute([dataset.id, end.scan.number])?;
    Ok(deleted)
}

fn scan_start(db: &Db, dataset: &Dataset, scan: i64) -> DbResult<ScanStart> {
    let mut start = db.sql.prepare_cached("SELECT began_at, live, brought_forward FROM scans WHERE number = ?1")?;
    let read = |row: &Row<'_>| Ok((row.get::<_, Option<Timestamp>>(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?));
    let (began_at, live, is_early) = start.query_row([scan], read)?;
    // A scan that was opened by an older version of the program has neither, and confirms no deletes.
    let live = u64::try_from(live.unwrap_or(dataset.counters.live)).unwrap_or(0);
    Ok(ScanStart { began_at: began_at.unwrap_or(Timestamp::MIN), live, is_early })
}

fn candidate_state(db: &Db, dataset: i64, id: &str) -> DbResult<Option<CandidateState>> {
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

fn put_state(db: &Db, dataset: i64, id: &str, scan: i64, state: &CandidateState) -> DbResult<()> {
    let mut put = db.sql.prepare_cached(
        "INSERT OR REPLACE INTO delete_states (dataset, id, scan, first_missed_at, confirmations, needed, shifted, \
         asked_at, by_request, brought_forward, fingerprint, held, confirmed) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
        state.confirmed
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
    let read = |row: &Row<'_>| {
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
    };
    Ok(totals.query_row([dataset], read)?)
}

/// Returns the deletes of a dataset that await a decision.
pub(super) fn pending_deletes(db: &Db, key: &DatasetKey, policy: &DeletePolicy) -> DbResult<PendingDeletes> {
    Ok(match Dataset::find(db, key)? {
        Some(dataset) => candidate_totals(db, dataset.id)?.pending_deletes(policy),
        None => PendingDeletes::default(),
    })
}

/// Returns the candidates of an open scan that may be requested from the provider, those that were never requested
/// first.
pub(super) fn candidates_to_request(
    db: &Db,
    run: &RunToken,
    key: &DatasetKey,
    scan: Scan,
    fingerprint: [u8; 16],
    limit: u32,
) -> DbResult<Vec<FeedRow>> {
    fence::ensure_running(db, run)?;
    let closed = || DbError::Store(StoreError::ScanClosed(key.model.clone()));
    let dataset = Dataset::find(db, key)?.filter(|dataset| dataset.scan == Some(scan.number)).ok_or_else(closed)?;
    let limit = limit as usize;
    let mut candidates = Candidates::new(db, &dataset, scan.number)?;
    let (mut ids, mut requested) = (Vec::new(), BTreeSet::new());
    loop {
        let next = candidates.next_batch()?;
        let is_last = next.len() < BATCH_SIZE;
        for (id, _) in next {
            let state = if dataset.has_candidates { candidate_state(db, dataset.id, &id)? } else { None };
            match state.filter(|state| state.fingerprint == fingerprint) {
                Some(state) if state.by_request => {}
                Some(CandidateState { asked_at: Some(at), .. }) => {
                    requested.insert((at, id));
                    if requested.len() > limit {
                        requested.pop_last();
                    }
                }
                _ => ids.push(id),
            }
        }
        if is_last || ids.len() >= limit {
            break;
        }
    }
    ids.extend(requested.into_iter().map(|(_, id)| id));
    ids.truncate(limit);
    let mut rows = feed::by_id(db, key, &ids)?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// Moves the stored times of scans and candidates into the past.
#[cfg(debug_assertions)]
pub(super) fn backdate_scans(db: &Db, span: Duration) -> DbResult<()> {
    for update in [
        "UPDATE scans SET began_at = began_at - ?1",
        "UPDATE delete_states SET first_missed_at = first_missed_at - ?1, asked_at = asked_at - ?1",
    ] {
        db.sql.prepare_cached(update)?.execute([stored_span::to_stored(span)])?;
    }
    Ok(())
}
