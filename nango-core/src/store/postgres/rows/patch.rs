//! Merging partial records into stored ones.

use super::{Writing, int, look, times::TimeChanges, write::Replacements};
use crate::store::{
    PatchRow, RowOutcome,
    draft::Ready,
    merge,
    postgres::{
        Db,
        dataset::Dataset,
        fault::{Fault, Outcome},
        scans,
    },
    row::{MERGED, UPDATED},
    updated::{Age, patch_time},
};

/// So many payloads are read at once, so that memory does not grow with the page.
const GROUP: usize = 1000;

/// Patches live records. One whose payload was pruned has nothing to merge with and counts as missing; one that is older
/// than its record counts as seen by the scan that is open.
pub(in crate::store::postgres) async fn patch(
    db: &mut Db,
    at: &Writing,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    ready: &Ready,
) -> Outcome<Vec<RowOutcome>> {
    let mut rows = Vec::with_capacity(patches.len());
    for (patches, duplicate) in patches.chunks(GROUP).zip(ready.duplicate.chunks(GROUP)) {
        group(db, at, dataset, patches, duplicate, &mut rows).await?;
    }
    Ok(rows)
}

async fn group(
    db: &mut Db,
    at: &Writing,
    dataset: &mut Dataset,
    patches: &[PatchRow],
    duplicate: &[bool],
    rows: &mut Vec<RowOutcome>,
) -> Outcome<()> {
    let asked = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let wanted: Vec<&str> =
        patches.iter().zip(duplicate).filter(|(row, dup)| asked(&row.id, **dup)).map(|(row, _)| &*row.id).collect();
    let known = look::keys(db, dataset.id, &wanted, true).await?;
    let seqs: Vec<_> = known.iter().flatten().filter(|known| look::has_payload(known)).map(|known| known.seq).collect();
    let stored = look::payloads(db, dataset.id, &seqs).await?;

    let mut known = known.into_iter();
    let (mut replacements, mut times) = (Replacements::default(), TimeChanges::default());
    let mut seen = Vec::new();
    for (patch, duplicate) in patches.iter().zip(duplicate) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        let known = if asked(&patch.id, false) { known.next().flatten() } else { None };
        let Some(known) = known.filter(look::has_payload) else {
            rows.push(RowOutcome::Missing);
            continue;
        };
        let damaged = || Fault::damaged("a record");
        let (stored, key) = stored.get(&known.seq).ok_or_else(damaged)?;
        let stored = at.seal.open(&patch.id, stored, *key)?;
        let stored = std::str::from_utf8(&stored).map_err(|_| damaged())?;
        let mut merged = Vec::with_capacity(stored.len());
        merge::merge(stored, &patch.fields, &mut merged).map_err(|_| damaged())?;
        let unchanged = merge::same(stored, std::str::from_utf8(&merged).map_err(|_| damaged())?);
        let given = patch_time(patch.updated);
        rows.push(if unchanged {
            times.push(&patch.id, known.times.same(given));
            RowOutcome::Unchanged
        } else if at.yields(&known) {
            RowOutcome::SkippedNewer
        } else if let Age::Older(older) = known.times.compare(given, at.source()) {
            times.push(&patch.id, older);
            seen.push(known.rid);
            RowOutcome::SkippedOlder
        } else {
            dataset.bytes += int(merged.len()) - known.bytes;
            let updated = known.times.patched(patch.updated);
            let content = at.content(&patch.id, at.regime.hasher.record(&merged), merged, updated)?;
            replacements.push(&patch.id, [known.seq, dataset.next()], [UPDATED, MERGED], content);
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
