//! Looking rows up, many at once.

use std::collections::HashMap;

use sqlx::Row;

use crate::store::{
    hash::Hash,
    postgres::{
        Db,
        error::{DbError, DbResult},
    },
    row_flags::{DELETED_FLAG, PRUNED_FLAG},
    update_times::UpdateTimes,
};

/// The narrow row of an id.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    /// The record's number.
    pub rid: i64,
    /// Its place in the feed, and the key of its other row.
    pub seq: i64,
    /// When it last changed.
    pub modified_at: i64,
    /// The run that changed it.
    pub run: i64,
    /// The size of the payload; 0 when pruned.
    pub bytes: i64,
    /// Bits of [`crate::store::row`].
    pub state: i64,
    /// The way in which `hash` was taken.
    pub hash_version: i64,
    /// The hash of the payload.
    pub hash: Hash,
    /// Empty if they were not asked for.
    pub times: UpdateTimes,
}

impl KeyRow {
    pub(super) fn has_flags(&self, bits: i64) -> bool {
        self.state & bits != 0
    }
}

/// The look-up of keys with these columns more.
macro_rules! keys {
    ($more:literal) => {
        concat!(
            "SELECT i.n, k.* FROM unnest($2::text[]) WITH ORDINALITY i(id, n) CROSS JOIN LATERAL \
             (SELECT rid, seq, modified_at, run, bytes, state, hash_version, hash",
            $more,
            " FROM nango_rs.record_keys WHERE dataset = $1 AND id = i.id OFFSET 0) k"
        )
    };
}

/// The rows of ids, each named once; `None` for those that are not there. Times of update are read if the write has such
/// times: otherwise nothing depends on them.
pub(super) async fn find_keys(
    db: &mut Db,
    dataset: i64,
    ids: &[&str],
    with_times: bool,
) -> DbResult<Vec<Option<KeyRow>>> {
    const KEYS: &str = keys!("");
    const WITH_TIMES: &str = keys!(", updated, older, older_walk");
    let keys = if with_times { WITH_TIMES } else { KEYS };
    let mut known = vec![None; ids.len()];
    if ids.is_empty() {
        return Ok(known);
    }
    for row in db.query(keys).bind(dataset).bind(ids).fetch_all(&mut *db.sql).await? {
        // The server counts from 1.
        let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).ok().and_then(|place| known.get_mut(place));
        let hash = row.try_get::<&[u8], _>(8)?.try_into().map_err(|_| DbError::damaged("the hash of a record"))?;
        let times = if with_times {
            UpdateTimes { updated: row.try_get(9)?, older: row.try_get(10)?, older_walk: row.try_get(11)? }
        } else {
            UpdateTimes::default()
        };
        *place.ok_or_else(|| DbError::damaged("a row"))? = Some(KeyRow {
            times,
            rid: row.try_get(1)?,
            seq: row.try_get(2)?,
            modified_at: row.try_get(3)?,
            run: row.try_get(4)?,
            bytes: row.try_get::<i32, _>(5)?.into(),
            state: row.try_get::<i16, _>(6)?.into(),
            hash_version: row.try_get::<i16, _>(7)?.into(),
            hash,
        });
    }
    Ok(known)
}

/// Payloads as they are stored, with the id of their key, by their place in the feed.
pub(in crate::store::postgres) type Payloads = HashMap<i64, (Vec<u8>, i32)>;

/// The payloads of rows by their place in the feed.
pub(in crate::store::postgres) async fn payloads(db: &mut Db, dataset: i64, seqs: &[i64]) -> DbResult<Payloads> {
    const PAYLOADS: &str = "SELECT i.seq, r.payload, r.key_id FROM unnest($2::bigint[]) i(seq) CROSS JOIN LATERAL \
                            (SELECT payload, key_id FROM nango_rs.records WHERE dataset = $1 AND seq = i.seq OFFSET 0) r \
                            WHERE r.payload IS NOT NULL";
    if seqs.is_empty() {
        return Ok(Payloads::new());
    }
    let rows: Vec<(i64, Vec<u8>, i32)> = db.query_as(PAYLOADS).bind(dataset).bind(seqs).fetch_all(&mut *db.sql).await?;
    Ok(rows.into_iter().map(|(seq, payload, key)| (seq, (payload, key))).collect())
}

/// Whether a row lives and has a payload.
pub(super) fn has_payload(known: &KeyRow) -> bool {
    !known.has_flags(DELETED_FLAG | PRUNED_FLAG)
}
