//! Ends of scans: decisions about the delete candidates of a scan, and tombstones.
//!
//! The decisions are made in [`crate::store::deletes`]. Invariant: memory does not grow with the number of candidates.

use std::collections::HashMap;
#[cfg(debug_assertions)]
use std::time::Duration;

use super::{
    Db,
    candidates::{BATCH_SIZE, Candidate, prefer_hash_join, scan_candidates},
    dataset::{Dataset, OpenScan},
    delete_states::{States, candidate_states, drop_states},
    error::DbResult,
    rows::Tombstones,
    to_u64,
};
#[cfg(debug_assertions)]
use crate::store::stored_span;
use crate::{
    store::{
        FinishScan, ParentKey,
        decide::delete,
        deletes::{CandidateEvaluator, CandidateGroup, Decision, ScanStart, confirmed_deleted},
        failpoint::failpoint,
    },
    time::Timestamp,
};

/// Decides about the candidates of a scan whose walks were complete. Returns how many became tombstones.
pub(super) async fn process_candidates(
    db: &mut Db,
    dataset: &mut Dataset,
    end: &FinishScan,
    scan: OpenScan,
) -> DbResult<u64> {
    // A cursor reads the snapshot of its start, whatever is written afterwards.
    const OPEN: &str = concat!(
        "DECLARE candidates NO SCROLL CURSOR FOR SELECT k.id, k.seq, k.bytes FROM ",
        scan_candidates!(""),
        " ORDER BY k.id"
    );
    const COUNT: &str = concat!("SELECT count(*) FROM ", scan_candidates!(""));
    // An older version of the program may have saved a record without deleting its state.
    const CLEAR: &str = "DELETE FROM nango_rs.delete_states WHERE dataset = $1 AND scan <> $2";
    prefer_hash_join(db, true).await?;
    let open = sqlx::query(OPEN).persistent(false).bind(dataset.id).bind(scan.number).bind(scan.start_seq);
    open.execute(&mut *db.sql).await?;
    let mut next = fetch_batch(db).await?;
    let mut count = next.len() as u64;
    // Each decision depends on the share of all candidates, so they are counted first; most often one batch is enough.
    if next.len() == BATCH_SIZE {
        let all = db.query_scalar(COUNT).bind(dataset.id).bind(scan.number).bind(scan.start_seq);
        count = to_u64(all.fetch_one(&mut *db.sql).await?);
    }
    prefer_hash_join(db, false).await?;
    count += count_deleted(db, dataset.id, end, scan).await?;
    failpoint!("scan:counted");

    let evaluator = &CandidateEvaluator::new(end, scan_start(db, dataset).await?, dataset.committed_at, count);
    let writer = DecisionWriter { end, evaluator, scan: scan.number };
    let mut deleted = 0;
    loop {
        deleted += writer.decide(db, dataset, evaluator.all(), None, &next).await?;
        if next.len() < BATCH_SIZE {
            break;
        }
        next = fetch_batch(db).await?;
    }
    sqlx::raw_sql("CLOSE candidates").execute(&mut *db.sql).await?;
    db.query(CLEAR).bind(dataset.id).bind(scan.number).execute(&mut *db.sql).await?;
    Ok(deleted)
}

/// Writes the decisions about the candidates of a scan.
pub(super) struct DecisionWriter<'a> {
    pub end: &'a FinishScan,
    pub evaluator: &'a CandidateEvaluator<'a>,
    /// Number of the scan.
    pub scan: i64,
}

impl DecisionWriter<'_> {
    /// Decides about candidates of one group. Returns how many became tombstones.
    pub(super) async fn decide(
        &self,
        db: &mut Db,
        dataset: &mut Dataset,
        group: CandidateGroup<'_>,
        parent: Option<ParentKey>,
        candidates: &[Candidate],
    ) -> DbResult<u64> {
        let mut known =
            if dataset.has_candidates { candidate_states(db, dataset.id, candidates).await? } else { HashMap::new() };
        let (mut tombstones, mut states, mut obsolete) = (Tombstones::default(), States::default(), Vec::new());
        let mut deleted = 0;
        for (id, seq, bytes) in candidates {
            let stored = known.remove(id);
            let was_stored = stored.is_some();
            match self.evaluator.evaluate(group, id, stored) {
                Decision::Wait(state) => states.push(id, state),
                Decision::Delete => {
                    if was_stored {
                        obsolete.push(id.as_str());
                    }
                    let effect = delete::tombstone((*bytes).into());
                    tombstones.push(id, [*seq, dataset.counters.apply(&effect)]);
                    deleted += 1;
                }
            }
        }
        states.write(db, dataset.id, self.scan, parent).await?;
        drop_states(db, dataset.id, &obsolete).await?;
        tombstones.write(db, dataset.id, dataset.committed_at, self.end.run.row).await?;
        if deleted > 0 {
            failpoint!("scan:tombstone");
        }
        Ok(deleted)
    }
}

async fn fetch_batch(db: &mut Db) -> DbResult<Vec<Candidate>> {
    // The number is `BATCH_SIZE`.
    let fetch = sqlx::query_as("FETCH 4096 FROM candidates").persistent(false);
    Ok(fetch.fetch_all(&mut *db.sql).await?)
}

/// Returns how many of the records whose deletion was confirmed by requests were deleted since the scan began.
async fn count_deleted(db: &mut Db, dataset: i64, end: &FinishScan, scan: OpenScan) -> DbResult<u64> {
    const DELETED: &str = "SELECT count(*) FROM unnest($2::text[]) i(id) CROSS JOIN LATERAL (SELECT 1 \
                           FROM nango_rs.record_keys WHERE dataset = $1 AND id = i.id AND state & 1 = 1 AND seq > $3 \
                           OFFSET 0) k";
    let ids: Vec<&str> = confirmed_deleted(end).into_iter().filter(|id| !id.contains('\0')).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(to_u64(db.query_scalar(DELETED).bind(dataset).bind(ids).bind(scan.start_seq).fetch_one(&mut *db.sql).await?))
}

/// Returns the start of the open scan of a dataset.
pub(super) async fn scan_start(db: &mut Db, dataset: &Dataset) -> DbResult<ScanStart> {
    const BEGUN: &str = "SELECT scan_began, scan_live, scan_forward FROM nango_rs.datasets WHERE id = $1";
    let (at, live, is_early): (Option<Timestamp>, Option<i64>, bool) =
        db.query_as(BEGUN).bind(dataset.id).fetch_one(&mut *db.sql).await?;
    // A scan that was opened by an older version of the program has neither, and confirms no deletes.
    let live = to_u64(live.unwrap_or(dataset.counters.live));
    Ok(ScanStart { began_at: at.unwrap_or(Timestamp::MIN), live, is_early })
}

/// Moves the stored times of scans and candidates into the past.
#[cfg(debug_assertions)]
pub(super) async fn backdate_scans(db: &mut Db, span: Duration) -> DbResult<()> {
    for older in [
        "UPDATE nango_rs.datasets SET scan_began = scan_began - $1",
        "UPDATE nango_rs.delete_states SET first_missed_at = first_missed_at - $1, asked_at = asked_at - $1",
    ] {
        db.query(older).bind(stored_span::to_stored(span)).execute(&mut *db.sql).await?;
    }
    Ok(())
}
