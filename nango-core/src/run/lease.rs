//! Lease of a run's key: acquisition and renewal.
//!
//! A process that crashed leaves its lease behind, so a new run waits until an existing lease expires: if the lease is
//! renewed during the wait, its owner is active and the new run fails; if it expires, the new run takes over. The wait
//! is measured by a monotonic clock, so that it ends even if the clock of the database is set back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{observer::Observer, runtime::Runtime};
use crate::{
    error::{Error, ErrorKind, Result},
    nango::interrupted,
    store::{NewRun, RunStatus, RunToken, SharedStore, StoreError},
    time::Timestamp,
};

/// Number of renewals within the duration of a lease.
const RENEWALS_PER_LEASE: u32 = 4;
/// Additional wait after the end of an observed lease, because the last check may be slightly early.
const EXPIRY_MARGIN: Duration = Duration::from_secs(1);
/// Maximum interval between two checks of an observed lease.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Adds the reason to the error of a run that lost its lease: it was cancelled, or its connection was removed.
pub(super) async fn with_lease_loss_reason(runtime: &Runtime, token: RunToken, error: Error) -> Error {
    if error.kind() != ErrorKind::LeaseLost {
        return error;
    }
    let Ok(Some(run)) = runtime.store.run(token.id).await else { return error };
    if run.status != RunStatus::Cancelled {
        return error;
    }
    let message = match runtime.store.connection(&run.key.integration, &run.key.connection).await {
        Ok(Some(_)) => "the run was cancelled, and later writes of this run were refused",
        _ => "the connection was removed during this run, and later writes of this run were refused",
    };
    Error::new(ErrorKind::LeaseLost, message)
}

/// Starts a run, and waits at most until an existing lease of its key expires.
pub(super) async fn acquire(
    store: &SharedStore,
    new: &NewRun,
    cancellation: &CancellationToken,
    observer: &dyn Observer,
) -> Result<RunToken> {
    let mut seen: Option<ObservedLease> = None;
    loop {
        match store.start_run(new.clone()).await {
            Ok(token) => return Ok(token),
            Err(StoreError::Busy { function, run, since, lease_until, remaining: left }) if seen.is_none() => {
                let wait = left.saturating_add(EXPIRY_MARGIN);
                observer.on_wait(&format!(
                    "`{function}` is leased by run {run} (since {since:.0}): waiting at most {} s for the lease to \
                     expire",
                    wait.as_secs()
                ));
                seen = Some(ObservedLease { expires_at: lease_until, deadline: Instant::now().checked_add(wait) });
            }
            Err(StoreError::Busy { lease_until, .. })
                if seen.as_ref().is_some_and(|seen| seen.should_wait(lease_until, Instant::now())) => {}
            Err(error) => return Err(error.into_error()),
        }
        tokio::select! {
            () = cancellation.cancelled() => return Err(interrupted()),
            () = tokio::time::sleep(POLL_INTERVAL.min(new.lease / RENEWALS_PER_LEASE)) => {}
        }
    }
}

/// Observed lease of another run.
struct ObservedLease {
    /// End of the lease by the clock of the database.
    expires_at: Timestamp,
    /// End of the wait; `None` if it is too far in the future to be represented.
    deadline: Option<Instant>,
}

impl ObservedLease {
    /// Returns whether the wait continues: the lease was not renewed, and the deadline has not passed.
    fn should_wait(&self, lease_until: Timestamp, now: Instant) -> bool {
        lease_until == self.expires_at && self.deadline.is_none_or(|end| now < end)
    }
}

/// Background task that renews a lease until it is stopped.
pub(super) struct LeaseRenewer {
    task: JoinHandle<()>,
    lost: Arc<AtomicBool>,
}

impl LeaseRenewer {
    /// Starts the renewals. If the lease is lost, the run is cancelled.
    pub(super) fn spawn(store: SharedStore, token: RunToken, lease: Duration, cancellation: CancellationToken) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let flag = lost.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / RENEWALS_PER_LEASE).await;
                // Other database errors may be temporary: the next renewal may still be in time.
                if let Err(StoreError::LeaseLost) = store.heartbeat(&token).await {
                    flag.store(true, Ordering::Relaxed);
                    cancellation.cancel();
                    return;
                }
            }
        });
        Self { task, lost }
    }

    /// Stops the renewals, and returns whether the lease was lost.
    pub(super) fn stop(self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Stops the renewals of a run that is dropped, so that its lease expires.
impl Drop for LeaseRenewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_for_a_lease_ends_when_it_is_renewed_or_the_deadline_passes() {
        let now = Instant::now();
        let [stored, renewed] = [7, 8].map(Timestamp::from_micros);
        let seen = ObservedLease { expires_at: stored, deadline: Some(now + Duration::from_secs(3)) };
        assert!(seen.should_wait(stored, now + Duration::from_secs(2)));
        assert!(!seen.should_wait(renewed, now), "the lease was renewed");
        assert!(
            !seen.should_wait(stored, now + Duration::from_secs(3)),
            "also if the clock of the database was set back"
        );
    }
}
