//! Changes of a page to the rows of one dataset.
//!
//! A record has two rows: a key row under its id, with the content hash, and a payload row under its record number
//! (`rid`). Invariant: a changed record gets the next sequence number and the commit time; an unchanged one is not
//! written at all.

mod delete;
mod patch;
mod save;
mod seen;

use std::borrow::Cow;

use rusqlite::{CachedStatement, OptionalExtension, Row, params};

use super::{Db, dataset::Dataset, error::DbResult};
use crate::store::{
    encryption::{DatasetSeal, SEAL_OVERHEAD},
    hash::{Hash, Hasher},
    update_times::{Source, UpdateTimes},
};

pub(super) use crate::store::row_flags::{
    ADDED_ACTION, DELETED_ACTION, DELETED_FLAG, MERGED_FLAG, PRUNED_FLAG, UPDATED_ACTION,
};
pub(super) use delete::{delete, tombstone};
pub(super) use patch::patch;
pub(super) use save::save;
pub(super) use seen::seen;

const _: () = assert!(SEAL_OVERHEAD == 28, "the number in `schema/002.sql`");

/// Parameters of the writes to one dataset in a commit.
pub(super) struct WriteContext<'a> {
    pub db: &'a Db,
    /// Computes content hashes by the encryption policy of the transaction.
    pub hasher: &'a Hasher,
    /// Seals the payloads of the dataset, if the policy requires it.
    pub seal: DatasetSeal,
    pub run: i64,
    pub committed_at: i64,
    /// Rows that another run wrote after this time are skipped; `None` writes all rows.
    pub skip_newer_than: Option<i64>,
    /// Number of the full walk that the write belongs to.
    pub full_walk: Option<i64>,
}

/// Key row of a record.
struct KeyRow {
    rid: i64,
    state: i64,
    hash: Hash,
    hash_version: i64,
    /// Update times; empty if they were not requested.
    times: UpdateTimes,
}

/// Payload row of a record, without the payload.
struct PayloadRow {
    modified_at: i64,
    run: i64,
    /// Size of the unencrypted payload in bytes; 0 if it was pruned.
    bytes: i64,
}

impl<'a> WriteContext<'a> {
    /// Prepares the lookup of key rows. Update times are read only if the write has such times: otherwise they have no
    /// effect.
    fn finder(&self, with_times: bool) -> DbResult<KeyFinder<'a>> {
        const FIND: &str = "SELECT rid, state, hash_version, hash FROM record_keys WHERE dataset = ?1 AND id = ?2";
        const WITH_TIMES: &str = "SELECT rid, state, hash_version, hash, updated, older, older_walk FROM record_keys \
                                  WHERE dataset = ?1 AND id = ?2";
        let find = self.db.sql.prepare_cached(if with_times { WITH_TIMES } else { FIND })?;
        Ok(KeyFinder { find, with_times })
    }

    /// Returns the source of the write, on which its age depends.
    fn source(&self) -> Source {
        Source { full_walk: self.full_walk, now: self.committed_at }
    }

    /// Writes the update times of a record, if they change, and no other column.
    fn store_times(&self, dataset: &Dataset, id: &str, times: Option<UpdateTimes>) -> DbResult<()> {
        const TIMES: &str =
            "UPDATE record_keys SET updated = ?3, older = ?4, older_walk = ?5 WHERE dataset = ?1 AND id = ?2";
        if let Some(UpdateTimes { updated, older, older_walk }) = times {
            self.db.sql.prepare_cached(TIMES)?.execute(params![dataset.id, id, updated, older, older_walk])?;
        }
        Ok(())
    }

    fn payload_row(&self, rid: i64) -> DbResult<PayloadRow> {
        const STORED: &str = "SELECT modified_at, run, coalesce(size, 0) FROM records WHERE rid = ?1";
        let read = |row: &Row<'_>| Ok(PayloadRow { modified_at: row.get(0)?, run: row.get(1)?, bytes: row.get(2)? });
        Ok(self.db.sql.prepare_cached(STORED)?.query_row([rid], read)?)
    }

    /// Returns the unencrypted payload of a row that was not pruned.
    fn payload(&self, rid: i64, id: &str) -> DbResult<Vec<u8>> {
        let mut read = self.db.sql.prepare_cached("SELECT payload, key_id FROM records WHERE rid = ?1")?;
        let (stored, key): (Vec<u8>, i32) = read.query_row([rid], |row| Ok((row.get(0)?, row.get(1)?)))?;
        match self.seal.open(id, &stored, key)? {
            Cow::Owned(opened) => Ok(opened),
            Cow::Borrowed(_) => Ok(stored),
        }
    }

    /// Returns whether another run wrote the row after the page was requested.
    fn is_newer(&self, stored: &PayloadRow) -> bool {
        self.skip_newer_than.is_some_and(|requested_at| stored.run != self.run && stored.modified_at > requested_at)
    }
}

/// Lookup of key rows by id.
struct KeyFinder<'a> {
    find: CachedStatement<'a>,
    with_times: bool,
}

impl KeyFinder<'_> {
    fn find(&mut self, dataset: &Dataset, id: &str) -> DbResult<Option<KeyRow>> {
        let with_times = self.with_times;
        let read = |row: &Row<'_>| {
            let times = if with_times {
                UpdateTimes { updated: row.get(4)?, older: row.get(5)?, older_walk: row.get(6)? }
            } else {
                UpdateTimes::default()
            };
            Ok(KeyRow { rid: row.get(0)?, state: row.get(1)?, hash_version: row.get(2)?, hash: row.get(3)?, times })
        };
        Ok(self.find.query_row(params![dataset.id, id], read).optional()?)
    }
}

/// Converts a length for the counts of a dataset.
fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
