//! Tombstones.

use super::{WriteContext, lookup, times::TimeChanges, write::Tombstones};
use crate::store::{
    DeleteRow, RowOutcome,
    hashed_page::PreparedWrite,
    postgres::{Db, dataset::Dataset, error::DbResult},
    row_flags::DELETED_FLAG,
    update_times::{Age, Source, UpdateTimes},
};

/// Deletes records by id: the last payload stays, an id that is not there is left alone. A delete is never the answer of a
/// full walk, so an older one does not win the second time.
pub(in crate::store::postgres) async fn delete(
    db: &mut Db,
    at: &WriteContext,
    dataset: &mut Dataset,
    deletes: &[DeleteRow],
    ready: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    // No record has a NUL in its id, and the server would not take the question.
    let asked = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let wanted: Vec<&str> = deletes
        .iter()
        .zip(&ready.duplicate)
        .filter(|(row, dup)| asked(&row.id, **dup))
        .map(|(row, _)| row.id.as_str())
        .collect();
    let with_times = deletes.iter().any(|row| row.deleted_at.is_some());
    let mut known = lookup::find_keys(db, dataset.id, &wanted, with_times).await?.into_iter();
    let source = Source { full_walk: None, ..at.source() };
    let (mut burials, mut times) = (Tombstones::default(), TimeChanges::default());
    let mut rows = Vec::with_capacity(deletes.len());
    for (row, duplicate) in deletes.iter().zip(&ready.duplicate) {
        let known = if asked(&row.id, *duplicate) { known.next().flatten() } else { None };
        rows.push(match known {
            _ if *duplicate => RowOutcome::Duplicate,
            Some(known) if !known.has_flags(DELETED_FLAG) => {
                if at.is_newer(&known) {
                    RowOutcome::SkippedNewer
                } else if known.times.compare(row.deleted_at, source) != Age::Applies {
                    RowOutcome::SkippedOlder
                } else {
                    burials.push(&row.id, [known.seq, dataset.next_seq()]);
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
    burials.write(db, dataset.id, at.committed_at, at.run).await?;
    times.write(db, dataset.id).await?;
    Ok(rows)
}
