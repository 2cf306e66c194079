//! Clock of an embedded database: the system clock, but never going back.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::time::saturating_micros;

/// Monotonic clock of an embedded database.
#[derive(Debug, Default)]
pub(super) struct Clock {
    latest: AtomicI64,
}

impl Clock {
    /// Returns the time, microseconds since 1970 (UTC): never less than a time that this clock returned before.
    pub(super) fn now(&self) -> i64 {
        self.at_least(0)
    }

    /// Returns the time, but at least `floor`.
    pub(super) fn at_least(&self, floor: i64) -> i64 {
        let now = system_now().max(floor);
        self.latest.fetch_max(now, Ordering::AcqRel).max(now)
    }
}

/// Returns the system clock, microseconds since 1970 (UTC). Leases are measured by it, because they must expire even if
/// [`Clock`] is ahead of it.
pub(super) fn system_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, saturating_micros)
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
