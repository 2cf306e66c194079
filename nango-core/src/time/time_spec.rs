//! Relative and absolute times in response headers and bodies.
//!
//! APIs agree on the names of these headers more than on their values: seconds, fractions, milliseconds, the Unix epoch
//! in four units, dates of two standards, durations as programs print them. One parser accepts all of them, so that no
//! API needs a setting. Other values are `None`; nothing is guessed.

use std::time::Duration;

use jiff::{civil::DateTime, tz::TimeZone};
use nango_grammar::span;

use super::{Timestamp, epoch::EpochUnits, parse_http_date};

/// A smaller number is a duration in seconds (up to three years); from here on it is a Unix timestamp (1973 and later).
const EPOCH_SECONDS_FROM: f64 = 1e8;
/// The last microsecond of the year 9999, the end of the range of the date formats.
const LATEST: Timestamp = Timestamp::from_micros(253_402_300_799_999_999);

/// A relative or an absolute time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeSpec {
    /// A duration from the response on.
    After(Duration),
    /// A timestamp of the server's clock.
    At(Timestamp),
}

impl TimeSpec {
    /// Returns the wait until this time, zero for a past one.
    pub(crate) fn wait_from(self, server_now: Timestamp) -> Duration {
        match self {
            Self::After(wait) => wait,
            Self::At(at) => at.saturating_duration_since(server_now),
        }
    }
}

/// The unit of a number that is too small for a Unix timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
}

impl Unit {
    /// Returns the unit in the name of a header, such as `retry-after-ms` or `x-ms-retry-after-milliseconds`; default
    /// seconds.
    pub(crate) fn from_header_name(header: &str) -> Self {
        let ends = ["-ms", "-millis", "-milliseconds", "_ms"].iter().any(|end| header.ends_with(end));
        if ends { Self::Milliseconds } else { Self::Seconds }
    }
}

/// Parses a value; numbers are in `unit` if they are too small for a Unix timestamp.
pub(crate) fn parse_time_spec(text: &str, unit: Unit) -> Option<TimeSpec> {
    let text = text.trim().trim_matches('"').trim();
    // Repeated headers arrive as a list, and parameters may follow: `30;w=60`.
    let first = text.split(';').next().unwrap_or_default().trim_end();
    parse_number(first, unit)
        .or_else(|| parse_date(text).map(TimeSpec::At))
        .or_else(|| span::parse_sum(first).map(TimeSpec::After))
        .or_else(|| text.split_once(',').and_then(|(first, _)| parse_number(first.trim(), unit)))
}

