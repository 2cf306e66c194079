//! Reads of a dataset's feed.
//!
//! Records are ordered by sequence number. Commit times never decrease along the feed, so a time corresponds to a
//! sequence number, which is found by binary search. All statements of a read see one snapshot of the database.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::{
    Db,
    dataset::{self, DatasetHead},
    error::{DbError, DbResult},
    to_u64,
};
use crate::{
    store::{
        Cursor, DatasetKey, DatasetStats, FeedPage, FeedRow, Filter, LastAction, ParentRecord, ReadQuery, RecordState,
        StoreError,
        encryption::{DatasetSeal, SEAL_OVERHEAD},
        feed_page::{FeedPageBuilder, MAX_PAGE_RECORDS},
    },
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "r.id, r.payload, r.first_seen_at, r.modified_at, r.deleted_at, r.pruned_at, r.last_action, r.seq, r.key_id"
    };
}

type Row = (String, Option<Vec<u8>>, Timestamp, Timestamp, Option<Timestamp>, Option<Timestamp>, i16, i64, i32);

/// Query: the next records of a dataset.
const NEXT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM nango_rs.records r WHERE r.dataset = $1 AND r.seq > $2 AND ($3 >> r.last_action) & 1 = 1 ORDER BY r.seq \
     LIMIT $4"
);
/// Query: like [`NEXT`], for a page of at most `$5` bytes. It ends with the first record that exceeds the limit, and
/// has at least two records if there are two, so that the second shows that there is more. Sizes are known without
/// reading the payloads, and are those of plaintext; a pruned record has no payload, which must not make the sum NULL.
const NEXT_BYTES: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM (SELECT p.*, row_number() OVER w AS n, sum(coalesce(octet_length(p.payload) - CASE p.key_id WHEN 0 THEN 0 \
     ELSE 28 END, 0)) OVER w AS before FROM (SELECT ",
    columns!(),
    " FROM nango_rs.records r WHERE r.dataset = $1 AND r.seq > $2 AND ($3 >> r.last_action) & 1 = 1 ORDER BY r.seq \
     LIMIT $4) p \
     WINDOW w AS (ORDER BY p.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) r \
     WHERE r.n <= 2 OR r.before <= $5 ORDER BY r.seq"
);
const _: () = assert!(SEAL_OVERHEAD == 28, "the number in `NEXT_BYTES`");
/// Query: like [`NEXT`], for records with certain ids.
const BY_IDS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM unnest($5::text[]) i(id) \
     CROSS JOIN LATERAL (SELECT seq FROM nango_rs.record_keys WHERE dataset = $1 AND id = i.id OFFSET 0) k \
     CROSS JOIN LATERAL (SELECT * FROM nango_rs.records WHERE dataset = $1 AND seq = k.seq AND seq > $2 OFFSET 0) r \
     WHERE ($3 >> r.last_action) & 1 = 1 ORDER BY r.seq LIMIT $4"
);

