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
const TRUST: Duration = Duration::from_secs(10);

/// The clock of a server.
#[derive(Debug)]
pub(super) struct Clock {
    sample: Mutex<Sample>,
    latest: AtomicI64,
}

/// What the server's clock said, and when the answer was here.
#[derive(Debug, Clone, Copy)]
struct Sample {
    server: i64,
    here: Instant,
}

impl Sample {
    /// What the server's clock says now at least: the answer was on its way for a while.
    fn now(self) -> i64 {
        self.server.saturating_add(i64::try_from(self.here.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

impl Clock {
    /// A clock that was just asked.
    pub(super) fn new(server: i64) -> Self {
        Self { sample: Mutex::new(Sample { server, here: Instant::now() }), latest: AtomicI64::new(server) }
    }

    /// The moment, microseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        let now = self.sample.lock().unwrap_or_else(PoisonError::into_inner).now();
        self.seen(now)
    }

    /// Takes note of a moment that the server's clock just gave.
    pub(super) fn told(&self, server: i64) {
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two samples the one that says more was less long on its way.
        if server >= sample.now() || sample.here.elapsed() > TRUST {
            *sample = Sample { server, here: Instant::now() };
        }
    }

    /// Takes note of a stamp; gives it, or a later one that was already given.
    pub(super) fn seen(&self, stamp: i64) -> i64 {
        self.latest.fetch_max(stamp, Ordering::AcqRel).max(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_server_and_never_goes_back() {
        let clock = Clock::new(1_000_000);
        let first = clock.now();
        assert!((1_000_000..2_000_000).contains(&first), "{first}");
        clock.told(5_000_000);
        let ahead = clock.now();
        assert!((5_000_000..6_000_000).contains(&ahead), "{ahead}");
        // An answer that was long on its way says nothing new.
        clock.told(2_000_000);
        assert!(clock.now() >= ahead);
        assert_eq!(clock.seen(9_000_000), 9_000_000);
        assert_eq!(clock.now(), 9_000_000);
    }

    #[test]
    fn an_old_sample_gives_way_to_a_clock_that_was_set_back() {
        let clock = Clock::new(1_000_000_000);
        let Some(here) = Instant::now().checked_sub(TRUST + Duration::from_secs(1)) else { return };
        clock.sample.lock().unwrap().here = here;
        clock.told(500);
        let sample = *clock.sample.lock().unwrap();
        assert!(sample.server == 500 && clock.now() >= 1_000_000_000);
    }
}
