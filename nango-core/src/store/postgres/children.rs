//! Delete candidates of scans that walked the lists of parents: children of parents whose own walk was complete, or
//! that are gone.
//!
//! Invariant: memory grows neither with the number of parents nor with the number of children of one of them. The
//! server sorts the candidates by parent and counts those of each.

use std::collections::HashMap;

use sqlx::{Row as _, postgres::PgRow};

use super::{
    Db,
    candidates::{BATCH_SIZE, Candidate, child_candidates, prefer_hash_join, scan_candidates},
    dataset::{Dataset, OpenScan},
    delete_states::key,
    deletes::{self, DecisionWriter},
    error::DbResult,
    parents, to_u64,
};
use crate::{
    store::{
        FinishScan, ParentKey,
        deletes::{CandidateEvaluator, ParentEvidence, confirmed_deleted},
        failpoint::failpoint,
    },
    time::Timestamp,
};

/// The candidates of one parent in a batch.
struct Family {
    parent: ParentKey,
    evidence: ParentEvidence,
    /// Number of candidates of the parent, in this batch and in others.
    count: u64,
    candidates: Vec<Candidate>,
}

/// Decides about the candidates of a scan. Returns how many became tombstones. `scans` are the numbers of all scans
/// that end in this transaction.
pub(super) async fn process_candidates(
    db: &mut Db,
    dataset: &mut Dataset,
    end: &FinishScan,
    scan: OpenScan,
    scans: &[i64],
) -> DbResult<u64> {
    const OPEN: &str = concat!(
        "DECLARE candidates NO SCROLL CURSOR FOR SELECT k.id, k.seq, k.bytes, k.parent, \
         count(*) OVER (PARTITION BY k.parent), p.early_full_runs > 0, p.complete, p.position_based, p.requests, \
         p.shifted, p.list_empty, p.gone FROM ",
        child_candidates!(),
        " ORDER BY k.parent, k.id"
    );
    const COUNT: &str = concat!("SELECT count(*) FROM ", child_candidates!());
    const CLEAR: &str = "DELETE FROM nango_rs.delete_states s WHERE dataset = $1 AND scan <> $2 AND EXISTS \
                         (SELECT 1 FROM nango_rs.parents WHERE function = $3 AND key = s.parent AND scan = ANY($4) \
                         AND (complete OR gone) OFFSET 0)";
    prefer_hash_join(db, true).await?;
    let open = sqlx::query(OPEN).persistent(false).bind(dataset.id).bind(scan.number).bind(scan.start_seq);
    open.bind(scan.function).bind(scans).execute(&mut *db.sql).await?;
    let mut next = fetch_batch(db).await?;
    let mut count = next.len() as u64;
    if next.len() == BATCH_SIZE {
        let all = db.query_scalar(COUNT).bind(dataset.id).bind(scan.number).bind(scan.start_seq);
        count = to_u64(all.bind(scan.function).bind(scans).fetch_one(&mut *db.sql).await?);
    }
    prefer_hash_join(db, false).await?;
    let deleted_by_request = deleted_by_request(db, dataset.id, end, scan).await?;
    count += deleted_by_request.values().sum::<u64>();
    failpoint!("scan:counted");

    let start = deletes::scan_start(db, dataset).await?;
    let evaluator = &CandidateEvaluator::new(end, start, dataset.committed_at, count);
    let writer = DecisionWriter { end, evaluator, scan: scan.number };
    let mut deleted = 0;
    loop {
        let is_last = next.len() < BATCH_SIZE;
        let mut families = families(&next)?;
        drop(next);
        for family in &mut families {
            family.count += deleted_by_request.get(&family.parent).copied().unwrap_or(0);
        }
        let compared = families.iter().filter(|family| evaluator.compares_share(family.count));
        let compared: Vec<ParentKey> = compared.map(|family| family.parent).collect();
        let live = live_at(db, dataset.id, &compared, scan, start.began_at).await?;
        for Family { parent, evidence, count, candidates } in &families {
            let group = evaluator.children(evidence, *count, live.get(parent).copied().unwrap_or(*count));
            deleted += writer.decide(db, dataset, group, Some(*parent), candidates).await?;
        }
        if is_last {
            break;
        }
        next = fetch_batch(db).await?;
    }
    sqlx::raw_sql("CLOSE candidates").execute(&mut *db.sql).await?;
    if dataset.has_candidates {
        let clear = db.query(CLEAR).bind(dataset.id).bind(scan.number).bind(scan.function).bind(scans);
        clear.execute(&mut *db.sql).await?;
    }
    Ok(deleted)
}

