//! Merging partial records into stored ones.

use rusqlite::params;

use super::{DELETED, MERGED, PRUNED, Writing, find, int};
use crate::store::{
    PatchRow, RowOutcome,
    hash::VERSION,
    sqlite::{
        dataset::Dataset,
        fault::{Fault, Outcome},
        merge,
        page::Ready,
    },
};

const ROW: &str =
    "UPDATE records SET seq = ?2, last_action = 1, modified_at = ?3, run = ?4, payload = ?5 WHERE rid = ?1";
const KEY: &str = "UPDATE record_keys SET hash = ?3, hash_version = ?4, state = ?5 WHERE dataset = ?1 AND id = ?2";

/// Patches live records. One whose payload was pruned has nothing to merge with and counts as missing.
pub(in crate::store::sqlite) fn patch(
    at: &Writing<'_>,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    ready: &Ready,
) -> Outcome<Vec<RowOutcome>> {
    let sql = &at.db.sql;
    let mut finder = at.finder()?;
    let mut payload = sql.prepare_cached("SELECT payload FROM records WHERE rid = ?1")?;
    let mut rows = Vec::with_capacity(patches.len());
    let mut merged = Vec::new();
    for (patch, duplicate) in patches.iter().zip(&ready.duplicate) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let Some(known) = find(&mut finder, dataset, &patch.id)?.filter(|row| row.state & (DELETED | PRUNED) == 0)
        else {
            rows.push(RowOutcome::Missing);
            continue;
        };
        merged.clear();
        let unchanged = payload.query_row([known.rid], |row| {
            let stored = row.get_ref(0)?.as_blob()?;
            Ok(std::str::from_utf8(stored).ok().and_then(|stored| {
                merge::merge(stored, &patch.fields, &mut merged).ok()?;
                Some(merge::same(stored, std::str::from_utf8(&merged).ok()?))
            }))
        })?;
        let unchanged = unchanged.ok_or_else(|| Fault::damaged("a record"))?;
        let stored = at.stored(known.rid)?;
        rows.push(if unchanged {
            RowOutcome::Unchanged
        } else if at.yields(&stored) {
            RowOutcome::SkippedNewer
        } else {
            sql.prepare_cached(ROW)?.execute(params![known.rid, dataset.next(), at.stamp, at.run, merged])?;
            let hash = at.db.shared.hasher.record(&merged);
            sql.prepare_cached(KEY)?.execute(params![dataset.id, patch.id, hash, VERSION, MERGED])?;
            dataset.bytes += int(merged.len()) - stored.bytes;
            RowOutcome::Updated
        });
    }
    Ok(rows)
}
