//! Tombstones.

use rusqlite::params;

use super::{DELETED, Stored, Writing, find};
use crate::store::{
    RowOutcome,
    sqlite::{dataset::Dataset, fault::Outcome, page::Ready},
};

/// Deletes records by id: the last payload stays, an id that is not there is left alone.
pub(in crate::store::sqlite) fn delete(
    at: &Writing<'_>,
    dataset: &mut Dataset,
    ids: &[String],
    ready: &Ready,
) -> Outcome<Vec<RowOutcome>> {
    let mut finder = at.finder()?;
    let mut rows = Vec::with_capacity(ids.len());
    for (id, duplicate) in ids.iter().zip(&ready.duplicate) {
        if *duplicate {
            rows.push(RowOutcome::Duplicate);
            continue;
        }
        rows.push(match find(&mut finder, dataset, id)? {
            Some(known) if known.state & DELETED == 0 => {
                let stored = at.stored(known.rid)?;
                if at.yields(&stored) {
                    RowOutcome::SkippedNewer
                } else {
                    bury(at, dataset, id, known.rid, &stored)?;
                    RowOutcome::Deleted
                }
            }
            _ => RowOutcome::Missing,
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
    const KEY: &str = "UPDATE record_keys SET state = state | 1 WHERE dataset = ?1 AND id = ?2";
    at.db.sql.prepare_cached(ROW)?.execute([rid, dataset.next(), at.stamp, at.run])?;
    at.db.sql.prepare_cached(KEY)?.execute(params![dataset.id, id])?;
    dataset.live -= 1;
    dataset.bytes -= stored.bytes;
    Ok(())
}
