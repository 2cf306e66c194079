//! `[retention]`: how long the cache keeps what nobody changes.
//!
//! Off unless it is set: a cache that forgets by itself surprises more than one that grows.

use std::time::Duration;

use crate::declare::interval_seconds;

/// The shortest age: less is more likely a slip than a wish.
const MIN_SECONDS: f64 = 60.0 * 60.0;
/// The longest age, a hundred years, so that a moment can be reckoned from it.
const MAX_SECONDS: f64 = 100.0 * 365.0 * 24.0 * 60.0 * 60.0;

/// How long the cache keeps what nobody changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Payloads of records that did not change for so long are pruned (`prune_after`, `NANGO_RETENTION_PRUNE_AFTER`). A
    /// full sync that saves such a record again gives the payload back, so this is for incremental syncs.
    pub prune_after: Option<Duration>,
    /// Datasets whose syncs did not run for so long are emptied, and the syncs begin at the beginning when they run again
    /// (`delete_after`, `NANGO_RETENTION_DELETE_AFTER`).
    pub delete_after: Option<Duration>,
}

/// Reads `30d`, `12 hours`, or `off`. The error says what to write.
pub(super) fn parse_age(text: &str) -> Result<Option<Duration>, &'static str> {
    let text = text.trim();
    if text == "off" {
        return Ok(None);
    }
    match interval_seconds(text) {
        Some(seconds) if (MIN_SECONDS..=MAX_SECONDS).contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
        Some(_) => Err("must be between an hour and a hundred years: write `30d`, `12 hours`, or `off`"),
        None => Err("is not a length of time: write `30d`, `12 hours`, or `off`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_needs_a_unit_and_is_bounded() {
        let hours = |hours: u64| Ok(Some(Duration::from_hours(hours)));
        assert_eq!(parse_age("30d"), hours(720));
        assert_eq!(parse_age(" 12 hours "), hours(12));
        assert_eq!(parse_age("1h"), hours(1));
        assert_eq!(parse_age("off"), Ok(None));
        for text in ["30", "59 minutes", "-3d", "1e9 years", "0d", "", "99999999999999 weeks"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
        assert_eq!(parse_age("soon"), Err("is not a length of time: write `30d`, `12 hours`, or `off`"));
    }
}
