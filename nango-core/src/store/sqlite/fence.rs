//! Fence and counters of a run.
//!
//! Invariant: a write of a run first calls [`ensure_running`] or [`ensure_running_and_count`] in its transaction. The
//! rules are those of [`crate::store::lease`].

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Db, error::DbResult};
use crate::store::{ModelCounts, RunToken, lease};

/// Fails if the run may no longer write.
pub(super) fn ensure_running(db: &Db, run: &RunToken) -> DbResult<()> {
    let mut check = db.sql.prepare_cached("SELECT 1 FROM runs WHERE row = ?1 AND fence = ?2 AND status = 'running'")?;
    Ok(lease::ensure_held(check.exists([run.row, run.fence])?)?)
}

/// Like [`ensure_running`], and adds to the counters of the run.
pub(super) fn ensure_running_and_count(
    db: &Db,
    run: &RunToken,
    pages: u64,
    requests: u64,
    skipped_invalid: u64,
) -> DbResult<()> {
    if pages == 0 && requests == 0 && skipped_invalid == 0 {
        return ensure_running(db, run);
    }
    let mut count = db.sql.prepare_cached(
        "UPDATE runs SET pages = pages + ?3, requests = requests + ?4, left_out = left_out + ?5 \
         WHERE row = ?1 AND fence = ?2 AND status = 'running'",
    )?;
    let counts = params![run.row, run.fence, to_i64(pages), to_i64(requests), to_i64(skipped_invalid)];
    Ok(lease::ensure_held(count.execute(counts)? == 1)?)
}

/// Adds to the counters of a run per model.
pub(super) fn count_models(db: &Db, run: i64, models: &BTreeMap<String, ModelCounts>) -> DbResult<()> {
    let mut add = db.sql.prepare_cached(
        "INSERT INTO run_models (run, model, added, updated, deleted, unchanged, skipped_newer, skipped_older) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (run, model) DO UPDATE SET \
         added = added + excluded.added, updated = updated + excluded.updated, deleted = deleted + excluded.deleted, \
         unchanged = unchanged + excluded.unchanged, skipped_newer = skipped_newer + excluded.skipped_newer, \
         skipped_older = skipped_older + excluded.skipped_older",
    )?;
    for (model, counts) in models {
        add.execute(params![
            run,
            model,
            to_i64(counts.added),
            to_i64(counts.updated),
            to_i64(counts.deleted),
            to_i64(counts.unchanged),
            to_i64(counts.skipped_newer),
            to_i64(counts.skipped_older),
        ])?;
    }
    Ok(())
}

fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
