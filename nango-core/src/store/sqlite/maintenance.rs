//! Maintenance: prune, erase, empty, vacuum, usage.
//!
//! Invariant: a payload row and its key row are deleted together, and the dataset's row is adjusted in the same
//! transaction.

use std::path::Path;

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Db, Sqlite, backup, check, dataset::Dataset, delete_states, error::DbResult, feed, get_u64, marks, vacuum,
};
use crate::store::{
    Backup, CheckReport, Cursor, DatasetKey, DatasetUsage, Emptied, Maintenance, Prune, PruneUntil, Pruned, Remains,
    StoreError, StoreFuture, Vacuumed, row_flags::PRUNED_FLAG,
};

/// Maximum number of records that one call prunes or deletes.
const MAX_BATCH_ROWS: u32 = 10_000;

impl Maintenance for Sqlite {
    fn prune(&self, dataset: &DatasetKey, what: Prune) -> StoreFuture<'_, Pruned> {
        let dataset = dataset.clone();
        self.write(move |db| prune(db, &dataset, &what))
    }

    fn count_prunable(&self, dataset: &DatasetKey, until: PruneUntil) -> StoreFuture<'_, Pruned> {
        let dataset = dataset.clone();
        self.read_with(move |db| count_prunable(db, &dataset, &until))
    }

    fn erase(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, u64> {
        let dataset = dataset.clone();
        self.write(move |db| erase(db, &dataset, &ids))
    }

    fn empty(&self, dataset: &DatasetKey, through: Option<i64>, limit: u32) -> StoreFuture<'_, Emptied> {
        let dataset = dataset.clone();
        self.write(move |db| empty(db, &dataset, through, limit))
    }

    fn dataset_usage(&self) -> StoreFuture<'_, Vec<DatasetUsage>> {
        self.read_with(dataset_usage)
    }

    fn check(&self, repair: bool) -> StoreFuture<'_, CheckReport> {
        Box::pin(check::check(self, repair))
    }

    fn backup(&self, to: &Path) -> StoreFuture<'_, Backup> {
        let to = to.to_owned();
        Box::pin(async move { backup::backup(self, &to).await })
    }

    fn clear_removed(&self) -> StoreFuture<'_, Option<Remains>> {
        Box::pin(vacuum::clear_removed(&self.writer))
    }

    fn vacuum(&self) -> StoreFuture<'_, Vacuumed> {
        Box::pin(vacuum::vacuum(&self.writer))
    }
}

/// Removes payloads up to a sequence number.
fn prune(db: &Db, key: &DatasetKey, prune: &Prune) -> DbResult<Pruned> {
    const NEXT: &str = "SELECT seq, rid, id, size, deleted_at IS NULL FROM records \
         WHERE dataset = ?1 AND seq > ?2 AND seq <= ?3 AND pruned_at IS NULL ORDER BY seq LIMIT ?4";
    let feed = db.shared.hasher.feed_id(key);
    let after = prune.after.as_deref().map(|text| Cursor::decode(text, feed)).transpose()?.map_or(0, |at| at.seq);
    let Some((mut dataset, until)) = prune_bound(db, key, &prune.until)? else { return Ok(Pruned::default()) };
    let limit = prune.limit.clamp(1, MAX_BATCH_ROWS);
    let mut next = db.sql.prepare_cached(NEXT)?;
    let read = |row: &Row<'_>| {
        let bytes = row.get::<_, Option<i64>>(3)?.unwrap_or(0);
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, bytes, row.get(4)?))
    };
    // One record more than requested shows whether there is more.
    let mut rows: Vec<(i64, i64, String, i64, bool)> =
        next.query_map(params![dataset.id, after, until, limit + 1], read)?.collect::<Result<_, _>>()?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let mut prune_row =
        db.sql.prepare_cached("UPDATE records SET payload = NULL, key_id = 0, pruned_at = ?2 WHERE rid = ?1")?;
    let mut flag = db.sql.prepare_cached("UPDATE record_keys SET state = state | ?3 WHERE dataset = ?1 AND id = ?2")?;
    let now = db.shared.clock.now();
    let mut pruned = Pruned::default();
    for (_, rid, id, bytes, live) in &rows {
        prune_row.execute(params![rid, now])?;
        flag.execute(params![dataset.id, id, PRUNED_FLAG])?;
        pruned.count += 1;
        pruned.bytes += u64::try_from(*bytes).unwrap_or(0);
        dataset.counters.bytes -= if *live { *bytes } else { 0 };
    }
    dataset.save(db, dataset.committed_at)?;
    pruned.next = rows.last().filter(|_| more).map(|(seq, ..)| Cursor { feed_id: feed, seq: *seq }.encode());
    Ok(pruned)
}

/// Counts the records and bytes that [`prune`] would remove.
fn count_prunable(db: &Db, key: &DatasetKey, until: &PruneUntil) -> DbResult<Pruned> {
    let Some((dataset, until)) = prune_bound(db, key, until)? else { return Ok(Pruned::default()) };
    let mut count = db.sql.prepare_cached(
        "SELECT count(*), coalesce(sum(size), 0) FROM records WHERE dataset = ?1 AND seq <= ?2 AND pruned_at IS NULL",
    )?;
    let read = |row: &Row<'_>| Ok(Pruned { count: get_u64(row, 0)?, bytes: get_u64(row, 1)?, next: None });
    Ok(count.query_row([dataset.id, until], read)?)
}

