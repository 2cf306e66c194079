//! Timestamps in records and token responses: RFC 3339 with an offset, or seconds or milliseconds since 1970 (UTC), as
//! a number or as text.
//!
//! One parser, so that `since`, `updated` and the expiry of tokens interpret a value alike. A value that is not a
//! timestamp is `None`. Headers have more notations: see [`parse_time_spec`](super::parse_time_spec).

use serde_json::Value;

use super::{Timestamp, epoch::EpochUnits::UpToMillis};

/// Parses the timestamp in a JSON text.
pub(crate) fn from_json(json: &str) -> Option<Timestamp> {
    if json.trim_start().starts_with('"') {
        return from_text(&serde_json::from_str::<String>(json).ok()?);
    }
    from_text(json)
}

/// Parses the timestamp in a JSON value.
pub(crate) fn from_value(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => from_text(text),
        Value::Number(number) => match number.as_i64() {
            Some(number) => from_integer(number),
            None => from_float(number.as_f64()?),
        },
        _ => None,
    }
}

/// Parses a timestamp from plain text; spaces around it are ignored.
pub(crate) fn from_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    match text.parse::<jiff::Timestamp>() {
        Ok(timestamp) => Some(timestamp.into()),
        Err(_) => match text.parse() {
            Ok(number) => from_integer(number),
            Err(_) => from_float(text.parse().ok()?),
        },
    }
}

/// Converts an integer, in seconds or milliseconds by its size, into a timestamp.
pub(crate) fn from_integer(number: i64) -> Option<Timestamp> {
    UpToMillis.read_integer(number)
}

/// Converts a number with a fraction, in seconds or milliseconds by its size, into a timestamp.
pub(crate) fn from_float(number: f64) -> Option<Timestamp> {
    UpToMillis.read_float(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(json: &str, expect: Option<i64>) {
        let expect = expect.map(Timestamp::from_micros);
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
            ("1795348800.0", 1_795_348_800_000_000),
            (r#"" 1795348800 ""#, 1_795_348_800_000_000),
            (r#""2026-11-22T13:00:00+01:00 ""#, 1_795_348_800_000_000),
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
            r#""NaN""#,
            r#""2026-01-02""#,
            r#""2026-01-02T03:04:05""#,
            "1000000000000000",
            "9223372036854775808",
            "1e300",
        ] {
            check(json, None);
        }
        assert_eq!(from_float(f64::NAN), None);
        assert_eq!(from_json("1763812800 "), Some(Timestamp::from_micros(1_763_812_800_000_000)));
    }

    proptest! {
        #[test]
        fn timestamp_of_any_value_never_panics(text in ".{0,20}|[0-9:.eE+-]{0,24}", number: f64) {
            let _ = (from_json(&text), from_text(&text), from_float(number));
        }
    }
}
