//! Delete candidates of scans that walked the lists of parents: children of parents whose own walk was complete, or
//! that are gone.
//!
//! Invariant: memory grows neither with the number of parents nor with the number of children of one of them.

use std::collections::HashMap;

use rusqlite::params;

use super::{
    Db,
    candidates::{BATCH_SIZE, ScanCandidates},
    dataset::Dataset,
    deletes::{self, DecisionWriter},
    error::DbResult,
    parents::DecidedParents,
};
use crate::{
    store::{
        FinishScan, ParentKey,
        deletes::{CandidateEvaluator, ScanStart, confirmed_deleted},
        failpoint::failpoint,
        row_flags::DELETED_FLAG,
    },
    time::Timestamp,
};

/// Decides about the candidates of a scan. Returns how many became tombstones.
pub(super) fn process_candidates(
    db: &Db,
    dataset: &mut Dataset,
    end: &FinishScan,
    parents: &DecidedParents<'_>,
    committed_at: Timestamp,
) -> DbResult<u64> {
    let candidates = ScanCandidates::new(db, dataset, end.scan.number)?;
    let deleted_by_request = deleted_by_request(&candidates, end)?;
    let mut count = deleted_by_request.values().sum::<u64>();
    parents.for_each(|parent, _| {
        count += count_children(&candidates, parent)?;
        Ok(())
    })?;
    failpoint!("scan:counted");
    let start = deletes::scan_start(db, dataset, end.scan.number)?;
    let evaluator = &CandidateEvaluator::new(end, start, committed_at, count);
    let writer = DecisionWriter { db, end, evaluator, committed_at };
    let mut deleted = 0;
    if count > 0 {
        parents.for_each(|parent, evidence| {
            let mut next = candidates.children_after(parent, "")?;
            if next.is_empty() {
                return Ok(());
            }
            let mut count = next.len() as u64 + deleted_by_request.get(&parent).copied().unwrap_or(0);
            if next.len() == BATCH_SIZE {
                count += count_children(&candidates, parent)? - next.len() as u64;
            }
            let live = if evaluator.compares_share(count) { live_at(&candidates, parent, start)? } else { count };
            let group = evaluator.children(evidence, count, live);
            loop {
                deleted += deletes::decide(dataset, &writer, group, Some(parent), &next)?;
                match next.last() {
                    Some((last, _)) if next.len() == BATCH_SIZE => next = candidates.children_after(parent, last)?,
                    _ => return Ok(()),
                }
            }
        })?;
    }
    if dataset.has_candidates {
        parents.drop_other_states(dataset.id, end.scan.number)?;
    }
    Ok(deleted)
}

fn count_children(candidates: &ScanCandidates<'_>, parent: ParentKey) -> DbResult<u64> {
    let mut after = String::new();
    let mut count = 0;
    loop {
        let next = candidates.children_after(parent, &after)?;
        count += next.len() as u64;
        match next.into_iter().last() {
            Some((last, _)) if count % BATCH_SIZE as u64 == 0 => after = last,
            _ => return Ok(count),
        }
    }
}

/// Returns the number of records by parent that requests found to be deleted, and that were deleted since the scan
/// began.
fn deleted_by_request(candidates: &ScanCandidates<'_>, end: &FinishScan) -> DbResult<HashMap<ParentKey, u64>> {
    let mut counts = HashMap::new();
    for id in confirmed_deleted(end) {
        if let Some(parent) = candidates.deleted_child(id)? {
            *counts.entry(parent).or_default() += 1;
        }
    }
    Ok(counts)
}

/// Returns the number of active children of a parent at the start of the scan. Records that moved to the parent since
/// count as well.
fn live_at(candidates: &ScanCandidates<'_>, parent: ParentKey, start: ScanStart) -> DbResult<u64> {
    const LIVE: &str = "SELECT count(*) FROM record_keys k JOIN records r ON r.rid = k.rid \
                        WHERE k.parent = ?1 AND k.dataset = ?2 \
                        AND CASE WHEN r.seq <= ?3 THEN k.state & ?4 = 0 ELSE r.first_seen_at < ?5 END";
    let mut live = candidates.db.sql.prepare_cached(LIVE)?;
    let parameters = params![parent.0, candidates.dataset, candidates.start_seq, DELETED_FLAG, start.began_at];
    Ok(live.query_row(parameters, |row| super::get_u64(row, 0))?)
}
