//! Delete candidates that are requested from the provider.

use super::{
    Db,
    candidates::{child_candidates, prefer_hash_join, scan_candidates},
    error::{DbError, DbResult},
    feed, fence, to_i64,
};
use crate::store::{DatasetKey, FeedRow, RunToken, Scan, StoreError};

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
pub(super) async fn candidates_to_request(db: &mut Db, query: &CandidateQuery) -> DbResult<Vec<FeedRow>> {
    const OPEN: &str = "SELECT scan_start, scan_function FROM nango_rs.datasets WHERE id = $1 AND scan = $2";
    const SCANS: &str = "SELECT scan FROM nango_rs.datasets WHERE scan_function = $1 AND scan IS NOT NULL";
    const NEXT: &str = concat!(
        "SELECT c.id FROM (SELECT k.id FROM ",
        scan_candidates!(""),
        ") c LEFT JOIN nango_rs.delete_states s ON s.dataset = $1 AND s.id = c.id AND s.fingerprint = $4 \
         WHERE s.by_request IS NOT TRUE ORDER BY s.asked_at NULLS FIRST, c.id LIMIT $5"
    );
    const NEXT_CHILDREN: &str = concat!(
        "SELECT c.id FROM (SELECT k.id FROM ",
        child_candidates!(),
        ") c LEFT JOIN nango_rs.delete_states s ON s.dataset = $1 AND s.id = c.id AND s.fingerprint = $6 \
         WHERE s.by_request IS NOT TRUE ORDER BY s.asked_at NULLS FIRST, c.id LIMIT $7"
    );
    let closed = || DbError::Store(StoreError::ScanClosed(query.dataset.model.clone()));
    fence::ensure_running_unlocked(db, &query.run).await?;
    let dataset = feed::find_dataset(db, &query.dataset).await?.ok_or_else(closed)?.id;
    let open: Option<(i64, i64)> =
        db.query_as(OPEN).bind(dataset).bind(query.scan.number).fetch_optional(&mut *db.sql).await?;
    let (start, function) = open.ok_or_else(closed)?;
    let scans: Vec<i64> =
        if query.by_parent { db.query_scalar(SCANS).bind(function).fetch_all(&mut *db.sql).await? } else { Vec::new() };
    prefer_hash_join(db, true).await?;
    let next = db.query_scalar(if query.by_parent { NEXT_CHILDREN } else { NEXT });
    let next = next.bind(dataset).bind(query.scan.number).bind(start);
    let next = if query.by_parent { next.bind(function).bind(&scans) } else { next };
    let ids: Vec<String> =
        next.bind(&query.fingerprint[..]).bind(to_i64(query.limit.into())).fetch_all(&mut *db.sql).await?;
    prefer_hash_join(db, false).await?;
    let mut rows = feed::by_id(db, &query.dataset, &ids).await?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}
