//! Candidates of an open scan: selection in batches, so that memory does not grow with their number.

use rusqlite::{OptionalExtension, Row, Rows, params};

use super::{Db, dataset::Dataset, error::DbResult, marks::SeenRecords};
use crate::store::{ParentKey, row_flags::DELETED_FLAG};

/// Number of candidates that are fetched before anything is written.
pub(super) const BATCH_SIZE: usize = 4096;

/// Candidates of an open scan: active records that it did not see, and that no run wrote since it began.
pub(super) struct ScanCandidates<'a> {
    pub db: &'a Db,
    pub dataset: i64,
    /// Sequence number of the dataset when the scan began.
    pub start_seq: i64,
    seen: SeenRecords,
}

/// A candidate: its id and its record number.
pub(super) type Candidate = (String, i64);

impl<'a> ScanCandidates<'a> {
    /// Loads the marks of a scan.
    pub(super) fn new(db: &'a Db, dataset: &Dataset, scan: i64) -> DbResult<Self> {
        let mut start = db.sql.prepare_cached("SELECT start_seq FROM scans WHERE number = ?1")?;
        let start_seq = start.query_row([scan], |row| row.get(0))?;
        Ok(Self { db, dataset: dataset.id, start_seq, seen: SeenRecords::load(db, scan)? })
    }

    /// Returns the next candidates in the order of their ids. A batch of fewer than [`BATCH_SIZE`] is the last.
    pub(super) fn after(&self, after: &str) -> DbResult<Vec<Candidate>> {
        let mut walk = self.db.sql.prepare_cached(
            "SELECT id, rid FROM record_keys WHERE dataset = ?1 AND id > ?2 AND state & ?3 = 0 ORDER BY id",
        )?;
        self.missed(walk.query(params![self.dataset, after, DELETED_FLAG])?)
    }

    /// Returns the next candidates among the children of a parent in the order of their ids. A batch of fewer than
    /// [`BATCH_SIZE`] is the last.
    pub(super) fn children_after(&self, parent: ParentKey, after: &str) -> DbResult<Vec<Candidate>> {
        let mut walk = self.db.sql.prepare_cached(
            "SELECT id, rid FROM record_keys WHERE parent = ?4 AND dataset = ?1 AND id > ?2 AND state & ?3 = 0 \
             ORDER BY id",
        )?;
        self.missed(walk.query(params![self.dataset, after, DELETED_FLAG, parent.0])?)
    }

    /// Returns the first candidates of these rows of ids and record numbers.
    fn missed(&self, mut rows: Rows<'_>) -> DbResult<Vec<Candidate>> {
        let mut seq = self.db.sql.prepare_cached("SELECT seq FROM records WHERE rid = ?1")?;
        let mut found = Vec::new();
        while found.len() < BATCH_SIZE
            && let Some(row) = rows.next()?
        {
            let rid = row.get(1)?;
            if !self.seen.contains(rid) && seq.query_row([rid], |row| row.get::<_, i64>(0))? <= self.start_seq {
                found.push((row.get(0)?, rid));
            }
        }
        Ok(found)
    }

    /// Returns whether a record was deleted since the scan began.
    pub(super) fn is_deleted(&self, id: &str) -> DbResult<bool> {
        Ok(self.deleted(id)?.is_some())
    }

    /// Returns the parent of a record that was deleted since the scan began, if it has one.
    pub(super) fn deleted_child(&self, id: &str) -> DbResult<Option<ParentKey>> {
        Ok(self.deleted(id)?.and_then(|record| record.parent))
    }

    fn deleted(&self, id: &str) -> DbResult<Option<DeletedRecord>> {
        let mut deleted = self.db.sql.prepare_cached(
            "SELECT k.parent FROM record_keys k JOIN records r ON r.rid = k.rid \
             WHERE k.dataset = ?1 AND k.id = ?2 AND k.state & ?3 <> 0 AND r.seq > ?4",
        )?;
        let parameters = params![self.dataset, id, DELETED_FLAG, self.start_seq];
        let read = |row: &Row<'_>| Ok(DeletedRecord { parent: row.get::<_, Option<[u8; 16]>>(0)?.map(ParentKey) });
        Ok(deleted.query_row(parameters, read).optional()?)
    }
}

/// Record that was deleted since the scan began.
struct DeletedRecord {
    parent: Option<ParentKey>,
}
