//! The dates of HTTP headers.

use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};

/// Reads a date in any of the three forms that HTTP knows; microseconds since 1970.
///
/// Servers write the first form (`Sun, 06 Nov 1994 08:49:37 GMT`); the other two are obsolete, and still must be read.
pub fn parse_http_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let stamp = jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .ok()
        .or_else(|| civil("%A, %d-%b-%y %H:%M:%S GMT", text))
        .or_else(|| civil("%a %b %e %H:%M:%S %Y", text))?;
    Some(stamp.as_microsecond())
}

fn civil(format: &str, text: &str) -> Option<Timestamp> {
    let read: DateTime = strtime::parse(format, text).ok()?.to_datetime().ok()?;
    read.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<i64>) {
        assert_eq!(parse_http_date(text), expect.map(|seconds| seconds * 1_000_000), "{text}");
    }

    #[test]
    fn date_is_read_in_the_three_http_formats() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check(" Sun, 06 Nov 1994 08:49:37 GMT ", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
    }

    #[test]
    fn text_that_is_no_date_is_none() {
        for text in ["", "soon", "12", "Sun, 31 Feb 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"] {
            check(text, None);
        }
    }
}
