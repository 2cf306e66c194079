//! Reads of a dataset's feed.
//!
//! Records are ordered by sequence number. Commit times never decrease along the feed, so a time corresponds to a
//! sequence number, which is found by binary search.

use bytes::Bytes;
use rusqlite::{OptionalExtension, Row, params};

use super::{
    Db,
    dataset::Dataset,
    error::{DbError, DbResult},
    get_u64,
};
use crate::{
    store::{
        Cursor, DatasetKey, DatasetStats, FeedPage, FeedRow, Filter, LastAction, ParentRecord, ReadQuery, RecordState,
        StoreError,
        encryption::DatasetSeal,
        feed_page::{FeedPageBuilder, MAX_PAGE_RECORDS},
        row_flags::DELETED_FLAG,
    },
    time::Timestamp,
};

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, payload, first_seen_at, modified_at, deleted_at, pruned_at, last_action, seq, key_id \
             FROM records ",
            $rest
        )
    };
}

/// Reads a page of the feed.
pub(super) fn read(db: &Db, key: &DatasetKey, query: &ReadQuery) -> DbResult<FeedPage> {
    let feed = db.shared.hasher.feed_id(key);
    let cursor = query.cursor.as_deref().map(|text| Cursor::decode(text, feed)).transpose()?;
    let dataset = Dataset::find(db, key)?;
    let (id, last) = dataset.map_or((0, 0), |dataset| (dataset.id, dataset.counters.seq));
    let mut after = cursor.map_or(0, |cursor| cursor.seq);
    if after > last {
        // Not yet assigned: the database was restored from an older backup, and a resumed reader would skip new
        // records.
        return Err(StoreError::Cursor.into());
    }
    if let Some(time) = query.modified_after {
        after = seq_before_time(db, id, time, after, last)?;
    }
    let seal = db.shared.vault.seal_for_reading(key);
    let mut page = FeedPageBuilder::new(query);
    let mask = query.filter.mask();
    if query.ids.is_empty() {
        let mut rows = db.sql.prepare_cached(columns!(
            "WHERE dataset = ?1 AND seq > ?2 AND (?3 >> last_action) & 1 ORDER BY seq LIMIT ?4"
        ))?;
        // One record more than requested shows whether there is more.
        let mut rows = rows.query(params![id, after, mask, query.limit.clamp(1, MAX_PAGE_RECORDS) + 1])?;
        while let Some(row) = rows.next()? {
            if !page.push(feed_row(row, feed, &seal)?) {
                break;
            }
        }
    } else {
        let mut one = db.sql.prepare_cached(columns!("WHERE rid = ?1"))?;
        for (_, rid) in find_by_ids(db, id, &query.ids, after, mask)? {
            let row = one.query_row([rid], |row| Ok(feed_row(row, feed, &seal)))??;
            if !page.push(row) {
                break;
            }
        }
    }
    Ok(page.finish())
}

/// Returns records by id; unknown ids are skipped.
pub(super) fn by_id(db: &Db, key: &DatasetKey, ids: &[String]) -> DbResult<Vec<FeedRow>> {
    let Some(dataset) = Dataset::find(db, key)? else { return Ok(Vec::new()) };
    let feed = db.shared.hasher.feed_id(key);
    let seal = db.shared.vault.seal_for_reading(key);
    let mut one = db.sql.prepare_cached(columns!("WHERE rid = ?1"))?;
    find_by_ids(db, dataset.id, ids, 0, Filter::default().mask())?
        .into_iter()
        .map(|(_, rid)| one.query_row([rid], |row| Ok(feed_row(row, feed, &seal)))?)
        .collect()
}

/// Returns the next active records in the order of their ids.
pub(super) fn live_after(db: &Db, key: &DatasetKey, after: Option<&str>, limit: u32) -> DbResult<Vec<ParentRecord>> {
    const NEXT: &str = "SELECT k.id, r.payload, r.first_seen_at, r.key_id FROM record_keys k \
                        JOIN records r ON r.rid = k.rid \
                        WHERE k.dataset = ?1 AND k.id > ?2 AND k.state & ?3 = 0 ORDER BY k.id LIMIT ?4";
    let Some(dataset) = Dataset::find(db, key)? else { return Ok(Vec::new()) };
    let seal = db.shared.vault.seal_for_reading(key);
    let mut next = db.sql.prepare_cached(NEXT)?;
    let read = |row: &Row<'_>| -> DbResult<_> {
        let id: String = row.get(0)?;
        let payload = payload(row, 1, &seal, &id, row.get(3)?)?;
        Ok(ParentRecord { id, payload, first_seen_at: row.get(2)? })
    };
    let limit = limit.clamp(1, MAX_PAGE_RECORDS);
    next.query_and_then(params![dataset.id, after.unwrap_or(""), DELETED_FLAG, limit], read)?.collect()
}

