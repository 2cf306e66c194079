//! The rate budget: requests wait before an API's limit is hit, not after.
//!
//! All work of one connection shares one [`Budget`], and within it one bucket for each name that the API counts under.
//! A bucket learns from the headers of the answers. Where they tell what remains of a window, a request leaves only if
//! it certainly fits; where they do not, a refusal sets a pace that is then raised step by step. Until the first answer
//! one request is under way. Interactive work (actions) goes before syncs and alone uses the last 5 % of a window.
//!
//! Must stay true:
//! - What is taken for free is a lower bound of what is free. Answers overtake each other and windows end when their
//!   server says so; in doubt a request waits for the next answer.
//! - A place that was given is given back, also when the request fails or its run is dropped ([`Permit`]).
//! - Nobody waits in vain: whatever changes a bucket lets those go that can, and those that wait wake up by themselves
//!   when a window ends.

mod aimd;
mod bucket;
mod permit;
mod routes;
mod skew;
mod wait_queue;
mod window;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use super::Clock;
use bucket::Bucket;
pub(super) use permit::{AcquireError, Outcome, Permit, PermitRequest};
use routes::Routes;
use skew::Skew;

/// From so many budgets on those that nobody uses are forgotten.
const EVICT_ABOVE: usize = 1024;

/// Who asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for the answer: an action, a proxied request.
    Interactive,
    /// Nobody does: a sync.
    #[default]
    Background,
}

/// The budgets of a process. Made once at the top.
pub struct RateLimiters {
    clock: Arc<dyn Clock>,
    /// How many processes share the quotas.
    processes: Arc<AtomicU32>,
    limiters: Mutex<HashMap<Key, Arc<RateLimiter>>>,
}

/// The integration, and the connection unless all of them share one quota.
type Key = (String, Option<String>);

impl RateLimiters {
    /// No budgets yet. All times are those of `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, processes: Arc::new(AtomicU32::new(1)), limiters: Mutex::default() }
    }

    /// Tells how many live processes use the same connections, this one included: each takes its part of a quota.
    /// 1 until somebody says so.
    pub fn set_process_count(&self, count: u32) {
        self.processes.store(count.max(1), Ordering::Relaxed);
    }

    /// The budget of a connection. `shared`: the API counts all connections of an integration together.
    pub fn of(&self, integration: &str, connection: &str, shared: bool) -> Arc<RateLimiter> {
        let key = (integration.to_owned(), (!shared).then(|| connection.to_owned()));
        let mut known = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= EVICT_ABOVE && !known.contains_key(&key) {
            let now = self.clock.now();
            known.retain(|_, budget| Arc::strong_count(budget) > 1 || budget.state().is_in_use(now));
        }
        let new = || Arc::new(RateLimiter::new(self.clock.clone(), self.processes.clone()));
        known.entry(key).or_insert_with(new).clone()
    }
}

impl fmt::Debug for RateLimiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets").field("processes", &self.processes).finish_non_exhaustive()
    }
}

/// What one connection may still ask of its API.
pub struct RateLimiter {
    clock: Arc<dyn Clock>,
    processes: Arc<AtomicU32>,
    state: Mutex<LimiterState>,
}

/// What a budget knows. Times are microseconds since 1970 by the budget's clock.
struct LimiterState {
    buckets: Vec<Bucket>,
    routes: Routes,
    skew: Skew,
    /// Counts what happens, so that it has an order.
    sequence: u64,
}

impl RateLimiter {
    fn new(clock: Arc<dyn Clock>, processes: Arc<AtomicU32>) -> Self {
        let state = LimiterState {
            buckets: vec![Bucket::default()],
            routes: Routes::default(),
            skew: Skew::default(),
            sequence: 0,
        };
        Self { clock, processes, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, LimiterState> {
        // What a panic could have left is a count that is too high, which costs a place and no more.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn processes(&self) -> u64 {
        u64::from(self.processes.load(Ordering::Relaxed).max(1))
    }
}

impl LimiterState {
    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn is_in_use(&self, now: i64) -> bool {
        self.buckets.iter().any(|bucket| bucket.is_in_use(now))
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
