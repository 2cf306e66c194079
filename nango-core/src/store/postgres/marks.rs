//! Marks of a scan: which records a full walk has seen.
//!
//! A mark is one bit at the record's number, so that a walk over unchanged records writes one small row per page and no
//! record. Invariants: while a scan is open, every save writes marks, whichever run saves; marks are deleted with their
//! scan.

use super::{Db, dataset::Dataset, error::DbResult};
use crate::store::mark_bits::BitOrder;

/// Closes the open scans of a function, without deleting records.
pub(super) async fn close_all(db: &mut Db, function: i64) -> DbResult<()> {
    const OPEN: &str = "SELECT id, scan FROM nango_rs.datasets WHERE scan_function = $1 AND scan IS NOT NULL \
                        ORDER BY id FOR UPDATE";
    let open: Vec<(i64, i64)> = db.query_as(OPEN).bind(function).fetch_all(&mut *db.sql).await?;
    let (datasets, scans): (Vec<_>, Vec<_>) = open.into_iter().unzip();
    close(db, &datasets).await?;
    delete(db, &scans).await
}

/// Closes the open scan of a dataset, without deleting records.
pub(super) async fn close_open(db: &mut Db, dataset: &mut Dataset) -> DbResult<()> {
    if let Some(scan) = dataset.scan.take() {
        close(db, &[dataset.id]).await?;
        delete(db, &[scan.number]).await?;
    }
    Ok(())
}

async fn close(db: &mut Db, datasets: &[i64]) -> DbResult<()> {
    const CLOSE: &str =
        "UPDATE nango_rs.datasets SET scan = NULL, scan_function = NULL, scan_start = NULL WHERE id = ANY($1)";
    db.query(CLOSE).bind(datasets).execute(&mut *db.sql).await?;
    Ok(())
}

/// Deletes the marks of scans.
pub(super) async fn delete(db: &mut Db, scans: &[i64]) -> DbResult<()> {
    db.query("DELETE FROM nango_rs.scan_marks WHERE scan = ANY($1)").bind(scans).execute(&mut *db.sql).await?;
    Ok(())
}

/// Marks records as seen.
pub(super) async fn mark(db: &mut Db, scan: i64, rids: Vec<i64>) -> DbResult<()> {
    const MARK: &str = "INSERT INTO nango_rs.scan_marks AS m (scan, chunk, bits) \
         SELECT $1, u.chunk, ('x' || u.bits)::bit(4096) FROM unnest($2::bigint[], $3::text[]) u(chunk, bits) \
         ON CONFLICT (scan, chunk) DO UPDATE SET bits = m.bits | excluded.bits \
         WHERE m.bits | excluded.bits <> m.bits";
    if rids.is_empty() {
        return Ok(());
    }
    // The server numbers the bits of a string from the left.
    let chunks = BitOrder::HighestFirst.chunks(rids);
    let (chunks, marks): (Vec<_>, Vec<_>) = chunks.into_iter().map(|(chunk, bits)| (chunk, hex(&bits))).unzip();
    db.query(MARK).bind(scan).bind(chunks).bind(marks).execute(&mut *db.sql).await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_hexadecimal_digits() {
        assert_eq!(hex(&[0x00, 0x1f, 0xa0]), "001fa0");
    }
}
