//! Marks of a scan: which records a full walk has seen.
//!
//! A mark is one bit at the record's number, so that a walk over unchanged records writes a few hundred bytes per page
//! and no record. Invariants: while a scan is open, every save writes marks, whichever run saves; marks are deleted
//! with their scan.

use rusqlite::{OptionalExtension, params};

use super::{Db, error::DbResult};
use crate::store::mark_bits::{BitOrder, CHUNK_BYTES};

/// The order of the bits in stored chunks.
const ORDER: BitOrder = BitOrder::LowestFirst;

/// Closes a scan, without deleting records.
pub(super) fn close(db: &Db, number: i64) -> DbResult<()> {
    db.sql.prepare_cached("DELETE FROM scan_marks WHERE scan = ?1")?.execute([number])?;
    db.sql.prepare_cached("DELETE FROM scans WHERE number = ?1")?.execute([number])?;
    Ok(())
}

/// Marks records as seen.
pub(super) fn mark(db: &Db, scan: i64, rids: Vec<i64>) -> DbResult<()> {
    let mut get = db.sql.prepare_cached("SELECT bits FROM scan_marks WHERE scan = ?1 AND chunk = ?2")?;
    let mut put = db.sql.prepare_cached("INSERT OR REPLACE INTO scan_marks (scan, chunk, bits) VALUES (?1, ?2, ?3)")?;
    for (chunk, seen) in ORDER.chunks(rids) {
        let stored = get.query_row([scan, chunk], |row| row.get::<_, [u8; CHUNK_BYTES]>(0)).optional()?;
        let mut bits = stored.unwrap_or([0; CHUNK_BYTES]);
        bits.iter_mut().zip(seen).for_each(|(byte, seen)| *byte |= seen);
        if stored != Some(bits) {
            put.execute(params![scan, chunk, bits])?;
        }
    }
    Ok(())
}

/// Marks of a scan in memory: one bit per record number, 125 KB for a million records.
pub(super) struct SeenRecords(Vec<(i64, [u8; CHUNK_BYTES])>);

impl SeenRecords {
    /// Reads all marks of a scan.
    pub(super) fn load(db: &Db, scan: i64) -> DbResult<Self> {
        let mut load = db.sql.prepare_cached("SELECT chunk, bits FROM scan_marks WHERE scan = ?1 ORDER BY chunk")?;
        Ok(Self(load.query_map([scan], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?))
    }

    /// Returns whether a record was seen.
    pub(super) fn contains(&self, rid: i64) -> bool {
        let (chunk, byte, bit) = ORDER.position(rid);
        self.0.binary_search_by_key(&chunk, |(chunk, _)| *chunk).is_ok_and(|at| self.0[at].1[byte] & bit != 0)
    }
}
