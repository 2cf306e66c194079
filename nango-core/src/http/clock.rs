//! Time and randomness of the HTTP client: the trait, and the system's implementation.

use std::{
    fmt::Debug,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;

use crate::time::Timestamp;

/// Source of time and randomness of a run, replaceable by tests and recordings.
pub trait Clock: Send + Sync + Debug {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
    /// Returns a future that completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// Returns a random number in `0.0..1.0` that spreads the retries of concurrent clients.
    fn jitter(&self) -> f64;
    /// Returns whether the run was cancelled: no further attempt begins. Always `false` without a run.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 or after the year 292277 is wrong; the run continues with the nearest value.
        Timestamp::UNIX_EPOCH + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
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
        assert!(SystemClock.now() > Timestamp::from_micros(1_700_000_000_000_000));
        assert!((0..1000).all(|_| (0.0..1.0).contains(&SystemClock.jitter())));
    }
}
