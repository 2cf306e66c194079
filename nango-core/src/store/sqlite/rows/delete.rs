//! Tombstones.

use rusqlite::params;

use super::{DELETED, Stored, Writing};
use crate::store::{
    DeleteRow, RowOutcome,
    sqlite::{dataset::Dataset, fault::Outcome, page::Ready},
    updated::{Age, Source, Times},
};

/// Deletes records by id: the last payload stays, an id that is not there is left alone. A delete is never the answer of a
/// full walk, so an older one does not win the second time.
pub(in crate::store::sqlite) fn delete(
    at: &Writing<'_>,
    dataset: &mut Dataset,
    deletes: &[DeleteRow],
    ready: &Ready,
) -> Outcome<Vec<RowOutcome>> {
    let mut finder = at.finder(deletes.iter().any(|row| row.at.is_some()))?;
    let source = Source { full_walk: None, ..at.source() };
    let mut rows = Vec::with_capacity(deletes.len());
    for (row, duplicate) in deletes.iter().zip(&ready.duplicate) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        rows.push(match finder.find(dataset, &row.id)? {
            Some(known) if known.state & DELETED == 0 => {
                let stored = at.stored(known.rid)?;
                if at.yields(&stored) {
                    RowOutcome::SkippedNewer
                } else if known.times.compare(row.at, source) != Age::Applies {
                    RowOutcome::SkippedOlder
                } else {
                    bury(at, dataset, &row.id, known.rid, &stored)?;
                    at.store_times(dataset, &row.id, row.at.map(|time| Times::of(Some(time))))?;
                    RowOutcome::Deleted
                }
            }
            Some(known) => {
                at.store_times(dataset, &row.id, known.times.buried(row.at, source))?;
                RowOutcome::Missing
            }
            None => RowOutcome::Missing,
        });
    }
    Ok(rows)
}

/// Turns the live row `rid` into a tombstone.
pub(in crate::store::sqlite) fn entomb(at: &Writing<'_>, dataset: &mut Dataset, id: &str, rid: i64) -> Outcome<()> {
    let stored = at.stored(rid)?;
    bury(at, dataset, id, rid, &stored)
}

fn bury(at: &Writing<'_>, dataset: &mut Dataset, id: &str, rid: i64, stored: &Stored) -> Outcome<()> {
    const ROW: &str =
        "UPDATE records SET seq = ?2, last_action = 2, modified_at = ?3, deleted_at = ?3, run = ?4 WHERE rid = ?1";
    const KEY: &str = "UPDATE record_keys SET state = state | 1, older = NULL, older_walk = NULL \
                       WHERE dataset = ?1 AND id = ?2";
    at.db.sql.prepare_cached(ROW)?.execute([rid, dataset.next(), at.stamp, at.run])?;
    at.db.sql.prepare_cached(KEY)?.execute(params![dataset.id, id])?;
    dataset.live -= 1;
    dataset.bytes -= stored.bytes;
    Ok(())
}
