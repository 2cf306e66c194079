//! End of support of an API or auth mode: the `lifecycle` key.

use jiff::{civil::Date, tz::TimeZone};

use crate::time::Timestamp;

/// End of support of an entry, and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifecycle {
    /// Last day on which the API works.
    pub until: Date,
    /// Reason and replacement, as text for users.
    pub note: String,
}

impl Lifecycle {
    pub(super) fn new(until: Date, note: String) -> Self {
        Self { until, note }
    }

    /// Returns the number of days left on `today`: 0 on the last day, `None` after it.
    pub fn days_left(&self, today: Date) -> Option<u32> {
        let days = today.duration_until(self.until).as_hours() / 24;
        u32::try_from(days).ok()
    }

    /// Returns whether support has ended on `today`.
    pub fn has_ended(&self, today: Date) -> bool {
        today > self.until
    }
}

/// Returns the day of a timestamp in UTC. A time outside of the calendar yields its first or last day.
pub(crate) fn utc_date(at: Timestamp) -> Date {
    at.to_calendar().to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_day_is_counted_and_the_day_after_has_ended() {
        let lifecycle = Lifecycle::new("2027-04-30".parse().unwrap(), "use another".to_owned());
        let on = |day: &str| {
            let day = day.parse().unwrap();
            (lifecycle.days_left(day), lifecycle.has_ended(day))
        };
        assert_eq!(on("2026-11-28"), (Some(153), false));
        assert_eq!(on("2027-04-29"), (Some(1), false));
        assert_eq!(on("2027-04-30"), (Some(0), false));
        assert_eq!(on("2027-05-01"), (None, true));
    }

    #[test]
    fn day_of_a_time_is_in_utc_and_never_fails() {
        assert_eq!(utc_date(Timestamp::from_micros(1_795_348_800_000_000)).to_string(), "2026-11-22");
        assert_eq!(utc_date(Timestamp::from_micros(-1)).to_string(), "1969-12-31");
        assert_eq!((utc_date(Timestamp::MIN).year(), utc_date(Timestamp::MAX).year()), (-9999, 9999));
    }
}
