//! The clock that tests and recordings can replace, and the one of the operating system.

use std::{
    fmt::Debug,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{Entropy, Timestamp};

/// Source of time of a run, and of its randomness: both are replaced together.
pub trait Clock: Entropy {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
    /// Returns the monotonic time, by which durations in this process are measured.
    fn instant(&self) -> Instant;
    /// Returns a future that completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clock and the random number generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 or after the year 292277 is wrong; the run continues with the nearest value.
        Timestamp::UNIX_EPOCH + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

impl Entropy for SystemClock {
    fn random(&self) -> u128 {
        // An id has 122 random bits.
        Uuid::new_v4().as_u128()
    }

    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
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
        assert!(SystemClock.instant() <= SystemClock.instant());
        assert!((0..1000).all(|_| (0.0..1.0).contains(&SystemClock.jitter())));
        assert_ne!(SystemClock.uuid(), SystemClock.uuid());
    }
}
