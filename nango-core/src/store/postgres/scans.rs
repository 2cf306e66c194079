//! Scans: the start and the end of a full walk over a dataset.
//!
//! Invariant: a dataset has at most one open scan, which is read, opened and closed under the dataset's lock.

use super::{
    Db, checkpoints, children,
    dataset::{self, Dataset},
    delete_states, deletes,
    error::{DbError, DbResult},
    fence, functions, marks, parents,
};
use crate::store::{
    DatasetKey, FinishScan, FunctionKey, ModelCounts, RunToken, Scan, ScanFrom, ScanOutcome, StoreError,
    failpoint::failpoint,
};

/// Opens a scan, or resumes an open one of the function.
pub(super) async fn begin(
    db: &mut Db,
    run: &RunToken,
    function: &FunctionKey,
    key: &DatasetKey,
    from: ScanFrom,
    is_early: bool,
) -> DbResult<Scan> {
    const BEGIN: &str = "UPDATE nango_rs.datasets SET scan = nextval('nango_rs.scans'), scan_function = $2, \
                         scan_start = seq, scan_began = $3, scan_live = live, scan_forward = $4, \
                         brought_forward = CASE WHEN $4 THEN brought_forward + 1 ELSE 0 END WHERE id = $1 \
                         RETURNING scan";
    fence::ensure_running(db, run).await?;
    let function = functions::open(db, function).await?;
    let dataset = Dataset::open(db, key).await?;
    if let Some(open) = dataset.scan {
        if from.selects(open.number) && open.function == function {
            return Ok(Scan { number: open.number, resumed: true });
        }
        marks::delete(db, &[open.number]).await?;
        failpoint!("scan:closed-other");
    }
    let begin = db.query_scalar(BEGIN).bind(dataset.id).bind(function).bind(dataset.committed_at).bind(is_early);
    let number = begin.fetch_one(&mut *db.sql).await?;
    failpoint!("scan:begun");
    Ok(Scan { number, resumed: false })
}

/// Ends scans of several datasets, which are locked in the order of their ids.
pub(super) async fn finish_all(db: &mut Db, ends: &[FinishScan]) -> DbResult<Vec<ScanOutcome>> {
    for (index, end) in ends.iter().enumerate() {
        if !ends[..index].iter().any(|before| before.run == end.run) {
            fence::ensure_running(db, &end.run).await?;
        }
    }
    let mut order = Vec::with_capacity(ends.len());
    for (index, end) in ends.iter().enumerate() {
        // A single dataset needs no order.
        let id =
            if ends.len() == 1 { 0 } else { dataset::head(db, &end.dataset).await?.ok_or_else(|| closed(end))?.id };
        order.push((id, index));
    }
    order.sort_unstable();
    let scans: Vec<i64> = ends.iter().map(|end| end.scan.number).collect();
    let (mut outcomes, mut datasets) = (vec![ScanOutcome::default(); ends.len()], Vec::new());
    for (_, index) in order {
        let (dataset, outcome) = finish(db, &ends[index], &scans).await?;
        datasets.push(dataset);
        outcomes[index] = outcome;
    }
    let mut keys: Vec<&FunctionKey> = ends.iter().filter(|end| end.by_parent).map(|end| &end.function).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let function = functions::open(db, key).await?;
        parents::remove_gone(db, function, &scans, &datasets).await?;
        failpoint!("scan:parents");
    }
    Ok(outcomes)
}

fn closed(end: &FinishScan) -> DbError {
    DbError::Store(StoreError::ScanClosed(end.dataset.model.clone()))
}

/// Ends a scan. Records that it missed, and that were not written since it began, are deleted or become candidates.
/// `scans` are the numbers of all scans that end in this transaction. Returns the id of the dataset, and the outcome.
async fn finish(db: &mut Db, end: &FinishScan, scans: &[i64]) -> DbResult<(i64, ScanOutcome)> {
    const CLOSE: &str = "UPDATE nango_rs.datasets SET scan = NULL, scan_function = NULL, scan_start = NULL, waits = $2 \
                         WHERE id = $1";
    let mut dataset = Dataset::find(db, &end.dataset).await?.ok_or_else(|| closed(end))?;
    let scan = dataset.scan.filter(|scan| scan.number == end.scan.number).ok_or_else(|| closed(end))?;
    let mut deleted = 0;
    if end.by_parent || end.walk.complete {
        deleted = if end.by_parent {
            children::process_candidates(db, &mut dataset, end, scan, scans).await?
        } else {
            deletes::process_candidates(db, &mut dataset, end, scan).await?
        };
        let committed_at = dataset.committed_at;
        dataset.save(db, committed_at).await?;
        let counts = ModelCounts { deleted, ..ModelCounts::default() };
        fence::count_models(db, end.run.row, &[(end.dataset.model.clone(), counts)].into()).await?;
    }
    failpoint!("scan:missed");
    let totals = delete_states::candidate_totals(db, dataset.id).await?;
    db.query(CLOSE).bind(dataset.id).bind(totals.states > 0).execute(&mut *db.sql).await?;
    marks::delete(db, &[scan.number]).await?;
    if let Some(write) = &end.resume {
        checkpoints::write_resume(db, None, &end.function, write).await?;
    }
    failpoint!("scan:finished");
    Ok((dataset.id, totals.scan_outcome(&end.policy, deleted)))
}