/// Returns the dataset and the last sequence number to prune, or `None` if there is no such dataset.
fn prune_bound(db: &Db, key: &DatasetKey, until: &PruneUntil) -> DbResult<Option<(Dataset, i64)>> {
    let cursor = match until {
        PruneUntil::Cursor(text) => Some(Cursor::decode(text, db.shared.hasher.feed_id(key))?),
        PruneUntil::Before(_) => None,
    };
    let dataset = Dataset::find(db, key)?;
    let last = dataset.as_ref().map_or(0, |dataset| dataset.counters.seq);
    if cursor.is_some_and(|cursor| cursor.seq > last) {
        return Err(StoreError::Cursor.into());
    }
    let Some(dataset) = dataset else { return Ok(None) };
    let seq = match (cursor, until) {
        (Some(cursor), _) => cursor.seq,
        (None, PruneUntil::Before(time)) => feed::seq_before_time(db, dataset.id, *time, 0, dataset.counters.seq)?,
        (None, PruneUntil::Cursor(_)) => 0,
    };
    Ok(Some((dataset, seq)))
}

/// Deletes records by id, without tombstones.
fn erase(db: &Db, key: &DatasetKey, ids: &[String]) -> DbResult<u64> {
    let Some(mut dataset) = Dataset::find(db, key)? else { return Ok(0) };
    let mut find = db.sql.prepare_cached("SELECT rid FROM record_keys WHERE dataset = ?1 AND id = ?2")?;
    let mut count = 0;
    for id in ids {
        if let Some(rid) = find.query_row(params![dataset.id, id], |row| row.get(0)).optional()? {
            delete_row(db, &mut dataset, rid, id)?;
            count += 1;
        }
    }
    save_counts(db, &dataset)?;
    Ok(count)
}

/// Deletes up to `limit` of all records, in the order of the feed.
pub(super) fn empty(db: &Db, key: &DatasetKey, through: Option<i64>, limit: u32) -> DbResult<Emptied> {
    let Some(mut dataset) = Dataset::find(db, key)? else { return Ok(Emptied::default()) };
    if let Some(scan) = dataset.scan {
        marks::close(db, scan)?;
    }
    let through = through.unwrap_or(dataset.counters.seq);
    let limit = limit.clamp(1, MAX_BATCH_ROWS);
    let mut next =
        db.sql.prepare_cached("SELECT rid, id FROM records WHERE dataset = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3")?;
    let rows: Vec<(i64, String)> = next
        .query_map(params![dataset.id, through, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (rid, id) in &rows {
        delete_row(db, &mut dataset, *rid, id)?;
    }
    save_counts(db, &dataset)?;
    let more = next.exists(params![dataset.id, through, 1])?;
    Ok(Emptied { count: rows.len() as u64, through, more })
}

fn delete_row(db: &Db, dataset: &mut Dataset, rid: i64, id: &str) -> DbResult<()> {
    const ROW: &str = "DELETE FROM records WHERE rid = ?1 RETURNING deleted_at IS NULL, coalesce(size, 0)";
    let (live, bytes): (bool, i64) =
        db.sql.prepare_cached(ROW)?.query_row([rid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    db.sql
        .prepare_cached("DELETE FROM record_keys WHERE dataset = ?1 AND id = ?2")?
        .execute(params![dataset.id, id])?;
    if dataset.has_candidates {
        delete_states::drop_states(db, dataset.id, &[id])?;
    }
    if live {
        dataset.counters.live -= 1;
        dataset.counters.bytes -= bytes;
    }
    Ok(())
}

/// Writes the counts of the dataset. [`Dataset::save`] would skip a deletion that changes only `live`.
fn save_counts(db: &Db, dataset: &Dataset) -> DbResult<()> {
    db.sql.prepare_cached("UPDATE datasets SET live = ?2, bytes = ?3 WHERE id = ?1")?.execute([
        dataset.id,
        dataset.counters.live,
        dataset.counters.bytes,
    ])?;
    Ok(())
}

/// Returns the usage of each dataset that has rows.
fn dataset_usage(db: &Db) -> DbResult<Vec<DatasetUsage>> {
    let mut all = db.sql.prepare_cached(
        "SELECT d.integration, d.connection, d.model, d.variant, count(*), count(r.payload), coalesce(sum(r.size), 0), \
         d.stamp, d.seq FROM datasets d JOIN records r ON r.dataset = d.id \
         GROUP BY d.id ORDER BY d.integration, d.connection, d.model, d.variant",
    )?;
    let read = |row: &Row<'_>| {
        let (integration, connection) = (row.get(0)?, row.get(1)?);
        Ok(DatasetUsage {
            dataset: DatasetKey { integration, connection, model: row.get(2)?, variant: row.get(3)? },
            rows: get_u64(row, 4)?,
            with_payload: get_u64(row, 5)?,
            bytes: get_u64(row, 6)?,
            changed_at: row.get(7)?,
            seq: row.get(8)?,
        })
    };
    Ok(all.query_map([], read)?.collect::<Result<_, _>>()?)
}
