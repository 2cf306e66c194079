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

use crate::time::Timestamp;

/// Time for which a sample of the server's clock is used, even if a later sample is behind it.
const SAMPLE_MAX_AGE: Duration = Duration::from_secs(10);

/// Estimated clock of a server.
#[derive(Debug)]
pub(super) struct Clock {
    sample: Mutex<Sample>,
    /// Latest time that was returned or observed, in microseconds.
    latest: AtomicI64,
}

/// A time of the server's clock, and when this process received it.
#[derive(Debug, Clone, Copy)]
struct Sample {
    server_time: Timestamp,
    received_at: Instant,
}

impl Sample {
    /// Returns the earliest possible time of the server's clock: the latency of the response is unknown.
    fn now(self) -> Timestamp {
        self.server_time + self.received_at.elapsed()
    }
}

impl Clock {
    /// Creates a clock from a time that the server just returned.
    pub(super) fn new(server: Timestamp) -> Self {
        Self {
            sample: Mutex::new(Sample { server_time: server, received_at: Instant::now() }),
            latest: AtomicI64::new(server.as_micros()),
        }
    }

    /// Returns the estimated time.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.sample.lock().unwrap_or_else(PoisonError::into_inner).now();
        self.advance_to(now)
    }

    /// Records a time that the server's clock just returned.
    pub(super) fn observe_server_time(&self, server: Timestamp) {
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two samples, the later time is the one with the shorter latency.
        if server >= sample.now() || sample.received_at.elapsed() > SAMPLE_MAX_AGE {
            *sample = Sample { server_time: server, received_at: Instant::now() };
        }
    }

    /// Advances the clock to a commit time, if it is behind. Returns the latest time of the clock.
    pub(super) fn advance_to(&self, committed_at: Timestamp) -> Timestamp {
        let at = committed_at.as_micros();
        Timestamp::from_micros(self.latest.fetch_max(at, Ordering::AcqRel).max(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(number)
    }

    #[test]
    fn clock_follows_server_and_never_goes_back() {
        let clock = Clock::new(seconds(1));
        let first = clock.now();
        assert!((seconds(1)..seconds(2)).contains(&first), "{first}");
        clock.observe_server_time(seconds(5));
        let ahead = clock.now();
        assert!((seconds(5)..seconds(6)).contains(&ahead), "{ahead}");
        // A response with a long latency is ignored.
        clock.observe_server_time(seconds(2));
        assert!(clock.now() >= ahead);
        assert_eq!(clock.advance_to(seconds(9)), seconds(9));
        assert_eq!(clock.now(), seconds(9));
    }

    #[test]
    fn old_sample_is_replaced_when_server_clock_was_set_back() {
        let clock = Clock::new(seconds(1_000));
        let Some(here) = Instant::now().checked_sub(SAMPLE_MAX_AGE + Duration::from_secs(1)) else { return };
        clock.sample.lock().unwrap().received_at = here;
        clock.observe_server_time(seconds(1));
        let sample = *clock.sample.lock().unwrap();
        assert!(sample.server_time == seconds(1) && clock.now() >= seconds(1_000));
    }
}
