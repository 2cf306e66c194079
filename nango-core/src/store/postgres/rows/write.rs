//! Writing rows, many at once: each kind of change is one statement over arrays, which writes both rows of each record.
//!
//! A row that is known to be there is changed by an insert that meets it: `ON CONFLICT` finds it by its key and by nothing
//! else (see `transaction`). What such an insert brings are carriers: where the place of a record changes, the new one
//! travels in `first_seen_at`. A row that is not there, against all rules, would be inserted; it has the run [`NOBODY`], and
//! the statement's count tells. `unnest` stands among the columns, where the server hands the rows on one by one; as a table
//! it would copy all of them first.

use std::borrow::Cow;

use super::{Content, WriteContext, stored_key_id};
use crate::store::{
    hash::Hash,
    postgres::{
        Db,
        error::{DbError, DbResult},
    },
};

/// So many bytes of payload go into one statement, unless a single one is larger.
const MAX_STATEMENT_BYTES: usize = 16 << 20;

/// A run that there is not.
pub(in crate::store::postgres) const INVALID_RUN: i64 = -1;

/// Records that are not there yet.
#[derive(Debug, Default)]
pub(super) struct Inserts<'a> {
    ids: Vec<&'a str>,
    rids: Vec<i64>,
    seqs: Vec<i64>,
    hashes: Vec<Hash>,
    bytes: Vec<i32>,
    updated: Vec<Option<i64>>,
    payloads: Vec<Cow<'a, [u8]>>,
}

impl<'a> Inserts<'a> {
    /// One more: its id, its number, its place in the feed, its content.
    pub(super) fn push(&mut self, id: &'a str, rid: i64, seq: i64, content: Content<'a>) {
        self.ids.push(id);
        self.rids.push(rid);
        self.seqs.push(seq);
        self.hashes.push(content.hash);
        self.bytes.push(content.bytes);
        self.updated.push(content.updated);
        self.payloads.push(content.payload);
    }

