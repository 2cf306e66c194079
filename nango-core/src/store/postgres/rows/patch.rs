//! Merging partial records into stored ones.

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

/// So many payloads are read at once, so that memory does not grow with the page.
const GROUP_ROWS: usize = 1000;

/// Patches live records. One whose payload was pruned has nothing to merge with and counts as missing; one that is older
/// than its record counts as seen by the scan that is open.
pub(in crate::store::postgres) async fn patch(
    db: &mut Db,
    at: &WriteContext,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    ready: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut rows = Vec::with_capacity(patches.len());
    for (patches, duplicate) in patches.chunks(GROUP_ROWS).zip(ready.duplicate.chunks(GROUP_ROWS)) {
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
    let asked = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let wanted: Vec<&str> =
        patches.iter().zip(duplicate).filter(|(row, dup)| asked(&row.id, **dup)).map(|(row, _)| &*row.id).collect();
    let known = lookup::find_keys(db, dataset.id, &wanted, true).await?;
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
        let known = if asked(&patch.id, false) { known.next().flatten() } else { None };
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
        let given = patch_time(patch.updated);
        rows.push(if unchanged {
            times.push(&patch.id, known.times.after_unchanged_save(given));
            RowOutcome::Unchanged
        } else if at.is_newer(&known) {
            RowOutcome::SkippedNewer
        } else if let Age::Older(older) = known.times.compare(given, at.source()) {
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
