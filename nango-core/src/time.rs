//! Timestamps in records: RFC 3339, or seconds or milliseconds since 1970 (UTC), as a number or as text.
//!
//! One parser for every comparison of records by time, so that `since` and `updated` interpret a value alike. Results
//! are in microseconds since 1970; a value that is not a timestamp is `None`.

use jiff::Timestamp;
use serde_json::Value;

/// Numbers from here on are milliseconds: seconds would be in the year 5138, milliseconds are in 1973.
const MILLISECONDS_FROM: u64 = 100_000_000_000;
/// Numbers from here on are neither seconds nor milliseconds.
const TOO_LARGE: u64 = 1_000_000_000_000_000;

/// Parses the timestamp in a JSON text.
pub(crate) fn from_json(json: &str) -> Option<i64> {
    if json.trim_start().starts_with('"') {
        return from_text(&serde_json::from_str::<String>(json).ok()?);
    }
    from_number(json.trim())
}

/// Parses the timestamp in a JSON value.
pub(crate) fn from_value(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => from_text(text),
        Value::Number(number) => match number.as_i64() {
            Some(number) => from_integer(number),
            None => from_float(number.as_f64()?),
        },
        _ => None,
    }
}

/// Parses a timestamp from plain text.
pub(crate) fn from_text(text: &str) -> Option<i64> {
    match text.parse::<Timestamp>() {
        Ok(timestamp) => Some(timestamp.as_microsecond()),
        Err(_) => from_number(text),
    }
}

/// Converts an integer, in seconds or milliseconds by its size, into a timestamp.
pub(crate) fn from_integer(number: i64) -> Option<i64> {
    match number.unsigned_abs() {
        0..MILLISECONDS_FROM => Some(number * 1_000_000),
        MILLISECONDS_FROM..TOO_LARGE => Some(number * 1_000),
        _ => None,
    }
}

/// Converts a number with a fraction, in seconds or milliseconds by its size, into a timestamp.
pub(crate) fn from_float(number: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "both bounds are exact")]
    let (milliseconds_from, too_large) = (MILLISECONDS_FROM as f64, TOO_LARGE as f64);
    if !number.is_finite() || number.abs() >= too_large {
        return None;
    }
    let micros = if number.abs() < milliseconds_from { number * 1e6 } else { number * 1e3 };
    #[expect(clippy::cast_possible_truncation, reason = "the bound above keeps it far inside i64")]
    Some(micros.round() as i64)
}

fn from_number(text: &str) -> Option<i64> {
    match text.parse() {
        Ok(number) => from_integer(number),
        Err(_) => from_float(text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: Option<i64>) {
        assert_eq!(from_json(json), expect, "{json}");
        assert_eq!(from_value(&serde_json::from_str(json).unwrap()), expect, "{json}");
    }

    #[test]
    fn rfc_3339_and_epochs_are_read_as_microseconds() {
        for (json, expect) in [
            (r#""1970-01-01T01:00:02+01:00""#, 2_000_000),
            (r#""1970-01-01T00:00:02.000001Z""#, 2_000_001),
            (r#""2026-01-02T03:04:05.000+0000""#, 1_767_323_045_000_000),
            (r#""2026-01-02 03:04:05Z""#, 1_767_323_045_000_000),
            ("1763812800", 1_763_812_800_000_000),
            ("1763812800123", 1_763_812_800_123_000),
            (r#""1763812800123""#, 1_763_812_800_123_000),
            (r#""1763812800.123456""#, 1_763_812_800_123_456),
            ("1763812800.5", 1_763_812_800_500_000),
            ("1.7638128e9", 1_763_812_800_000_000),
            ("0", 0),
            ("-86400", -86_400_000_000),
        ] {
            check(json, Some(expect));
        }
    }

    #[test]
    fn value_that_is_not_a_timestamp_is_none() {
        for json in [
            "null",
            "true",
            "[1]",
            "{}",
            r#""""#,
            r#""soon""#,
            r#""2026-01-02""#,
            r#""2026-01-02T03:04:05""#,
            "1000000000000000",
            "9223372036854775808",
            "1e300",
        ] {
            check(json, None);
        }
        assert_eq!(from_float(f64::NAN), None);
        assert_eq!(from_json("1763812800 "), Some(1_763_812_800_000_000));
    }
}
