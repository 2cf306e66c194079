//! Leases and fences: which run may write, and when another process may take over.
//!
//! - **Active.** A lease is stored as its expiry time by the clock of the database. That clock may have been ahead when
//!   the lease was written (a wrong hardware clock, a restored machine), and the process that holds it may have crashed
//!   since. Invariant: no lease is active for longer than its own length, whatever is stored ([`is_active`]). The
//!   leases of refreshes and processes follow the same rule with the longest lease that a program requests.
//! - **Fence.** The start of an exclusive run increments the fence of its function and stores it with the run; another
//!   run stores the fence that it finds, so that such runs do not wait for each other. A run may write while its row
//!   has the status `running` and the fence of its token. A database evaluates this condition in the statement that
//!   checks, counts or renews, in the transaction of the write; [`ensure_held`] judges the result.
//! - **Takeover.** A new run interrupts the runs of its key whose lease is not active, which ends their right to write
//!   and their locks. If it is exclusive, an exclusive run with an active lease refuses it ([`take_over`]).
//!   `PostgreSQL` selects the runs to interrupt by the condition of [`is_active`] in SQL, because the row of a run with
//!   an active lease must not be locked, and reports the other with [`busy`].
//! - **Named locks.** A lock belongs to a run. It can be acquired if it is free, has expired, or belongs to the same
//!   run. It is released at the end of the run and when the run is interrupted.

use std::time::Duration;

use uuid::Uuid;

use super::{NewRun, StoreError};
use crate::time::Timestamp;

/// Returns whether a lease of this length that expires at `until` is active at `now`.
pub(super) fn is_active(until: Timestamp, length: Duration, now: Timestamp) -> bool {
    until > now && until <= now + length
}

/// Fails unless the run is still running under the fence of its token.
pub(super) fn ensure_held(held: bool) -> Result<(), StoreError> {
    if held { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// A run that is stored as running.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunningRun {
    /// The number of the run in the database.
    pub row: i64,
    /// The run's public id.
    pub id: Uuid,
    /// Whether the run excludes other runs of its key.
    pub exclusive: bool,
    /// The start time.
    pub started_at: Timestamp,
    /// The expiry time of the lease.
    pub lease_until: Timestamp,
    /// The length of the lease.
    pub lease: Duration,
}

/// Decides whether a run may start beside the running ones of its key. Returns the row numbers of those that it
/// interrupts.
pub(super) fn take_over(new: &NewRun, running: &[RunningRun], now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let is_active = |run: &&RunningRun| is_active(run.lease_until, run.lease, now);
    match running.iter().filter(is_active).find(|run| run.exclusive && new.exclusive) {
        Some(holder) => Err(busy(new, holder.id, holder.started_at, holder.lease_until, now)),
        None => Ok(running.iter().filter(|run| !is_active(run)).map(|run| run.row).collect()),
    }
}

/// Returns the error for a key that an exclusive run with an active lease uses.
pub(super) fn busy(
    new: &NewRun,
    holder: Uuid,
    started_at: Timestamp,
    lease_until: Timestamp,
    now: Timestamp,
) -> StoreError {
    StoreError::Busy {
        function: new.key.function.clone(),
        run: holder,
        since: started_at,
        lease_until,
        remaining: lease_until.saturating_duration_since(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{declare::FunctionKind, store::FunctionKey};

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn lease_is_inactive_when_expired_or_longer_than_its_length() {
        let (length, now) = (Duration::from_micros(30), at(100));
        for (until, expect) in [(99, false), (100, false), (101, true), (130, true), (131, false), (i64::MAX, false)] {
            assert_eq!(is_active(at(until), length, now), expect, "{until}");
        }
        assert!(is_active(Timestamp::MAX, Duration::MAX, now));
    }

    #[test]
    fn lost_lease_is_an_error() {
        assert!(ensure_held(true).is_ok());
        assert!(matches!(ensure_held(false), Err(StoreError::LeaseLost)));
    }

    fn running(row: i64, exclusive: bool, lease_until: i64) -> RunningRun {
        RunningRun {
            row,
            id: Uuid::from_u128(7),
            exclusive,
            started_at: at(0),
            lease_until: at(lease_until),
            lease: Duration::from_secs(30),
        }
    }

    fn start(exclusive: bool, running: &[RunningRun]) -> Result<Vec<i64>, StoreError> {
        let [integration, connection, function, variant] = ["a", "b", "f", "base"].map(str::to_owned);
        let key = FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant };
        take_over(&NewRun { key, connection: None, exclusive, lease: Duration::from_secs(30) }, running, at(10_000_000))
    }

    #[test]
    fn start_interrupts_runs_without_an_active_lease() {
        assert_eq!(start(true, &[]).unwrap(), Vec::<i64>::new());
        // Expired, and longer than its length allows: the clock was ahead.
        assert_eq!(start(true, &[running(1, true, 9_000_000), running(2, false, 40_000_001)]).unwrap(), [1, 2]);
        assert_eq!(start(true, &[running(1, true, 9_000_000), running(2, false, 20_000_000)]).unwrap(), [1]);
    }

    #[test]
    fn exclusive_run_is_refused_while_another_is_active() {
        let active = [running(1, true, 9_000_000), running(2, true, 12_000_000)];
        let refused = start(true, &active);
        assert!(refused.as_ref().is_err_and(|error| error.to_string().ends_with("since 1970-01-01T00:00:00Z)")));
        match refused {
            Err(StoreError::Busy { function, run, since, lease_until, remaining }) => {
                assert_eq!((function.as_str(), run, lease_until), ("f", Uuid::from_u128(7), at(12_000_000)));
                assert_eq!((since, remaining), (Timestamp::UNIX_EPOCH, Duration::from_secs(2)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(start(false, &active).unwrap(), [1]);
    }
}