    /// Writes them.
    pub(super) async fn write(&self, db: &mut Db, at: &WriteContext, dataset: i64) -> DbResult<()> {
        const INSERT: &str = "WITH keys AS (INSERT INTO nango_rs.record_keys \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, updated, id) \
             SELECT $1, unnest($2::bigint[]), unnest($3::bigint[]), $4, $5, unnest($6::int[]), $7, 0, \
             unnest($8::bytea[]), unnest($12::bigint[]), unnest($9::text[])) \
             INSERT INTO nango_rs.records \
             (dataset, seq, first_seen_at, modified_at, run, last_action, id, key_id, payload) \
             SELECT $1, unnest($3::bigint[]), $4, $4, $5, 0, unnest($9::text[]), $11, unnest($10::bytea[])";
        for part in parts(self.payloads.iter().map(|payload| payload.len())) {
            let insert = db
                .query(INSERT)
                .bind(dataset)
                .bind(&self.rids[part.clone()])
                .bind(&self.seqs[part.clone()])
                .bind(at.committed_at)
                .bind(at.run)
                .bind(&self.bytes[part.clone()])
                .bind(version(at))
                .bind(&self.hashes[part.clone()])
                .bind(&self.ids[part.clone()])
                .bind(as_slices(&self.payloads[part.clone()]))
                .bind(stored_key_id(&at.policy))
                .bind(&self.updated[part]);
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
    bytes: Vec<i32>,
    updated: Vec<Option<i64>>,
    payloads: Vec<Cow<'a, [u8]>>,
}

impl<'a> Replacements<'a> {
    /// One more: its id, its place in the feed and the new one, what is told of it, its state, its content.
    pub(super) fn push(&mut self, id: &'a str, [old, new]: [i64; 2], [action, state]: [i64; 2], content: Content<'a>) {
        self.ids.push(id);
        self.old.push(old);
        self.new.push(new);
        self.actions.push(to_i16(action));
        self.states.push(to_i16(state));
        self.hashes.push(content.hash);
        self.bytes.push(content.bytes);
        self.updated.push(content.updated);
        self.payloads.push(content.payload);
    }

    /// Writes them.
    pub(super) async fn write(&self, db: &mut Db, at: &WriteContext, dataset: i64) -> DbResult<()> {
        const REPLACE: &str = "WITH keys AS (INSERT INTO nango_rs.record_keys AS k \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, updated, id) \
             SELECT $1, 0, unnest($4::bigint[]), $9, $10, unnest($12::int[]), $11, unnest($6::smallint[]), \
             unnest($7::bytea[]), unnest($15::bigint[]), unnest($2::text[]) ON CONFLICT (dataset, id) DO UPDATE SET \
             seq = excluded.seq, modified_at = excluded.modified_at, run = excluded.run, bytes = excluded.bytes, \
             hash_version = excluded.hash_version, state = excluded.state, hash = excluded.hash, \
             updated = excluded.updated, older = NULL, older_walk = NULL), \
             rows AS (INSERT INTO nango_rs.records AS r \
             (dataset, seq, first_seen_at, modified_at, run, last_action, id, key_id, payload) \
             SELECT $1, unnest($3::bigint[]), unnest($4::bigint[]), $9, $13, unnest($5::smallint[]), \
             unnest($2::text[]), $14, unnest($8::bytea[]) ON CONFLICT (dataset, seq) DO UPDATE SET \
             seq = excluded.first_seen_at, last_action = excluded.last_action, modified_at = excluded.modified_at, \
             first_seen_at = CASE WHEN excluded.last_action = 0 THEN excluded.modified_at ELSE r.first_seen_at END, \
             deleted_at = NULL, pruned_at = NULL, run = $10, key_id = $14, payload = excluded.payload RETURNING r.run) \
             SELECT count(*) FROM rows WHERE run = $10";
        for part in parts(self.payloads.iter().map(|payload| payload.len())) {
            let replace = db
                .query_scalar(REPLACE)
                .bind(dataset)
                .bind(&self.ids[part.clone()])
                .bind(&self.old[part.clone()])
                .bind(&self.new[part.clone()])
                .bind(&self.actions[part.clone()])
                .bind(&self.states[part.clone()])
                .bind(&self.hashes[part.clone()])
                .bind(as_slices(&self.payloads[part.clone()]))
                .bind(at.committed_at)
                .bind(at.run)
                .bind(version(at))
                .bind(&self.bytes[part.clone()])
                .bind(INVALID_RUN)
                .bind(stored_key_id(&at.policy))
                .bind(&self.updated[part.clone()]);
            ensure_all_written(replace.fetch_one(&mut *db.sql).await?, part.len())?;
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
    updated: Vec<Option<i64>>,
    payloads: Vec<Option<Cow<'a, [u8]>>>,
}

impl<'a> Restores<'a> {
    /// One more: its id, its place in the feed, its content, and whether the payload is to be written too.
    pub(super) fn push(&mut self, id: &'a str, seq: i64, content: Content<'a>, write: bool) {
        self.ids.push(id);
        self.seqs.push(seq);
        self.hashes.push(content.hash);
        self.bytes.push(content.bytes);
        self.updated.push(content.updated);
        self.payloads.push(write.then_some(content.payload));
    }

    /// Writes them.
    pub(super) async fn write(&self, db: &mut Db, at: &WriteContext, dataset: i64) -> DbResult<()> {
        // The place stays, so it need not be carried. A payload that is not to be written is not brought.
        const RESTORE: &str = "WITH rows AS (INSERT INTO nango_rs.records AS r \
             (dataset, seq, first_seen_at, modified_at, run, last_action, id, key_id, payload) \
             SELECT $1, seq, 0, 0, $8, 0, id, $9, payload \
             FROM unnest($2::text[], $3::bigint[], $6::bytea[]) u(id, seq, payload) WHERE payload IS NOT NULL \
             ON CONFLICT (dataset, seq) DO UPDATE SET payload = excluded.payload, pruned_at = NULL, key_id = $9 \
             RETURNING r.run), \
             keys AS (INSERT INTO nango_rs.record_keys AS k \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, updated, id) \
             SELECT $1, 0, unnest($3::bigint[]), 0, $8, unnest($5::int[]), $7, 0, unnest($4::bytea[]), \
             unnest($10::bigint[]), unnest($2::text[]) \
             ON CONFLICT (dataset, id) DO UPDATE SET hash = excluded.hash, hash_version = excluded.hash_version, \
             state = 0, bytes = excluded.bytes, updated = excluded.updated, older = NULL, older_walk = NULL \
             RETURNING k.run) \
             SELECT (SELECT count(*) FROM keys WHERE run <> $8) - (SELECT count(*) FROM rows WHERE run = $8)";
        for part in parts(self.payloads.iter().map(|payload| payload.as_ref().map_or(0, |payload| payload.len()))) {
            let payloads: Vec<Option<&[u8]>> = self.payloads[part.clone()].iter().map(Option::as_deref).collect();
            let restore = db
                .query_scalar(RESTORE)
                .bind(dataset)
                .bind(&self.ids[part.clone()])
                .bind(&self.seqs[part.clone()])
                .bind(&self.hashes[part.clone()])
                .bind(&self.bytes[part.clone()])
                .bind(payloads)
                .bind(version(at))
                .bind(INVALID_RUN)
                .bind(stored_key_id(&at.policy))
                .bind(&self.updated[part.clone()]);
            ensure_all_written(restore.fetch_one(&mut *db.sql).await?, part.len())?;
        }
        Ok(())
    }
}

/// Live records that become tombstones.
#[derive(Debug, Default)]
pub(in crate::store::postgres) struct Tombstones<'a> {
    ids: Vec<&'a str>,
    old: Vec<i64>,
    new: Vec<i64>,
}

impl<'a> Tombstones<'a> {
    /// One more: its id, its place in the feed and the new one.
    pub(in crate::store::postgres) fn push(&mut self, id: &'a str, [old, new]: [i64; 2]) {
        self.ids.push(id);
        self.old.push(old);
        self.new.push(new);
    }

    /// Writes them.
    pub(in crate::store::postgres) async fn write(
        &self,
        db: &mut Db,
        dataset: i64,
        stamp: i64,
        run: i64,
    ) -> DbResult<()> {
        // The last payload stays.
        const BURY: &str = "WITH gone AS MATERIALIZED \
             (SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[]) u(id, old, seq)), \
             keys AS (INSERT INTO nango_rs.record_keys AS k \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, id) \
             SELECT $1, 0, seq, $5, $6, 0, 0, 0, '', id FROM gone ON CONFLICT (dataset, id) DO UPDATE SET \
             seq = excluded.seq, modified_at = excluded.modified_at, run = excluded.run, state = k.state | 1::smallint, \
             older = NULL, older_walk = NULL), \
             rows AS (INSERT INTO nango_rs.records AS r \
             (dataset, seq, first_seen_at, modified_at, run, last_action, id) \
             SELECT $1, old, seq, $5, $7, 2, id FROM gone ON CONFLICT (dataset, seq) DO UPDATE SET \
             seq = excluded.first_seen_at, last_action = 2, modified_at = excluded.modified_at, \
             deleted_at = excluded.modified_at, run = $6 RETURNING r.run) \
             SELECT count(*) FROM rows WHERE run = $6";
        if self.ids.is_empty() {
            return Ok(());
        }
        let bury = db.query_scalar(BURY).bind(dataset).bind(&self.ids).bind(&self.old).bind(&self.new);
        ensure_all_written(bury.bind(stamp).bind(run).bind(INVALID_RUN).fetch_one(&mut *db.sql).await?, self.ids.len())
    }
}

/// Cuts rows of these sizes into parts of at most [`BYTES`].
pub(super) fn parts(sizes: impl Iterator<Item = usize>) -> Vec<std::ops::Range<usize>> {
    let (mut parts, mut start, mut bytes, mut end) = (Vec::new(), 0, 0_usize, 0);
    for size in sizes {
        if end > start && bytes.saturating_add(size) > MAX_STATEMENT_BYTES {
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
pub(super) fn ensure_all_written(written: i64, expected: usize) -> DbResult<()> {
    if usize::try_from(written) == Ok(expected) { Ok(()) } else { Err(DbError::damaged("a record without its key")) }
}

fn as_slices<'a>(payloads: &'a [Cow<'_, [u8]>]) -> Vec<&'a [u8]> {
    payloads.iter().map(AsRef::as_ref).collect()
}

/// A number of a narrow column.
pub(super) fn to_i16(number: i64) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

/// The version of new hashes.
fn version(at: &WriteContext) -> i16 {
    to_i16(at.policy.hasher.version())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_each_row_once_within_byte_limit() {
        for (sizes, ends) in [
            (&[][..], &[][..]),
            (&[5], &[1]),
            (&[MAX_STATEMENT_BYTES, 1, MAX_STATEMENT_BYTES - 1, 1], &[1, 3, 4]),
            (&[MAX_STATEMENT_BYTES + 7, MAX_STATEMENT_BYTES + 7, 0], &[1, 2, 3]),
            (&[100; 1000], &[1000]),
        ] {
            let parts = parts(sizes.iter().copied());
            assert_eq!(parts.iter().map(|part| part.end).collect::<Vec<_>>(), ends);
            assert!(parts.first().is_none_or(|first| first.start == 0));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
