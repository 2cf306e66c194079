//! Marks of a scan: which records a full walk has seen.
//!
//! A mark is one bit at the record's number, so that a walk over unchanged records writes a few hundred bytes per page
//! and no record. Invariants: while a scan is open, every save writes marks, whichever run saves; marks are deleted
//! with their scan.

use rusqlite::{OptionalExtension, params};

use super::{Db, error::DbResult};

/// Number of bits per chunk of marks.
const CHUNK_BITS: i64 = 4096;
const CHUNK_BYTES: usize = 512;

/// Returns the position of a record's bit: chunk, byte, bit mask.
fn bit_position(rid: i64) -> (i64, usize, u8) {
    let bit = usize::try_from(rid.rem_euclid(CHUNK_BITS)).unwrap_or(0);
    (rid.div_euclid(CHUNK_BITS), bit / 8, 1 << (bit % 8))
}

/// Closes a scan, without deleting records.
pub(super) fn close(db: &Db, number: i64) -> DbResult<()> {
    db.sql.prepare_cached("DELETE FROM scan_marks WHERE scan = ?1")?.execute([number])?;
    db.sql.prepare_cached("DELETE FROM scans WHERE number = ?1")?.execute([number])?;
    Ok(())
}

/// Marks records as seen.
pub(super) fn mark(db: &Db, scan: i64, mut rids: Vec<i64>) -> DbResult<()> {
    let mut get = db.sql.prepare_cached("SELECT bits FROM scan_marks WHERE scan = ?1 AND chunk = ?2")?;
    let mut put = db.sql.prepare_cached("INSERT OR REPLACE INTO scan_marks (scan, chunk, bits) VALUES (?1, ?2, ?3)")?;
    rids.sort_unstable();
    for group in rids.chunk_by(|a, b| bit_position(*a).0 == bit_position(*b).0) {
        let chunk = bit_position(group[0]).0;
        let stored = get.query_row([scan, chunk], |row| row.get::<_, [u8; CHUNK_BYTES]>(0)).optional()?;
        let mut bits = stored.unwrap_or([0; CHUNK_BYTES]);
        for rid in group {
            let (_, byte, bit) = bit_position(*rid);
            bits[byte] |= bit;
        }
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
        let (chunk, byte, bit) = bit_position(rid);
        self.0.binary_search_by_key(&chunk, |(chunk, _)| *chunk).is_ok_and(|at| self.0[at].1[byte] & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_position_is_unique_per_record() {
        assert_eq!(bit_position(0), (0, 0, 1));
        assert_eq!(bit_position(4095), (0, 511, 128));
        assert_eq!(bit_position(4096), (1, 0, 1));
        assert_eq!(bit_position(i64::MAX).0, i64::MAX / CHUNK_BITS);
        let positions: std::collections::HashSet<_> = (0..10_000).map(bit_position).collect();
        assert_eq!(positions.len(), 10_000);
    }
}
