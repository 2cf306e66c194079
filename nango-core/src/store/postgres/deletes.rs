//! Delete candidates: selection at the end of a scan, stored states of pending ones, and tombstones.
//!
//! The decisions are made in [`crate::store::deletes`]. Invariants: a state belongs to an active record that the latest
//! complete scan of its dataset did not see; `waits` of a dataset is set while it has states; memory does not grow with
//! the number of candidates.

use std::collections::HashMap;
#[cfg(debug_assertions)]
use std::time::Duration;

use sqlx::{Row as _, postgres::PgRow};

use super::{
    Db,
    children::child_candidates,
    dataset::{Dataset, OpenScan},
    error::{DbError, DbResult},
    feed, fence,
    rows::Tombstones,
    to_i64, to_u64,
};
#[cfg(debug_assertions)]
use crate::store::stored_span;
use crate::{
    store::{
        DatasetKey, DeletePolicy, FeedRow, FinishScan, ParentKey, PendingDeletes, RunToken, Scan, StoreError,
        decide::delete,
        deletes::{
            CandidateEvaluator, CandidateGroup, CandidateState, CandidateTotals, Decision, ScanStart, confirmed_deleted,
        },
        failpoint::failpoint,
    },
    time::Timestamp,
};

/// Number of candidates that are fetched before anything is written.
pub(super) const BATCH_SIZE: usize = 4096;

/// SQL fragment: the candidates of the scan `$2` of the dataset `$1` that began after the sequence number `$3`, joined
/// with other tables.
macro_rules! scan_candidates {
    ($joins:expr) => {
        concat!(
            "nango_rs.record_keys k LEFT JOIN nango_rs.scan_marks m ON m.scan = $2 AND m.chunk = k.rid / 4096",
            $joins,
            " WHERE k.dataset = $1 AND k.state & 1 = 0 AND k.seq <= $3 \
             AND (m.bits IS NULL OR get_bit(m.bits, (k.rid % 4096)::int) = 0)"
        )
    };
}
pub(super) use scan_candidates;

/// Deletes the stored states of candidates.
pub(super) async fn drop_states(db: &mut Db, dataset: i64, ids: &[&str]) -> DbResult<()> {
    const DELETE: &str = "DELETE FROM nango_rs.delete_states WHERE dataset = $1 AND id = ANY($2)";
    if !ids.is_empty() {
        db.query(DELETE).bind(dataset).bind(ids).execute(&mut *db.sql).await?;
    }
    Ok(())
}

/// Makes the planner match keys with marks by a hash of the marks, which are few, instead of a loop over them per key.
pub(super) async fn prefer_hash_join(db: &mut Db, hash: bool) -> DbResult<()> {
    let set = if hash { "SET LOCAL enable_nestloop = off" } else { "SET LOCAL enable_nestloop = on" };
    sqlx::raw_sql(set).execute(&mut *db.sql).await?;
    Ok(())
}

/// A candidate: its id, its sequence number, and the size of its payload in bytes.
pub(super) type Candidate = (String, i64, i32);

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

async fn candidate_states(
    db: &mut Db,
    dataset: i64,
    candidates: &[Candidate],
) -> DbResult<HashMap<String, CandidateState>> {
    const STORED: &str = "SELECT i.id, s.* FROM unnest($2::text[]) i(id) CROSS JOIN LATERAL (SELECT first_missed_at, \
                          confirmations, needed, shifted, asked_at, by_request, brought_forward, fingerprint, held, \
                          confirmed FROM nango_rs.delete_states WHERE dataset = $1 AND id = i.id OFFSET 0) s";
    type Row = (String, Timestamp, i64, i64, bool, Option<Timestamp>, bool, bool, Vec<u8>, i64, bool);
    let ids: Vec<&str> = candidates.iter().map(|(id, ..)| id.as_str()).collect();
    let rows: Vec<Row> = db.query_as(STORED).bind(dataset).bind(ids).fetch_all(&mut *db.sql).await?;
    let state = |row: Row| {
        let (id, first_missed_at, confirmations, needed, shifted, asked_at, by_request, is_early, ..) = row;
        let (fingerprint, held, confirmed) = (row.8, row.9, row.10);
        let fingerprint = fingerprint.try_into().map_err(|_| DbError::damaged("a delete state"))?;
        let state = CandidateState {
            first_missed_at,
            confirmations,
            needed,
            shifted,
            asked_at,
            by_request,
            is_early,
            fingerprint,
            held,
            confirmed,
        };
        Ok((id, state))
    };
    rows.into_iter().map(state).collect()
}