async fn fetch_batch(db: &mut Db) -> DbResult<Vec<PgRow>> {
    // The number is `BATCH_SIZE`.
    Ok(sqlx::query("FETCH 4096 FROM candidates").persistent(false).fetch_all(&mut *db.sql).await?)
}

/// Groups rows that are sorted by parent.
fn families(rows: &[PgRow]) -> DbResult<Vec<Family>> {
    let mut families: Vec<Family> = Vec::new();
    for row in rows {
        let parent = key(row.try_get(3)?)?;
        let candidate = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        match families.last_mut() {
            Some(last) if last.parent == parent => last.candidates.push(candidate),
            _ => families.push(Family {
                parent,
                evidence: parents::columns(row, 6)?.evidence(row.try_get(5)?),
                count: to_u64(row.try_get(4)?),
                candidates: vec![candidate],
            }),
        }
    }
    Ok(families)
}

/// Returns the number of records by parent that requests found to be deleted, and that were deleted since the scan
/// began.
async fn deleted_by_request(
    db: &mut Db,
    dataset: i64,
    end: &FinishScan,
    scan: OpenScan,
) -> DbResult<HashMap<ParentKey, u64>> {
    const DELETED: &str = "SELECT k.parent, count(*) FROM unnest($2::text[]) i(id) CROSS JOIN LATERAL (SELECT parent \
                           FROM nango_rs.record_keys WHERE dataset = $1 AND id = i.id AND state & 1 = 1 AND seq > $3 \
                           OFFSET 0) k WHERE k.parent IS NOT NULL GROUP BY k.parent";
    let ids: Vec<&str> = confirmed_deleted(end).into_iter().filter(|id| !id.contains('\0')).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = db.query_as(DELETED).bind(dataset).bind(ids).bind(scan.start_seq).fetch_all(&mut *db.sql).await?;
    rows.into_iter().map(|(parent, count): (Vec<u8>, i64)| Ok((key(&parent)?, to_u64(count)))).collect()
}

/// Returns the number of active children of parents at the start of the scan. Records that moved to a parent since
/// count as well.
async fn live_at(
    db: &mut Db,
    dataset: i64,
    of: &[ParentKey],
    scan: OpenScan,
    began_at: Timestamp,
) -> DbResult<HashMap<ParentKey, u64>> {
    const LIVE: &str = "SELECT i.parent, count(*) FILTER (WHERE CASE WHEN k.seq <= $3 THEN k.state & 1 = 0 \
                        ELSE r.first_seen_at < $4 END) FROM unnest($2::bytea[]) i(parent) CROSS JOIN LATERAL \
                        (SELECT seq, state FROM nango_rs.record_keys WHERE parent = i.parent AND dataset + 0 = $1 \
                        OFFSET 0) k LEFT JOIN LATERAL (SELECT first_seen_at FROM nango_rs.records WHERE dataset = $1 \
                        AND seq = k.seq AND k.seq > $3 OFFSET 0) r ON TRUE GROUP BY i.parent";
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<&[u8]> = of.iter().map(|key| &key.0[..]).collect();
    let rows = db.query_as(LIVE).bind(dataset).bind(keys).bind(scan.start_seq).bind(began_at);
    let rows: Vec<(Vec<u8>, i64)> = rows.fetch_all(&mut *db.sql).await?;
    rows.into_iter().map(|(parent, count)| Ok((key(&parent)?, to_u64(count)))).collect()
}
