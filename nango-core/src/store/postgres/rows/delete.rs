//! Deletes by id.

use super::{WriteContext, lookup, times::TimeChanges, write::Tombstones};
use crate::store::{
    DeleteRow, RowOutcome,
    hashed_page::PreparedWrite,
    postgres::{Db, dataset::Dataset, error::DbResult},
    row_flags::DELETED_FLAG,
    update_times::{Age, Source, UpdateTimes},
};

/// Deletes records by id; the last payload stays, and an unknown id is skipped. A delete is never part of a full walk,
/// so an older one does not win when it is repeated.
pub(in crate::store::postgres) async fn delete(
    db: &mut Db,
    at: &WriteContext,
    dataset: &mut Dataset,
    deletes: &[DeleteRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    // No record has a NUL in its id, and the server would refuse the parameter.
    let is_looked_up = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let ids: Vec<&str> = deletes
        .iter()
        .zip(&prepared.duplicate)
        .filter(|(row, dup)| is_looked_up(&row.id, **dup))
        .map(|(row, _)| row.id.as_str())
        .collect();
    let with_times = deletes.iter().any(|row| row.deleted_at.is_some());
    let mut known = lookup::find_keys(db, dataset.id, &ids, with_times).await?.into_iter();
    let source = Source { full_walk: None, ..at.source() };
    let (mut tombstones, mut times) = (Tombstones::default(), TimeChanges::default());
    let mut rows = Vec::with_capacity(deletes.len());
    for (row, duplicate) in deletes.iter().zip(&prepared.duplicate) {
        let known = if is_looked_up(&row.id, *duplicate) { known.next().flatten() } else { None };
        rows.push(match known {
            _ if *duplicate => RowOutcome::Duplicate,
            Some(known) if !known.has_flags(DELETED_FLAG) => {
                if at.is_newer(&known) {
                    RowOutcome::SkippedNewer
                } else if known.times.compare(row.deleted_at, source) != Age::Applies {
                    RowOutcome::SkippedOlder
                } else {
                    tombstones.push(&row.id, [known.seq, dataset.next_seq()]);
                    times.push(&row.id, row.deleted_at.map(|time| UpdateTimes::written(Some(time))));
                    dataset.live -= 1;
                    dataset.bytes -= known.bytes;
                    RowOutcome::Deleted
                }
            }
            Some(known) => {
                times.push(&row.id, known.times.after_repeated_delete(row.deleted_at, source));
                RowOutcome::Missing
            }
            None => RowOutcome::Missing,
        });
    }
    tombstones.write(db, dataset.id, at.committed_at, at.run).await?;
    times.write(db, dataset.id).await?;
    Ok(rows)
}
