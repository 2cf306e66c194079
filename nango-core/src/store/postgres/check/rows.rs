//! Check of a dataset's records, in the order of the feed, and of the keys that refer to them.

use futures_util::TryStreamExt;
use sqlx::{Row, postgres::PgRow};

use crate::{
    store::{
        CheckReport, Problem, StoreError,
        check::{DatasetRef, PassCounts, StoredPayload},
        encryption::DatasetSeal,
        hash::Hash,
        postgres::{
            Db, Postgres,
            dataset::Dataset,
            error::{DbError, DbResult},
            rows::plain_size,
        },
        row_flags::{DELETED_ACTION, DELETED_FLAG, MERGED_FLAG, PRUNED_FLAG, UPDATED_ACTION},
    },
    time::Timestamp,
};

/// Number of rows that are read in one snapshot, and the maximum that is repaired in one transaction.
pub(super) const STEP: i64 = 2_000;

/// Position of the check in the feed: sequence number, and the latest commit time so far.
type CheckPosition = (i64, Timestamp);

/// A record with a problem.
#[derive(Debug, Clone)]
struct Suspect {
    problem: Problem,
    seq: i64,
    id: String,
}

#[derive(Debug)]
struct Step {
    suspects: Vec<Suspect>,
    counts: PassCounts,
    position: CheckPosition,
}

/// Checks all records of a dataset.
pub(super) async fn check(
    store: &Postgres,
    dataset: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let name = dataset.to_string();
    let mut position = (i64::MIN, Timestamp::MIN);
    loop {
        let step = store.read_with((dataset.clone(), position), |db, (dataset, position)| {
            Box::pin(read_step(db, dataset, *position))
        });
        let step = step.await?;
        report.add_pass(&step.counts);
        let mut suspects = step.suspects;
        let mut repaired = vec![false; suspects.len()];
        if repair && !suspects.is_empty() {
            let work = store.write_returning_input((dataset.clone(), suspects), |db, (dataset, suspects)| {
                Box::pin(repair_records(db, dataset, suspects))
            });
            ((_, suspects), repaired) = work.await?;
        }
        for (suspect, repaired) in suspects.into_iter().zip(repaired) {
            report.add_finding(suspect.problem, &name, 1, u64::from(repaired), format!("record `{}`", suspect.id));
        }
        if step.counts.records < STEP.unsigned_abs() {
            return Ok(());
        }
        position = step.position;
    }
}

async fn read_step(db: &mut Db, dataset: &DatasetRef, from: CheckPosition) -> DbResult<Step> {
    // Values that are stored in both rows of a record must be equal.
    const READ: &str = concat!(
        "SELECT r.seq, r.id, r.modified_at, r.last_action, r.deleted_at IS NOT NULL, \
         r.pruned_at IS NOT NULL, r.key_id, r.payload, k.seq, k.state, k.hash_version, k.hash, \
         (k.bytes, k.modified_at, k.run) = (coalesce(r.size, 0), r.modified_at, r.run), \
         EXISTS (SELECT 1 FROM nango_rs.records o WHERE o.dataset = $1 AND o.seq = k.seq AND o.id = r.id) \
         FROM (SELECT *, ",
        plain_size!(),
        " AS size FROM nango_rs.records WHERE dataset = $1 AND seq > $2 ORDER BY seq LIMIT $3) r LEFT JOIN LATERAL \
         (SELECT * FROM nango_rs.record_keys WHERE dataset = $1 AND id = r.id OFFSET 0) k ON TRUE ORDER BY r.seq"
    );
    let seal = db.shared.vault.seal_for_reading(&dataset.key);
    let shared = std::sync::Arc::clone(&db.shared);
    let mut step = Step { suspects: Vec::new(), counts: PassCounts::default(), position: from };
    let mut rows = db.query(READ).bind(dataset.id).bind(from.0).bind(STEP).fetch(&mut *db.sql);
    while let Some(row) = rows.try_next().await? {
        let (seq, committed_at): (i64, Timestamp) = (row.try_get(0)?, row.try_get(2)?);
        let mut problems = problems(&row, &shared.vault, &seal, &mut step.counts)?;
        if committed_at < step.position.1 {
            problems.insert(0, Problem::TimestampRegression);
        }
        for problem in problems {
            step.suspects.push(Suspect { problem, seq, id: row.try_get(1)? });
        }
        step.counts.records += 1;
        step.position = (seq, committed_at.max(step.position.1));
    }
    Ok(step)
}

