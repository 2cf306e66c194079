//! Turns: who renews the token of a connection.
//!
//! A token is renewed by one process at a time, and no transaction is open while the provider is asked. Whoever wants to
//! renew takes a turn, asks the provider, and ends the turn with what came of it. The lease of a turn is short and is
//! extended while its process lives, so that one that was killed delays the next one only briefly.
//!
//! Must stay true: what a turn brought is stored only if the credentials are still those that it began with
//! ([`Connection::version`]), token, expiry and refresh token in one write; and a turn that was interrupted is known to
//! the next one, because the provider may have answered it.

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Connection, StoreFuture, lease,
    runs::{micros, remaining},
};

/// The longest lease that a version of this program takes. A longer one comes from a clock that ran ahead.
const MAX_LEASE: Duration = Duration::from_secs(45);

/// Who wants to renew which credentials.
#[derive(Debug, Clone, Copy)]
pub struct RefreshClaim {
    /// The connection's number.
    pub row: i64,
    /// The version of its credentials that is to be renewed.
    pub version: i64,
    /// Who claims.
    pub holder: Uuid,
    /// For how long.
    pub lease: Duration,
}

impl RefreshClaim {
    /// For how long another holder has the turn that is stored; `None`: it can be taken.
    pub(super) fn held_by_other_for(&self, holder: Option<&[u8]>, until: Option<i64>, now: i64) -> Option<Duration> {
        let (holder, until) = holder.zip(until)?;
        let longest = micros(self.lease.max(MAX_LEASE));
        let held = holder != &self.holder.as_bytes()[..] && lease::is_active(until, longest, now);
        held.then(|| remaining(until, now))
    }
}

/// What becomes of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimOutcome {
    /// It is the claimer's turn.
    Acquired {
        /// Whether an earlier turn with these credentials was begun and never ended, or ended in doubt.
        interrupted: bool,
    },
    /// It is somebody else's, for so long at most.
    HeldByOther(Duration),
    /// The credentials are others by now; here they are.
    Changed(Box<Connection>),
    /// There is no such connection any more.
    NotFound,
}

/// How a turn ends.
#[derive(Clone, PartialEq)]
pub enum RefreshEnd {
    /// With new credentials.
    Renewed {
        /// Sealed.
        credentials: Vec<u8>,
        /// When it is to be renewed again, microseconds since 1970.
        renew_at: Option<i64>,
        /// Values for the connection's configuration, over those that it has.
        config: Map<String, Value>,
    },
    /// Without.
    Failed {
        /// Why, in words without secrets.
        message: String,
        /// Whether another attempt with these credentials is in vain.
        refused: bool,
        /// Whether the provider may have given a token all the same: the next turn is told so, as after an interruption.
        outcome_unknown: bool,
        /// Whether the token server answered, and not merely that it cannot answer now.
        answered: bool,
    },
    /// Before anything was sent.
    Abandoned {
        /// Whether an earlier turn ended in doubt, which stays so.
        outcome_unknown: bool,
    },
}

impl std::fmt::Debug for RefreshEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Renewed { renew_at, .. } => {
                f.debug_struct("Renewed").field("renew_at", renew_at).finish_non_exhaustive()
            }
            Self::Failed { message, refused, .. } => {
                f.debug_struct("Failed").field("message", message).field("refused", refused).finish_non_exhaustive()
            }
            Self::Abandoned { .. } => f.write_str("Left"),
        }
    }
}

/// The turns of a database.
pub trait Refreshes {
    /// Claims the turn to renew a connection's token. It is an error if what a turn brings could not be sealed: the key
    /// that is active is held elsewhere only.
    fn claim_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, ClaimOutcome>;

    /// Begins the lease of a turn anew, while its request is on its way. `false`: the turn is another's, or has ended.
    fn extend_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, bool>;

    /// Ends a turn, and gives the connection as it is then; `None`: it is gone. What was brought is dropped if the
    /// credentials have changed since the claim; it is kept if only the lease has ended.
    fn end_refresh(&self, claim: RefreshClaim, end: RefreshEnd) -> StoreFuture<'_, Option<Connection>>;
}
