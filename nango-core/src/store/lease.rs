//! Validity of a lease.
//!
//! A lease is stored as its expiry time by the clock of the database. That clock may have been ahead when the lease was
//! written (a wrong hardware clock, a restored machine), and the process that holds it may have crashed since.
//! Invariant: no lease is active for longer than its own length, whatever is stored.

/// Returns whether a lease of this length that expires at `until` is active at `now`; all values are microseconds.
pub(super) fn is_active(until: i64, length: i64, now: i64) -> bool {
    until > now && until <= now.saturating_add(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_is_inactive_when_expired_or_longer_than_its_length() {
        for (until, expect) in [(99, false), (100, false), (101, true), (130, true), (131, false), (i64::MAX, false)] {
            assert_eq!(is_active(until, 30, 100), expect, "{until}");
        }
        assert!(is_active(i64::MAX, i64::MAX, 100));
    }
}