/// Returns the problems of one record and its key.
fn problems(
    row: &PgRow,
    vault: &crate::store::encryption::Vault,
    seal: &DatasetSeal,
    counts: &mut PassCounts,
) -> DbResult<Vec<Problem>> {
    let mut found = Vec::new();
    let (seq, id): (i64, &str) = (row.try_get(0)?, row.try_get(1)?);
    let (action, deleted, pruned): (i16, bool, bool) = (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
    let payload: Option<&[u8]> = row.try_get(7)?;
    let has_key = row.try_get::<Option<i64>, _>(8)? == Some(seq);
    if !has_key {
        found.push(if row.try_get(13)? { Problem::DuplicateId } else { Problem::MissingKeyRow });
    }
    let bits = if deleted { DELETED_FLAG } else { 0 } | if pruned { PRUNED_FLAG } else { 0 };
    let state: Option<i16> = row.try_get(9)?;
    let keys_differ = has_key
        && (state.is_some_and(|state| i64::from(state) & !MERGED_FLAG != bits)
            || row.try_get::<Option<bool>, _>(12)? == Some(false));
    if keys_differ || pruned != payload.is_none() || deleted != (i64::from(action) == DELETED_ACTION) {
        found.push(Problem::State);
    }
    if let Some(payload) = payload {
        let hash = match (has_key, row.try_get::<Option<i16>, _>(10)?, row.try_get::<Option<&[u8]>, _>(11)?) {
            (true, Some(version), Some(hash)) => {
                let hash: Hash = hash.try_into().map_err(|_| DbError::damaged("the hash of a record"))?;
                Some((version.into(), hash))
            }
            _ => None,
        };
        found.extend(counts.inspect(vault, seal, StoredPayload { id, payload, key: row.try_get(6)?, hash })?);
    }
    Ok(found)
}

/// Repairs records under the dataset's lock, one after another: repairs are rare. Returns which of them are sound now.
async fn repair_records(db: &mut Db, dataset: &DatasetRef, suspects: &[Suspect]) -> DbResult<Vec<bool>> {
    const MAX_RID: &str = "SELECT coalesce(max(rid), 0) FROM nango_rs.record_keys WHERE dataset = $1";
    const SET_LAST_RID: &str = "UPDATE nango_rs.datasets SET rids = $2 WHERE id = $1";
    let Some(dataset) = Dataset::find(db, &dataset.key).await? else { return Ok(vec![false; suspects.len()]) };
    let mut rids = dataset.last_rid;
    if suspects.iter().any(|suspect| suspect.problem == Problem::MissingKeyRow) {
        // The row of the dataset may itself be damaged.
        rids = rids.max(db.query_scalar(MAX_RID).bind(dataset.id).fetch_one(&mut *db.sql).await?);
    }
    let mut repaired = Vec::with_capacity(suspects.len());
    for suspect in suspects {
        rids += i64::from(suspect.problem == Problem::MissingKeyRow);
        repaired.push(repair_record(db, dataset.id, suspect, rids).await?);
    }
    if rids > dataset.last_rid {
        db.query(SET_LAST_RID).bind(dataset.id).bind(rids).execute(&mut *db.sql).await?;
    }
    Ok(repaired)
}

/// Repairs one record, if its problem still exists. Returns whether it is sound now.
async fn repair_record(db: &mut Db, dataset: i64, suspect: &Suspect, rid: i64) -> DbResult<bool> {
    // An all-zero hash of version 0 matches no content: the next save compares the payloads.
    const KEY: &str = concat!(
        "INSERT INTO nango_rs.record_keys AS k \
         (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, id) \
         SELECT r.dataset, $4, r.seq, r.modified_at, r.run, coalesce(",
        plain_size!(),
        ", 0), 0, (r.deleted_at IS NOT NULL)::int | (r.pruned_at IS NOT NULL)::int << 1, \
         decode(repeat('00', 16), 'hex'), r.id FROM nango_rs.records r WHERE r.dataset = $1 AND r.seq = $2 \
         AND r.id = $3 AND NOT EXISTS (SELECT 1 FROM nango_rs.record_keys e JOIN nango_rs.records o \
         ON o.dataset = $1 AND o.seq = e.seq AND o.id = $3 WHERE e.dataset = $1 AND e.id = $3) \
         ON CONFLICT (dataset, id) DO UPDATE SET seq = excluded.seq, modified_at = excluded.modified_at, \
         run = excluded.run, bytes = excluded.bytes, hash_version = 0, state = excluded.state, hash = excluded.hash, \
         updated = NULL, older = NULL, older_walk = NULL"
    );
    const ROW: &str = "UPDATE nango_rs.records SET last_action = CASE WHEN deleted_at IS NOT NULL THEN $4 \
         WHEN last_action = $4 THEN $5 ELSE last_action END, \
         pruned_at = CASE WHEN payload IS NULL THEN coalesce(pruned_at, modified_at) END \
         WHERE dataset = $1 AND seq = $2 AND id = $3";
    const STATE: &str = concat!(
        "UPDATE nango_rs.record_keys k SET modified_at = r.modified_at, run = r.run, bytes = r.size, \
         state = r.bits | (k.state & 4) FROM (SELECT modified_at, run, coalesce(",
        plain_size!(),
        ", 0) AS size, (deleted_at IS NOT NULL)::int | (pruned_at IS NOT NULL)::int << 1 AS bits \
         FROM nango_rs.records WHERE dataset = $1 AND seq = $2 AND id = $3) r \
         WHERE k.dataset = $1 AND k.seq = $2 AND k.id = $3"
    );
    const HASH: &str = "UPDATE nango_rs.record_keys SET hash = decode(repeat('00', 16), 'hex'), hash_version = $4, \
                        state = state & ~$5::smallint WHERE dataset = $1 AND seq = $2 AND id = $3";
    const TIMES: &str = "UPDATE nango_rs.record_keys SET updated = NULL, older = NULL, older_walk = NULL \
                         WHERE dataset = $1 AND seq = $2 AND id = $3";
    let Suspect { problem, seq, id } = suspect;
    let small = |number: i64| i16::try_from(number).unwrap_or(0);
    match problem {
        Problem::MissingKeyRow => {
            db.query(KEY).bind(dataset).bind(seq).bind(id).bind(rid).execute(&mut *db.sql).await?;
        }
        Problem::State => {
            let row =
                db.query(ROW).bind(dataset).bind(seq).bind(id).bind(small(DELETED_ACTION)).bind(small(UPDATED_ACTION));
            row.execute(&mut *db.sql).await?;
            db.query(STATE).bind(dataset).bind(seq).bind(id).execute(&mut *db.sql).await?;
        }
        // A payload that cannot be decrypted gets a hash of the current version that no content has: the next save
        // replaces the payload without decrypting it.
        Problem::Hash | Problem::Payload | Problem::Seal => {
            let current = db.shared.vault.latest_policy().hasher.version();
            let (version, bits) = if *problem == Problem::Seal { (current, MERGED_FLAG) } else { (0, 0) };
            let hash = db.query(HASH).bind(dataset).bind(seq).bind(id).bind(small(version)).bind(small(bits));
            hash.execute(&mut *db.sql).await?;
            if *problem != Problem::Hash {
                // Without an update time, the next save replaces the payload, however old it is.
                db.query(TIMES).bind(dataset).bind(seq).bind(id).execute(&mut *db.sql).await?;
            }
        }
        _ => return Ok(false),
    }
    Ok(!matches!(problem, Problem::Payload | Problem::Seal))
}

/// Checks for keys without a record.
pub(super) async fn check_keys(
    store: &Postgres,
    dataset: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let orphaned =
            store.read_with((dataset.id, after), |db, (dataset, after)| Box::pin(orphaned_keys(db, *dataset, after)));
        let ids = orphaned.await?;
        let Some(end) = ids.last() else { return Ok(()) };
        after = end.clone();
        let (count, example) = (ids.len() as u64, format!("id `{}`", ids[0]));
        if repair {
            store.write((dataset.clone(), ids), |db, (dataset, ids)| Box::pin(delete_keys(db, dataset, ids))).await?;
        }
        report.add_finding(
            Problem::MissingPayloadRow,
            &dataset.to_string(),
            count,
            if repair { count } else { 0 },
            example,
        );
    }
}

