//! Spans in the form in which databases store them: a number of microseconds.

use std::time::Duration;

use crate::time::saturating_micros;

/// Returns the number to store, limited so that a database can add it to a timestamp without overflow.
pub(super) fn to_stored(span: Duration) -> i64 {
    saturating_micros(span).min(i64::MAX / 2)
}

/// Returns the span of a stored number; a negative one becomes zero.
pub(super) fn from_stored(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_span_is_limited_and_never_negative() {
        assert_eq!(from_stored(to_stored(Duration::from_secs(15))), Duration::from_secs(15));
        assert_eq!(to_stored(Duration::MAX), i64::MAX / 2);
        assert_eq!([-1, i64::MIN].map(from_stored), [Duration::ZERO; 2]);
    }
}