/// Returns the states of records by id, in the order of the ids.
pub(super) fn states(db: &Db, key: &DatasetKey, ids: Vec<String>) -> DbResult<Vec<(String, RecordState)>> {
    let dataset = Dataset::find(db, key)?.map(|dataset| dataset.id);
    let mut find = db.sql.prepare_cached("SELECT state FROM record_keys WHERE dataset = ?1 AND id = ?2")?;
    let state = |id: &String| -> DbResult<RecordState> {
        let flags: Option<i64> = find.query_row(params![dataset, id], |row| row.get(0)).optional()?;
        Ok(RecordState::of_flags(flags))
    };
    let states: Vec<RecordState> = ids.iter().map(state).collect::<DbResult<_>>()?;
    Ok(ids.into_iter().zip(states).collect())
}

/// Returns the datasets that ever had a record.
pub(super) fn datasets(db: &Db, integration: Option<&str>, connection: Option<&str>) -> DbResult<Vec<DatasetStats>> {
    let mut all = db.sql.prepare_cached(
        "SELECT integration, connection, model, variant, live, bytes FROM datasets WHERE seq > 0 \
         AND (?1 IS NULL OR integration = ?1) AND (?2 IS NULL OR connection = ?2) \
         ORDER BY integration, connection, model, variant",
    )?;
    let read = |row: &Row<'_>| {
        let (integration, connection) = (row.get(0)?, row.get(1)?);
        let dataset = DatasetKey { integration, connection, model: row.get(2)?, variant: row.get(3)? };
        Ok(DatasetStats { dataset, live: get_u64(row, 4)?, bytes: get_u64(row, 5)? })
    };
    Ok(all.query_map(params![integration, connection], read)?.collect::<Result<_, _>>()?)
}

/// Returns sequence and record numbers of the records with these ids, in the order of the feed, each once.
fn find_by_ids(db: &Db, dataset: i64, ids: &[String], after: i64, mask: i64) -> DbResult<Vec<(i64, i64)>> {
    let mut find = db.sql.prepare_cached(
        "SELECT r.seq, r.rid FROM record_keys k JOIN records r ON r.rid = k.rid \
         WHERE k.dataset = ?1 AND k.id = ?2 AND r.seq > ?3 AND (?4 >> r.last_action) & 1",
    )?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(
            find.query_row(params![dataset, id, after, mask], |row| Ok((row.get(0)?, row.get(1)?))).optional()?,
        );
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Returns the last sequence number, at least `after`, that precedes every change at `time` or later.
pub(super) fn seq_before_time(db: &Db, dataset: i64, time: Timestamp, after: i64, last: i64) -> DbResult<i64> {
    let mut next = db
        .sql
        .prepare_cached("SELECT seq, modified_at FROM records WHERE dataset = ?1 AND seq > ?2 ORDER BY seq LIMIT 1")?;
    let (mut low, mut high) = (after, last);
    while low < high {
        let middle = low + (high - low) / 2;
        let found =
            next.query_row([dataset, middle], |row| Ok((row.get(0)?, row.get::<_, Timestamp>(1)?))).optional()?;
        match found {
            Some((seq, modified_at)) if modified_at < time => low = seq,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Reads the unencrypted payload from a column; `None` if it was pruned.
fn payload(row: &Row<'_>, column: usize, seal: &DatasetSeal, id: &str, key: i32) -> DbResult<Option<Bytes>> {
    Ok(match row.get_ref(column)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
        Some(stored) => Some(Bytes::from(seal.open(id, stored, key)?.into_owned())),
        None => None,
    })
}

fn feed_row(row: &Row<'_>, feed: u64, seal: &DatasetSeal) -> DbResult<FeedRow> {
    let last_action = LastAction::from_number(row.get(6)?).ok_or_else(|| DbError::damaged("a record's last action"))?;
    let id: String = row.get(0)?;
    let payload = payload(row, 1, seal, &id, row.get(8)?)?;
    Ok(FeedRow {
        id,
        payload,
        first_seen_at: row.get(2)?,
        last_modified_at: row.get(3)?,
        deleted_at: row.get(4)?,
        pruned_at: row.get(5)?,
        last_action,
        cursor: Cursor { feed_id: feed, seq: row.get(7)? }.encode(),
    })
}
