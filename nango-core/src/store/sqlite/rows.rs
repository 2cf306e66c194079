//! What a page does to the rows of one dataset.
//!
//! A row is two: a narrow one under its id with the content hash, and one with the payload under a number (`rid`). Must
//! stay true: each changed row gets the next sequence and the commit's stamp; an unchanged one is not written at all.

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

/// Who writes, and when.
pub(super) struct WriteContext<'a> {
    pub db: &'a Db,
    /// Content hashes of the regime that is in force.
    pub hasher: &'a Hasher,
    /// Seals the payloads of the dataset, if they are to be sealed.
    pub seal: DatasetSeal,
    pub run: i64,
    pub committed_at: i64,
    /// Rows that another run wrote after this moment are left alone; `None`: none are.
    pub skip_newer_than: Option<i64>,
    /// The full walk that the write is a part of.
    pub full_walk: Option<i64>,
}

/// The narrow row of an id.
struct KeyRow {
    rid: i64,
    state: i64,
    hash: Hash,
    hash_version: i64,
    /// Empty if they were not asked for.
    times: UpdateTimes,
}

/// The wide row of an id, without its payload.
struct PayloadRow {
    modified_at: i64,
    run: i64,
    /// The size of the payload, as if it were plain; 0 when pruned.
    bytes: i64,
}

impl<'a> WriteContext<'a> {
    /// Looks keys up, with their times of update if the write has such times: otherwise nothing depends on them.
    fn finder(&self, with_times: bool) -> DbResult<KeyFinder<'a>> {
        const FIND: &str = "SELECT rid, state, hash_version, hash FROM record_keys WHERE dataset = ?1 AND id = ?2";
        const WITH_TIMES: &str = "SELECT rid, state, hash_version, hash, updated, older, older_walk FROM record_keys \
                                  WHERE dataset = ?1 AND id = ?2";
        let find = self.db.sql.prepare_cached(if with_times { WITH_TIMES } else { FIND })?;
        Ok(KeyFinder { find, with_times })
    }

    /// Where the write comes from, as far as its age depends on it.
    fn source(&self) -> Source {
        Source { full_walk: self.full_walk, now: self.committed_at }
    }

    /// Stores the times of a row, if they are to change, and nothing else of it.
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

    /// The payload of a row that was not pruned.
    fn payload(&self, rid: i64, id: &str) -> DbResult<Vec<u8>> {
        let mut read = self.db.sql.prepare_cached("SELECT payload, key_id FROM records WHERE rid = ?1")?;
        let (stored, key): (Vec<u8>, i32) = read.query_row([rid], |row| Ok((row.get(0)?, row.get(1)?)))?;
        match self.seal.open(id, &stored, key)? {
            Cow::Owned(opened) => Ok(opened),
            Cow::Borrowed(_) => Ok(stored),
        }
    }

    /// Whether another run wrote the row after the page was requested.
    fn is_newer(&self, stored: &PayloadRow) -> bool {
        self.skip_newer_than.is_some_and(|requested_at| stored.run != self.run && stored.modified_at > requested_at)
    }
}

/// Looks rows up by id.
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

/// A length as `SQLite` counts it.
fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
