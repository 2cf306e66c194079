//! Scans: the start and the end of a full walk over a dataset, which has at most one open scan.

use rusqlite::params;

use super::{
    Db, checkpoints, children,
    dataset::Dataset,
    delete_states, deletes,
    error::{DbError, DbResult},
    fence, functions, marks,
    parents::DecidedParents,
};
use crate::store::{
    DatasetKey, FinishScan, FunctionKey, ModelCounts, RunToken, Scan, ScanFrom, ScanOutcome, StoreError,
    failpoint::failpoint,
};

/// Opens a scan, or resumes an open one of the function.
pub(super) fn begin(
    db: &Db,
    run: &RunToken,
    function: &FunctionKey,
    key: &DatasetKey,
    from: ScanFrom,
    is_early: bool,
) -> DbResult<Scan> {
    fence::ensure_running(db, run)?;
    let dataset = Dataset::open(db, key)?;
    let function = functions::open(db, function)?;
    if let Some(number) = dataset.scan {
        let mut owner = db.sql.prepare_cached("SELECT function FROM scans WHERE number = ?1")?;
        if from.selects(number) && owner.query_row([number], |row| row.get::<_, i64>(0))? == function {
            return Ok(Scan { number, resumed: true });
        }
        marks::close(db, number)?;
        failpoint!("scan:closed-other");
    }
    let mut begin = db.sql.prepare_cached(
        "INSERT INTO scans (dataset, function, start_seq, began_at, live, brought_forward) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let now = db.shared.clock.at_least(dataset.committed_at);
    let number =
        begin.insert(params![dataset.id, function, dataset.counters.seq, now, dataset.counters.live, is_early])?;
    let mut count =
        db.sql.prepare_cached("UPDATE datasets SET brought_forward = iif(?2, brought_forward + 1, 0) WHERE id = ?1")?;
    count.execute(params![dataset.id, is_early])?;
    failpoint!("scan:begun");
    Ok(Scan { number, resumed: false })
}

/// Ends scans of several datasets.
pub(super) fn finish_all(db: &Db, ends: &[FinishScan]) -> DbResult<Vec<ScanOutcome>> {
    for end in ends {
        fence::ensure_running(db, &end.run)?;
    }
    let mut order = Vec::with_capacity(ends.len());
    for (index, end) in ends.iter().enumerate() {
        order.push((find_open(db, end)?.id, index));
    }
    order.sort_unstable();
    let scans: Vec<i64> = ends.iter().map(|end| end.scan.number).collect();
    let mut outcomes = vec![ScanOutcome::default(); ends.len()];
    for (_, index) in &order {
        outcomes[*index] = finish(db, &ends[*index], &scans)?;
    }
    let datasets: Vec<i64> = order.iter().map(|(dataset, _)| *dataset).collect();
    let mut functions: Vec<&FunctionKey> = ends.iter().filter(|end| end.by_parent).map(|end| &end.function).collect();
    functions.sort_unstable();
    functions.dedup();
    for key in functions {
        DecidedParents::new(db, functions::open(db, key)?, scans.clone()).remove_gone(&datasets)?;
        failpoint!("scan:parents");
    }
    Ok(outcomes)
}

/// Returns the dataset of a scan that is open.
fn find_open(db: &Db, end: &FinishScan) -> DbResult<Dataset> {
    let dataset = Dataset::find(db, &end.dataset)?.filter(|dataset| dataset.scan == Some(end.scan.number));
    dataset.ok_or_else(|| DbError::Store(StoreError::ScanClosed(end.dataset.model.clone())))
}

/// Ends a scan. Records that it missed, and that were not written since it began, are deleted or become candidates.
/// `scans` are the numbers of all scans that end in this transaction.
fn finish(db: &Db, end: &FinishScan, scans: &[i64]) -> DbResult<ScanOutcome> {
    let mut dataset = find_open(db, end)?;
    let mut deleted = 0;
    if end.by_parent || end.walk.complete {
        let committed_at = db.shared.clock.at_least(dataset.committed_at);
        deleted = if end.by_parent {
            let parents = DecidedParents::new(db, functions::open(db, &end.function)?, scans.to_vec());
            children::process_candidates(db, &mut dataset, end, &parents, committed_at)?
        } else {
            deletes::process_candidates(db, &mut dataset, end, committed_at)?
        };
        dataset.save(db, committed_at)?;
        let counts = ModelCounts { deleted, ..ModelCounts::default() };
        fence::count_models(db, end.run.row, &[(end.dataset.model.clone(), counts)].into())?;
    }
    failpoint!("scan:missed");
    marks::close(db, end.scan.number)?;
    if let Some(write) = &end.resume {
        checkpoints::write_resume(db, &end.function, write)?;
    }
    failpoint!("scan:finished");
    Ok(delete_states::candidate_totals(db, dataset.id)?.scan_outcome(&end.policy, deleted))
}
