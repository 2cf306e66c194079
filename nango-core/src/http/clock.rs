//! Time and chance, as the pipeline sees them.

use std::{
    fmt::Debug,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;

/// Where a run gets its time and its randomness from, so that tests and recordings own them.
pub trait Clock: Send + Sync + Debug {
    /// Microseconds since 1970 (UTC).
    fn now(&self) -> i64;
    /// Waits.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// A number in `0.0..1.0`, so that waiting clients do not come back together.
    fn jitter(&self) -> f64;
    /// Whether the run was asked to stop: no further attempt begins. Without a run, never.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        // A clock before 1970 or after 292277 is a broken clock, not a reason to stop.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn jitter(&self) -> f64 {
        // Without randomness from the system the wait stays in the middle of its range.
        getrandom::u32().map_or(0.5, |random| f64::from(random) / (f64::from(u32::MAX) + 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_clock_is_plausible() {
        assert!(SystemClock.now() > 1_700_000_000_000_000);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&SystemClock.jitter())));
    }
}
