//! Lookup of the rows of a record.

use std::borrow::Cow;

use rusqlite::{CachedStatement, OptionalExtension, Row, params};

use crate::store::{
    decide::{LastChange, StoredKey},
    encryption::DatasetSeal,
    sqlite::{Db, error::DbResult},
    update_times::UpdateTimes,
};

/// Key row of a record.
pub(super) struct KeyRow {
    /// Record number.
    pub rid: i64,
    /// Values on which decisions depend.
    pub key: StoredKey,
}

/// Lookup of key rows by id.
pub(super) struct KeyFinder<'a> {
    find: CachedStatement<'a>,
    dataset: i64,
    with_times: bool,
}

impl<'a> KeyFinder<'a> {
    /// Prepares the lookup. Update times are read only if the write has such times: otherwise they have no effect.
    pub(super) fn new(db: &'a Db, dataset: i64, with_times: bool) -> DbResult<Self> {
        const FIND: &str = "SELECT rid, state, hash_version, hash FROM record_keys WHERE dataset = ?1 AND id = ?2";
        const WITH_TIMES: &str = "SELECT rid, state, hash_version, hash, updated, older, older_walk FROM record_keys \
                                  WHERE dataset = ?1 AND id = ?2";
        let find = db.sql.prepare_cached(if with_times { WITH_TIMES } else { FIND })?;
        Ok(Self { find, dataset, with_times })
    }

    /// Returns the key row of an id, if it has one.
    pub(super) fn find(&mut self, id: &str) -> DbResult<Option<KeyRow>> {
        let with_times = self.with_times;
        let read = |row: &Row<'_>| {
            let times = if with_times {
                UpdateTimes { updated: row.get(4)?, older: row.get(5)?, older_walk: row.get(6)? }
            } else {
                UpdateTimes::default()
            };
            let key = StoredKey { state: row.get(1)?, hash_version: row.get(2)?, hash: row.get(3)?, times };
            Ok(KeyRow { rid: row.get(0)?, key })
        };
        Ok(self.find.query_row(params![self.dataset, id], read).optional()?)
    }
}

/// Returns the last change of a record, without its payload.
pub(super) fn last_change(db: &Db, rid: i64) -> DbResult<LastChange> {
    const STORED: &str = "SELECT modified_at, run, coalesce(size, 0) FROM records WHERE rid = ?1";
    let read = |row: &Row<'_>| Ok(LastChange { modified_at: row.get(0)?, run: row.get(1)?, bytes: row.get(2)? });
    Ok(db.sql.prepare_cached(STORED)?.query_row([rid], read)?)
}

/// Returns the unencrypted payload of a record that was not pruned.
pub(super) fn payload(db: &Db, seal: &DatasetSeal, rid: i64, id: &str) -> DbResult<Vec<u8>> {
    let mut read = db.sql.prepare_cached("SELECT payload, key_id FROM records WHERE rid = ?1")?;
    let (stored, key): (Vec<u8>, i32) = read.query_row([rid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match seal.open(id, &stored, key)? {
        Cow::Owned(opened) => Ok(opened),
        Cow::Borrowed(_) => Ok(stored),
    }
}
