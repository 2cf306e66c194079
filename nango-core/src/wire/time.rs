//! Formats of timestamps on the wire.

use crate::time::{DateFormat, Timestamp};

const MICROS: DateFormat = DateFormat::numeric_offset(6);
const MILLIS: DateFormat = DateFormat::numeric_offset(3);

/// Formats a time as in records and runs: `2026-11-22T12:00:00.000001+00:00`.
pub(crate) fn micros(at: Timestamp) -> String {
    MICROS.format(at)
}

/// Appends [`micros`] in quotes, without an intermediate string.
pub(super) fn write_micros(at: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    MICROS.write(at, out);
    out.push(b'"');
}

/// Formats a time as in the details of a connection: `2026-11-22T12:00:00.000+00:00`.
pub(crate) fn millis(at: Timestamp) -> String {
    MILLIS.format(at)
}

/// Formats a time as in lists: `2026-11-22T12:00:00.000Z`.
pub(crate) fn millis_utc(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_fixed_number_of_digits() {
        let at = Timestamp::from_micros(1_795_348_800_000_000);
        assert_eq!(micros(at), "2026-11-22T12:00:00.000000+00:00");
        assert_eq!(micros(at.saturating_add_micros(1)), "2026-11-22T12:00:00.000001+00:00");
        assert_eq!(millis(at.saturating_add_micros(1_234)), "2026-11-22T12:00:00.001+00:00");
        assert_eq!(millis_utc(at), "2026-11-22T12:00:00.000Z");
        assert!(micros(Timestamp::MAX).starts_with("9999-"), "{}", micros(Timestamp::MAX));
    }
}
