//! Dates in HTTP headers (RFC 9110, 5.6.7).

use jiff::{civil::DateTime, fmt::strtime, tz::TimeZone};

use super::Timestamp;

/// Parses a date in any of the three HTTP formats.
///
/// Servers send the first format (`Sun, 06 Nov 1994 08:49:37 GMT`); the other two are obsolete but must be accepted.
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let timestamp = jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .ok()
        .or_else(|| civil("%A, %d-%b-%y %H:%M:%S GMT", text))
        .or_else(|| civil("%a %b %e %H:%M:%S %Y", text))?;
    Some(timestamp.into())
}

fn civil(format: &str, text: &str) -> Option<jiff::Timestamp> {
    let read: DateTime = strtime::parse(format, text).ok()?.to_datetime().ok()?;
    read.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<i64>) {
        let expect = expect.map(|seconds| Timestamp::from_micros(seconds * 1_000_000));
        assert_eq!(parse_http_date(text), expect, "{text}");
    }

    #[test]
    fn http_date_is_read_in_its_three_formats() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check(" Sun, 06 Nov 1994 08:49:37 GMT ", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
    }

    #[test]
    fn invalid_http_date_is_none() {
        for text in ["", "soon", "12", "Sun, 31 Feb 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"] {
            check(text, None);
        }
    }
}