/// Reads a page of the feed.
pub(super) async fn read(db: &mut Db, key: &DatasetKey, query: &ReadQuery) -> DbResult<FeedPage> {
    let feed = db.shared.hasher.feed_id(key);
    let cursor = query.cursor.as_deref().map(|text| Cursor::decode(text, feed)).transpose()?;
    let dataset = find_dataset(db, key).await?;
    let last = dataset.map_or(0, |dataset| dataset.seq);
    let mut after = cursor.map_or(0, |cursor| cursor.seq);
    if after > last {
        // Not yet assigned: the database was restored from an older backup, and a resumed reader would skip new
        // records.
        return Err(StoreError::Cursor.into());
    }
    let Some(dataset) = dataset else { return Ok(FeedPage::default()) };
    if let Some(time) = query.modified_after {
        after = seq_before_time(db, dataset.id, time, after, last).await?;
    }
    let seal = db.shared.vault.seal_for_reading(key);
    let mut page = FeedPageBuilder::new(query);
    // One record more than requested shows whether there is more.
    let limit = i64::from(query.limit.clamp(1, MAX_PAGE_RECORDS)) + 1;
    let statement = match (query.ids.is_empty(), query.max_bytes) {
        (false, _) => BY_IDS,
        (true, 0) => NEXT,
        (true, _) => NEXT_BYTES,
    };
    let mask = i32::try_from(query.filter.mask()).unwrap_or(0b111);
    let rows = db.query_as::<Row>(statement).bind(dataset.id).bind(after).bind(mask).bind(limit);
    let rows = match (query.ids.is_empty(), query.max_bytes) {
        (false, _) => rows.bind(storable_ids(&query.ids)),
        (true, 0) => rows,
        (true, bytes) => rows.bind(i64::try_from(bytes).unwrap_or(i64::MAX)),
    };
    let mut rows = rows.fetch(&mut *db.sql);
    while let Some(row) = rows.try_next().await? {
        if !page.push(feed_row(row, feed, &seal)?) {
            break;
        }
    }
    Ok(page.finish())
}

/// Returns records by id; unknown ids are skipped.
pub(super) async fn by_id(db: &mut Db, key: &DatasetKey, ids: &[String]) -> DbResult<Vec<FeedRow>> {
    let Some(dataset) = find_dataset(db, key).await? else { return Ok(Vec::new()) };
    let feed = db.shared.hasher.feed_id(key);
    let seal = db.shared.vault.seal_for_reading(key);
    let mask = i32::try_from(Filter::default().mask()).unwrap_or(0b111);
    let rows = db.query_as::<Row>(BY_IDS).bind(dataset.id).bind(0_i64).bind(mask).bind(i64::MAX);
    let rows = rows.bind(storable_ids(ids)).fetch(&mut *db.sql);
    rows.map_err(DbError::from).and_then(|row| std::future::ready(feed_row(row, feed, &seal))).try_collect().await
}

/// Returns the next active records in the order of their ids.
pub(super) async fn live_after(
    db: &mut Db,
    key: &DatasetKey,
    after: Option<&str>,
    limit: u32,
) -> DbResult<Vec<ParentRecord>> {
    const NEXT: &str = "SELECT k.id, r.payload, r.first_seen_at, r.key_id FROM \
                        (SELECT id, seq FROM nango_rs.record_keys WHERE dataset = $1 AND id > $2 AND state & 1 = 0 \
                        ORDER BY id LIMIT $3) k CROSS JOIN LATERAL (SELECT payload, first_seen_at, key_id \
                        FROM nango_rs.records WHERE dataset = $1 AND seq = k.seq OFFSET 0) r ORDER BY k.id";
    let Some(dataset) = find_dataset(db, key).await? else { return Ok(Vec::new()) };
    let seal = db.shared.vault.seal_for_reading(key);
    let next = db.query_as(NEXT).bind(dataset.id).bind(after.unwrap_or(""));
    let rows: Vec<(String, Option<Vec<u8>>, Timestamp, i32)> =
        next.bind(i64::from(limit.clamp(1, MAX_PAGE_RECORDS))).fetch_all(&mut *db.sql).await?;
    let record = |(id, payload, first_seen_at, key): (String, _, _, _)| {
        let payload = opened(&seal, &id, payload, key)?;
        Ok(ParentRecord { id, payload, first_seen_at })
    };
    rows.into_iter().map(record).collect()
}

