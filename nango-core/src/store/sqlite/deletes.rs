//! Delete candidates: finding them at the end of a scan, what is stored of those that wait, and their tombstones.
//!
//! The decisions are those of [`crate::store::deletes`]. Must stay true: a state belongs to a live record that the latest
//! complete scan of its dataset did not see, and memory does not grow with the number of candidates.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Db,
    dataset::Dataset,
    fault::{Fault, Outcome},
    feed, natural,
    rows::{DELETED, Writing, entomb},
    runs,
    scans::Seen,
};
use crate::store::{
    DatasetKey, DeleteOutlook, DeletePolicy, FeedRow, FinishScan, RunToken, Scan, StoreError,
    deletes::{Begun, Judge, State, Verdict, Waiting, found_gone},
    failpoint::failpoint,
};

/// So many candidates are gathered before anything is written.
const GATHER: usize = 4096;

/// Drops what is stored of candidates.
pub(super) fn forget(db: &Db, dataset: i64, ids: &[&str]) -> Outcome<()> {
    let mut forget = db.sql.prepare_cached("DELETE FROM delete_states WHERE dataset = ?1 AND id = ?2")?;
    for id in ids {
        forget.execute(params![dataset, id])?;
    }
    Ok(())
}

/// The candidates of a scan, in the order of their ids, some at a time.
struct Candidates<'a> {
    db: &'a Db,
    dataset: i64,
    start_seq: i64,
    seen: Seen,
    after: String,
}

impl<'a> Candidates<'a> {
    fn of(db: &'a Db, dataset: &Dataset, scan: i64) -> Outcome<Self> {
        let mut start = db.sql.prepare_cached("SELECT start_seq FROM scans WHERE number = ?1")?;
        let start_seq = start.query_row([scan], |row| row.get(0))?;
        Ok(Self { db, dataset: dataset.id, start_seq, seen: Seen::load(db, scan)?, after: String::new() })
    }

    /// The next ones: id and number. Fewer than [`GATHER`] are the last.
    fn next(&mut self) -> Outcome<Vec<(String, i64)>> {
        let sql = &self.db.sql;
        let mut walk = sql.prepare_cached(
            "SELECT id, rid FROM record_keys WHERE dataset = ?1 AND id > ?2 AND state & ?3 = 0 ORDER BY id",
        )?;
        let mut seq = sql.prepare_cached("SELECT seq FROM records WHERE rid = ?1")?;
        let mut found: Vec<(String, i64)> = Vec::new();
        let mut rows = walk.query(params![self.dataset, self.after, DELETED])?;
        while found.len() < GATHER
            && let Some(row) = rows.next()?
        {
            let rid = row.get(1)?;
            if !self.seen.has(rid) && seq.query_row([rid], |row| row.get::<_, i64>(0))? <= self.start_seq {
                found.push((row.get(0)?, rid));
            }
        }
        if let Some((last, _)) = found.last() {
            self.after.clone_from(last);
        }
        Ok(found)
    }

    /// Whether a record was deleted since the scan began.
    fn is_gone(&self, id: &str) -> Outcome<bool> {
        let mut gone = self.db.sql.prepare_cached(
            "SELECT 1 FROM record_keys k JOIN records r ON r.rid = k.rid \
             WHERE k.dataset = ?1 AND k.id = ?2 AND k.state & ?3 <> 0 AND r.seq > ?4",
        )?;
        Ok(gone.exists(params![self.dataset, id, DELETED, self.start_seq])?)
    }
}

/// Decides about the candidates of a scan whose walks were complete. Gives how many became tombstones.
pub(super) fn settle(at: &Writing<'_>, dataset: &mut Dataset, end: &FinishScan) -> Outcome<u64> {
    let mut candidates = Candidates::of(at.db, dataset, end.scan.number)?;
    let mut next = candidates.next()?;
    // The share of all candidates decides about each of them, so they are counted first: most often there are few.
    let mut count = next.len() as u64;
    if next.len() == GATHER {
        while next.len() == GATHER {
            next = candidates.next()?;
            count += next.len() as u64;
        }
        candidates.after.clear();
        next = candidates.next()?;
    }
    for id in found_gone(end) {
        count += u64::from(candidates.is_gone(id)?);
    }
    failpoint!("scan:counted");

    let judge = Judge::new(end, begun(at.db, dataset, end.scan.number)?, at.stamp, count);
    let mut deleted = 0;
    loop {
        for (id, rid) in &next {
            let stored = if dataset.waits { stored(at.db, dataset.id, id)? } else { None };
            let was_stored = stored.is_some();
            match judge.judge(id, stored) {
                Verdict::Keep(state) => put(at.db, dataset.id, id, end.scan.number, &state)?,
                Verdict::Delete => {
                    if was_stored {
                        forget(at.db, dataset.id, &[id])?;
                    }
                    entomb(at, dataset, id, *rid)?;
                    deleted += 1;
                    failpoint!("scan:tombstone");
                }
            }
        }
        if next.len() < GATHER {
            break;
        }
        next = candidates.next()?;
    }
    // A program of an earlier version may have saved a record without dropping its state.
    at.db
        .sql
        .prepare_cached("DELETE FROM delete_states WHERE dataset = ?1 AND scan <> ?2")?
        .execute([dataset.id, end.scan.number])?;
    Ok(deleted)
}

