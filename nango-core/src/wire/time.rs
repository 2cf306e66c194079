//! Timestamps: microseconds since 1970 (UTC) in the database, text on the wire.

use jiff::{Timestamp, fmt::temporal::DateTimePrinter, tz::Offset};

const MICROS_PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
const MILLIS_PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Formats a time as in records and runs: `2026-11-22T12:00:00.000001+00:00`.
pub fn micros(at: i64) -> String {
    MICROS_PRINTER.timestamp_with_offset_to_string(&timestamp(at), Offset::UTC)
}

/// Appends [`micros`] in quotes, without an intermediate string.
pub(super) fn write_micros(at: i64, out: &mut Vec<u8>) {
    out.push(b'"');
    // Writing to a vector cannot fail.
    let _ = MICROS_PRINTER.print_timestamp_with_offset(&timestamp(at), Offset::UTC, &mut *out);
    out.push(b'"');
}

/// Formats a time as in the details of a connection: `2026-11-22T12:00:00.000+00:00`.
pub fn millis(at: i64) -> String {
    MILLIS_PRINTER.timestamp_with_offset_to_string(&timestamp(at), Offset::UTC)
}

/// Formats a time as in lists: `2026-11-22T12:00:00.000Z`.
pub fn millis_utc(at: i64) -> String {
    MILLIS_PRINTER.timestamp_to_string(&timestamp(at))
}

/// Converts microseconds since 1970. Times outside of the calendar (years −9999 to 9999), which the database never
/// stores, become the nearest one inside.
fn timestamp(at: i64) -> Timestamp {
    Timestamp::from_microsecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_fixed_number_of_digits() {
        let at = 1_795_348_800_000_000;
        assert_eq!(micros(at), "2026-11-22T12:00:00.000000+00:00");
        assert_eq!(micros(at + 1), "2026-11-22T12:00:00.000001+00:00");
        assert_eq!(millis(at + 1_234), "2026-11-22T12:00:00.001+00:00");
        assert_eq!(millis_utc(at), "2026-11-22T12:00:00.000Z");
        assert!(micros(i64::MAX).starts_with("9999-"), "{}", micros(i64::MAX));
    }
}
