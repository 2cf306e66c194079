//! A client's part in the budgets, and what it tells of its waits.

use std::{
    fmt::Debug,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    ClientParts, HttpError, Priority, RateLimiter, TransportError, error,
    rate_limit::{AcquireError, Permit, PermitRequest},
};

/// Waits that are shorter are not worth a line.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// A client's part in the budgets.
#[derive(Debug, Clone)]
pub struct ClientQuota {
    /// What is shared with other clients.
    pub rate_limiter: Arc<RateLimiter>,
    /// Whose turn it is, where connections share a budget.
    pub connection: String,
    /// Who waits for the client.
    pub priority: Priority,
}

/// Who is told of waits.
pub trait WaitObserver: Send + Sync + Debug {
    /// A wait begins: `waiting 12 s for GitHub's limit`.
    fn on_wait(&self, what: &str);
}

/// How long a client waited for limits. Waits at the same time count once.
#[derive(Debug, Default)]
pub(super) struct WaitTimer {
    /// How many wait, and since when one does.
    active: Mutex<(u32, i64)>,
    /// Microseconds.
    total: AtomicU64,
}

impl WaitTimer {
    pub(super) fn total(&self) -> Duration {
        Duration::from_micros(self.total.load(Ordering::Relaxed))
    }

    /// A wait that lasts until it is dropped.
    pub(super) fn start<'a>(&'a self, parts: &'a ClientParts) -> WaitGuard<'a> {
        let mut now = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 == 0 {
            now.1 = parts.clock.now();
        }
        now.0 += 1;
        WaitGuard { waits: self, parts }
    }
}

/// A wait that goes on.
#[derive(Debug)]
pub(super) struct WaitGuard<'a> {
    waits: &'a WaitTimer,
    parts: &'a ClientParts,
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut now = self.waits.active.lock().unwrap_or_else(PoisonError::into_inner);
        now.0 -= 1;
        if now.0 == 0 {
            let waited = self.parts.clock.now().saturating_sub(now.1);
            self.waits.total.fetch_add(u64::try_from(waited).unwrap_or(0), Ordering::Relaxed);
        }
    }
}

/// Tells of a wait that is worth a line.
pub(super) fn report_wait(parts: &ClientParts, wait: Duration) {
    if let Some(watch) = parts.wait_observer.as_ref().filter(|_| wait >= REPORT_AFTER) {
        let api = if parts.name.is_empty() { "the API's".to_owned() } else { format!("{}'s", parts.name) };
        watch.on_wait(&format!("waiting {} for {api} limit", error::format_wait(wait)));
    }
}

/// Waits for a place in the budget, if there is one. `sent` names the request in errors.
pub(super) async fn acquire_permit(
    parts: &ClientParts,
    waits: &WaitTimer,
    path: &str,
    sent: impl Fn() -> String,
) -> Result<Option<Permit>, HttpError> {
    let Some(ClientQuota { rate_limiter: budget, connection, priority: lane }) = &parts.quota else { return Ok(None) };
    let request = PermitRequest { path, priority: *lane, connection, clock: &*parts.clock, max_wait: parts.max_wait };
    let mut waiting = None;
    let mut reported = false;
    let permit = budget
        .acquire(request, |wait| {
            waiting.get_or_insert_with(|| waits.start(parts));
            if wait >= REPORT_AFTER && !reported {
                reported = true;
                report_wait(parts, wait);
            }
        })
        .await;
    match permit {
        Ok(permit) => Ok(Some(permit)),
        Err(AcquireError::Cancelled) => {
            Err(HttpError::Network { sent: sent(), attempts: 0, source: TransportError::Cancelled })
        }
        Err(AcquireError::WaitTooLong(wait)) => {
            let until = error::format_time_after(parts.clock.now(), wait);
            Err(HttpError::RateLimitExhausted { sent: sent(), wait, until, max_wait: parts.max_wait })
        }
    }
}