fn begun(db: &Db, dataset: &Dataset, scan: i64) -> Outcome<Begun> {
    let mut begun = db.sql.prepare_cached("SELECT began_at, live, brought_forward FROM scans WHERE number = ?1")?;
    let read = |row: &Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?));
    let (at, live, brought_forward) = begun.query_row([scan], read)?;
    // A scan that a program of an earlier version opened has neither: it releases nothing.
    let live = u64::try_from(live.unwrap_or(dataset.live)).unwrap_or(0);
    Ok(Begun { at: at.unwrap_or(i64::MIN), live, brought_forward })
}

fn stored(db: &Db, dataset: i64, id: &str) -> Outcome<Option<State>> {
    let mut read = db.sql.prepare_cached(
        "SELECT first_missed_at, confirmations, needed, shifted, asked_at, by_request, brought_forward, fingerprint, held, \
         confirmed FROM delete_states WHERE dataset = ?1 AND id = ?2",
    )?;
    let state = |row: &Row<'_>| {
        Ok(State {
            first_missed_at: row.get(0)?,
            confirmations: row.get(1)?,
            needed: row.get(2)?,
            shifted: row.get(3)?,
            asked_at: row.get(4)?,
            by_request: row.get(5)?,
            brought_forward: row.get(6)?,
            fingerprint: row.get(7)?,
            held: row.get(8)?,
            confirmed: row.get(9)?,
        })
    };
    Ok(read.query_row(params![dataset, id], state).optional()?)
}

fn put(db: &Db, dataset: i64, id: &str, scan: i64, state: &State) -> Outcome<()> {
    let mut put = db.sql.prepare_cached(
        "INSERT OR REPLACE INTO delete_states (dataset, id, scan, first_missed_at, confirmations, needed, shifted, asked_at, \
         by_request, brought_forward, fingerprint, held, confirmed) \
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
        state.brought_forward,
        state.fingerprint,
        state.held,
        state.confirmed
    ])?;
    Ok(())
}

/// The states of a dataset, added up.
pub(super) fn waiting(db: &Db, dataset: i64) -> Outcome<Waiting> {
    let mut add_up = db.sql.prepare_cached(
        "SELECT count(*), count(*) FILTER (WHERE held <> 0), coalesce(max(held), 0), \
         count(*) FILTER (WHERE NOT confirmed), min(first_missed_at), \
         min(first_missed_at) FILTER (WHERE NOT brought_forward), \
         coalesce(max(needed) FILTER (WHERE NOT brought_forward), 0), \
         count(*) FILTER (WHERE NOT brought_forward AND held = 0), \
         (SELECT d.brought_forward FROM datasets d WHERE d.id = ?1) FROM delete_states WHERE dataset = ?1",
    )?;
    let read = |row: &Row<'_>| {
        Ok(Waiting {
            states: natural(row, 0)?,
            held: natural(row, 1)?,
            held_by: row.get(2)?,
            unconfirmed: natural(row, 3)?,
            first_missed_at: row.get(4)?,
            bringing_since: row.get(5)?,
            bringing_needed: row.get(6)?,
            bringing_free: natural(row, 7)?,
            brought_forward: row.get(8)?,
        })
    };
    Ok(add_up.query_row([dataset], read)?)
}

/// What waits for a decision in a dataset.
pub(super) fn outlook(db: &Db, key: &DatasetKey, policy: &DeletePolicy) -> Outcome<DeleteOutlook> {
    Ok(match Dataset::find(db, key)? {
        Some(dataset) => waiting(db, dataset.id)?.outlook(policy),
        None => DeleteOutlook::default(),
    })
}

/// The candidates of an open scan that may be asked for.
pub(super) fn to_ask(
    db: &Db,
    run: &RunToken,
    key: &DatasetKey,
    scan: Scan,
    fingerprint: [u8; 16],
    limit: u32,
) -> Outcome<Vec<FeedRow>> {
    runs::check(db, run)?;
    let closed = || Fault::Store(StoreError::ScanClosed(key.model.clone()));
    let dataset = Dataset::find(db, key)?.filter(|dataset| dataset.scan == Some(scan.number)).ok_or_else(closed)?;
    let limit = limit as usize;
    let mut candidates = Candidates::of(db, &dataset, scan.number)?;
    let (mut ids, mut asked) = (Vec::new(), BTreeSet::new());
    loop {
        let next = candidates.next()?;
        let is_last = next.len() < GATHER;
        for (id, _) in next {
            let state = if dataset.waits { stored(db, dataset.id, &id)? } else { None };
            match state.filter(|state| state.fingerprint == fingerprint) {
                Some(state) if state.by_request => {}
                Some(State { asked_at: Some(at), .. }) => {
                    asked.insert((at, id));
                    if asked.len() > limit {
                        asked.pop_last();
                    }
                }
                _ => ids.push(id),
            }
        }
        if is_last || ids.len() >= limit {
            break;
        }
    }
    ids.extend(asked.into_iter().map(|(_, id)| id));
    ids.truncate(limit);
    let mut rows = feed::by_id(db, key, &ids)?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// Makes what is noted of scans and candidates older.
#[cfg(test)]
pub(super) fn pass_time(db: &Db, micros: i64) -> Outcome<()> {
    for older in [
        "UPDATE scans SET began_at = began_at - ?1",
        "UPDATE delete_states SET first_missed_at = first_missed_at - ?1, asked_at = asked_at - ?1",
    ] {
        db.sql.prepare_cached(older)?.execute([micros])?;
    }
    Ok(())
}
