//! Row of a dataset: its sequence number, latest commit time and sizes.
//!
//! The transaction of the writer is the dataset's lock. Invariants: a transaction that assigns sequence numbers reads
//! and writes the row; the row is never deleted, so that sequence numbers and commit times never go back.

use rusqlite::{OptionalExtension, Row, params};

use super::{Db, error::DbResult};
use crate::{
    store::{DatasetKey, decide::DatasetCounters},
    time::Timestamp,
};

/// A dataset inside a transaction.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Id of the row.
    pub id: i64,
    /// Sequence number and sizes.
    pub counters: DatasetCounters,
    /// Latest commit time; the start of 1970 if nothing was committed.
    pub committed_at: Timestamp,
    /// Number of the open scan, of any function.
    pub scan: Option<i64>,
    /// Whether `delete_states` contains candidates of the dataset.
    pub has_candidates: bool,
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
            let counters = DatasetCounters::new(row.get(1)?, row.get(3)?, row.get(4)?);
            Ok(Self {
                id: row.get(0)?,
                counters,
                committed_at: row.get(2)?,
                scan: row.get(5)?,
                has_candidates: row.get(6)?,
            })
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
        let counters = DatasetCounters::new(0, 0, 0);
        Ok(Self { id, counters, committed_at: Timestamp::UNIX_EPOCH, scan: None, has_candidates: false })
    }

    /// Writes the row if a change was made; `committed_at` is the commit time of the changes.
    pub(super) fn save(&self, db: &Db, committed_at: Timestamp) -> DbResult<()> {
        if !self.counters.is_changed() {
            return Ok(());
        }
        let DatasetCounters { seq, live, bytes, .. } = self.counters;
        let committed_at = if self.counters.is_advanced() { committed_at } else { self.committed_at };
        db.sql
            .prepare_cached("UPDATE datasets SET seq = ?2, stamp = ?3, live = ?4, bytes = ?5 WHERE id = ?1")?
            .execute(params![self.id, seq, committed_at, live, bytes])?;
        Ok(())
    }
}

fn names(key: &DatasetKey) -> [&str; 4] {
    [&key.integration, &key.connection, &key.model, &key.variant]
}
