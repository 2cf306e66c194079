//! Delete candidates: selection at the end of a scan, stored states of pending ones, and tombstones.
//!
//! The decisions are made in [`crate::store::deletes`]. Invariants: a state belongs to an active record that the latest
//! complete scan of its dataset did not see; memory does not grow with the number of candidates.

use std::collections::BTreeSet;
#[cfg(debug_assertions)]
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, Rows, params};

use super::{
    Db,
    dataset::Dataset,
    error::{DbError, DbResult},
    feed, fence, get_u64,
    marks::SeenRecords,
    parents::{self, DecidedParents},
    rows::tombstone,
};
#[cfg(debug_assertions)]
use crate::store::stored_span;
use crate::{
    store::{
        DatasetKey, DeletePolicy, FeedRow, FinishScan, ParentKey, PendingDeletes, RunToken, Scan, StoreError,
        deletes::{
            CandidateEvaluator, CandidateGroup, CandidateState, CandidateTotals, Decision, ScanStart, confirmed_deleted,
        },
        failpoint::failpoint,
        row_flags::DELETED_FLAG,
    },
    time::Timestamp,
};

/// Number of candidates that are fetched before anything is written.
pub(super) const BATCH_SIZE: usize = 4096;

/// Deletes the stored states of candidates.
pub(super) fn drop_states(db: &Db, dataset: i64, ids: &[&str]) -> DbResult<()> {
    let mut delete = db.sql.prepare_cached("DELETE FROM delete_states WHERE dataset = ?1 AND id = ?2")?;
    for id in ids {
        delete.execute(params![dataset, id])?;
    }
    Ok(())
}

/// Candidates of an open scan: active records that it did not see, and that no run wrote since it began.
pub(super) struct ScanCandidates<'a> {
    pub db: &'a Db,
    pub dataset: i64,
    /// Sequence number of the dataset when the scan began.
    pub start_seq: i64,
    seen: SeenRecords,
}

/// A candidate: its id and its record number.
pub(super) type Candidate = (String, i64);

impl<'a> ScanCandidates<'a> {
    /// Loads the marks of a scan.
    pub(super) fn new(db: &'a Db, dataset: &Dataset, scan: i64) -> DbResult<Self> {
        let mut start = db.sql.prepare_cached("SELECT start_seq FROM scans WHERE number = ?1")?;
        let start_seq = start.query_row([scan], |row| row.get(0))?;
        Ok(Self { db, dataset: dataset.id, start_seq, seen: SeenRecords::load(db, scan)? })
    }

    /// Returns the next candidates in the order of their ids. A batch of fewer than [`BATCH_SIZE`] is the last.
    fn after(&self, after: &str) -> DbResult<Vec<Candidate>> {
        let mut walk = self.db.sql.prepare_cached(
            "SELECT id, rid FROM record_keys WHERE dataset = ?1 AND id > ?2 AND state & ?3 = 0 ORDER BY id",
        )?;
        self.missed(walk.query(params![self.dataset, after, DELETED_FLAG])?)
    }

    /// Returns the next candidates among the children of a parent in the order of their ids. A batch of fewer than
    /// [`BATCH_SIZE`] is the last.
    pub(super) fn children_after(&self, parent: ParentKey, after: &str) -> DbResult<Vec<Candidate>> {
        let mut walk = self.db.sql.prepare_cached(
            "SELECT id, rid FROM record_keys WHERE parent = ?4 AND dataset = ?1 AND id > ?2 AND state & ?3 = 0 \
             ORDER BY id",
        )?;
        self.missed(walk.query(params![self.dataset, after, DELETED_FLAG, parent.0])?)
    }

    /// Returns the first candidates of these rows of ids and record numbers.
    fn missed(&self, mut rows: Rows<'_>) -> DbResult<Vec<Candidate>> {
        let mut seq = self.db.sql.prepare_cached("SELECT seq FROM records WHERE rid = ?1")?;
        let mut found = Vec::new();
        while found.len() < BATCH_SIZE
            && let Some(row) = rows.next()?
        {
            let rid = row.get(1)?;
            if !self.seen.contains(rid) && seq.query_row([rid], |row| row.get::<_, i64>(0))? <= self.start_seq {
                found.push((row.get(0)?, rid));
            }
        }
        Ok(found)
    }

