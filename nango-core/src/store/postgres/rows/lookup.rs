//! Bulk lookup of key rows and payloads.

use std::collections::HashMap;

use sqlx::Row;

use crate::store::{
    decide::{LastChange, StoredKey},
    postgres::{
        Db, delete_states,
        error::{DbError, DbResult},
    },
    update_times::UpdateTimes,
};

/// Key row of a record.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    /// Record number.
    pub rid: i64,
    /// Position in the feed, and key of the payload row.
    pub seq: i64,
    /// Values on which decisions depend.
    pub key: StoredKey,
    /// The last change of the record.
    pub last: LastChange,
}

/// Columns of a key row that only some writes need.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyColumns {
    /// The update times. Without such times in the write they have no effect.
    pub times: bool,
    /// The parent. Without a parent of the write it stays.
    pub parent: bool,
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

/// Returns the parameter for the lookup of an id. No record has a NUL in its id, and the server would refuse it: such
/// an id is looked up as NULL, which no row has.
pub(super) fn id_parameter(id: &str) -> Option<&str> {
    Some(id).filter(|id| !id.contains('\0'))
}

/// Returns the key rows of distinct ids ([`id_parameter`]); `None` for unknown ids.
pub(super) async fn find_keys(
    db: &mut Db,
    dataset: i64,
    ids: &[Option<&str>],
    columns: KeyColumns,
) -> DbResult<Vec<Option<KeyRow>>> {
    let keys = match columns {
        KeyColumns { times: false, parent: false } => keys!(""),
        KeyColumns { times: true, parent: false } => keys!(", updated, older, older_walk"),
        KeyColumns { times: false, parent: true } => keys!(", parent"),
        KeyColumns { times: true, parent: true } => keys!(", updated, older, older_walk, parent"),
    };
    let mut known = vec![None; ids.len()];
    if ids.is_empty() {
        return Ok(known);
    }
    for row in db.query(keys).bind(dataset).bind(ids).fetch_all(&mut *db.sql).await? {
        // The server counts from 1.
        let entry = usize::try_from(row.try_get::<i64, _>(0)? - 1).ok().and_then(|index| known.get_mut(index));
        let hash = row.try_get::<&[u8], _>(8)?.try_into().map_err(|_| DbError::damaged("the hash of a record"))?;
        let parent_column = if columns.times { 12 } else { 9 };
        let parent: Option<&[u8]> = if columns.parent { row.try_get(parent_column)? } else { None };
        let parent = parent.map(delete_states::key).transpose()?;
        let times = if columns.times {
            UpdateTimes { updated: row.try_get(9)?, older: row.try_get(10)?, older_walk: row.try_get(11)? }
        } else {
            UpdateTimes::default()
        };
        let (state, hash_version) = (row.try_get::<i16, _>(6)?.into(), row.try_get::<i16, _>(7)?.into());
        let bytes = row.try_get::<i32, _>(5)?.into();
        *entry.ok_or_else(|| DbError::damaged("a row"))? = Some(KeyRow {
            rid: row.try_get(1)?,
            seq: row.try_get(2)?,
            key: StoredKey { state, hash, hash_version, times, parent },
            last: LastChange { modified_at: row.try_get(3)?, run: row.try_get(4)?, bytes },
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
