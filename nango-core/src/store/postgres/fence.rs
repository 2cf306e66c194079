//! Fence and counters of a run.
//!
//! Invariant: a write of a run first calls [`ensure_running`] or [`ensure_running_and_count`] in its transaction. Both
//! lock the run's row, so that no other run takes over the key before the transaction has ended. The rules are those of
//! [`crate::store::lease`].

use std::collections::BTreeMap;

use super::{Db, error::DbResult, to_i64};
use crate::store::{ModelCounts, RunToken, lease};

/// Fails if the run may no longer write; locks its row.
pub(super) async fn ensure_running(db: &mut Db, run: &RunToken) -> DbResult<()> {
    const CHECK: &str = "SELECT 1 FROM nango_rs.runs WHERE row = $1 AND fence = $2 AND status = 'running' FOR SHARE";
    let found: Option<i32> = db.query_scalar(CHECK).bind(run.row).bind(run.fence).fetch_optional(&mut *db.sql).await?;
    Ok(lease::ensure_held(found.is_some())?)
}

/// Like [`ensure_running`], but without a lock, for a transaction that only reads.
pub(super) async fn ensure_running_unlocked(db: &mut Db, run: &RunToken) -> DbResult<()> {
    const RUNNING: &str = "SELECT 1 FROM nango_rs.runs WHERE row = $1 AND fence = $2 AND status = 'running'";
    let found: Option<i32> =
        db.query_scalar(RUNNING).bind(run.row).bind(run.fence).fetch_optional(&mut *db.sql).await?;
    Ok(lease::ensure_held(found.is_some())?)
}

/// Like [`ensure_running`], and adds to the counters of the run.
pub(super) async fn ensure_running_and_count(
    db: &mut Db,
    run: &RunToken,
    pages: u64,
    requests: u64,
    skipped_invalid: u64,
) -> DbResult<()> {
    const COUNT: &str = "UPDATE nango_rs.runs SET pages = pages + $3, requests = requests + $4, \
                         left_out = left_out + $5 WHERE row = $1 AND fence = $2 AND status = 'running'";
    if pages == 0 && requests == 0 && skipped_invalid == 0 {
        return ensure_running(db, run).await;
    }
    let count = db
        .query(COUNT)
        .bind(run.row)
        .bind(run.fence)
        .bind(to_i64(pages))
        .bind(to_i64(requests))
        .bind(to_i64(skipped_invalid));
    Ok(lease::ensure_held(count.execute(&mut *db.sql).await?.rows_affected() == 1)?)
}

/// Adds to the counters of a run per model.
pub(super) async fn count_models(db: &mut Db, run: i64, models: &BTreeMap<String, ModelCounts>) -> DbResult<()> {
    const ADD: &str = "INSERT INTO nango_rs.run_models AS m \
         (run, model, added, updated, deleted, unchanged, skipped_newer, skipped_older) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (run, model) DO UPDATE \
         SET added = m.added + excluded.added, \
         updated = m.updated + excluded.updated, deleted = m.deleted + excluded.deleted, \
         unchanged = m.unchanged + excluded.unchanged, skipped_newer = m.skipped_newer + excluded.skipped_newer, \
         skipped_older = m.skipped_older + excluded.skipped_older";
    for (model, counts) in models {
        db.query(ADD)
            .bind(run)
            .bind(model)
            .bind(to_i64(counts.added))
            .bind(to_i64(counts.updated))
            .bind(to_i64(counts.deleted))
            .bind(to_i64(counts.unchanged))
            .bind(to_i64(counts.skipped_newer))
            .bind(to_i64(counts.skipped_older))
            .execute(&mut *db.sql)
            .await?;
    }
    Ok(())
}
