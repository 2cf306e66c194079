//! Writing rows, many at once: each kind of change is one statement over arrays, which writes both rows of each record.
//!
//! `unnest` stands among the columns where the rows are only inserted: there the server hands them on one by one, while as
//! a table it would copy all of them first.

use super::Writing;
use crate::store::{
    hash::{Hash, VERSION},
    postgres::{
        Db,
        fault::{Fault, Outcome},
    },
};

/// So many bytes of payload go into one statement, unless a single one is larger.
const BYTES: usize = 16 << 20;

/// Records that are not there yet.
#[derive(Debug, Default)]
pub(super) struct Inserts<'a> {
    ids: Vec<&'a str>,
    rids: Vec<i64>,
    seqs: Vec<i64>,
    hashes: Vec<Hash>,
    bytes: Vec<i32>,
    payloads: Vec<&'a [u8]>,
}

impl<'a> Inserts<'a> {
    /// One more: its id, its number, its place in the feed, its hash and payload.
    pub(super) fn push(&mut self, id: &'a str, rid: i64, seq: i64, hash: Hash, payload: &'a [u8]) {
        self.ids.push(id);
        self.rids.push(rid);
        self.seqs.push(seq);
        self.hashes.push(hash);
        self.bytes.push(size(payload));
        self.payloads.push(payload);
    }

    /// Writes them.
    pub(super) async fn write(&self, db: &mut Db, at: &Writing, dataset: i64) -> Outcome<()> {
        const INSERT: &str = "WITH keys AS (INSERT INTO nango_rs.record_keys \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, id) \
             SELECT $1, unnest($2::bigint[]), unnest($3::bigint[]), $4, $5, unnest($6::int[]), $7, 0, \
             unnest($8::bytea[]), unnest($9::text[])) \
             INSERT INTO nango_rs.records (dataset, seq, first_seen_at, modified_at, run, last_action, id, payload) \
             SELECT $1, unnest($3::bigint[]), $4, $4, $5, 0, unnest($9::text[]), unnest($10::bytea[])";
        for part in parts(self.payloads.iter().map(|payload| payload.len())) {
            let insert = sqlx::query(INSERT)
                .bind(dataset)
                .bind(&self.rids[part.clone()])
                .bind(&self.seqs[part.clone()])
                .bind(at.stamp)
                .bind(at.run)
                .bind(&self.bytes[part.clone()])
                .bind(version())
                .bind(&self.hashes[part.clone()])
                .bind(&self.ids[part.clone()])
                .bind(&self.payloads[part]);
            insert.execute(&mut *db.sql).await?;
        }
        Ok(())
    }
}

/// Records whose content changes.
#[derive(Debug, Default)]
pub(super) struct Replacements<'a> {
    ids: Vec<&'a str>,
    old: Vec<i64>,
    new: Vec<i64>,
    actions: Vec<i16>,
    states: Vec<i16>,
    hashes: Vec<Hash>,
    payloads: Vec<std::borrow::Cow<'a, [u8]>>,
}

impl<'a> Replacements<'a> {
    /// One more: its id, its place in the feed and the new one, what is told of it, its state, hash and payload.
    pub(super) fn push(
        &mut self,
        id: &'a str,
        [old, new]: [i64; 2],
        [action, state]: [i64; 2],
        hash: Hash,
        payload: impl Into<std::borrow::Cow<'a, [u8]>>,
    ) {
        self.ids.push(id);
        self.old.push(old);
        self.new.push(new);
        self.actions.push(small(action));
        self.states.push(small(state));
        self.hashes.push(hash);
        self.payloads.push(payload.into());
    }

    /// Writes them.
    pub(super) async fn write(&self, db: &mut Db, at: &Writing, dataset: i64) -> Outcome<()> {
        const REPLACE: &str = "WITH new AS MATERIALIZED (SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], \
             $5::smallint[], $6::smallint[], $7::bytea[], $8::bytea[]) u(id, old, seq, action, state, hash, payload)), \
             keys AS (UPDATE nango_rs.record_keys k SET seq = n.seq, modified_at = $9, run = $10, \
             bytes = octet_length(n.payload), hash_version = $11, state = n.state, hash = n.hash \
             FROM new n WHERE k.dataset = $1 AND k.id = n.id) \
             UPDATE nango_rs.records r SET seq = n.seq, last_action = n.action, modified_at = $9, run = $10, \
             first_seen_at = CASE WHEN n.action = 0 THEN $9 ELSE r.first_seen_at END, deleted_at = NULL, \
             pruned_at = NULL, key_id = 0, payload = n.payload FROM new n WHERE r.dataset = $1 AND r.seq = n.old";
        for part in parts(self.payloads.iter().map(|payload| payload.len())) {
            let payloads: Vec<&[u8]> = self.payloads[part.clone()].iter().map(AsRef::as_ref).collect();
            let replace = sqlx::query(REPLACE)
                .bind(dataset)
                .bind(&self.ids[part.clone()])
                .bind(&self.old[part.clone()])
                .bind(&self.new[part.clone()])
                .bind(&self.actions[part.clone()])
                .bind(&self.states[part.clone()])
                .bind(&self.hashes[part.clone()])
                .bind(payloads)
                .bind(at.stamp)
                .bind(at.run)
                .bind(version());
            all(replace.execute(&mut *db.sql).await?.rows_affected(), part.len())?;
        }
        Ok(())
    }
}

