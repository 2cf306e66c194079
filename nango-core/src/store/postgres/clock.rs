//! The database's clock, as this process knows it between two answers of the server.
//!
//! The server's clock is what counts: stamps and leases are taken from it in SQL. This one answers [`Clock::now`] without
//! asking, for the moment at which a page is requested. Must stay true: it never goes back, is never ahead of the server's
//! clock by more than the two drift apart within [`TRUST`], and never behind a stamp that this process was shown.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

/// For so long a sample of the server's clock is used, even if a later one says less.
const SAMPLE_MAX_AGE: Duration = Duration::from_secs(10);

/// The clock of a server.
#[derive(Debug)]
pub(super) struct Clock {
    sample: Mutex<Sample>,
    latest: AtomicI64,
}

/// What the server's clock said, and when the answer was here.
#[derive(Debug, Clone, Copy)]
struct Sample {
    server_time: i64,
    received_at: Instant,
}

impl Sample {
    /// What the server's clock says now at least: the answer was on its way for a while.
    fn now(self) -> i64 {
        self.server_time.saturating_add(i64::try_from(self.received_at.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

impl Clock {
    /// A clock that was just asked.
    pub(super) fn new(server: i64) -> Self {
        Self {
            sample: Mutex::new(Sample { server_time: server, received_at: Instant::now() }),
            latest: AtomicI64::new(server),
        }
    }

    /// The moment, microseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        let now = self.sample.lock().unwrap_or_else(PoisonError::into_inner).now();
        self.advance_to(now)
    }

    /// Takes note of a moment that the server's clock just gave.
    pub(super) fn observe_server_time(&self, server: i64) {
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two samples the one that says more was less long on its way.
        if server >= sample.now() || sample.received_at.elapsed() > SAMPLE_MAX_AGE {
            *sample = Sample { server_time: server, received_at: Instant::now() };
        }
    }

    /// Takes note of a stamp; gives it, or a later one that was already given.
    pub(super) fn advance_to(&self, stamp: i64) -> i64 {
        self.latest.fetch_max(stamp, Ordering::AcqRel).max(stamp)
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
        // An answer that was long on its way says nothing new.
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
