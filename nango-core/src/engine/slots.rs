//! Arithmetic of due times: a grid of fixed distance with a stable phase.
//!
//! The first run of a schedule is due when the schedule is created, at its anchor. All later due times lie on a grid:
//! `anchor + phase + k × interval`. The phase is a share of the interval that depends only on the key of the sync, so
//! that the schedules of many connections that are created at the same time are spread over the interval. The first due
//! time on the grid is half an interval to one and a half intervals after the anchor. A due time that passes while the
//! sync runs, is paused, or no process runs, is not made up for one by one: one run follows, then the next due time on
//! the grid.

use std::time::Duration;

use crate::{store::FunctionKey, time::Timestamp};

/// Longest interval of a grid.
const MAX_INTERVAL: Duration = Duration::from_hours(100 * 365 * 24);

/// Due times of a schedule after its first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// First due time on the grid.
    start: Timestamp,
    interval: Duration,
}

impl Grid {
    /// Creates the grid of a schedule. An interval of less than a second counts as one, a longer one than 100 years as
    /// 100 years.
    pub(super) fn new(key: &FunctionKey, anchor: Timestamp, interval: Duration) -> Self {
        let interval = interval.clamp(Duration::from_secs(1), MAX_INTERVAL);
        let phase = share(interval, stable_hash(key));
        let delay = if phase < interval / 2 { phase + interval } else { phase };
        Self { start: anchor + delay, interval }
    }

    /// Returns the first due time after `now`.
    pub(super) fn next_after(&self, now: Timestamp) -> Timestamp {
        if now < self.start {
            return self.start;
        }
        let since = now.saturating_duration_since(self.start).as_micros();
        let passed = since / self.interval.as_micros() + 1;
        let micros = passed.saturating_mul(self.interval.as_micros());
        self.start + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// Returns a part of the interval: `hash / 2^64` of it.
fn share(interval: Duration, hash: u64) -> Duration {
    let micros = (interval.as_micros() * u128::from(hash)) >> 64;
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// Returns a number that depends only on the key.
fn stable_hash(key: &FunctionKey) -> u64 {
    let mut hash = blake3::Hasher::new();
    for name in [&key.integration, &key.connection, &key.function, &key.variant] {
        hash.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
    }
    let mut first = [0; 8];
    hash.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::declare::FunctionKind;

    const WEEK: Duration = Duration::from_hours(7 * 24);

    fn key(connection: usize) -> FunctionKey {
        let [integration, function, variant] = ["github", "issues", "base"].map(str::to_owned);
        let connection = format!("customer-{connection}");
        FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant }
    }

    /// Returns pseudo-random numbers, the same ones each time.
    fn numbers(seed: u64) -> impl Iterator<Item = u64> {
        let mut state = seed | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        })
    }

    #[test]
    fn due_times_of_a_week_lie_on_the_grid_of_each_of_10_000_schedules() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let mut random = numbers(42);
        for connection in 0..10_000 {
            let interval = Duration::from_secs(30 + random.next().unwrap() % (31 * 24 * 3600 - 30));
            let anchor = start + Duration::from_micros(random.next().unwrap() % 1_000_000_000);
            let grid = Grid::new(&key(connection), anchor, interval);
            let first = grid.next_after(anchor);
            let delay = first.saturating_duration_since(anchor);
            assert!(delay >= interval / 2 && delay < interval + interval / 2, "{interval:?} {delay:?}");
            let mut at = first;
            for _ in 0..20 {
                let next = grid.next_after(at);
                assert_eq!(next.saturating_duration_since(at), interval, "consecutive due times");
                // Any time between two due times has the same next one: a late run does not move the grid.
                let between =
                    Duration::from_micros(random.next().unwrap() % u64::try_from(interval.as_micros()).unwrap());
                assert_eq!(grid.next_after(at + between), next);
                at = next;
            }
            // After any outage one due time follows, on the same grid.
            let outage = Duration::from_micros(random.next().unwrap() % u64::try_from(WEEK.as_micros()).unwrap());
            let resumed = grid.next_after(first + outage);
            let since = resumed.saturating_duration_since(first);
            assert!(since > outage && since <= outage + interval);
            assert_eq!(since.as_micros() % interval.as_micros(), 0);
        }
    }

    #[test]
    fn schedules_that_are_created_together_are_spread_over_the_interval() {
        let (anchor, interval) = (Timestamp::from_seconds(1_800_000_000), Duration::from_mins(5));
        let mut per_second = [0_u32; 300];
        for connection in 0..10_000 {
            let first = Grid::new(&key(connection), anchor, interval).next_after(anchor);
            let phase = first.saturating_duration_since(anchor).as_secs() % 300;
            per_second[usize::try_from(phase).unwrap()] += 1;
        }
        // 33 on average.
        assert!(per_second.iter().all(|count| (8..80).contains(count)), "{per_second:?}");
    }

    #[test]
    fn phase_is_stable_and_differs_between_keys() {
        let phases: HashSet<u64> = (0..1_000).map(|connection| stable_hash(&key(connection))).collect();
        assert_eq!(phases.len(), 1_000);
        // Changed, all schedules of all users would move.
        assert_eq!(stable_hash(&key(7)), stable_hash(&key(7)));
        assert_eq!(stable_hash(&key(0)), FROZEN_HASH);
    }

    #[test]
    fn changed_frequency_keeps_the_anchor() {
        let anchor = Timestamp::from_seconds(1_800_000_000);
        let now = anchor + WEEK;
        let [hourly, daily] = [1, 24].map(|hours| Grid::new(&key(1), anchor, Duration::from_hours(hours)));
        assert_eq!(Grid::new(&key(1), anchor, Duration::from_hours(1)).next_after(now), hourly.next_after(now));
        assert!(daily.next_after(now) <= now + Duration::from_hours(24));
        assert_ne!(daily.next_after(now), hourly.next_after(now));
    }

    #[test]
    fn due_time_at_the_end_of_time_does_not_overflow() {
        let grid = Grid::new(&key(1), Timestamp::MAX, Duration::MAX);
        assert_eq!(grid.next_after(Timestamp::MAX), Timestamp::MAX);
        let grid = Grid::new(&key(1), Timestamp::MIN, Duration::ZERO);
        assert!(grid.next_after(Timestamp::MAX) >= Timestamp::UNIX_EPOCH);
    }

    /// First bytes of BLAKE3 of the key, as computed when the format was defined.
    const FROZEN_HASH: u64 = 7_938_697_327_095_492_453;
}
