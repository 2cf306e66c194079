//! Taking a run's key, and keeping it.
//!
//! A process that died leaves its lease behind, so a key that is held is watched until that lease ends: if it is renewed
//! meanwhile, its owner lives and the new run gives up; if it ends, the new run takes over. The wait is measured by a
//! clock that cannot be set: it ends also if the clock of the database is set back meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use super::{Cancellation, Observer, Runtime, prepare::PreparedRun};
use crate::{
    error::{Error, ErrorKind, Result},
    nango::{interrupted, store_error},
    store::{NewRun, RunStatus, RunToken, SharedStore, StoreError},
};

/// A lease is renewed so many times in its length.
const RENEWALS_PER_LEASE: u32 = 4;
/// For so long a key is watched beyond the end of its lease: the last look may come a little early.
const EXPIRY_MARGIN: Duration = Duration::from_secs(1);
/// How often a key that is held is looked at, at least.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The error of a run, with the reason why it lost its lease: its connection may have been removed meanwhile.
pub(super) async fn with_lease_loss_reason(runtime: &Runtime, token: RunToken, error: Error) -> Error {
    if error.kind() != ErrorKind::LeaseLost {
        return error;
    }
    match runtime.store.run(token.id).await {
        Ok(Some(run)) if run.status == RunStatus::Cancelled => Error::new(
            ErrorKind::LeaseLost,
            "the connection was removed during this run, and what this one still wrote was refused",
        ),
        _ => error,
    }
}

pub(super) async fn acquire(
    runtime: &Runtime,
    prepared: &PreparedRun,
    exclusive: bool,
    cancellation: &Cancellation,
    observer: &dyn Observer,
) -> Result<RunToken> {
    let lease = runtime.config.lease;
    let mut seen: Option<ObservedLease> = None;
    loop {
        let (key, connection) = (prepared.key.clone(), prepared.connection_row());
        let new = NewRun { key, connection, exclusive, lease };
        match runtime.store.start_run(new).await {
            Ok(token) => return Ok(token),
            Err(StoreError::Busy { function, run, since, lease_until, remaining: left }) if seen.is_none() => {
                let wait = left.saturating_add(EXPIRY_MARGIN);
                observer.on_wait(&format!(
                    "`{function}` is held by run {run} (since {since}): waiting at most {} s to see whether it is alive",
                    wait.as_secs()
                ));
                seen = Some(ObservedLease { expires_at: lease_until, deadline: Instant::now().checked_add(wait) });
            }
            Err(StoreError::Busy { lease_until, .. })
                if seen.as_ref().is_some_and(|seen| seen.should_wait(lease_until, Instant::now())) => {}
            Err(error) => return Err(store_error(error)),
        }
        tokio::select! {
            () = cancellation.cancelled() => return Err(interrupted()),
            () = tokio::time::sleep(POLL_INTERVAL.min(lease / RENEWALS_PER_LEASE)) => {}
        }
    }
}

/// A lease of another run that is watched.
struct ObservedLease {
    /// Its end, by the clock of the database.
    expires_at: i64,
    /// When the watch ends; `None`: never, because that is too far away to be represented.
    deadline: Option<Instant>,
}

impl ObservedLease {
    /// Whether the watch goes on: the lease, as it is now, was not renewed, and there is time left.
    fn should_wait(&self, until: i64, now: Instant) -> bool {
        until == self.expires_at && self.deadline.is_none_or(|end| now < end)
    }
}

/// Renews a lease until it rests.
pub(super) struct LeaseRenewer {
    task: JoinHandle<()>,
    lost: Arc<AtomicBool>,
}

impl LeaseRenewer {
    /// Begins to beat. If the lease is lost, the run is asked to stop.
    pub(super) fn spawn(store: SharedStore, token: RunToken, lease: Duration, cancellation: Cancellation) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let flag = lost.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / RENEWALS_PER_LEASE).await;
                // A database that is locked or full for a moment is not a lost lease: the next beat may come in time.
                if let Err(StoreError::LeaseLost) = store.heartbeat(&token).await {
                    flag.store(true, Ordering::Relaxed);
                    cancellation.cancel();
                    return;
                }
            }
        });
        Self { task, lost }
    }

    /// Stops; whether the lease was lost.
    pub(super) fn stop(self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

/// A run that is dropped in the middle must not keep its key: its lease ends by itself.
impl Drop for LeaseRenewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_for_a_held_lease_ends_when_it_is_renewed_or_the_deadline_passes() {
        let now = Instant::now();
        let seen = ObservedLease { expires_at: 7, deadline: Some(now + Duration::from_secs(3)) };
        assert!(seen.should_wait(7, now + Duration::from_secs(2)));
        assert!(!seen.should_wait(8, now), "its owner is alive");
        assert!(!seen.should_wait(7, now + Duration::from_secs(3)), "also if the clock of the database was set back");
    }
}
