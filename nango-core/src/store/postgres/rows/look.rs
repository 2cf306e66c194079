//! Looking rows up, many at once.

use std::collections::HashMap;

use crate::store::{
    hash::Hash,
    postgres::{
        Db,
        fault::{Fault, Outcome},
    },
    row::{DELETED, PRUNED},
};

/// The narrow row of an id.
#[derive(Debug, Clone)]
pub(super) struct Known {
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
}

impl Known {
    pub(super) fn is(&self, bits: i64) -> bool {
        self.state & bits != 0
    }
}

/// The rows of ids, each named once; `None` for those that are not there.
pub(super) async fn keys(db: &mut Db, dataset: i64, ids: &[&str]) -> Outcome<Vec<Option<Known>>> {
    const KEYS: &str = "SELECT i.n, k.rid, k.seq, k.modified_at, k.run, k.bytes, k.state, k.hash_version, k.hash \
                        FROM unnest($2::text[]) WITH ORDINALITY i(id, n) \
                        JOIN nango_rs.record_keys k ON k.dataset = $1 AND k.id = i.id";
    let mut known = vec![None; ids.len()];
    if ids.is_empty() {
        return Ok(known);
    }
    let rows: Vec<(i64, i64, i64, i64, i64, i32, i16, i16, Vec<u8>)> =
        sqlx::query_as(KEYS).bind(dataset).bind(ids).fetch_all(&mut *db.sql).await?;
    for (n, rid, seq, modified_at, run, bytes, state, hash_version, hash) in rows {
        let hash = hash.try_into().map_err(|_| Fault::damaged("the hash of a record"))?;
        let (bytes, state, hash_version) = (bytes.into(), state.into(), hash_version.into());
        *place(&mut known, n)? = Some(Known { rid, seq, modified_at, run, bytes, state, hash_version, hash });
    }
    Ok(known)
}

/// The payloads of rows by their place in the feed.
pub(super) async fn payloads(db: &mut Db, dataset: i64, seqs: &[i64]) -> Outcome<HashMap<i64, Vec<u8>>> {
    const PAYLOADS: &str = "SELECT r.seq, r.payload FROM unnest($2::bigint[]) i(seq) \
                            JOIN nango_rs.records r ON r.dataset = $1 AND r.seq = i.seq WHERE r.payload IS NOT NULL";
    if seqs.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(PAYLOADS).bind(dataset).bind(seqs).fetch_all(&mut *db.sql).await?;
    Ok(rows.into_iter().collect())
}

/// Whether a row lives and has a payload.
pub(super) fn has_payload(known: &Known) -> bool {
    !known.is(DELETED | PRUNED)
}

/// The entry of an ordinal that the server counted from 1.
fn place<T>(all: &mut [T], n: i64) -> Outcome<&mut T> {
    let at = usize::try_from(n - 1).ok();
    at.and_then(|at| all.get_mut(at)).ok_or_else(|| Fault::damaged("a row"))
}
