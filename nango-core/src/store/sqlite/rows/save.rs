//! Saves of whole records.

use rusqlite::params;

use super::{ADDED_ACTION, DELETED_FLAG, KeyRow, MERGED_FLAG, PRUNED_FLAG, UPDATED_ACTION, WriteContext, to_i64};
use crate::{
    model::{Batch, BatchItem},
    store::{
        RowOutcome,
        failpoint::failpoint,
        hash::Hash,
        sqlite::{dataset::Dataset, error::DbResult, merge, page::PreparedWrite, scans},
        update_times::Age,
    },
};

const INSERT: &str = "INSERT INTO records (dataset, id, seq, last_action, first_seen_at, modified_at, run, payload, \
                      key_id) VALUES (?1, ?2, ?3, 0, ?4, ?4, ?5, ?6, ?7)";
const INSERT_KEY: &str =
    "INSERT INTO record_keys (dataset, id, hash, hash_version, rid, state, updated) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)";
const REPLACE: &str = "UPDATE records SET seq = ?2, last_action = ?3, first_seen_at = coalesce(?4, first_seen_at), \
                       modified_at = ?5, deleted_at = NULL, pruned_at = NULL, run = ?6, payload = ?7, key_id = ?8 \
                       WHERE rid = ?1";
const REPLACE_KEY: &str = "UPDATE record_keys SET hash = ?3, hash_version = ?4, state = 0, updated = ?5, older = NULL, \
                           older_walk = NULL WHERE dataset = ?1 AND id = ?2";
const RESTORE: &str = "UPDATE records SET payload = ?2, key_id = ?3, pruned_at = NULL WHERE rid = ?1";

/// Saves a batch; all its ids are marked as seen by an open scan.
pub(in crate::store::sqlite) fn save(
    at: &WriteContext<'_>,
    dataset: &mut Dataset,
    batch: &Batch,
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let sql = &at.db.sql;
    let mut finder = at.finder(batch.has_times())?;
    let mut insert = sql.prepare_cached(INSERT)?;
    let mut insert_key = sql.prepare_cached(INSERT_KEY)?;
    let version = at.hasher.version();
    let mut rows = Vec::with_capacity(batch.len());
    let mut seen = Vec::with_capacity(if dataset.scan.is_some() { batch.len() } else { 0 });
    for (item, (hash, duplicate)) in batch.iter().zip(prepared.hashes.iter().zip(&prepared.duplicate)) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let (rid, outcome) = match finder.find(dataset, item.id)? {
            None => {
                let seq = dataset.next_seq();
                let (payload, key) = at.seal.seal(item.id, item.payload)?;
                let rid = insert.insert(params![dataset.id, item.id, seq, at.committed_at, at.run, payload, key])?;
                failpoint!("page:record-half");
                insert_key.execute(params![dataset.id, item.id, hash, version, rid, item.updated])?;
                dataset.live += 1;
                dataset.bytes += to_i64(item.payload.len());
                (rid, RowOutcome::Added)
            }
            Some(known) if known.state == 0 && known.hash == *hash && known.hash_version == version => {
                at.store_times(dataset, item.id, known.times.after_unchanged_save(item.updated))?;
                (known.rid, RowOutcome::Unchanged)
            }
            Some(known) => (known.rid, save_existing(at, dataset, item, hash, &known)?),
        };
        rows.push(outcome);
        if dataset.scan.is_some() {
            seen.push(rid);
        }
    }
    if let Some(scan) = dataset.scan {
        scans::mark(at.db, scan, seen)?;
        failpoint!("page:marks");
    }
    Ok(rows)
}

/// Saves a record whose stored row differs in content, state or hash version.
fn save_existing(
    at: &WriteContext<'_>,
    dataset: &mut Dataset,
    item: BatchItem<'_>,
    hash: &Hash,
    known: &KeyRow,
) -> DbResult<RowOutcome> {
    let stored = at.payload_row(known.rid)?;
    let bytes = to_i64(item.payload.len());
    let deleted = known.state & DELETED_FLAG != 0;
    if !deleted && is_same(at, item, hash, known)? {
        if known.state != MERGED_FLAG || known.hash != *hash || known.hash_version != at.hasher.version() {
            // Same content with another order of keys, another hash version, or without its payload: no change for
            // readers.
            let (payload, key) = at.seal.seal(item.id, item.payload)?;
            at.db.sql.prepare_cached(RESTORE)?.execute(params![known.rid, payload, key])?;
        }
        replace_key(at, dataset, item, hash)?;
        dataset.bytes += bytes - stored.bytes;
        return Ok(RowOutcome::Unchanged);
    }
    if at.is_newer(&stored) {
        return Ok(RowOutcome::SkippedNewer);
    }
    if let Age::Older(times) = known.times.compare(item.updated, at.source()) {
        at.store_times(dataset, item.id, times)?;
        return Ok(RowOutcome::SkippedOlder);
    }
    let (action, first_seen_at, outcome) = if deleted {
        dataset.live += 1;
        dataset.bytes += bytes;
        (ADDED_ACTION, Some(at.committed_at), RowOutcome::Added)
    } else {
        dataset.bytes += bytes - stored.bytes;
        (UPDATED_ACTION, None, RowOutcome::Updated)
    };
    let (payload, key) = at.seal.seal(item.id, item.payload)?;
    let row = params![known.rid, dataset.next_seq(), action, first_seen_at, at.committed_at, at.run, payload, key];
    at.db.sql.prepare_cached(REPLACE)?.execute(row)?;
    replace_key(at, dataset, item, hash)?;
    Ok(outcome)
}

fn replace_key(at: &WriteContext<'_>, dataset: &Dataset, item: BatchItem<'_>, hash: &Hash) -> DbResult<()> {
    let row = params![dataset.id, item.id, hash, at.hasher.version(), item.updated];
    at.db.sql.prepare_cached(REPLACE_KEY)?.execute(row)?;
    Ok(())
}

/// Returns whether an active row has the content of `item`. Hashes are compared in the version of the row. If that
/// version is unknown, or a patch left the keys in a different order, the payloads are compared instead.
fn is_same(at: &WriteContext<'_>, item: BatchItem<'_>, hash: &Hash, known: &KeyRow) -> DbResult<bool> {
    let given = match known.hash_version {
        version if version == at.hasher.version() => Some(*hash),
        version => at.hasher.hash_record_as(version, item.payload),
    };
    match given {
        Some(given) if given == known.hash => return Ok(true),
        Some(_) if known.state & MERGED_FLAG == 0 => return Ok(false),
        _ if known.state & PRUNED_FLAG != 0 => return Ok(false),
        _ => {}
    }
    let stored = at.payload(known.rid, item.id)?;
    Ok(match (std::str::from_utf8(&stored), std::str::from_utf8(item.payload)) {
        (Ok(stored), Ok(given)) => merge::same_json(stored, given),
        _ => false,
    })
}
