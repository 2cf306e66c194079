//! Clock of an embedded database: the system clock, but never going back.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};

use crate::time::{Clock as _, SystemClock, Timestamp};

/// Monotonic clock of an embedded database.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Latest time that was returned, in microseconds.
    latest: AtomicI64,
    /// Clock in place of the system's, for the replay of a recorded run.
    source: OnceLock<Arc<dyn crate::time::Clock>>,
}

impl Clock {
    /// Returns the time: never less than a time that this clock returned before.
    pub(super) fn now(&self) -> Timestamp {
        self.at_least(Timestamp::UNIX_EPOCH)
    }

    /// Replaces the system clock, also if the database returned a later time before. Later calls have no effect.
    pub(super) fn follow(&self, source: Arc<dyn crate::time::Clock>) {
        let now = source.now().as_micros();
        if self.source.set(source).is_ok() {
            self.latest.store(now, Ordering::Release);
        }
    }

    /// Returns the time, but at least `floor`.
    pub(super) fn at_least(&self, floor: Timestamp) -> Timestamp {
        let now = self.source.get().map_or_else(system_now, |source| source.now());
        let now = now.max(floor).as_micros();
        Timestamp::from_micros(self.latest.fetch_max(now, Ordering::AcqRel).max(now))
    }
}

/// Returns the system clock. Leases are measured by it, because they must expire even if [`Clock`] is ahead of it.
pub(super) fn system_now() -> Timestamp {
    SystemClock.now()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clock_never_goes_back() {
        let clock = Clock::default();
        let first = clock.now();
        let ahead = clock.at_least(first + Duration::from_secs(1_000));
        assert_eq!(ahead, first + Duration::from_secs(1_000));
        assert_eq!(clock.now(), ahead);
        assert_eq!(clock.at_least(Timestamp::from_micros(5)), ahead);
    }
}