macro_rules! has_no_record {
    () => {
        "NOT EXISTS (SELECT 1 FROM nango_rs.records r WHERE r.dataset = $1 AND r.seq = k.seq AND r.id = k.id)"
    };
}

async fn orphaned_keys(db: &mut Db, dataset: i64, after: &str) -> DbResult<Vec<String>> {
    const ORPHANED: &str = concat!(
        "SELECT k.id FROM nango_rs.record_keys k WHERE k.dataset = $1 AND k.id > $2 AND ",
        has_no_record!(),
        " ORDER BY k.id LIMIT $3"
    );
    // Each key is looked up in the index of the records, and nothing is sorted.
    sqlx::raw_sql("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off").execute(&mut *db.sql).await?;
    Ok(db.query_scalar(ORPHANED).bind(dataset).bind(after).bind(STEP).fetch_all(&mut *db.sql).await?)
}

async fn delete_keys(db: &mut Db, dataset: &DatasetRef, ids: &[String]) -> DbResult<()> {
    const DELETE: &str =
        concat!("DELETE FROM nango_rs.record_keys k WHERE k.dataset = $1 AND k.id = ANY($2) AND ", has_no_record!());
    if Dataset::find(db, &dataset.key).await?.is_some() {
        db.query(DELETE).bind(dataset.id).bind(ids).execute(&mut *db.sql).await?;
    }
    Ok(())
}
