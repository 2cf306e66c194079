//! Spans: conversion to microseconds, and the notations of providers.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

/// Returns the microseconds of a span, limited to [`i64::MAX`].
pub(crate) fn saturating_micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Parses a duration: seconds as a number or as digits, or a text such as `1h`, `30 minutes`, `PT1H`, or `D:HH:MM`.
/// Returns `None` for negative and other values.
pub(crate) fn parse_span(value: &Value) -> Option<Duration> {
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

    #[test]
    fn span_in_microseconds_saturates() {
        assert_eq!(saturating_micros(Duration::from_millis(7)), 7_000);
        assert_eq!(saturating_micros(Duration::MAX), i64::MAX);
    }

    proptest! {
        #[test]
        fn span_of_any_value_never_panics(text in ".{0,20}|[0-9:.eE+-]{0,24}", number: f64) {
            for value in [json!(text), json!(number)] {
                let _ = parse_span(&value);
            }
        }
    }
}
