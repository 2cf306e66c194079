//! Parsing of timestamps and durations in the notations that providers use.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Parses a timestamp: a date, or seconds or milliseconds since 1970, as a number or as digits. Returns microseconds
/// since 1970 (UTC), or `None` if the value is something else.
pub(super) fn parse_timestamp(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.trim().parse::<Timestamp>() {
            Ok(timestamp) => return Some(timestamp.as_microsecond()),
            Err(_) => text.trim().parse::<f64>().ok(),
        },
        _ => None,
    }?;
    // Values below 1e11 are seconds (until the year 5138), larger ones are milliseconds.
    let seconds = if number.abs() < 1e11 { number } else { number / 1000.0 };
    let span = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Some(Timestamp::from_duration(span).ok()?.as_microsecond())
}

/// Parses a duration: seconds as a number or as digits, or a text such as `1h`, `30 minutes`, `PT1H`, or `D:HH:MM`.
/// Returns `None` for negative and other values.
pub(super) fn parse_span(value: &Value) -> Option<Duration> {
    let seconds = |number: f64| Duration::try_from_secs_f64(number).ok();
    match value {
        Value::Number(number) => seconds(number.as_f64()?),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(number) = text.parse::<f64>() {
                return seconds(number);
            }
            if let Some(days) = parse_days(text) {
                return Some(days);
            }
            let duration: SignedDuration = text.parse().ok()?;
            Duration::try_from(duration).ok()
        }
        _ => None,
    }
}

/// Parses `D:HH:MM`, the notation of some login responses.
fn parse_days(text: &str) -> Option<Duration> {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [days, hours, minutes] = parts[..] else { return None };
    let minutes = days.checked_mul(24)?.checked_add(hours)?.checked_mul(60)?.checked_add(minutes)?;
    Some(Duration::from_secs(minutes.checked_mul(60)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn timestamp_is_read_in_every_notation() {
        let at = Some(1_795_348_800_000_000);
        for value in [json!("2026-11-22T12:00:00Z"), json!("2026-11-22T13:00:00+01:00"), json!(1_795_348_800)] {
            assert_eq!(parse_timestamp(&value), at, "{value}");
        }
        for value in [json!(1_795_348_800_000_i64), json!("1795348800"), json!("1795348800000"), json!(1_795_348_800.0)]
        {
            assert_eq!(parse_timestamp(&value), at, "{value}");
        }
        for value in [json!("soon"), json!(""), json!(null), json!(true), json!(1e300), json!("NaN"), json!([1])] {
            assert_eq!(parse_timestamp(&value), None, "{value}");
        }
    }

    #[test]
    fn span_is_read_in_every_notation() {
        let check =
            |value: Value, seconds: u64| assert_eq!(parse_span(&value), Some(Duration::from_secs(seconds)), "{value}");
        check(json!(3600), 3600);
        check(json!("3600"), 3600);
        check(json!("1h"), 3600);
        check(json!("30 minutes"), 1800);
        check(json!("PT1H"), 3600);
        check(json!("1:02:30"), 95_400);
        for value in [json!(-1), json!("-1h"), json!("soon"), json!(null), json!("1e400"), json!("9:9"), json!("::")] {
            assert_eq!(parse_span(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_value_never_panics(text in ".{0,20}|[0-9:.eE+-]{0,24}", number: f64) {
            for value in [json!(text), json!(number)] {
                let _ = (parse_timestamp(&value), parse_span(&value));
            }
        }
    }
}
