//! The database's clock: the system's, but never going back.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// The clock of an embedded database.
#[derive(Debug, Default)]
pub(super) struct Clock {
    latest: AtomicI64,
}

impl Clock {
    /// The moment, microseconds since 1970; never less than any moment or stamp that this clock gave or was shown.
    pub(super) fn now(&self) -> i64 {
        self.at_least(0)
    }

    /// A stamp that is not below `floor`.
    pub(super) fn at_least(&self, floor: i64) -> i64 {
        let now = system_now().max(floor);
        self.latest.fetch_max(now, Ordering::AcqRel).max(now)
    }
}

/// The system's clock as it is. Leases are measured by it: they must end even if the clock once ran ahead.
pub(super) fn system_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_never_goes_back() {
        let clock = Clock::default();
        let first = clock.now();
        let ahead = clock.at_least(first + 1_000_000_000);
        assert_eq!(ahead, first + 1_000_000_000);
        assert_eq!(clock.now(), ahead);
        assert_eq!(clock.at_least(5), ahead);
    }
}