/// Returns the states of records by id, in the order of the ids.
pub(super) async fn states(db: &mut Db, key: &DatasetKey, ids: &[String]) -> DbResult<Vec<(String, RecordState)>> {
    const STATES: &str = "SELECT i.id, k.state FROM unnest($2::text[]) i(id) CROSS JOIN LATERAL (SELECT state \
                          FROM nango_rs.record_keys WHERE dataset = $1 AND id = i.id OFFSET 0) k";
    let mut known: HashMap<String, i16> = HashMap::new();
    if let Some(dataset) = find_dataset(db, key).await? {
        let states = db.query_as(STATES).bind(dataset.id).bind(storable_ids(ids));
        known = states.fetch_all(&mut *db.sql).await?.into_iter().collect();
    }
    let state = |id: &String| (id.clone(), RecordState::of_flags(known.get(id).copied().map(i64::from)));
    Ok(ids.iter().map(state).collect())
}

/// Returns the datasets that ever had a record.
pub(super) async fn datasets(
    db: &mut Db,
    integration: Option<&str>,
    connection: Option<&str>,
) -> DbResult<Vec<DatasetStats>> {
    const ALL: &str = "SELECT integration, connection, model, variant, live, bytes FROM nango_rs.datasets \
                       WHERE seq > 0 AND ($1 IS NULL OR integration = $1) AND ($2 IS NULL OR connection = $2) \
                       ORDER BY integration, connection, model, variant";
    let rows: Vec<(String, String, String, String, i64, i64)> =
        db.query_as(ALL).bind(integration).bind(connection).fetch_all(&mut *db.sql).await?;
    let stats = |(integration, connection, model, variant, live, bytes)| {
        let dataset = DatasetKey { integration, connection, model, variant };
        DatasetStats { dataset, live: to_u64(live), bytes: to_u64(bytes) }
    };
    Ok(rows.into_iter().map(stats).collect())
}

/// Returns the dataset. A name with a NUL never matches, and the server would refuse the query.
pub(super) async fn find_dataset(db: &mut Db, key: &DatasetKey) -> DbResult<Option<DatasetHead>> {
    let names = [&key.integration, &key.connection, &key.model, &key.variant];
    if names.iter().any(|name| name.contains('\0')) { Ok(None) } else { dataset::head(db, key).await }
}

/// Returns each id once, without those that contain a NUL: no record can have them, and the server would refuse them.
pub(super) fn storable_ids(ids: &[String]) -> Vec<&str> {
    let mut ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !id.contains('\0')).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Returns the last sequence number, at least `after`, that precedes every change at `time` or later.
pub(super) async fn seq_before_time(
    db: &mut Db,
    dataset: i64,
    time: Timestamp,
    after: i64,
    last: i64,
) -> DbResult<i64> {
    const NEXT: &str =
        "SELECT seq, modified_at FROM nango_rs.records WHERE dataset = $1 AND seq > $2 ORDER BY seq LIMIT 1";
    let (mut low, mut high) = (after, last);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, Timestamp)> =
            db.query_as(NEXT).bind(dataset).bind(middle).fetch_optional(&mut *db.sql).await?;
        match found {
            Some((seq, modified_at)) if modified_at < time => low = seq,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Returns the unencrypted form of a stored payload; `None` if it was pruned.
fn opened(seal: &DatasetSeal, id: &str, payload: Option<Vec<u8>>, key: i32) -> DbResult<Option<Bytes>> {
    Ok(match payload {
        // Unencrypted: used without a copy.
        Some(plain) if key == 0 => Some(Bytes::from(plain)),
        Some(sealed) => Some(Bytes::from(seal.open(id, &sealed, key)?.into_owned())),
        None => None,
    })
}

fn feed_row(row: Row, feed: u64, seal: &DatasetSeal) -> DbResult<FeedRow> {
    let (id, payload, first_seen_at, last_modified_at, deleted_at, pruned_at, last_action, seq, key) = row;
    let last_action =
        LastAction::from_number(last_action.into()).ok_or_else(|| DbError::damaged("a record's last action"))?;
    let payload = opened(seal, &id, payload, key)?;
    Ok(FeedRow {
        id,
        payload,
        first_seen_at,
        last_modified_at,
        deleted_at,
        pruned_at,
        last_action,
        cursor: Cursor { feed_id: feed, seq }.encode(),
    })
}
