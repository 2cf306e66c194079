//! The row of a dataset: its sequence, its latest stamp and its sizes.
//!
//! The writer's transaction is the dataset's lock. Must stay true: the row is read and written in the transaction that
//! gives the sequences, and it is never removed.

use rusqlite::{OptionalExtension, Row, params};

use super::{Db, error::DbResult};
use crate::store::DatasetKey;

/// A dataset inside a transaction.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Its number.
    pub id: i64,
    /// The last sequence that was given.
    pub seq: i64,
    /// The latest stamp that was given.
    pub committed_at: i64,
    /// Live records.
    pub live: i64,
    /// Bytes of their payloads.
    pub bytes: i64,
    /// The scan that is open, whoever opened it.
    pub scan: Option<i64>,
    /// Whether candidates wait in `delete_states`.
    pub has_candidates: bool,
    stored: (i64, i64),
}

impl Dataset {
    /// The dataset, if anything ever asked for it to be there.
    pub(super) fn find(db: &Db, key: &DatasetKey) -> DbResult<Option<Self>> {
        let mut find = db.sql.prepare_cached(
            "SELECT d.id, d.seq, d.stamp, d.live, d.bytes, s.number, \
             EXISTS (SELECT 1 FROM delete_states w WHERE w.dataset = d.id) \
             FROM datasets d LEFT JOIN scans s ON s.dataset = d.id \
             WHERE d.integration = ?1 AND d.connection = ?2 AND d.model = ?3 AND d.variant = ?4",
        )?;
        let read = |row: &Row<'_>| {
            let (seq, bytes) = (row.get(1)?, row.get(4)?);
            let (id, stamp, live, scan) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(5)?);
            Ok(Self {
                id,
                seq,
                committed_at: stamp,
                live,
                bytes,
                scan,
                has_candidates: row.get(6)?,
                stored: (seq, bytes),
            })
        };
        Ok(find.query_row(names(key), read).optional()?)
    }

    /// The dataset, made if it is not there.
    pub(super) fn open(db: &Db, key: &DatasetKey) -> DbResult<Self> {
        if let Some(found) = Self::find(db, key)? {
            return Ok(found);
        }
        let id = db
            .sql
            .prepare_cached(
                "INSERT INTO datasets (integration, connection, model, variant, seq, stamp, live, bytes) \
                 VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0)",
            )?
            .insert(names(key))?;
        Ok(Self { id, seq: 0, committed_at: 0, live: 0, bytes: 0, scan: None, has_candidates: false, stored: (0, 0) })
    }

    /// The sequence of the next change.
    pub(super) fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    /// Writes the row, if a change moved it; `stamp` is that of the changes.
    pub(super) fn save(&self, db: &Db, stamp: i64) -> DbResult<()> {
        if (self.seq, self.bytes) == self.stored {
            return Ok(());
        }
        let stamp = if self.seq == self.stored.0 { self.committed_at } else { stamp };
        db.sql
            .prepare_cached("UPDATE datasets SET seq = ?2, stamp = ?3, live = ?4, bytes = ?5 WHERE id = ?1")?
            .execute(params![self.id, self.seq, stamp, self.live, self.bytes])?;
        Ok(())
    }
}

fn names(key: &DatasetKey) -> [&str; 4] {
    [&key.integration, &key.connection, &key.model, &key.variant]
}