/// Records that stay as they are for a reader: their hash is renewed, and perhaps their bytes.
#[derive(Debug, Default)]
pub(super) struct Restores<'a> {
    ids: Vec<&'a str>,
    seqs: Vec<i64>,
    hashes: Vec<Hash>,
    bytes: Vec<i32>,
    payloads: Vec<Option<&'a [u8]>>,
}

impl<'a> Restores<'a> {
    /// One more: its id, its place in the feed, its hash, and its payload if it is to be written too.
    pub(super) fn push(&mut self, id: &'a str, seq: i64, hash: Hash, payload: &'a [u8], write: bool) {
        self.ids.push(id);
        self.seqs.push(seq);
        self.hashes.push(hash);
        self.bytes.push(size(payload));
        self.payloads.push(write.then_some(payload));
    }

    /// Writes them.
    pub(super) async fn write(&self, db: &mut Db, dataset: i64) -> Outcome<()> {
        const RESTORE: &str = "WITH new AS MATERIALIZED (SELECT * FROM unnest($2::text[], $3::bigint[], $4::bytea[], \
             $5::int[], $6::bytea[]) u(id, seq, hash, bytes, payload)), \
             rows AS (UPDATE nango_rs.records r SET payload = n.payload, pruned_at = NULL, key_id = 0 \
             FROM new n WHERE r.dataset = $1 AND r.seq = n.seq AND n.payload IS NOT NULL) \
             UPDATE nango_rs.record_keys k SET hash = n.hash, hash_version = $7, state = 0, bytes = n.bytes \
             FROM new n WHERE k.dataset = $1 AND k.id = n.id";
        for part in parts(self.payloads.iter().map(|payload| payload.map_or(0, <[u8]>::len))) {
            let restore = sqlx::query(RESTORE)
                .bind(dataset)
                .bind(&self.ids[part.clone()])
                .bind(&self.seqs[part.clone()])
                .bind(&self.hashes[part.clone()])
                .bind(&self.bytes[part.clone()])
                .bind(&self.payloads[part.clone()])
                .bind(version());
            all(restore.execute(&mut *db.sql).await?.rows_affected(), part.len())?;
        }
        Ok(())
    }
}

/// Live records that become tombstones.
#[derive(Debug, Default)]
pub(super) struct Burials<'a> {
    ids: Vec<&'a str>,
    old: Vec<i64>,
    new: Vec<i64>,
}

impl<'a> Burials<'a> {
    /// One more: its id, its place in the feed and the new one.
    pub(super) fn push(&mut self, id: &'a str, [old, new]: [i64; 2]) {
        self.ids.push(id);
        self.old.push(old);
        self.new.push(new);
    }

    /// Writes them.
    pub(super) async fn write(&self, db: &mut Db, at: &Writing, dataset: i64) -> Outcome<()> {
        const BURY: &str = "WITH gone AS MATERIALIZED (SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[]) \
             u(id, old, seq)), keys AS (UPDATE nango_rs.record_keys k SET seq = g.seq, modified_at = $5, run = $6, \
             state = k.state | 1::smallint FROM gone g WHERE k.dataset = $1 AND k.id = g.id) \
             UPDATE nango_rs.records r SET seq = g.seq, last_action = 2, modified_at = $5, deleted_at = $5, run = $6 \
             FROM gone g WHERE r.dataset = $1 AND r.seq = g.old";
        if self.ids.is_empty() {
            return Ok(());
        }
        let bury = sqlx::query(BURY).bind(dataset).bind(&self.ids).bind(&self.old).bind(&self.new);
        let done = bury.bind(at.stamp).bind(at.run).execute(&mut *db.sql).await?;
        all(done.rows_affected(), self.ids.len())
    }
}

/// Cuts rows of these sizes into parts of at most [`BYTES`].
fn parts(sizes: impl Iterator<Item = usize>) -> Vec<std::ops::Range<usize>> {
    let (mut parts, mut start, mut bytes, mut end) = (Vec::new(), 0, 0_usize, 0);
    for size in sizes {
        if end > start && bytes.saturating_add(size) > BYTES {
            parts.push(start..end);
            (start, bytes) = (end, 0);
        }
        bytes += size;
        end += 1;
    }
    if end > start {
        parts.push(start..end);
    }
    parts
}

/// Every record must have been there: both its rows are written under the dataset's lock.
fn all(written: u64, expected: usize) -> Outcome<()> {
    if usize::try_from(written) == Ok(expected) { Ok(()) } else { Err(Fault::damaged("a record without its key")) }
}

fn size(payload: &[u8]) -> i32 {
    i32::try_from(payload.len()).unwrap_or(i32::MAX)
}

fn small(number: i64) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

fn version() -> i16 {
    small(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_row_once_and_no_more_than_they_may() {
        assert_eq!(parts([].into_iter()), []);
        assert_eq!(parts([5].into_iter()), [0..1]);
        assert_eq!(parts([BYTES, 1, BYTES - 1, 1].into_iter()), [0..1, 1..3, 3..4]);
        assert_eq!(parts([BYTES + 7, BYTES + 7, 0].into_iter()), [0..1, 1..2, 2..3]);
        assert_eq!(parts([100; 1000].into_iter()), [0..1000]);
    }
}
