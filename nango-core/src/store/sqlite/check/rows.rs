//! Check of a dataset's records, in the order of the feed, and of the keys that refer to them.

use std::sync::Arc;

use rusqlite::{Row, params};

use crate::{
    store::{
        CheckReport, DatasetKey, Problem, StoreError,
        check::{DatasetRef, PassCounts, StoredPayload},
        encryption::DatasetSeal,
        row_flags::{DELETED_ACTION, DELETED_FLAG, MERGED_FLAG, PRUNED_FLAG, UPDATED_ACTION},
        sqlite::{Db, Sqlite, error::DbResult},
    },
    time::Timestamp,
};

/// Number of records that are read in one snapshot, and the maximum that is repaired in one transaction.
const STEP: usize = 2_000;

/// Position of the check in the feed: sequence and record number of the last record, and the latest commit time so far.
#[derive(Debug, Clone, Copy)]
struct CheckPosition {
    seq: i64,
    rid: i64,
    committed_at: Timestamp,
}

/// A record with a problem.
#[derive(Debug, Clone)]
struct Suspect {
    problem: Problem,
    rid: i64,
    id: String,
}

#[derive(Debug)]
struct Step {
    suspects: Vec<Suspect>,
    counts: PassCounts,
    position: CheckPosition,
    more: bool,
}

/// Checks all records of a dataset.
pub(super) async fn check(
    store: &Sqlite,
    target: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let (dataset, name, key) = (target.id, target.to_string(), Arc::new(target.key.clone()));
    let mut position = CheckPosition { seq: i64::MIN, rid: 0, committed_at: Timestamp::MIN };
    loop {
        let key = Arc::clone(&key);
        let step = store.read_with(move |db| read_step(db, dataset, &key, position)).await?;
        report.add_pass(&step.counts);
        let mut repaired = vec![false; step.suspects.len()];
        if repair && !step.suspects.is_empty() {
            let suspects = step.suspects.clone();
            repaired = store
                .write(move |db| {
                    suspects.iter().map(|suspect| repair_record(db, dataset, suspect)).collect::<DbResult<Vec<_>>>()
                })
                .await?;
        }
        for (suspect, repaired) in step.suspects.into_iter().zip(repaired) {
            report.add_finding(suspect.problem, &name, 1, u64::from(repaired), format!("record `{}`", suspect.id));
        }
        if !step.more {
            return Ok(());
        }
        position = step.position;
    }
}

fn read_step(db: &Db, dataset: i64, key: &DatasetKey, from: CheckPosition) -> DbResult<Step> {
    let mut select = db.sql.prepare_cached(
        "SELECT r.seq, r.rid, r.id, r.modified_at, r.last_action, r.deleted_at IS NOT NULL, r.pruned_at IS NOT NULL, \
         r.payload, r.key_id, k.rid, k.state, k.hash_version, k.hash, \
         EXISTS (SELECT 1 FROM records o WHERE o.rid = k.rid AND o.dataset = r.dataset AND o.id = r.id) \
         FROM records r LEFT JOIN record_keys k ON k.dataset = r.dataset AND k.id = r.id \
         WHERE r.dataset = ?1 AND (r.seq, r.rid) > (?2, ?3) ORDER BY r.seq, r.rid LIMIT ?4",
    )?;
    let mut rows = select.query(params![dataset, from.seq, from.rid, i64::try_from(STEP).unwrap_or(i64::MAX)])?;
    let seal = db.shared.vault.seal_for_reading(key);
    let mut step = Step { suspects: Vec::new(), counts: PassCounts::default(), position: from, more: false };
    while let Some(row) = rows.next()? {
        let (seq, rid, committed_at): (_, _, Timestamp) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let mut suspect = |problem| -> DbResult<()> {
            step.suspects.push(Suspect { problem, rid, id: row.get(2)? });
            Ok(())
        };
        if seq == step.position.seq {
            suspect(Problem::DuplicateSequence)?;
        }
        if committed_at < step.position.committed_at {
            suspect(Problem::TimestampRegression)?;
        }
        for problem in problems(db, row, rid, &seal, &mut step.counts)? {
            suspect(problem)?;
        }
        step.counts.records += 1;
        step.position = CheckPosition { seq, rid, committed_at: committed_at.max(step.position.committed_at) };
    }
    step.more = step.counts.records == STEP as u64;
    Ok(step)
}

/// Returns the problems of one record and its key.
fn problems(db: &Db, row: &Row<'_>, rid: i64, seal: &DatasetSeal, counts: &mut PassCounts) -> DbResult<Vec<Problem>> {
    let mut found = Vec::new();
    let payload = row.get_ref(7)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let (deleted, pruned): (bool, bool) = (row.get(5)?, row.get(6)?);
    let key: Option<i64> = row.get(9)?;
    let has_other_record: bool = row.get(13)?;
    if key != Some(rid) {
        found.push(if has_other_record { Problem::DuplicateId } else { Problem::MissingKeyRow });
    }
    let bits = if deleted { DELETED_FLAG } else { 0 } | if pruned { PRUNED_FLAG } else { 0 };
    let state: Option<i64> = row.get(10)?;
    let state_differs = key == Some(rid) && state.is_some_and(|state| state & !MERGED_FLAG != bits);
    if state_differs || pruned != payload.is_none() || deleted != (row.get::<_, i64>(4)? == DELETED_ACTION) {
        found.push(Problem::State);
    }
    if let Some(payload) = payload {
        let hash: Option<i64> = if key == Some(rid) { row.get(11)? } else { None };
        let hash = hash.map(|version| row.get(12).map(|hash| (version, hash))).transpose()?;
        let id: String = row.get(2)?;
        found.extend(counts.inspect(
            &db.shared.vault,
            seal,
            StoredPayload { id: &id, payload, key: row.get(8)?, hash },
        )?);
    }
    Ok(found)
}

