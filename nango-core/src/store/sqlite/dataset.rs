//! Row of a dataset: its sequence number, latest commit time and sizes.
//!
//! The transaction of the writer is the dataset's lock. Invariants: a transaction that assigns sequence numbers reads
//! and writes the row; the row is never deleted, so that sequence numbers and commit times never go back.

use rusqlite::{OptionalExtension, Row, params};

use super::{Db, error::DbResult};
use crate::store::DatasetKey;

/// A dataset inside a transaction.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Id of the row.
    pub id: i64,
    /// Last sequence number that was assigned.
    pub seq: i64,
    /// Latest commit time, microseconds since 1970 (UTC).
    pub committed_at: i64,
    /// Number of active records.
    pub live: i64,
    /// Size of their payloads in bytes.
    pub bytes: i64,
    /// Number of the open scan, of any function.
    pub scan: Option<i64>,
    /// Whether `delete_states` contains candidates of the dataset.
    pub has_candidates: bool,
    /// Stored sequence number and bytes.
    stored: (i64, i64),
}

impl Dataset {
    /// Returns the dataset, if it was ever created.
    pub(super) fn find(db: &Db, key: &DatasetKey) -> DbResult<Option<Self>> {
        let mut find = db.sql.prepare_cached(
            "SELECT d.id, d.seq, d.stamp, d.live, d.bytes, s.number, \
             EXISTS (SELECT 1 FROM delete_states w WHERE w.dataset = d.id) \
             FROM datasets d LEFT JOIN scans s ON s.dataset = d.id \
             WHERE d.integration = ?1 AND d.connection = ?2 AND d.model = ?3 AND d.variant = ?4",
        )?;
        let read = |row: &Row<'_>| {
            let (seq, bytes) = (row.get(1)?, row.get(4)?);
            let (id, committed_at, live, scan) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(5)?);
            Ok(Self { id, seq, committed_at, live, bytes, scan, has_candidates: row.get(6)?, stored: (seq, bytes) })
        };
        Ok(find.query_row(names(key), read).optional()?)
    }

    /// Returns the dataset, and creates it if it does not exist.
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

    /// Assigns the sequence number of the next change.
    pub(super) fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    /// Writes the row if a change was made; `committed_at` is the commit time of the changes.
    pub(super) fn save(&self, db: &Db, committed_at: i64) -> DbResult<()> {
        if (self.seq, self.bytes) == self.stored {
            return Ok(());
        }
        let committed_at = if self.seq == self.stored.0 { self.committed_at } else { committed_at };
        db.sql
            .prepare_cached("UPDATE datasets SET seq = ?2, stamp = ?3, live = ?4, bytes = ?5 WHERE id = ?1")?
            .execute(params![self.id, self.seq, committed_at, self.live, self.bytes])?;
        Ok(())
    }
}

fn names(key: &DatasetKey) -> [&str; 4] {
    [&key.integration, &key.connection, &key.model, &key.variant]
}
