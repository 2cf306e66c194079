//! Client-side rate limiter: requests wait before they exceed an API's limit.
//!
//! All work of one connection shares one [`RateLimiter`], with one bucket for each name that the API counts requests
//! under. A bucket learns from the headers of the responses. If they report the remainder of a window, a request is
//! sent only if it certainly fits. If they do not, a rate-limited response starts an AIMD estimate of the quota, which
//! then rises step by step. Until the first response, one request is in flight. Interactive work (actions) is sent
//! before syncs, and only interactive work may use the last 5 % of a window.
//!
//! Invariants:
//! - The capacity that is used is a lower bound of the real one. Responses arrive in any order, and the server's clock
//!   ends windows; if the capacity is not certain, a request waits for the next response.
//! - Every permit is released, also if the request fails or its run is dropped ([`Permit`]).
//! - Waiters make progress: every change of a bucket grants the permits that are possible, and waiters wake up on their
//!   own when a window ends.

mod aimd;
mod bucket;
mod limiter;
mod permit;
mod priority;
mod routes;
mod skew;
mod wait_queue;
mod window;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use super::Clock;
pub(super) use limiter::Permit;
pub(crate) use limiter::RateLimiter;
pub(super) use permit::{AcquireError, Outcome, PermitRequest};
pub use priority::Priority;

/// From this number of rate limiters on, unused ones are evicted.
const EVICT_ABOVE: usize = 1024;

/// The rate limiters of a process. Created once at startup.
pub struct RateLimiters {
    clock: Arc<dyn Clock>,
    /// Number of processes that share the quotas.
    processes: Arc<AtomicU32>,
    limiters: Mutex<HashMap<Key, Arc<RateLimiter>>>,
}

/// The integration, and the connection unless all of them share one quota.
type Key = (String, Option<String>);

impl RateLimiters {
    /// Creates an empty set of rate limiters that use `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, processes: Arc::new(AtomicU32::new(1)), limiters: Mutex::default() }
    }

    /// Sets the number of running processes that use the same connections, including this one; each uses its share of a
    /// quota. Default 1.
    pub fn set_process_count(&self, count: u32) {
        self.processes.store(count.max(1), Ordering::Relaxed);
    }

    /// Returns the rate limiter of a connection. `shared`: the API counts all connections of an integration together.
    pub fn of(&self, integration: &str, connection: &str, shared: bool) -> Arc<RateLimiter> {
        let key = (integration.to_owned(), (!shared).then(|| connection.to_owned()));
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if limiters.len() >= EVICT_ABOVE && !limiters.contains_key(&key) {
            let now = self.clock.now();
            limiters.retain(|_, limiter| Arc::strong_count(limiter) > 1 || limiter.is_in_use(now));
        }
        let new = || Arc::new(RateLimiter::new(self.clock.clone(), self.processes.clone()));
        limiters.entry(key).or_insert_with(new).clone()
    }
}

impl fmt::Debug for RateLimiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiters").field("processes", &self.processes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