/// Repairs one record, if its problem still exists. Returns whether it is sound now.
fn repair_record(db: &Db, dataset: i64, suspect: &Suspect) -> DbResult<bool> {
    let Suspect { problem, rid, id } = suspect;
    let execute = |sql: &str| -> DbResult<()> {
        db.sql.prepare_cached(sql)?.execute(params![dataset, id, rid])?;
        Ok(())
    };
    match problem {
        // An all-zero hash of version 0 matches no content: the next save compares the payloads.
        Problem::MissingKeyRow => execute(
            "INSERT OR REPLACE INTO record_keys (dataset, id, hash, hash_version, rid, state) \
             SELECT dataset, id, zeroblob(16), 0, rid, (deleted_at IS NOT NULL) | (pruned_at IS NOT NULL) << 1 \
             FROM records r WHERE rid = ?3 AND dataset = ?1 AND id = ?2 AND NOT EXISTS (SELECT 1 FROM record_keys k \
             JOIN records o ON o.rid = k.rid AND o.dataset = k.dataset AND o.id = k.id \
             WHERE k.dataset = ?1 AND k.id = ?2)",
        )?,
        Problem::State => {
            let action = format!(
                "UPDATE records SET last_action = CASE WHEN deleted_at IS NOT NULL THEN {DELETED_ACTION} \
                 WHEN last_action = {DELETED_ACTION} THEN {UPDATED_ACTION} ELSE last_action END, \
                 pruned_at = CASE WHEN payload IS NULL THEN coalesce(pruned_at, modified_at) END \
                 WHERE rid = ?3 AND dataset = ?1 AND id = ?2"
            );
            execute(&action)?;
            execute(
                "UPDATE record_keys SET state = (SELECT (deleted_at IS NOT NULL) | (pruned_at IS NOT NULL) << 1 \
                 FROM records WHERE rid = ?3) | (state & 4) WHERE dataset = ?1 AND id = ?2 AND rid = ?3",
            )?;
        }
        Problem::Hash => {
            execute(
                "UPDATE record_keys SET hash = zeroblob(16), hash_version = 0 \
                 WHERE dataset = ?1 AND id = ?2 AND rid = ?3",
            )?;
        }
        // Without an update time, the next save replaces the payload, however old it is.
        Problem::Payload => {
            execute(
                "UPDATE record_keys SET hash = zeroblob(16), hash_version = 0, updated = NULL, older = NULL, \
                 older_walk = NULL WHERE dataset = ?1 AND id = ?2 AND rid = ?3",
            )?;
        }
        // A payload that cannot be decrypted gets a hash of the current version that no content has: the next save
        // replaces the payload without decrypting it.
        Problem::Seal => {
            let version = db.shared.vault.latest_policy().hasher.version();
            execute(&format!(
                "UPDATE record_keys SET hash = zeroblob(16), hash_version = {version}, state = state & ~{MERGED_FLAG}, \
                 updated = NULL, older = NULL, older_walk = NULL WHERE dataset = ?1 AND id = ?2 AND rid = ?3"
            ))?;
        }
        _ => return Ok(false),
    }
    Ok(!matches!(problem, Problem::Payload | Problem::Seal))
}

/// Checks for keys without a record.
pub(super) async fn check_keys(
    store: &Sqlite,
    target: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    const ORPHANED: &str = "k.dataset = ?1 AND NOT EXISTS \
                        (SELECT 1 FROM records r WHERE r.rid = k.rid AND r.dataset = k.dataset AND r.id = k.id)";
    let dataset = target.id;
    let find = format!("SELECT k.id FROM record_keys k WHERE {ORPHANED} AND k.id > ?2 ORDER BY k.id LIMIT {STEP}");
    let delete = format!("DELETE FROM record_keys AS k WHERE {ORPHANED} AND k.id = ?2");
    let mut after = String::new();
    loop {
        let (find, from) = (find.clone(), after.clone());
        let ids = store
            .read_with(move |db| {
                let mut find = db.sql.prepare_cached(&find)?;
                let found =
                    find.query_map(params![dataset, from], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
                Ok(found)
            })
            .await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = last.clone();
        let (count, example) = (ids.len() as u64, format!("id `{}`", ids[0]));
        let mut repaired = 0;
        if repair {
            let delete = delete.clone();
            store
                .write(move |db| {
                    let mut delete = db.sql.prepare_cached(&delete)?;
                    for id in &ids {
                        delete.execute(params![dataset, id])?;
                    }
                    Ok(())
                })
                .await?;
            repaired = count;
        }
        report.add_finding(Problem::MissingPayloadRow, &target.to_string(), count, repaired, example);
    }
}
