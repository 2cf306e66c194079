//! Retention of unchanged records, unused datasets and ended runs (`[retention]`).
//!
//! Disabled by default for records: records that disappear on their own surprise more than a growing cache.

use std::time::Duration;

use nango_grammar::frequency::parse_interval;

/// Minimum age: shorter ones are likely mistakes.
const MIN_AGE: Duration = Duration::from_hours(1);
/// Maximum age: 100 years, so that timestamps can be computed from it.
const MAX_AGE: Duration = Duration::from_hours(100 * 365 * 24);

/// Default age from which ended runs are removed.
const DEFAULT_RUNS_AGE: Duration = Duration::from_hours(15 * 24);

/// Retention of unchanged records, unused datasets and ended runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names of the settings")]
pub struct Retention {
    /// Age from which payloads of unchanged records are pruned (`prune_after`, `NANGO_RETENTION_PRUNE_AFTER`). `None`:
    /// never. A full sync that saves such a record again restores its payload, so this is for incremental syncs.
    pub prune_after: Option<Duration>,
    /// Time without a run of its syncs after which a dataset is emptied (`delete_after`,
    /// `NANGO_RETENTION_DELETE_AFTER`). `None`: never. The syncs start from the beginning when they run again.
    pub delete_after: Option<Duration>,
    /// Age from which `registry serve` removes ended runs with their logs (`delete_runs_after`,
    /// `NANGO_RETENTION_DELETE_RUNS_AFTER`). `None`: never. Default 15 days. The latest ended run of each function
    /// stays.
    pub delete_runs_after: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { prune_after: None, delete_after: None, delete_runs_after: Some(DEFAULT_RUNS_AGE) }
    }
}

/// Parses an age such as `30d` or `12 hours`; `off` is `None`. The error names the allowed values.
pub(super) fn parse_age(text: &str) -> Result<Option<Duration>, &'static str> {
    let text = text.trim();
    if text == "off" {
        return Ok(None);
    }
    match parse_interval(text) {
        Some(age) if (MIN_AGE..=MAX_AGE).contains(&age) => Ok(Some(age)),
        Some(_) => Err("must be between an hour and a hundred years: write `30d`, `12 hours`, or `off`"),
        None => Err("is not a duration: write `30d`, `12 hours`, or `off`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_age_needs_a_unit_and_is_bounded() {
        let hours = |hours: u64| Ok(Some(Duration::from_hours(hours)));
        assert_eq!(parse_age("30d"), hours(720));
        assert_eq!(parse_age(" 12 hours "), hours(12));
        assert_eq!(parse_age("1h"), hours(1));
        assert_eq!(parse_age("off"), Ok(None));
        for text in ["30", "59 minutes", "-3d", "1e9 years", "0d", "", "99999999999999 weeks"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
        assert_eq!(parse_age("soon"), Err("is not a duration: write `30d`, `12 hours`, or `off`"));
    }
}
