//! The rows of datasets: counts, sequence and stamp.

use rusqlite::Row;

use super::Sqlite;
use crate::store::{
    CheckReport, DatasetKey, StoreError,
    check::{DatasetRef, DatasetTotals},
    sqlite::{Db, error::DbResult},
};

/// All datasets.
pub(super) fn list(db: &Db) -> DbResult<Vec<DatasetRef>> {
    let mut list =
        db.sql.prepare_cached("SELECT id, integration, connection, model, variant FROM datasets ORDER BY id")?;
    let read = |row: &Row<'_>| {
        let (integration, connection) = (row.get(1)?, row.get(2)?);
        let key = DatasetKey { integration, connection, model: row.get(3)?, variant: row.get(4)? };
        Ok(DatasetRef { id: row.get(0)?, key })
    };
    Ok(list.query_map([], read)?.collect::<Result<_, _>>()?)
}

/// Compares a dataset's row with its records.
pub(super) async fn check(
    store: &Sqlite,
    place: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let id = place.id;
    let Some((noted, counted)) = store.read_with(move |db| compare(db, id)).await? else { return Ok(()) };
    if noted.matches(&counted) {
        return Ok(());
    }
    let repaired = if repair { u64::from(store.write(move |db| recount(db, id)).await?) } else { 0 };
    report.add_total_findings(&place.to_string(), &noted, &counted, repaired);
    Ok(())
}

fn compare(db: &Db, id: i64) -> DbResult<Option<(DatasetTotals, DatasetTotals)>> {
    const COUNT: &str = "SELECT count(*) FILTER (WHERE deleted_at IS NULL), \
         coalesce(sum(size) FILTER (WHERE deleted_at IS NULL), 0), coalesce(max(seq), 0), coalesce(max(modified_at), 0) \
         FROM records WHERE dataset = ?1";
    let figures = |row: &Row<'_>| {
        Ok(DatasetTotals { live: row.get(0)?, bytes: row.get(1)?, seq: row.get(2)?, committed_at: row.get(3)? })
    };
    let mut noted = db.sql.prepare_cached("SELECT live, bytes, seq, stamp FROM datasets WHERE id = ?1")?;
    let Some(noted) = noted.query_map([id], figures)?.next().transpose()? else { return Ok(None) };
    Ok(Some((noted, db.sql.prepare_cached(COUNT)?.query_row([id], figures)?)))
}

/// Counts again under the lock. The only repair that reads a whole dataset in one transaction: about a second for a
/// million records.
fn recount(db: &Db, id: i64) -> DbResult<bool> {
    let Some((noted, counted)) = compare(db, id)? else { return Ok(false) };
    db.sql.prepare_cached("UPDATE datasets SET live = ?2, bytes = ?3, seq = ?4, stamp = ?5 WHERE id = ?1")?.execute(
        [id, counted.live, counted.bytes, noted.seq.max(counted.seq), noted.committed_at.max(counted.committed_at)],
    )?;
    Ok(true)
}
