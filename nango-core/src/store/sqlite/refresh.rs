//! Leases for token refreshes: at most one process refreshes the token of a connection at a time.

use rusqlite::{OptionalExtension, params};

use super::{Db, clock, connections, encryption, error::DbResult};
use crate::{
    store::{ClaimOutcome, Connection, RefreshClaim, RefreshEnd, credentials_context, stored_span},
    time::Timestamp,
};

/// Acquires the refresh lease of a connection.
pub(super) fn claim(db: &Db, claim: RefreshClaim) -> DbResult<ClaimOutcome> {
    let now = clock::system_now();
    let mut select =
        db.sql.prepare_cached("SELECT version, refresh_holder, refresh_until FROM connections WHERE row = ?1")?;
    let found = select
        .query_row([claim.row], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(1)?, row.get::<_, Option<Timestamp>>(2)?))
        })
        .optional()?;
    let Some((version, holder, until)) = found else { return Ok(ClaimOutcome::NotFound) };
    if version != claim.version {
        let changed = connections::find_by_row(db, claim.row)?;
        return Ok(changed.map_or(ClaimOutcome::NotFound, |changed| ClaimOutcome::Changed(Box::new(changed))));
    }
    if let Some(stored) = connections::find_by_row(db, claim.row)? {
        encryption::reseal_if_needed(db, &stored.credentials, &credentials_context(&stored.integration, &stored.id))?;
    }
    if let Some(remaining) = claim.held_by_other_for(holder.as_deref(), until, now) {
        return Ok(ClaimOutcome::HeldByOther(remaining));
    }
    db.sql
        .prepare_cached("UPDATE connections SET refresh_holder = ?2, refresh_until = ?3 + ?4 WHERE row = ?1")?
        .execute(params![claim.row, &claim.holder.as_bytes()[..], now, stored_span::to_stored(claim.lease)])?;
    Ok(ClaimOutcome::Acquired { interrupted: until.is_some() })
}

/// Extends a refresh lease by its full duration. Returns `false` if it was lost.
pub(super) fn extend(db: &Db, claim: RefreshClaim) -> DbResult<bool> {
    let mut extend = db.sql.prepare_cached(
        "UPDATE connections SET refresh_until = ?4 + ?5 WHERE row = ?1 AND version = ?2 AND refresh_holder = ?3",
    )?;
    let (now, lease) = (clock::system_now(), stored_span::to_stored(claim.lease));
    Ok(extend.execute(params![claim.row, claim.version, &claim.holder.as_bytes()[..], now, lease])? == 1)
}

/// Ends a refresh lease, and stores new credentials or the failure. Returns the stored connection.
pub(super) fn end(db: &Db, claim: RefreshClaim, end: &RefreshEnd) -> DbResult<Option<Connection>> {
    let Some(stored) = connections::find_by_row(db, claim.row)? else { return Ok(None) };
    if stored.version != claim.version {
        return Ok(Some(stored));
    }
    let holder = &claim.holder.as_bytes()[..];
    match end {
        RefreshEnd::Refreshed { credentials, refresh_at, config } => {
            let context = credentials_context(&stored.integration, &stored.id);
            let newer = encryption::reseal_if_needed(db, credentials, &context)?;
            let mut merged = stored.config;
            merged.extend(config.clone());
            db.sql
                .prepare_cached(
                    "UPDATE connections SET credentials = ?2, renew_at = ?3, config = ?4, updated_at = ?5, \
                     version = version + 1, refresh_holder = NULL, refresh_until = NULL, \
                     failures = 0, failed_at = NULL, failure = NULL, refused = 0, rejected_since = NULL WHERE row = ?1",
                )?
                .execute(params![
                    claim.row,
                    newer.as_ref().unwrap_or(credentials),
                    refresh_at,
                    connections::to_json(&merged)?,
                    db.shared.clock.now()
                ])?;
        }
        RefreshEnd::Failed { message, refused, outcome_unknown, responded } => {
            // A lease with an unknown outcome stays, without a holder and expired.
            db.sql
                .prepare_cached(
                    "UPDATE connections SET failures = failures + 1, failed_at = ?3, failure = ?4, refused = ?5, \
                     rejected_since = iif(?7, coalesce(rejected_since, ?3), rejected_since), refresh_holder = NULL, \
                     refresh_until = iif(?6, 0, NULL) WHERE row = ?1 AND refresh_holder = ?2",
                )?
                .execute(params![
                    claim.row,
                    holder,
                    db.shared.clock.now(),
                    message,
                    refused,
                    outcome_unknown,
                    responded
                ])?;
        }
        RefreshEnd::Abandoned { outcome_unknown } => {
            db.sql
                .prepare_cached(
                    "UPDATE connections SET refresh_holder = NULL, refresh_until = iif(?3, 0, NULL) \
                     WHERE row = ?1 AND refresh_holder = ?2",
                )?
                .execute(params![claim.row, holder, outcome_unknown])?;
        }
    }
    connections::find_by_row(db, claim.row)
}
