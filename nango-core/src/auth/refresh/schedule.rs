//! Times of refreshes: before a token expires, and after failed attempts.

use std::time::Duration;

use crate::time::Timestamp;

/// Delay after the first failure. It doubles with each further failure.
pub(super) const INITIAL_BACKOFF: Duration = Duration::from_secs(30);
/// Maximum delay between two attempts.
pub(super) const MAX_BACKOFF: Duration = Duration::from_hours(1);

/// Returns the time at which a token should be refreshed: `margin` before its expiry, but at most a quarter of its
/// remaining lifetime before it.
pub(crate) fn refresh_at(expires_at: Option<Timestamp>, now: Timestamp, margin: Duration) -> Option<Timestamp> {
    // A token that is already expired when issued is not scheduled; it is refreshed on the first 401.
    let expiry = expires_at.filter(|expiry| *expiry > now)?;
    Some(expiry - margin.min(expiry.saturating_duration_since(now) / 4))
}

/// Returns the delay after `failures` consecutive failures.
pub(super) fn backoff(failures: u32) -> Duration {
    INITIAL_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_margin_and_backoff_are_bounded() {
        let minutes = |minutes: u64| Timestamp::UNIX_EPOCH + Duration::from_mins(minutes);
        let margin = Duration::from_mins(15);
        assert_eq!(refresh_at(None, minutes(0), margin), None);
        assert_eq!(refresh_at(Some(minutes(120)), minutes(0), margin), Some(minutes(105)));
        // With the full margin, a token with a shorter lifetime would be refreshed for every request.
        assert_eq!(refresh_at(Some(minutes(8)), minutes(0), margin), Some(minutes(6)));
        assert_eq!(refresh_at(Some(minutes(1)), minutes(5), margin), None);
        let pauses: Vec<u64> = [1, 2, 3, 7, 8, 99].map(|times| backoff(times).as_secs()).into();
        assert_eq!(pauses, [30, 60, 120, 1920, 3600, 3600]);
    }
}
