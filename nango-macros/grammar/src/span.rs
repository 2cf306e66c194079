//! Spans of time, such as `90s`, `1.5 hours` or `1h2m3.5s`.
//!
//! A span is a number and a unit. There is one table of units; the readers differ in what else they accept, because a
//! text in an attribute is checked more strictly than a header of an API.

use std::time::Duration;

/// Unit of a span, from the shortest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
}

impl Unit {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ns" => Self::Nanosecond,
            // The micro sign and the Greek letter.
            "us" | "µs" | "μs" => Self::Microsecond,
            "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => Self::Millisecond,
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Hour,
            "d" | "day" | "days" => Self::Day,
            "w" | "week" | "weeks" => Self::Week,
            _ => return None,
        })
    }

    const fn seconds(self) -> f64 {
        match self {
            Self::Nanosecond => 1e-9,
            Self::Microsecond => 1e-6,
            Self::Millisecond => 1e-3,
            Self::Second => 1.0,
            Self::Minute => 60.0,
            Self::Hour => 60.0 * 60.0,
            Self::Day => 24.0 * 60.0 * 60.0,
            Self::Week => 7.0 * 24.0 * 60.0 * 60.0,
        }
    }
}

/// Parses a whole number and a unit of one letter, from `s` to `w`: `90s`, `2 m`, `12h`, `7d`, `1w`.
///
/// This is the strict notation of attributes. `None` for anything else.
pub fn parse_short(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_rest(text.trim())?;
    let unit = unit.trim_start();
    let seconds = match Unit::parse(unit).filter(|_| unit.len() == 1)? {
        Unit::Minute => 60,
        Unit::Hour => 60 * 60,
        Unit::Day => 24 * 60 * 60,
        Unit::Week => 7 * 24 * 60 * 60,
        _ => 1,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

/// Parses a number, which may have a fraction, and a unit from seconds to weeks: `30s`, `1.5 hours`, `30 days`.
///
/// This is the notation of frequencies and of settings. A longer span than a [`Duration`] can hold becomes
/// [`Duration::MAX`]. `None` for anything else.
pub fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_rest(text)?;
    let unit = Unit::parse(unit.trim_start()).filter(|unit| *unit >= Unit::Second)?;
    Some(duration(number.parse::<f64>().ok()? * unit.seconds()))
}

/// Parses one or more numbers with units from nanoseconds to weeks, and adds them up: `6m0s`, `120ms`, `1h2m3.5s`,
/// `1 minute, 5 seconds`. Case is ignored.
///
/// This is the tolerant notation for values that programs print, such as headers. A longer span than a [`Duration`] can
/// hold becomes [`Duration::MAX`]. `None` for anything else, also for a number without a unit.
pub fn parse_sum(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, after) = number_and_rest(rest)?;
        let after = after.trim_start();
        let letters = after.find(|c: char| c.is_ascii_digit() || c.is_whitespace() || c == ',').unwrap_or(after.len());
        let unit = Unit::parse(&after[..letters].to_ascii_lowercase())?;
        seconds += number.parse::<f64>().ok()? * unit.seconds();
        rest = after[letters..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    (!text.is_empty()).then(|| duration(seconds))
}

/// Splits a text after its leading number. `None` if nothing follows it.
fn number_and_rest(text: &str) -> Option<(&str, &str)> {
    Some(text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?))
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNREADABLE: [&str; 12] =
        ["", "5", "m", "-2m", "+2m", "1.2.3h", "5x", "five minutes", "2 minutes ago", "NaNs", "infs", "."];

    #[test]
    fn short_span_is_a_whole_number_and_a_letter() {
        for (text, seconds) in [("90s", 90), (" 12 h ", 43_200), ("2m", 120), ("7d", 604_800), ("1w", 604_800)] {
            assert_eq!(parse_short(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["2 minutes", "1.5h", "120ms", "1h2m", "99999999999999999999s", "18446744073709551615w"] {
            assert_eq!(parse_short(text), None, "{text}");
        }
        for text in UNREADABLE {
            assert_eq!(parse_short(text), None, "{text}");
        }
    }

    #[test]
    fn span_is_a_number_and_a_unit_of_at_least_a_second() {
        let cases = [
            ("30s", 30_000),
            ("1.5 hours", 5_400_000),
            (".5m", 30_000),
            ("2 mins", 120_000),
            ("1hr", 3_600_000),
            ("3 days", 259_200_000),
            ("2 weeks", 1_209_600_000),
            ("0.25s", 250),
        ];
        for (text, expect) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(expect)), "{text}");
        }
        assert_eq!(parse(&format!("{}s", "9".repeat(400))), Some(Duration::MAX));
        for text in ["120ms", "5 us", "1h2m", "2 Minutes", "1e3s"].iter().chain(&UNREADABLE) {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn sum_has_units_in_every_spelling() {
        let cases = [
            ("6m0s", 360_000),
            ("120ms", 120),
            ("1h2m3.5s", 3_723_500),
            ("1 Minute, 5 SECONDS", 65_000),
            ("1w", 604_800_000),
        ];
        for (text, expect) in cases {
            assert_eq!(parse_sum(text), Some(Duration::from_millis(expect)), "{text}");
        }
        for micro in ["250us", "250µs", "250μs", "250000ns"] {
            assert_eq!(parse_sum(micro), Some(Duration::from_micros(250)), "{micro}");
        }
        assert_eq!(parse_sum("99999999999999999999d"), Some(Duration::MAX));
        for text in ["5 5", "m5", "1e300s", "1h 2"].iter().chain(&UNREADABLE) {
            assert_eq!(parse_sum(text), None, "{text}");
        }
    }
}
