//! The clock of a mock: waits take no time.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use crate::{
    http::{BoxFuture, Clock, SystemClock},
    time::{Entropy, Timestamp, saturating_micros},
};

/// A clock whose sleeps take no time: they advance it instead.
#[derive(Debug, Default)]
pub(crate) struct AutoAdvanceClock(AtomicI64);

impl AutoAdvanceClock {
    /// Advances the clock by a duration.
    pub(super) fn advance(&self, duration: Duration) {
        self.0.fetch_add(saturating_micros(duration), Ordering::Relaxed);
    }
}

impl Clock for AutoAdvanceClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_add_micros(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.advance(duration);
        Box::pin(std::future::ready(()))
    }

    fn instant(&self) -> Instant {
        let advanced = Duration::from_micros(self.0.load(Ordering::Relaxed).unsigned_abs());
        SystemClock.instant().checked_add(advanced).unwrap_or_else(|| SystemClock.instant())
    }
}

impl Entropy for AutoAdvanceClock {
    fn random(&self) -> u128 {
        SystemClock.random()
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}
