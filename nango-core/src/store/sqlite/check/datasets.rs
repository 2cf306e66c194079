//! Check of dataset rows: counts, sequence number and latest commit time.

use rusqlite::{Row, params};

use crate::store::{
    CheckReport, DatasetKey, StoreError,
    check::{DatasetRef, DatasetTotals},
    sqlite::{Db, Sqlite, error::DbResult},
};

/// Returns all datasets in the order of their ids.
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

/// Compares the row of a dataset with its records.
pub(super) async fn check(
    store: &Sqlite,
    dataset: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let id = dataset.id;
    let Some((stored, counted)) = store.read_with(move |db| compare(db, id)).await? else { return Ok(()) };
    if stored.matches(&counted) {
        return Ok(());
    }
    let repaired = if repair { u64::from(store.write(move |db| recount(db, id)).await?) } else { 0 };
    report.add_total_findings(&dataset.to_string(), &stored, &counted, repaired);
    Ok(())
}

fn compare(db: &Db, id: i64) -> DbResult<Option<(DatasetTotals, DatasetTotals)>> {
    const COUNT: &str = "SELECT count(*) FILTER (WHERE deleted_at IS NULL), \
         coalesce(sum(size) FILTER (WHERE deleted_at IS NULL), 0), coalesce(max(seq), 0), \
         coalesce(max(modified_at), 0) FROM records WHERE dataset = ?1";
    let totals = |row: &Row<'_>| {
        Ok(DatasetTotals { live: row.get(0)?, bytes: row.get(1)?, seq: row.get(2)?, committed_at: row.get(3)? })
    };
    let mut stored = db.sql.prepare_cached("SELECT live, bytes, seq, stamp FROM datasets WHERE id = ?1")?;
    let Some(stored) = stored.query_map([id], totals)?.next().transpose()? else { return Ok(None) };
    Ok(Some((stored, db.sql.prepare_cached(COUNT)?.query_row([id], totals)?)))
}

/// Counts again under the lock; returns whether the dataset still exists. The only repair that reads a whole dataset in
/// one transaction: about a second for a million records.
fn recount(db: &Db, id: i64) -> DbResult<bool> {
    let Some((stored, counted)) = compare(db, id)? else { return Ok(false) };
    db.sql.prepare_cached("UPDATE datasets SET live = ?2, bytes = ?3, seq = ?4, stamp = ?5 WHERE id = ?1")?.execute(
        params![
            id,
            counted.live,
            counted.bytes,
            stored.seq.max(counted.seq),
            stored.committed_at.max(counted.committed_at)
        ],
    )?;
    Ok(true)
}
