//! Bulk writes: each kind of change is one statement over arrays, which writes both rows of each record.
//!
//! An existing row is changed by an insert that conflicts with it, because `ON CONFLICT` finds it by its key alone (see
//! `begin`). Such an insert passes its values in columns of the excluded row: where the sequence number of a
//! record changes, the new one is passed in `first_seen_at`. A row that unexpectedly does not exist would be inserted;
//! it gets the run [`INVALID_RUN`], which the count of the statement detects. `unnest` is used in the select list,
//! where the server streams its rows; as a table, it would first copy all of them.

use std::borrow::Cow;

use super::content::{ChangeWriter, SealedContent, stored_key_id};
use crate::{
    store::{
        hash::Hash,
        postgres::{
            Db,
            error::{DbError, DbResult},
        },
    },
    time::Timestamp,
};

/// Maximum bytes of payload in one statement, unless a single payload is larger.
const MAX_STATEMENT_BYTES: usize = 16 << 20;

/// Row number that no run has.
pub(in crate::store::postgres) const INVALID_RUN: i64 = -1;

/// New records, which have neither row yet.
#[derive(Debug, Default)]
pub(super) struct Inserts<'a> {
    ids: Vec<&'a str>,
    rids: Vec<i64>,
    seqs: Vec<i64>,
    hashes: Vec<Hash>,
    bytes: Vec<i32>,
    updated: Vec<Option<Timestamp>>,
    payloads: Vec<Cow<'a, [u8]>>,
}

impl<'a> Inserts<'a> {
    /// Adds a record: id, record number, sequence number, content.
    pub(super) fn push(&mut self, id: &'a str, rid: i64, seq: i64, content: SealedContent<'a>) {
        self.ids.push(id);
        self.rids.push(rid);
        self.seqs.push(seq);
        self.hashes.push(content.hash);
        self.bytes.push(content.bytes);
        self.updated.push(content.updated);
        self.payloads.push(content.payload);
    }

    /// Writes the collected records.
    pub(super) async fn write(&self, db: &mut Db, writer: &ChangeWriter<'_>, dataset: i64) -> DbResult<()> {
        const INSERT: &str = "WITH keys AS (INSERT INTO nango_rs.record_keys \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, updated, parent, id) \
             SELECT $1, unnest($2::bigint[]), unnest($3::bigint[]), $4, $5, unnest($6::int[]), $7, 0, \
             unnest($8::bytea[]), unnest($12::bigint[]), $13, unnest($9::text[])) \
             INSERT INTO nango_rs.records \
             (dataset, seq, first_seen_at, modified_at, run, last_action, id, key_id, payload) \
             SELECT $1, unnest($3::bigint[]), $4, $4, $5, 0, unnest($9::text[]), $11, unnest($10::bytea[])";
        for part in parts(self.payloads.iter().map(|payload| payload.len())) {
            let insert = db
                .query(INSERT)
                .bind(dataset)
                .bind(&self.rids[part.clone()])
                .bind(&self.seqs[part.clone()])
                .bind(writer.context.committed_at)
                .bind(writer.context.run)
                .bind(&self.bytes[part.clone()])
                .bind(version(writer))
                .bind(&self.hashes[part.clone()])
                .bind(&self.ids[part.clone()])
                .bind(as_slices(&self.payloads[part.clone()]))
                .bind(stored_key_id(writer.policy))
                .bind(&self.updated[part])
                .bind(writer.context.parent.map(|parent| parent.0.to_vec()));
            insert.execute(&mut *db.sql).await?;
        }
        Ok(())
    }
}

/// Records with changed content.
#[derive(Debug, Default)]
pub(super) struct Replacements<'a> {
    ids: Vec<&'a str>,
    old: Vec<i64>,
    new: Vec<i64>,
    actions: Vec<i16>,
    states: Vec<i16>,
    hashes: Vec<Hash>,
    bytes: Vec<i32>,
    updated: Vec<Option<Timestamp>>,
    payloads: Vec<Cow<'a, [u8]>>,
}