fn parse_number(text: &str, unit: Unit) -> Option<TimeSpec> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    // `inf` and `nan`, which `f64` accepts, do not begin with a digit.
    let value: f64 = text.parse().ok()?;
    if value < EPOCH_SECONDS_FROM {
        let seconds = if unit == Unit::Milliseconds { value / 1e3 } else { value };
        return Some(TimeSpec::After(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)));
    }
    EpochUnits::UpToNanos.read_float(value).map(|at| TimeSpec::At(at.min(LATEST)))
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let timestamp = |text: &str| text.parse::<jiff::Timestamp>().ok();
    // A date without an offset is UTC, as HTTP dates are.
    let civil = |text: &str| {
        let read: DateTime = text.parse().ok()?;
        (text.len() > 10).then(|| read.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())).flatten()
    };
    parse_http_date(text).or_else(|| timestamp(text).or_else(|| civil(text)).map(Timestamp::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn millis(millis: u64) -> impl Into<Option<TimeSpec>> {
        TimeSpec::After(Duration::from_millis(millis))
    }

    #[track_caller]
    fn check(text: &str, expect: impl Into<Option<TimeSpec>>) {
        assert_eq!(parse_time_spec(text, Unit::Seconds), expect.into(), "{text}");
    }

    #[test]
    fn span_is_read_in_every_notation() {
        check("7", millis(7000));
        check(" 0.5 ", millis(500));
        check(".25", millis(250));
        check("0", millis(0));
        check("6m0s", millis(360_000));
        check("120ms", millis(120));
        check("1h2m3.5s", millis(3_723_500));
        check("1d", millis(86_400_000));
        check("12 seconds", millis(12_000));
        check("1 minute, 5 seconds", millis(65_000));
        check("250µs", Some(TimeSpec::After(Duration::from_micros(250))));
        check("30;w=60", millis(30_000));
        check("30, 30", millis(30_000));
        check("\"15\"", millis(15_000));
        check("1e300s", None);
        check("99999999999999999999d", Some(TimeSpec::After(Duration::MAX)));
        assert_eq!(parse_time_spec("1500", Unit::from_header_name("retry-after-ms")), millis(1500).into());
        assert_eq!(parse_time_spec("1500", Unit::from_header_name("retry-after")), millis(1_500_000).into());
        assert_eq!(parse_time_spec("2s", Unit::from_header_name("retry-after-ms")), millis(2000).into());
    }

    #[test]
    fn timestamp_is_read_in_every_notation() {
        let at = |seconds: i64| TimeSpec::At(Timestamp::from_micros(seconds * 1_000_000));
        check("784111777", at(784_111_777));
        check("784111777.0", at(784_111_777));
        check("784111777000", at(784_111_777));
        check("784111777000000", at(784_111_777));
        check("784111777000000000", at(784_111_777));
        check("Sun, 06 Nov 1994 08:49:37 GMT", at(784_111_777));
        check("1994-11-06T08:49:37Z", at(784_111_777));
        check("1994-11-06T09:49:37+01:00", at(784_111_777));
        check("1994-11-06T08:49:37", at(784_111_777));
        check("1994-11-06 08:49:37", at(784_111_777));
        check("1e300", Some(TimeSpec::At(LATEST)));
    }

    #[test]
    fn time_spec_without_a_time_is_none() {
        for text in
            ["", "soon", "-1", "+5", "NaN", "inf", "infinity", "1994-11-06", "5x", "5 5", "s", "1.2.3", "m5", "."]
        {
            check(text, None);
        }
    }

    #[test]
    fn past_timestamp_is_a_zero_wait() {
        let wait = |at, now| TimeSpec::At(Timestamp::from_micros(at)).wait_from(Timestamp::from_micros(now));
        assert_eq!(wait(5, 7), Duration::ZERO);
        assert_eq!(wait(i64::MIN, i64::MAX), Duration::ZERO);
        assert_eq!(wait(i64::MAX, i64::MIN), Duration::from_micros(i64::MAX as u64));
        assert_eq!(wait(9_000_000, 7_000_000), Duration::from_secs(2));
    }

    proptest! {
        #[test]
        fn time_spec_of_any_text_never_panics(text in "\\PC{0,40}", now: i64) {
            for unit in [Unit::Seconds, Unit::Milliseconds] {
                if let Some(time) = parse_time_spec(&text, unit) {
                    let _ = time.wait_from(Timestamp::from_micros(now));
                }
            }
        }

        #[test]
        fn time_spec_of_value_like_text_never_panics(text in "[0-9.,;: TZ+eEdhmsuGMT-]{0,30}") {
            let _ = parse_time_spec(&text, Unit::Seconds);
        }

        #[test]
        fn span_in_seconds_round_trips(seconds in 0_u32..100_000_000) {
            let wait = Duration::from_secs(u64::from(seconds));
            prop_assert_eq!(parse_time_spec(&seconds.to_string(), Unit::Seconds), Some(TimeSpec::After(wait)));
            prop_assert_eq!(parse_time_spec(&format!("{seconds}s"), Unit::Seconds), Some(TimeSpec::After(wait)));
        }

        #[test]
        fn epoch_round_trips(seconds in 100_000_000_i64..100_000_000_000) {
            let at = Some(TimeSpec::At(Timestamp::from_micros(seconds * 1_000_000)));
            prop_assert_eq!(parse_time_spec(&seconds.to_string(), Unit::Seconds), at);
            prop_assert_eq!(parse_time_spec(&(seconds * 1000).to_string(), Unit::Seconds), at);
        }
    }
}
