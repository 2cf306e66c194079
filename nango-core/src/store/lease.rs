//! When a lease holds.
//!
//! A lease is stored as the time at which it ends, by the clock of the database. That clock may have run ahead when the
//! lease was written (a wrong hardware clock, a restored machine), and its owner may have died since. Must stay true: no
//! lease holds for longer than its own length, whatever was stored.

/// Whether a lease of this length that ends then still holds; all in microseconds.
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
