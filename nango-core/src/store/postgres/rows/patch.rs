//! Patches: merging partial records into stored ones.

use super::{WriteContext, lookup, times::TimeChanges, to_i64, write::Replacements};
use crate::store::{
    PatchRow, RowOutcome,
    hashed_page::PreparedWrite,
    merge,
    postgres::{
        Db,
        dataset::Dataset,
        error::{DbError, DbResult},
        scans,
    },
    row_flags::{MERGED_FLAG, UPDATED_ACTION},
    update_times::{Age, patch_time},
};

/// Number of payloads that are read at once; bounds the memory for a page.
const GROUP_ROWS: usize = 1000;

/// Patches active records. A record whose payload was pruned cannot be merged and counts as missing. A patch that is
/// older than its record is skipped, but marks the record as seen by an open scan.
pub(in crate::store::postgres) async fn patch(
    db: &mut Db,
    at: &WriteContext,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut rows = Vec::with_capacity(patches.len());
    for (patches, duplicate) in patches.chunks(GROUP_ROWS).zip(prepared.duplicate.chunks(GROUP_ROWS)) {
        patch_group(db, at, dataset, patches, duplicate, &mut rows).await?;
    }
    Ok(rows)
}

async fn patch_group(
    db: &mut Db,
    at: &WriteContext,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    duplicate: &[bool],
    rows: &mut Vec<RowOutcome>,
) -> DbResult<()> {
    let is_looked_up = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let looked_up = patches.iter().zip(duplicate).filter(|(row, dup)| is_looked_up(&row.id, **dup));
    let ids: Vec<&str> = looked_up.map(|(row, _)| &*row.id).collect();
    let known = lookup::find_keys(db, dataset.id, &ids, true).await?;
    let seqs: Vec<_> =
        known.iter().flatten().filter(|known| lookup::has_payload(known)).map(|known| known.seq).collect();
    let stored = lookup::payloads(db, dataset.id, &seqs).await?;

    let mut known = known.into_iter();
    let (mut replacements, mut times) = (Replacements::default(), TimeChanges::default());
    let mut seen = Vec::new();
    for (patch, duplicate) in patches.iter().zip(duplicate) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let known = if is_looked_up(&patch.id, false) { known.next().flatten() } else { None };
        let Some(known) = known.filter(lookup::has_payload) else {
            rows.push(RowOutcome::Missing);
            continue;
        };
        let damaged = || DbError::damaged("a record");
        let (stored, key) = stored.get(&known.seq).ok_or_else(damaged)?;
        let stored = at.seal.open(&patch.id, stored, *key)?;
        let stored = std::str::from_utf8(&stored).map_err(|_| damaged())?;
        let mut merged = Vec::with_capacity(stored.len());
        merge::merge(stored, &patch.fields, &mut merged).map_err(|_| damaged())?;
        let unchanged = merge::same_json(stored, std::str::from_utf8(&merged).map_err(|_| damaged())?);
        let time = patch_time(patch.updated);
        rows.push(if unchanged {
            times.push(&patch.id, known.times.after_unchanged_save(time));
            RowOutcome::Unchanged
        } else if at.is_newer(&known) {
            RowOutcome::SkippedNewer
        } else if let Age::Older(older) = known.times.compare(time, at.source()) {
            times.push(&patch.id, older);
            seen.push(known.rid);
            RowOutcome::SkippedOlder
        } else {
            dataset.bytes += to_i64(merged.len()) - known.bytes;
            let updated = known.times.after_patch(patch.updated);
            let content = at.content(&patch.id, at.policy.hasher.hash_record(&merged), merged, updated)?;
            replacements.push(&patch.id, [known.seq, dataset.next_seq()], [UPDATED_ACTION, MERGED_FLAG], content);
            RowOutcome::Updated
        });
    }
    replacements.write(db, at, dataset.id).await?;
    times.write(db, dataset.id).await?;
    if let Some(scan) = dataset.scan {
        scans::mark(db, scan.number, seen).await?;
    }
    Ok(())
}
