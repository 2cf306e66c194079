//! Merging partial records into stored ones.

use super::{Writing, int, look, write::Replacements};
use crate::store::{
    PatchRow, RowOutcome,
    draft::Ready,
    merge,
    postgres::{
        Db,
        dataset::Dataset,
        fault::{Fault, Outcome},
    },
    row::{MERGED, UPDATED},
};

/// So many payloads are read at once, so that memory does not grow with the page.
const GROUP: usize = 1000;

/// Patches live records. One whose payload was pruned has nothing to merge with and counts as missing.
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
    let known = look::keys(db, dataset.id, &wanted).await?;
    let seqs: Vec<_> = known.iter().flatten().filter(|known| look::has_payload(known)).map(|known| known.seq).collect();
    let stored = look::payloads(db, dataset.id, &seqs).await?;

    let mut known = known.into_iter();
    let mut replacements = Replacements::default();
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
        rows.push(if unchanged {
            RowOutcome::Unchanged
        } else if at.yields(&known) {
            RowOutcome::SkippedNewer
        } else {
            dataset.bytes += int(merged.len()) - known.bytes;
            let content = at.content(&patch.id, at.regime.hasher.record(&merged), merged)?;
            replacements.push(&patch.id, [known.seq, dataset.next()], [UPDATED, MERGED], content);
            RowOutcome::Updated
        });
    }
    replacements.write(db, at, dataset.id).await
}
