//! Estimate of the server's clock between two responses of the server.
//!
//! The server's clock is authoritative: commit times and leases are computed from it in SQL. This clock implements
//! [`Clock::now`] without a query, for the time at which a page is requested. Invariants: it never goes back, is ahead
//! of the server's clock at most by the drift of the two within [`SAMPLE_MAX_AGE`], and is never behind a commit time
//! that this process has seen.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::time::saturating_micros;

/// Time for which a sample of the server's clock is used, even if a later sample is behind it.
const SAMPLE_MAX_AGE: Duration = Duration::from_secs(10);

/// Estimated clock of a server.
#[derive(Debug)]
pub(super) struct Clock {
    sample: Mutex<Sample>,
    latest: AtomicI64,
}

/// A time of the server's clock, and when this process received it.
#[derive(Debug, Clone, Copy)]
struct Sample {
    server_time: i64,
    received_at: Instant,
}

impl Sample {
    /// Returns the earliest possible time of the server's clock: the latency of the response is unknown.
    fn now(self) -> i64 {
        self.server_time.saturating_add(saturating_micros(self.received_at.elapsed()))
    }
}

impl Clock {
    /// Creates a clock from a time that the server just returned.
    pub(super) fn new(server: i64) -> Self {
        Self {
            sample: Mutex::new(Sample { server_time: server, received_at: Instant::now() }),
            latest: AtomicI64::new(server),
        }
    }

    /// Returns the estimated time, microseconds since 1970 (UTC).
    pub(super) fn now(&self) -> i64 {
        let now = self.sample.lock().unwrap_or_else(PoisonError::into_inner).now();
        self.advance_to(now)
    }

    /// Records a time that the server's clock just returned.
    pub(super) fn observe_server_time(&self, server: i64) {
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two samples, the later time is the one with the shorter latency.
        if server >= sample.now() || sample.received_at.elapsed() > SAMPLE_MAX_AGE {
            *sample = Sample { server_time: server, received_at: Instant::now() };
        }
    }

    /// Advances the clock to a commit time, if it is behind. Returns the latest time of the clock.
    pub(super) fn advance_to(&self, committed_at: i64) -> i64 {
        self.latest.fetch_max(committed_at, Ordering::AcqRel).max(committed_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_follows_server_and_never_goes_back() {
        let clock = Clock::new(1_000_000);
        let first = clock.now();
        assert!((1_000_000..2_000_000).contains(&first), "{first}");
        clock.observe_server_time(5_000_000);
        let ahead = clock.now();
        assert!((5_000_000..6_000_000).contains(&ahead), "{ahead}");
        // A response with a long latency is ignored.
        clock.observe_server_time(2_000_000);
        assert!(clock.now() >= ahead);
        assert_eq!(clock.advance_to(9_000_000), 9_000_000);
        assert_eq!(clock.now(), 9_000_000);
    }

    #[test]
    fn old_sample_is_replaced_when_server_clock_was_set_back() {
        let clock = Clock::new(1_000_000_000);
        let Some(here) = Instant::now().checked_sub(SAMPLE_MAX_AGE + Duration::from_secs(1)) else { return };
        clock.sample.lock().unwrap().received_at = here;
        clock.observe_server_time(500);
        let sample = *clock.sample.lock().unwrap();
        assert!(sample.server_time == 500 && clock.now() >= 1_000_000_000);
    }
}
