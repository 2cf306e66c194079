//! Deletes by id, and tombstones.

use rusqlite::params;

use super::{DELETED_FLAG, PayloadRow, WriteContext};
use crate::store::{
    DeleteRow, RowOutcome,
    sqlite::{dataset::Dataset, error::DbResult, page::PreparedWrite},
    update_times::{Age, Source, UpdateTimes},
};

/// Deletes records by id; the last payload stays, and an unknown id is skipped. A delete is never part of a full walk,
/// so an older one does not win when it is repeated.
pub(in crate::store::sqlite) fn delete(
    at: &WriteContext<'_>,
    dataset: &mut Dataset,
    deletes: &[DeleteRow],
    prepared: &PreparedWrite,
) -> DbResult<Vec<RowOutcome>> {
    let mut finder = at.finder(deletes.iter().any(|row| row.deleted_at.is_some()))?;
    let source = Source { full_walk: None, ..at.source() };
    let mut rows = Vec::with_capacity(deletes.len());
    for (row, duplicate) in deletes.iter().zip(&prepared.duplicate) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        rows.push(match finder.find(dataset, &row.id)? {
            Some(known) if known.state & DELETED_FLAG == 0 => {
                let stored = at.payload_row(known.rid)?;
                if at.is_newer(&stored) {
                    RowOutcome::SkippedNewer
                } else if known.times.compare(row.deleted_at, source) != Age::Applies {
                    RowOutcome::SkippedOlder
                } else {
                    write_tombstone(at, dataset, &row.id, known.rid, &stored)?;
                    at.store_times(dataset, &row.id, row.deleted_at.map(|time| UpdateTimes::written(Some(time))))?;
                    RowOutcome::Deleted
                }
            }
            Some(known) => {
                at.store_times(dataset, &row.id, known.times.after_repeated_delete(row.deleted_at, source))?;
                RowOutcome::Missing
            }
            None => RowOutcome::Missing,
        });
    }
    Ok(rows)
}

/// Replaces the active record with this number by a tombstone.
pub(in crate::store::sqlite) fn tombstone(
    at: &WriteContext<'_>,
    dataset: &mut Dataset,
    id: &str,
    rid: i64,
) -> DbResult<()> {
    let stored = at.payload_row(rid)?;
    write_tombstone(at, dataset, id, rid, &stored)
}

fn write_tombstone(
    at: &WriteContext<'_>,
    dataset: &mut Dataset,
    id: &str,
    rid: i64,
    stored: &PayloadRow,
) -> DbResult<()> {
    const ROW: &str =
        "UPDATE records SET seq = ?2, last_action = 2, modified_at = ?3, deleted_at = ?3, run = ?4 WHERE rid = ?1";
    const KEY: &str = "UPDATE record_keys SET state = state | 1, older = NULL, older_walk = NULL \
                       WHERE dataset = ?1 AND id = ?2";
    at.db.sql.prepare_cached(ROW)?.execute([rid, dataset.next_seq(), at.committed_at, at.run])?;
    at.db.sql.prepare_cached(KEY)?.execute(params![dataset.id, id])?;
    dataset.live -= 1;
    dataset.bytes -= stored.bytes;
    Ok(())
}
