//! Refresh leases: which process refreshes the token of a connection.
//!
//! A token is refreshed by one process at a time, and no transaction is open during the request to the provider. A
//! process claims the refresh, sends the request, and ends the refresh with its result. The lease of a refresh is short
//! and is extended while its process is active, so that a process that was killed delays the next one only briefly.
//!
//! Invariants: the result of a refresh is stored only if the credentials are still those of the claim
//! ([`Connection::version`]), with token, expiry and refresh token in one write; and an interrupted refresh is reported
//! to the next claim, because the provider may have issued a token.

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Connection, StoreFuture, lease};
use crate::time::Timestamp;

/// The maximum lease that any version of this program requests. A longer one was written by a clock that was ahead.
const MAX_LEASE: Duration = Duration::from_secs(45);

/// A claim to refresh the credentials of a connection.
#[derive(Debug, Clone, Copy)]
pub struct RefreshClaim {
    /// The number of the connection.
    pub row: i64,
    /// The version of the credentials to refresh.
    pub version: i64,
    /// The id of this attempt.
    pub holder: Uuid,
    /// The duration of the lease.
    pub lease: Duration,
}

impl RefreshClaim {
    /// Returns the duration for which another holder keeps the stored lease; `None`: it can be acquired.
    pub(super) fn held_by_other_for(
        &self,
        holder: Option<&[u8]>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Duration> {
        let (holder, until) = holder.zip(until)?;
        let longest = self.lease.max(MAX_LEASE);
        let held = holder != &self.holder.as_bytes()[..] && lease::is_active(until, longest, now);
        held.then(|| until.saturating_duration_since(now))
    }
}

/// The result of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimOutcome {
    /// The caller may refresh.
    Acquired {
        /// Whether an earlier refresh of these credentials was started and never ended, or ended with an unknown
        /// outcome.
        interrupted: bool,
    },
    /// Another holder refreshes, for at most this duration.
    HeldByOther(Duration),
    /// The credentials have changed since the claimed version; this is the current connection.
    Changed(Box<Connection>),
    /// The connection does not exist any more.
    NotFound,
}

/// The end of a refresh.
#[derive(Clone, PartialEq)]
pub enum RefreshEnd {
    /// The provider issued new credentials.
    Refreshed {
        /// The sealed credentials.
        credentials: Vec<u8>,
        /// The time from which they are refreshed again.
        refresh_at: Option<Timestamp>,
        /// Values to set in the connection's configuration; other values are kept.
        config: Map<String, Value>,
    },
    /// No credentials were obtained.
    Failed {
        /// The reason, without secrets.
        message: String,
        /// Whether another attempt with these credentials is useless.
        refused: bool,
        /// Whether the provider may have issued a token nevertheless. The next claim reports it like an interruption.
        outcome_unknown: bool,
        /// Whether the token server responded with more than that it is unavailable.
        responded: bool,
    },
    /// The refresh ended before a request was sent.
    Abandoned {
        /// Whether an earlier refresh ended with an unknown outcome, which is kept.
        outcome_unknown: bool,
    },
}

impl std::fmt::Debug for RefreshEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refreshed { refresh_at, .. } => {
                f.debug_struct("Refreshed").field("refresh_at", refresh_at).finish_non_exhaustive()
            }
            Self::Failed { message, refused, .. } => {
                f.debug_struct("Failed").field("message", message).field("refused", refused).finish_non_exhaustive()
            }
            Self::Abandoned { .. } => f.write_str("Abandoned"),
        }
    }
}

/// The refresh leases of a database.
pub trait Refreshes {
    /// Claims the refresh of a connection's token. Fails if new credentials could not be sealed because this process
    /// lacks the active key.
    fn claim_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, ClaimOutcome>;

    /// Renews the lease of a refresh during its request. Returns `false` if another holder has the lease, or the
    /// refresh has ended.
    fn extend_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, bool>;

    /// Ends a refresh and returns the current connection, or `None` if it was removed. New credentials are dropped if
    /// the stored ones changed since the claim; they are stored if only the lease expired.
    fn end_refresh(&self, claim: RefreshClaim, end: RefreshEnd) -> StoreFuture<'_, Option<Connection>>;
}
