//! Lookup of the rows of a record.

use std::borrow::Cow;

use rusqlite::{CachedStatement, OptionalExtension, Row, params};

use crate::store::{
    ParentKey,
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

/// Columns of a key row that only some writes need.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyColumns {
    /// The update times. Without such times in the write they have no effect.
    pub times: bool,
    /// The parent. Without a parent of the write it stays.
    pub parent: bool,
}

/// Lookup of key rows by id.
pub(super) struct KeyFinder<'a> {
    find: CachedStatement<'a>,
    dataset: i64,
    columns: KeyColumns,
}

macro_rules! find {
    ($more:literal) => {
        concat!("SELECT rid, state, hash_version, hash", $more, " FROM record_keys WHERE dataset = ?1 AND id = ?2")
    };
}

impl<'a> KeyFinder<'a> {
    /// Prepares the lookup of key rows with these columns.
    pub(super) fn new(db: &'a Db, dataset: i64, columns: KeyColumns) -> DbResult<Self> {
        let find = match columns {
            KeyColumns { times: false, parent: false } => find!(""),
            KeyColumns { times: true, parent: false } => find!(", updated, older, older_walk"),
            KeyColumns { times: false, parent: true } => find!(", parent"),
            KeyColumns { times: true, parent: true } => find!(", updated, older, older_walk, parent"),
        };
        Ok(Self { find: db.sql.prepare_cached(find)?, dataset, columns })
    }

    /// Returns the key row of an id, if it has one.
    pub(super) fn find(&mut self, id: &str) -> DbResult<Option<KeyRow>> {
        let KeyColumns { times, parent } = self.columns;
        let read = |row: &Row<'_>| {
            let parent_column = if times { 7 } else { 4 };
            let parent = if parent { row.get::<_, Option<[u8; 16]>>(parent_column)?.map(ParentKey) } else { None };
            let times = if times {
                UpdateTimes { updated: row.get(4)?, older: row.get(5)?, older_walk: row.get(6)? }
            } else {
                UpdateTimes::default()
            };
            let key = StoredKey { state: row.get(1)?, hash_version: row.get(2)?, hash: row.get(3)?, times, parent };
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
