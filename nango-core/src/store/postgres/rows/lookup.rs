//! Bulk lookup of key rows and payloads.

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

/// Key row of a record.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    /// Record number.
    pub rid: i64,
    /// Position in the feed, and key of the payload row.
    pub seq: i64,
    /// Time of the last change, microseconds since 1970 (UTC).
    pub modified_at: i64,
    /// Row of the run that made the last change.
    pub run: i64,
    /// Size of the payload in bytes; 0 if it was pruned.
    pub bytes: i64,
    /// Flags of [`crate::store::row_flags`].
    pub state: i64,
    /// Version of `hash`.
    pub hash_version: i64,
    /// Content hash of the payload.
    pub hash: Hash,
    /// Update times; empty if they were not requested.
    pub times: UpdateTimes,
}

impl KeyRow {
    pub(super) fn has_flags(&self, bits: i64) -> bool {
        self.state & bits != 0
    }
}

/// Query of key rows by id, with additional columns.
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

/// Returns the key rows of distinct ids; `None` for unknown ids. Update times are read only if the write has such
/// times: otherwise they have no effect.
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
        let entry = usize::try_from(row.try_get::<i64, _>(0)? - 1).ok().and_then(|index| known.get_mut(index));
        let hash = row.try_get::<&[u8], _>(8)?.try_into().map_err(|_| DbError::damaged("the hash of a record"))?;
        let times = if with_times {
            UpdateTimes { updated: row.try_get(9)?, older: row.try_get(10)?, older_walk: row.try_get(11)? }
        } else {
            UpdateTimes::default()
        };
        *entry.ok_or_else(|| DbError::damaged("a row"))? = Some(KeyRow {
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

/// Stored payloads with the id of their key, by sequence number.
pub(in crate::store::postgres) type Payloads = HashMap<i64, (Vec<u8>, i32)>;

/// Returns the payloads of rows by sequence number; pruned ones are skipped.
pub(in crate::store::postgres) async fn payloads(db: &mut Db, dataset: i64, seqs: &[i64]) -> DbResult<Payloads> {
    const PAYLOADS: &str = "SELECT i.seq, r.payload, r.key_id FROM unnest($2::bigint[]) i(seq) CROSS JOIN LATERAL \
                            (SELECT payload, key_id FROM nango_rs.records WHERE dataset = $1 \
                            AND seq = i.seq OFFSET 0) r \
                            WHERE r.payload IS NOT NULL";
    if seqs.is_empty() {
        return Ok(Payloads::new());
    }
    let rows: Vec<(i64, Vec<u8>, i32)> = db.query_as(PAYLOADS).bind(dataset).bind(seqs).fetch_all(&mut *db.sql).await?;
    Ok(rows.into_iter().map(|(seq, payload, key)| (seq, (payload, key))).collect())
}

/// Returns whether a record is active and has a payload.
pub(super) fn has_payload(known: &KeyRow) -> bool {
    !known.has_flags(DELETED_FLAG | PRUNED_FLAG)
}