impl<'a> Replacements<'a> {
    /// Adds a record: id, old and new sequence number, last action and state flags, content.
    pub(super) fn push(
        &mut self,
        id: &'a str,
        [old, new]: [i64; 2],
        [action, state]: [i64; 2],
        content: SealedContent<'a>,
    ) {
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

    /// Writes the collected records.
    pub(super) async fn write(&self, db: &mut Db, writer: &ChangeWriter<'_>, dataset: i64) -> DbResult<()> {
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
                .bind(writer.context.committed_at)
                .bind(writer.context.run)
                .bind(version(writer))
                .bind(&self.bytes[part.clone()])
                .bind(INVALID_RUN)
                .bind(stored_key_id(writer.policy))
                .bind(&self.updated[part.clone()]);
            ensure_all_written(replace.fetch_one(&mut *db.sql).await?, part.len())?;
        }
        Ok(())
    }
}

/// Records without a change for readers: their hash is stored again, and their payload if necessary.
#[derive(Debug, Default)]
pub(super) struct Restores<'a> {
    ids: Vec<&'a str>,
    seqs: Vec<i64>,
    hashes: Vec<Hash>,
    bytes: Vec<i32>,
    updated: Vec<Option<Timestamp>>,
    payloads: Vec<Option<Cow<'a, [u8]>>>,
}

impl<'a> Restores<'a> {
    /// Adds a record: id, sequence number, content, and whether to write the payload as well.
    pub(super) fn push(&mut self, id: &'a str, seq: i64, content: SealedContent<'a>, write: bool) {
        self.ids.push(id);
        self.seqs.push(seq);
        self.hashes.push(content.hash);
        self.bytes.push(content.bytes);
        self.updated.push(content.updated);
        self.payloads.push(write.then_some(content.payload));
    }

    /// Writes the collected records.
    pub(super) async fn write(&self, db: &mut Db, writer: &ChangeWriter<'_>, dataset: i64) -> DbResult<()> {
        // The sequence number is unchanged, so `first_seen_at` passes nothing. A payload that is not written is not
        // sent.
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
                .bind(version(writer))
                .bind(INVALID_RUN)
                .bind(stored_key_id(writer.policy))
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
    /// Adds a record: id, old and new sequence number.
    pub(in crate::store::postgres) fn push(&mut self, id: &'a str, [old, new]: [i64; 2]) {
        self.ids.push(id);
        self.old.push(old);
        self.new.push(new);
    }

    /// Writes the collected records.
    pub(in crate::store::postgres) async fn write(
        &self,
        db: &mut Db,
        dataset: i64,
        committed_at: Timestamp,
        run: i64,
    ) -> DbResult<()> {
        // The last payload stays.
        const TOMBSTONE: &str = "WITH gone AS MATERIALIZED \
             (SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[]) u(id, old, seq)), \
             keys AS (INSERT INTO nango_rs.record_keys AS k \
             (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, id) \
             SELECT $1, 0, seq, $5, $6, 0, 0, 0, '', id FROM gone ON CONFLICT (dataset, id) DO UPDATE SET \
             seq = excluded.seq, modified_at = excluded.modified_at, run = excluded.run, \
             state = k.state | 1::smallint, \
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
        let write = db.query_scalar(TOMBSTONE).bind(dataset).bind(&self.ids).bind(&self.old).bind(&self.new);
        let write = write.bind(committed_at).bind(run).bind(INVALID_RUN);
        ensure_all_written(write.fetch_one(&mut *db.sql).await?, self.ids.len())
    }
}

/// Splits rows of these sizes into parts of at most [`MAX_STATEMENT_BYTES`].
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

/// Fails unless every record existed: both its rows are written under the dataset's lock.
pub(super) fn ensure_all_written(written: i64, expected: usize) -> DbResult<()> {
    if usize::try_from(written) == Ok(expected) {
        Ok(())
    } else {
        Err(DbError::damaged("a record without its key row"))
    }
}

fn as_slices<'a>(payloads: &'a [Cow<'_, [u8]>]) -> Vec<&'a [u8]> {
    payloads.iter().map(AsRef::as_ref).collect()
}

/// Converts a number for a `SMALLINT` column.
pub(super) fn to_i16(number: i64) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

/// Returns the version of new hashes.
fn version(writer: &ChangeWriter<'_>) -> i16 {
    to_i16(writer.context.hasher.version())
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
