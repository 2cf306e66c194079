//! Leases for token refreshes: at most one process refreshes the token of a connection at a time.

use super::{Db, connections, encryption, error::DbResult, now};
use crate::{
    store::{ClaimOutcome, Connection, RefreshClaim, RefreshEnd, credentials_context, stored_span},
    time::Timestamp,
};

/// Acquires the refresh lease of a connection.
pub(super) async fn claim(db: &mut Db, claim: &RefreshClaim) -> DbResult<ClaimOutcome> {
    const LOCK: &str = concat!(
        "SELECT version, refresh_holder, refresh_until, ",
        now!(),
        " FROM nango_rs.connections WHERE row = $1 FOR NO KEY UPDATE"
    );
    const ACQUIRE: &str = "UPDATE nango_rs.connections SET refresh_holder = $2, refresh_until = $3 + $4 WHERE row = $1";
    type Found = (i64, Option<Vec<u8>>, Option<Timestamp>, Timestamp);
    let found: Option<Found> = db.query_as(LOCK).bind(claim.row).fetch_optional(&mut *db.sql).await?;
    let Some((version, holder, until, now)) = found else { return Ok(ClaimOutcome::NotFound) };
    db.shared.clock.observe_server_time(now);
    if version != claim.version {
        let changed = connections::find_by_row(db, claim.row).await?;
        return Ok(changed.map_or(ClaimOutcome::NotFound, |changed| ClaimOutcome::Changed(Box::new(changed))));
    }
    if let Some(stored) = connections::find_by_row(db, claim.row).await? {
        let context = credentials_context(&stored.integration, &stored.id);
        encryption::reseal_if_needed(db, &stored.credentials, &context).await?;
    }
    if let Some(remaining) = claim.held_by_other_for(holder.as_deref(), until, now) {
        return Ok(ClaimOutcome::HeldByOther(remaining));
    }
    db.query(ACQUIRE)
        .bind(claim.row)
        .bind(&claim.holder.as_bytes()[..])
        .bind(now)
        .bind(stored_span::to_stored(claim.lease))
        .execute(&mut *db.sql)
        .await?;
    Ok(ClaimOutcome::Acquired { interrupted: until.is_some() })
}

/// Extends a refresh lease by its full duration. Returns `false` if it was lost.
pub(super) async fn extend(db: &mut Db, claim: &RefreshClaim) -> DbResult<bool> {
    const EXTEND: &str = concat!(
        "UPDATE nango_rs.connections SET refresh_until = $4 + ",
        now!(),
        " WHERE row = $1 AND version = $2 AND refresh_holder = $3"
    );
    let extend = db.query(EXTEND).bind(claim.row).bind(claim.version).bind(&claim.holder.as_bytes()[..]);
    Ok(extend.bind(stored_span::to_stored(claim.lease)).execute(&mut *db.sql).await?.rows_affected() == 1)
}

/// Ends a refresh lease, and stores new credentials or the failure. Returns the stored connection.
pub(super) async fn end(db: &mut Db, claim: &RefreshClaim, end: &RefreshEnd) -> DbResult<Option<Connection>> {
    const LOCK: &str = "SELECT version FROM nango_rs.connections WHERE row = $1 FOR NO KEY UPDATE";
    const RENEWED: &str = concat!(
        "UPDATE nango_rs.connections SET credentials = $2, renew_at = $3, config = $4, \
         updated_at = greatest(updated_at, ",
        now!(),
        "), version = version + 1, refresh_holder = NULL, refresh_until = NULL, failures = 0, failed_at = NULL, \
         failure = NULL, refused = 0, rejected_since = NULL WHERE row = $1"
    );
    const FAILED: &str = concat!(
        "UPDATE nango_rs.connections SET failures = failures + 1, failed_at = ",
        now!(),
        ", failure = $3, refused = $4, rejected_since = CASE WHEN $6 THEN coalesce(rejected_since, ",
        now!(),
        ") ELSE rejected_since END, refresh_holder = NULL, refresh_until = CASE WHEN $5 THEN 0 END \
         WHERE row = $1 AND refresh_holder = $2"
    );
    const ABANDONED: &str = "UPDATE nango_rs.connections SET refresh_holder = NULL, \
                             refresh_until = CASE WHEN $3 THEN 0 END WHERE row = $1 AND refresh_holder = $2";
    let version: Option<i64> = db.query_scalar(LOCK).bind(claim.row).fetch_optional(&mut *db.sql).await?;
    let Some(stored) = connections::find_by_row(db, claim.row).await? else { return Ok(None) };
    if version != Some(claim.version) {
        return Ok(Some(stored));
    }
    let holder = &claim.holder.as_bytes()[..];
    match end {
        RefreshEnd::Refreshed { credentials, refresh_at, config } => {
            let context = credentials_context(&stored.integration, &stored.id);
            let newer = encryption::reseal_if_needed(db, credentials, &context).await?;
            let mut merged = stored.config;
            merged.extend(config.clone());
            let renewed = db.query(RENEWED).bind(claim.row).bind(newer.as_ref().unwrap_or(credentials));
            renewed.bind(refresh_at).bind(connections::to_json(&merged)?).execute(&mut *db.sql).await?;
        }
        RefreshEnd::Failed { message, refused, outcome_unknown, responded } => {
            // A lease with an unknown outcome stays, without a holder and expired.
            // PostgreSQL cannot store a NUL in a text, and the response of a server may contain one.
            let message = message.replace('\0', crate::store::transfer::NUL_PLACEHOLDER);
            let failed = db.query(FAILED).bind(claim.row).bind(holder).bind(message);
            failed.bind(i64::from(*refused)).bind(*outcome_unknown).bind(*responded).execute(&mut *db.sql).await?;
        }
        RefreshEnd::Abandoned { outcome_unknown } => {
            db.query(ABANDONED).bind(claim.row).bind(holder).bind(*outcome_unknown).execute(&mut *db.sql).await?;
        }
    }
    connections::find_by_row(db, claim.row).await
}