    /// Returns whether a record was deleted since the scan began.
    fn is_deleted(&self, id: &str) -> DbResult<bool> {
        Ok(self.deleted(id)?.is_some())
    }

    /// Returns the parent of a record that was deleted since the scan began, if it has one.
    pub(super) fn deleted_child(&self, id: &str) -> DbResult<Option<ParentKey>> {
        Ok(self.deleted(id)?.flatten().map(ParentKey))
    }

    fn deleted(&self, id: &str) -> DbResult<Option<Option<[u8; 16]>>> {
        let mut deleted = self.db.sql.prepare_cached(
            "SELECT k.parent FROM record_keys k JOIN records r ON r.rid = k.rid \
             WHERE k.dataset = ?1 AND k.id = ?2 AND k.state & ?3 <> 0 AND r.seq > ?4",
        )?;
        let parameters = params![self.dataset, id, DELETED_FLAG, self.start_seq];
        Ok(deleted.query_row(parameters, |row| row.get(0)).optional()?)
    }
}

/// Decides about the candidates of a scan whose walks were complete. Returns how many became tombstones.
pub(super) fn process_candidates(
    db: &Db,
    dataset: &mut Dataset,
    end: &FinishScan,
    committed_at: Timestamp,
) -> DbResult<u64> {
    let candidates = ScanCandidates::new(db, dataset, end.scan.number)?;
    let last = |batch: &[Candidate]| batch.last().map(|(id, _)| id.clone()).unwrap_or_default();
    let mut next = candidates.after("")?;
    // Each decision depends on the share of all candidates, so they are counted first; most often one batch is enough.
    let mut count = next.len() as u64;
    if next.len() == BATCH_SIZE {
        while next.len() == BATCH_SIZE {
            next = candidates.after(&last(&next))?;
            count += next.len() as u64;
        }
        next = candidates.after("")?;
    }
    for id in confirmed_deleted(end) {
        count += u64::from(candidates.is_deleted(id)?);
    }
    failpoint!("scan:counted");

    let evaluator = &CandidateEvaluator::new(end, scan_start(db, dataset, end.scan.number)?, committed_at, count);
    let writer = DecisionWriter { db, end, evaluator, committed_at };
    let mut deleted = 0;
    loop {
        deleted += decide(dataset, &writer, evaluator.all(), None, &next)?;
        if next.len() < BATCH_SIZE {
            break;
        }
        next = candidates.after(&last(&next))?;
    }
    // An older version of the program may have saved a record without deleting its state.
    db.sql
        .prepare_cached("DELETE FROM delete_states WHERE dataset = ?1 AND scan <> ?2")?
        .execute([dataset.id, end.scan.number])?;
    Ok(deleted)
}

/// Writes the decisions about the candidates of a scan.
pub(super) struct DecisionWriter<'a> {
    pub db: &'a Db,
    pub end: &'a FinishScan,
    pub evaluator: &'a CandidateEvaluator<'a>,
    pub committed_at: Timestamp,
}

/// Decides about candidates of one group, and writes the decisions. Returns how many became tombstones.
pub(super) fn decide(
    dataset: &mut Dataset,
    writer: &DecisionWriter<'_>,
    group: CandidateGroup<'_>,
    parent: Option<ParentKey>,
    candidates: &[Candidate],
) -> DbResult<u64> {
    let DecisionWriter { db, end, evaluator, committed_at } = writer;
    let mut deleted = 0;
    for (id, rid) in candidates {
        let stored = if dataset.has_candidates { candidate_state(db, dataset.id, id)? } else { None };
        let was_stored = stored.is_some();
        match evaluator.evaluate(group, id, stored) {
            Decision::Wait(state) => put_state(db, dataset.id, id, end.scan.number, parent, &state)?,
            Decision::Delete => {
                if was_stored {
                    drop_states(db, dataset.id, &[id])?;
                }
                tombstone(db, dataset, id, *rid, *committed_at, end.run.row)?;
                deleted += 1;
                failpoint!("scan:tombstone");
            }
        }
    }
    Ok(deleted)
}