/// States that are written in one statement.
#[derive(Debug, Default)]
struct States<'a> {
    ids: Vec<&'a str>,
    states: Vec<CandidateState>,
}

impl<'a> States<'a> {
    fn push(&mut self, id: &'a str, state: CandidateState) {
        self.ids.push(id);
        self.states.push(state);
    }

    async fn write(&self, db: &mut Db, dataset: i64, scan: i64, parent: Option<ParentKey>) -> DbResult<()> {
        const PUT: &str = "INSERT INTO nango_rs.delete_states (dataset, scan, id, first_missed_at, confirmations, \
             needed, shifted, asked_at, by_request, brought_forward, fingerprint, held, confirmed, parent) \
             SELECT $1, $2, unnest($3::text[]), unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bigint[]), \
             unnest($7::boolean[]), unnest($8::bigint[]), unnest($9::boolean[]), unnest($10::boolean[]), \
             unnest($11::bytea[]), unnest($12::bigint[]), unnest($13::boolean[]), $14 \
             ON CONFLICT (dataset, id) DO UPDATE SET scan = excluded.scan, first_missed_at = excluded.first_missed_at, \
             confirmations = excluded.confirmations, needed = excluded.needed, shifted = excluded.shifted, \
             asked_at = excluded.asked_at, by_request = excluded.by_request, \
             brought_forward = excluded.brought_forward, fingerprint = excluded.fingerprint, held = excluded.held, \
             confirmed = excluded.confirmed, parent = excluded.parent";
        if self.ids.is_empty() {
            return Ok(());
        }
        let put = db.query(PUT).bind(dataset).bind(scan).bind(&self.ids);
        put.bind(self.column(|state| state.first_missed_at))
            .bind(self.column(|state| state.confirmations))
            .bind(self.column(|state| state.needed))
            .bind(self.column(|state| state.shifted))
            .bind(self.column(|state| state.asked_at))
            .bind(self.column(|state| state.by_request))
            .bind(self.column(|state| state.is_early))
            .bind(self.column(|state| state.fingerprint))
            .bind(self.column(|state| state.held))
            .bind(self.column(|state| state.confirmed))
            .bind(parent.map(|parent| parent.0.to_vec()))
            .execute(&mut *db.sql)
            .await?;
        Ok(())
    }

    fn column<T>(&self, of: impl Fn(&CandidateState) -> T) -> Vec<T> {
        self.states.iter().map(of).collect()
    }
}

/// Returns the totals over the states of a dataset.
pub(super) async fn candidate_totals(db: &mut Db, dataset: i64) -> DbResult<CandidateTotals> {
    const ADD_UP: &str = "SELECT count(*), count(*) FILTER (WHERE held <> 0), coalesce(max(held), 0), \
         count(*) FILTER (WHERE NOT confirmed), min(first_missed_at), \
         min(first_missed_at) FILTER (WHERE NOT brought_forward), \
         coalesce(max(needed) FILTER (WHERE NOT brought_forward), 0), \
         count(*) FILTER (WHERE NOT brought_forward AND held = 0), \
         (SELECT d.brought_forward FROM nango_rs.datasets d WHERE d.id = $1) \
         FROM nango_rs.delete_states WHERE dataset = $1";
    let row = db.query(ADD_UP).bind(dataset).fetch_one(&mut *db.sql).await?;
    totals_of_row(&row)
}

/// Reads totals from the first nine columns.
pub(super) fn totals_of_row(row: &PgRow) -> DbResult<CandidateTotals> {
    Ok(CandidateTotals {
        states: to_u64(row.try_get(0)?),
        held: to_u64(row.try_get(1)?),
        held_by: row.try_get(2)?,
        unconfirmed: to_u64(row.try_get(3)?),
        first_missed_at: row.try_get(4)?,
        triggering_since: row.try_get(5)?,
        triggering_needed: row.try_get(6)?,
        triggering_unheld: to_u64(row.try_get(7)?),
        early_full_runs: row.try_get(8)?,
    })
}

/// Returns the deletes of a dataset that await a decision.
pub(super) async fn pending_deletes(db: &mut Db, key: &DatasetKey, policy: &DeletePolicy) -> DbResult<PendingDeletes> {
    Ok(match feed::find_dataset(db, key).await? {
        Some(dataset) => candidate_totals(db, dataset.id).await?.pending_deletes(policy),
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
