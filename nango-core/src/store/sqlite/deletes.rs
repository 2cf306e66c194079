//! Ends of scans: decisions about the delete candidates of a scan, and tombstones.
//!
//! The decisions are made in [`crate::store::deletes`]. Invariant: memory does not grow with the number of candidates.

#[cfg(debug_assertions)]
use std::time::Duration;

use rusqlite::Row;

use super::{
    Db,
    candidates::{BATCH_SIZE, Candidate, ScanCandidates},
    dataset::Dataset,
    delete_states::{candidate_state, drop_states, put_state},
    error::DbResult,
    rows::tombstone,
};
#[cfg(debug_assertions)]
use crate::store::stored_span;
use crate::{
    store::{
        FinishScan, ParentKey,
        deletes::{CandidateEvaluator, CandidateGroup, Decision, ScanStart, confirmed_deleted},
        failpoint::failpoint,
    },
    time::Timestamp,
};

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
