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

use super::{Instance, Observer, Stop, begin::Ready};
use crate::{
    error::{Error, ErrorKind, Result},
    nango::{interrupted, store_error},
    store::{NewRun, RunStatus, RunToken, SharedStore, StoreError},
};

/// A lease is renewed so many times in its length.
const BEATS: u32 = 4;
/// For so long a key is watched beyond the end of its lease: the last look may come a little early.
const MARGIN: Duration = Duration::from_secs(1);
/// How often a key that is held is looked at, at least.
const LOOK: Duration = Duration::from_millis(250);

/// The error of a run, with the reason why it lost its lease: its connection may have been removed meanwhile.
pub(super) async fn explained(instance: &Instance, token: RunToken, error: Error) -> Error {
    if error.kind() != ErrorKind::LeaseLost {
        return error;
    }
    match instance.store.run(token.id).await {
        Ok(Some(run)) if run.status == RunStatus::Cancelled => Error::new(
            ErrorKind::LeaseLost,
            "the connection was removed during this run, and what this one still wrote was refused",
        ),
        _ => error,
    }
}

pub(super) async fn start(
    instance: &Instance,
    ready: &Ready,
    exclusive: bool,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<RunToken> {
    let lease = instance.config.lease;
    let mut seen: Option<Watched> = None;
    loop {
        let (key, connection) = (ready.key.clone(), ready.connection_row());
        let new = NewRun { key, connection, exclusive, lease };
        match instance.store.start_run(new).await {
            Ok(token) => return Ok(token),
            Err(StoreError::Busy { function, run, since, lease_until, left }) if seen.is_none() => {
                let wait = left.saturating_add(MARGIN);
                observer.waiting(&format!(
                    "`{function}` is held by run {run} (since {since}): waiting at most {} s to see whether it is alive",
                    wait.as_secs()
                ));
                seen = Some(Watched { until: lease_until, end: Instant::now().checked_add(wait) });
            }
            Err(StoreError::Busy { lease_until, .. })
                if seen.as_ref().is_some_and(|seen| seen.goes_on(lease_until, Instant::now())) => {}
            Err(error) => return Err(store_error(error)),
        }
        tokio::select! {
            () = stop.stopped() => return Err(interrupted()),
            () = tokio::time::sleep(LOOK.min(lease / BEATS)) => {}
        }
    }
}

/// A lease of another run that is watched.
struct Watched {
    /// Its end, by the clock of the database.
    until: i64,
    /// When the watch ends; `None`: never, because that is too far away to be represented.
    end: Option<Instant>,
}

impl Watched {
    /// Whether the watch goes on: the lease, as it is now, was not renewed, and there is time left.
    fn goes_on(&self, until: i64, now: Instant) -> bool {
        until == self.until && self.end.is_none_or(|end| now < end)
    }
}

/// Renews a lease until it rests.
pub(super) struct Heart {
    task: JoinHandle<()>,
    lost: Arc<AtomicBool>,
}

impl Heart {
    /// Begins to beat. If the lease is lost, the run is asked to stop.
    pub(super) fn beat(store: SharedStore, token: RunToken, lease: Duration, stop: Stop) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let flag = lost.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / BEATS).await;
                // A database that is locked or full for a moment is not a lost lease: the next beat may come in time.
                if let Err(StoreError::LeaseLost) = store.heartbeat(&token).await {
                    flag.store(true, Ordering::Relaxed);
                    stop.stop();
                    return;
                }
            }
        });
        Self { task, lost }
    }

    /// Stops; whether the lease was lost.
    pub(super) fn rest(self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

/// A run that is dropped in the middle must not keep its key: its lease ends by itself.
impl Drop for Heart {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watch_ends_when_the_lease_is_renewed_and_when_its_time_is_over() {
        let now = Instant::now();
        let seen = Watched { until: 7, end: Some(now + Duration::from_secs(3)) };
        assert!(seen.goes_on(7, now + Duration::from_secs(2)));
        assert!(!seen.goes_on(8, now), "its owner is alive");
        assert!(!seen.goes_on(7, now + Duration::from_secs(3)), "also if the clock of the database was set back");
    }
}
