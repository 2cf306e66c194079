//! Scans: the start and the end of a full walk over a dataset.
//!
//! Invariant: a dataset has at most one open scan, which is read, opened and closed under the dataset's lock.

use super::{
    Db, checkpoints,
    dataset::Dataset,
    deletes,
    error::{DbError, DbResult},
    fence, functions, marks,
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

/// Ends a scan. Records that it missed, and that were not written since it began, are deleted or become candidates.
pub(super) async fn finish(db: &mut Db, end: &FinishScan) -> DbResult<ScanOutcome> {
    const CLOSE: &str = "UPDATE nango_rs.datasets SET scan = NULL, scan_function = NULL, scan_start = NULL, waits = $2 \
                         WHERE id = $1";
    fence::ensure_running(db, &end.run).await?;
    let closed = || DbError::Store(StoreError::ScanClosed(end.dataset.model.clone()));
    let mut dataset = Dataset::find(db, &end.dataset).await?.ok_or_else(closed)?;
    let scan = dataset.scan.filter(|scan| scan.number == end.scan.number).ok_or_else(closed)?;
    let mut deleted = 0;
    if end.walk.complete {
        deleted = deletes::process_candidates(db, &mut dataset, end, scan).await?;
        let committed_at = dataset.committed_at;
        dataset.save(db, committed_at).await?;
        let counts = ModelCounts { deleted, ..ModelCounts::default() };
        fence::count_models(db, end.run.row, &[(end.dataset.model.clone(), counts)].into()).await?;
    }
    failpoint!("scan:missed");
    let totals = deletes::candidate_totals(db, dataset.id).await?;
    db.query(CLOSE).bind(dataset.id).bind(totals.states > 0).execute(&mut *db.sql).await?;
    marks::delete(db, &[scan.number]).await?;
    if let Some(write) = &end.resume {
        checkpoints::write_resume(db, None, &end.function, write).await?;
    }
    failpoint!("scan:finished");
    Ok(totals.scan_outcome(&end.policy, deleted))
}
