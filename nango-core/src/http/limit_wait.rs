//! Waits for rate limits: acquires permits, measures and reports waits.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    ClientParts, ClientQuota, HttpError, TransportError, error,
    rate_limit::{AcquireError, Permit, PermitRequest},
};
use crate::time::{Timestamp, saturating_micros};

/// Shorter waits are not reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// Total time that a client waited for rate limits. Concurrent waits count once.
#[derive(Debug, Default)]
pub(super) struct WaitTimer {
    /// Number of active waits, and start of the first of them.
    active: Mutex<(u32, Timestamp)>,
    /// Total of the ended waits, in microseconds.
    total: AtomicU64,
}

impl WaitTimer {
    pub(super) fn total(&self) -> Duration {
        Duration::from_micros(self.total.load(Ordering::Relaxed))
    }

    /// Starts a wait, which ends when the guard is dropped.
    pub(super) fn start<'a>(&'a self, parts: &'a ClientParts) -> WaitGuard<'a> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if active.0 == 0 {
            active.1 = parts.clock.now();
        }
        active.0 += 1;
        WaitGuard { timer: self, parts }
    }
}

/// An active wait, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct WaitGuard<'a> {
    timer: &'a WaitTimer,
    parts: &'a ClientParts,
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut active = self.timer.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.0 -= 1;
        if active.0 == 0 {
            let waited = self.parts.clock.now().saturating_duration_since(active.1);
            self.timer.total.fetch_add(saturating_micros(waited).unsigned_abs(), Ordering::Relaxed);
        }
    }
}

/// Reports a wait to the observer, unless it is shorter than [`REPORT_AFTER`].
pub(super) fn report_wait(parts: &ClientParts, wait: Duration) {
    if let Some(observer) = parts.wait_observer.as_ref().filter(|_| wait >= REPORT_AFTER) {
        let api = if parts.name.is_empty() { "the API's".to_owned() } else { format!("{}'s", parts.name) };
        observer.on_wait(&format!("waiting {} for {api} rate limit", error::format_wait(wait)));
    }
}

/// Waits for a permit of the rate limiter; `None` if the client has none. `request_name` names the request in errors.
pub(super) async fn acquire_permit(
    parts: &ClientParts,
    timer: &WaitTimer,
    path: &str,
    request_name: impl Fn() -> String,
) -> Result<Option<Permit>, HttpError> {
    let Some(ClientQuota { rate_limiter, connection, priority }) = &parts.quota else { return Ok(None) };
    let ClientParts { clock, max_wait, .. } = parts;
    let request = PermitRequest { path, priority: *priority, connection, clock: &**clock, max_wait: *max_wait };
    let mut waiting = None;
    let mut reported = false;
    let permit = rate_limiter
        .acquire(request, |wait| {
            waiting.get_or_insert_with(|| timer.start(parts));
            if wait >= REPORT_AFTER && !reported {
                reported = true;
                report_wait(parts, wait);
            }
        })
        .await;
    match permit {
        Ok(permit) => Ok(Some(permit)),
        Err(AcquireError::Closed) => {
            Err(HttpError::Network { request: request_name(), attempts: 0, source: TransportError::Cancelled })
        }
        Err(AcquireError::WaitTooLong(wait)) => {
            let until = parts.clock.now() + wait;
            Err(HttpError::RateLimitExhausted { request: request_name(), wait, until, max_wait: parts.max_wait })
        }
    }
}
