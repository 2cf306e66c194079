//! Patches: merging partial records into stored ones.

use rusqlite::params;

use super::{DELETED_FLAG, MERGED_FLAG, PRUNED_FLAG, WriteContext, to_i64};
use crate::store::{
    PatchRow, RowOutcome,
    sqlite::{
        dataset::Dataset,
        error::{DbError, DbResult},
        merge,
        page::PreparedWrite,
        scans,
    },
    update_times::{Age, patch_time},
};

const ROW: &str = "UPDATE records SET seq = ?2, last_action = 1, modified_at = ?3, run = ?4, payload = ?5, key_id = ?6 \
                   WHERE rid = ?1";
const KEY: &str = "UPDATE record_keys SET hash = ?3, hash_version = ?4, state = ?5, updated = ?6, older = NULL, \
                   older_walk = NULL WHERE dataset = ?1 AND id = ?2";

/// Patches active records. A record whose payload was pruned cannot be merged and counts as missing. A patch that is
/// older than its record is skipped, but marks the record as seen by an open scan.
pub(in crate::store::sqlite) fn patch(
    at: &WriteContext<'_>,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let sql = &at.db.sql;
    let mut finder = at.finder(true)?;
    let mut rows = Vec::with_capacity(patches.len());
    let (mut merged, mut seen) = (Vec::new(), Vec::new());
    for (patch, duplicate) in patches.iter().zip(&prepared.duplicate) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let Some(known) = finder.find(dataset, &patch.id)?.filter(|row| row.state & (DELETED_FLAG | PRUNED_FLAG) == 0)
        else {
            rows.push(RowOutcome::Missing);
            continue;
        };
        merged.clear();
        let payload = at.payload(known.rid, &patch.id)?;
        let unchanged = std::str::from_utf8(&payload).ok().and_then(|stored| {
            merge::merge(stored, &patch.fields, &mut merged).ok()?;
            Some(merge::same_json(stored, std::str::from_utf8(&merged).ok()?))
        });
        let unchanged = unchanged.ok_or_else(|| DbError::damaged("a record"))?;
        let stored = at.payload_row(known.rid)?;
        rows.push(if unchanged {
            at.store_times(dataset, &patch.id, known.times.after_unchanged_save(patch_time(patch.updated)))?;
            RowOutcome::Unchanged
        } else if at.is_newer(&stored) {
            RowOutcome::SkippedNewer
        } else if let Age::Older(times) = known.times.compare(patch_time(patch.updated), at.source()) {
            at.store_times(dataset, &patch.id, times)?;
            seen.push(known.rid);
            RowOutcome::SkippedOlder
        } else {
            let (payload, key) = at.seal.seal(&patch.id, &merged)?;
            sql.prepare_cached(ROW)?.execute(params![
                known.rid,
                dataset.next_seq(),
                at.committed_at,
                at.run,
                payload,
                key
            ])?;
            let (hash, version) = (at.hasher.hash_record(&merged), at.hasher.version());
            let updated = known.times.after_patch(patch.updated);
            sql.prepare_cached(KEY)?.execute(params![dataset.id, patch.id, hash, version, MERGED_FLAG, updated])?;
            dataset.bytes += to_i64(merged.len()) - stored.bytes;
            RowOutcome::Updated
        });
    }
    if let Some(scan) = dataset.scan.filter(|_| !seen.is_empty()) {
        scans::mark(at.db, scan, seen)?;
    }
    Ok(rows)
}