/// Returns the start of a scan.
pub(super) fn scan_start(db: &Db, dataset: &Dataset, scan: i64) -> DbResult<ScanStart> {
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

fn put_state(
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
pub(super) fn totals_of_row(row: &Row<'_>) -> rusqlite::Result<CandidateTotals> {
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

/// Parameters of [`candidates_to_request`]: the run, its scan, and how many candidates to return.
#[derive(Debug, Clone)]
pub(super) struct CandidateQuery {
    pub run: RunToken,
    pub dataset: DatasetKey,
    pub scan: Scan,
    pub fingerprint: [u8; 16],
    pub by_parent: bool,
    pub limit: u32,
}

/// Returns the candidates of an open scan that may be requested from the provider, those that were never requested
/// first.
pub(super) fn candidates_to_request(db: &Db, query: &CandidateQuery) -> DbResult<Vec<FeedRow>> {
    fence::ensure_running(db, &query.run)?;
    let key = &query.dataset;
    let closed = || DbError::Store(StoreError::ScanClosed(key.model.clone()));
    let dataset =
        Dataset::find(db, key)?.filter(|dataset| dataset.scan == Some(query.scan.number)).ok_or_else(closed)?;
    let candidates = ScanCandidates::new(db, &dataset, query.scan.number)?;
    let mut next = NextRequests { limit: query.limit as usize, ids: BTreeSet::new(), requested: BTreeSet::new() };
    if query.by_parent {
        let function = function_of_scan(db, query.scan.number)?;
        let parents = DecidedParents::new(db, function, parents::open_scans(db, function)?);
        parents.for_each(|parent, _| {
            next.add_all(db, &dataset, query, |after| candidates.children_after(parent, after))
        })?;
    } else {
        next.add_all(db, &dataset, query, |after| candidates.after(after))?;
    }
    let mut ids: Vec<String> = next.ids.into_iter().collect();
    ids.extend(next.requested.into_iter().map(|(_, id)| id));
    ids.truncate(query.limit as usize);
    let mut rows = feed::by_id(db, key, &ids)?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// The candidates to request next: those with the lowest ids that were never requested, and the oldest requests.
struct NextRequests {
    limit: usize,
    ids: BTreeSet<String>,
    requested: BTreeSet<(Timestamp, String)>,
}

impl NextRequests {
    /// Adds all candidates that a function returns in batches in the order of their ids.
    fn add_all(
        &mut self,
        db: &Db,
        dataset: &Dataset,
        query: &CandidateQuery,
        batch_after: impl Fn(&str) -> DbResult<Vec<Candidate>>,
    ) -> DbResult<()> {
        let mut after = String::new();
        loop {
            let next = batch_after(&after)?;
            let is_last = next.len() < BATCH_SIZE;
            if let Some((last, _)) = next.last() {
                after.clone_from(last);
            }
            for (id, _) in next {
                let state = if dataset.has_candidates { candidate_state(db, dataset.id, &id)? } else { None };
                match state.filter(|state| state.fingerprint == query.fingerprint) {
                    Some(state) if state.by_request => {}
                    Some(CandidateState { asked_at: Some(at), .. }) => {
                        self.requested.insert((at, id));
                        if self.requested.len() > self.limit {
                            self.requested.pop_last();
                        }
                    }
                    _ => {
                        self.ids.insert(id);
                        if self.ids.len() > self.limit {
                            self.ids.pop_last();
                        }
                    }
                }
            }
            // The ids of a batch are in order: later ones are greater than all that were found.
            if is_last || (!query.by_parent && self.ids.len() >= self.limit) {
                return Ok(());
            }
        }
    }
}

fn function_of_scan(db: &Db, scan: i64) -> DbResult<i64> {
    let mut function = db.sql.prepare_cached("SELECT function FROM scans WHERE number = ?1")?;
    Ok(function.query_row([scan], |row| row.get(0))?)
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
