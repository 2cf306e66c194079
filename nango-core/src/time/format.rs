//! Formats of timestamps and spans.

use std::{fmt, time::Duration};

use jiff::{fmt::temporal::DateTimePrinter, tz::Offset};

use super::Timestamp;

/// Format of a timestamp as RFC 3339 in UTC. Timestamps outside of the calendar are printed as its first or last one.
#[derive(Debug)]
pub(crate) struct DateFormat {
    printer: DateTimePrinter,
    numeric_offset: bool,
}

impl DateFormat {
    /// Returns the format with `digits` of the second, as many as needed for `None`, and the offset `Z`.
    pub(crate) fn utc(digits: Option<usize>) -> Self {
        let digits = digits.map(|digits| u8::try_from(digits).unwrap_or(u8::MAX));
        Self { printer: DateTimePrinter::new().precision(digits), numeric_offset: false }
    }

    /// Returns the format with a fixed number of digits and the offset `+00:00`.
    pub(crate) const fn numeric_offset(digits: u8) -> Self {
        Self { printer: DateTimePrinter::new().precision(Some(digits)), numeric_offset: true }
    }

    /// Formats a timestamp as text.
    pub(crate) fn format(&self, at: Timestamp) -> String {
        let mut text = Vec::with_capacity(32);
        self.write(at, &mut text);
        // The printer writes ASCII only.
        String::from_utf8(text).unwrap_or_default()
    }

    /// Appends a timestamp to a buffer, without an intermediate string.
    pub(crate) fn write(&self, at: Timestamp, out: &mut Vec<u8>) {
        let at = at.to_calendar();
        // Writing to a vector cannot fail.
        let _ = if self.numeric_offset {
            self.printer.print_timestamp_with_offset(&at, Offset::UTC, out)
        } else {
            self.printer.print_timestamp(&at, out)
        };
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateFormat::utc(f.precision()).format(*self))
    }
}

/// Formats a span for people, with its two largest units: `12 ms`, `3.4 s`, `12 s`, `3 min 20 s`, `1 h 0 min`. Smaller
/// units are cut off.
pub(crate) fn format_span(span: Duration) -> String {
    let (seconds, millis) = (span.as_secs(), span.subsec_millis());
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) if span.subsec_nanos() == 0 => format!("{seconds} s"),
        (0, 0, 0) => format!("{millis} ms"),
        (0, 0, seconds) => format!("{seconds}.{} s", millis / 100),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Rounds a span to whole seconds, half a second up.
pub(crate) fn rounded_to_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.saturating_add(Duration::from_millis(500)).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_has_the_digits_and_the_offset_of_the_format() {
        let at = Timestamp::from_micros(1_795_348_800_001_234);
        for (format, expect) in [
            (DateFormat::utc(None), "2026-11-22T12:00:00.001234Z"),
            (DateFormat::utc(Some(0)), "2026-11-22T12:00:00Z"),
            (DateFormat::utc(Some(3)), "2026-11-22T12:00:00.001Z"),
            (DateFormat::numeric_offset(3), "2026-11-22T12:00:00.001+00:00"),
            (DateFormat::numeric_offset(6), "2026-11-22T12:00:00.001234+00:00"),
        ] {
            assert_eq!(format.format(at), expect);
        }
        assert_eq!(DateFormat::utc(Some(300)).format(at), "2026-11-22T12:00:00.001234000Z");
        assert_eq!(DateFormat::utc(None).format(Timestamp::from_micros(-1)), "1969-12-31T23:59:59.999999Z");
        for edge in [Timestamp::MIN, Timestamp::MAX] {
            assert!(DateFormat::numeric_offset(6).format(edge).contains("9999-"));
        }
    }

    #[test]
    fn span_has_its_two_largest_units() {
        let format = |millis| format_span(Duration::from_millis(millis));
        assert_eq!([0, 12, 3_499, 12_000].map(format), ["0 s", "12 ms", "3.4 s", "12 s"]);
        assert_eq!([59_999, 60_000, 125_000].map(format), ["59.9 s", "1 min", "2 min 5 s"]);
        assert_eq!([3_600_000, 7_500_000, 360_000_000].map(format), ["1 h 0 min", "2 h 5 min", "100 h 0 min"]);
        assert_eq!(format_span(Duration::from_micros(1)), "0 ms");
        assert!(format_span(Duration::MAX).ends_with(" h 0 min"), "{}", format_span(Duration::MAX));
    }

    #[test]
    fn half_a_second_is_rounded_up() {
        let round = |millis| rounded_to_seconds(Duration::from_millis(millis)).as_secs();
        assert_eq!([0, 499, 500, 11_700].map(round), [0, 0, 1, 12]);
        assert_eq!(rounded_to_seconds(Duration::MAX).as_secs(), u64::MAX);
    }
}
