//! SQL of the candidates of an open scan.

use super::{Db, error::DbResult};

/// Number of candidates that are fetched before anything is written.
pub(super) const BATCH_SIZE: usize = 4096;

/// SQL fragment: the candidates of the scan `$2` of the dataset `$1` that began after the sequence number `$3`, joined
/// with other tables.
macro_rules! scan_candidates {
    ($joins:expr) => {
        concat!(
            "nango_rs.record_keys k LEFT JOIN nango_rs.scan_marks m ON m.scan = $2 AND m.chunk = k.rid / 4096",
            $joins,
            " WHERE k.dataset = $1 AND k.state & 1 = 0 AND k.seq <= $3 \
             AND (m.bits IS NULL OR get_bit(m.bits, (k.rid % 4096)::int) = 0)"
        )
    };
}
pub(super) use scan_candidates;

/// SQL fragment: the candidates of [`scan_candidates`] whose parents, of the function `$4`, are gone in one of the
/// scans `$5` or were walked completely in it.
macro_rules! child_candidates {
    () => {
        scan_candidates!(
            " JOIN nango_rs.parents p ON p.function = $4 AND p.scan = ANY($5) AND (p.complete OR p.gone) \
             AND p.key = k.parent"
        )
    };
}
pub(super) use child_candidates;

/// Makes the planner match keys with marks by a hash of the marks, which are few, instead of a loop over them per key.
pub(super) async fn prefer_hash_join(db: &mut Db, hash: bool) -> DbResult<()> {
    let set = if hash { "SET LOCAL enable_nestloop = off" } else { "SET LOCAL enable_nestloop = on" };
    sqlx::raw_sql(set).execute(&mut *db.sql).await?;
    Ok(())
}

/// A candidate: its id, its sequence number, and the size of its payload in bytes.
pub(super) type Candidate = (String, i64, i32);
