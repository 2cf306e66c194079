//! Unix timestamps as numbers, whose unit follows from their size.

use super::Timestamp;

/// Numbers below are seconds: this is the year 5138 in seconds, and 1973 in milliseconds. Each further limit is the
/// year 5138 in the preceding unit.
const MILLIS_FROM: u64 = 100_000_000_000;
const MICROS_FROM: u64 = MILLIS_FROM * 1_000;
const NANOS_FROM: u64 = MICROS_FROM * 1_000;
/// Numbers from here on are no timestamp in a record: identifiers and counters have as many digits.
const TOO_LARGE_FOR_MILLIS: u64 = 1_000_000_000_000_000;

/// Units that a number may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EpochUnits {
    /// Seconds and milliseconds, in records and token responses. Larger numbers are not timestamps.
    UpToMillis,
    /// Seconds, milliseconds, microseconds and nanoseconds, in the headers of responses.
    UpToNanos,
}

/// Number of microseconds in a unit, as a fraction.
struct Unit {
    numerator: i64,
    denominator: i64,
}

impl EpochUnits {
    fn unit_of(self, size: u64) -> Option<Unit> {
        let (numerator, denominator) = match (self, size) {
            (_, 0..MILLIS_FROM) => (1_000_000, 1),
            (Self::UpToMillis, TOO_LARGE_FOR_MILLIS..) => return None,
            (Self::UpToMillis, _) | (_, MILLIS_FROM..MICROS_FROM) => (1_000, 1),
            (_, MICROS_FROM..NANOS_FROM) => (1, 1),
            _ => (1, 1_000),
        };
        Some(Unit { numerator, denominator })
    }

    /// Converts an integer; `None` if it has none of the units.
    pub(super) fn read_integer(self, number: i64) -> Option<Timestamp> {
        let unit = self.unit_of(number.unsigned_abs())?;
        Some(Timestamp::from_micros(number.saturating_mul(unit.numerator) / unit.denominator))
    }

    /// Converts a number with a fraction; `None` if it has none of the units.
    pub(super) fn read_float(self, number: f64) -> Option<Timestamp> {
        if number.is_nan() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let unit = self.unit_of(number.abs() as u64)?;
        #[expect(clippy::cast_precision_loss, reason = "powers of ten up to a million")]
        let micros = number * unit.numerator as f64 / unit.denominator as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
        Some(Timestamp::from_micros(micros.round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unit_of_a_number_follows_from_its_size() {
        let at = Some(Timestamp::from_micros(784_111_777_000_000));
        for number in [784_111_777, 784_111_777_000] {
            assert_eq!(EpochUnits::UpToMillis.read_integer(number), at, "{number}");
            assert_eq!(EpochUnits::UpToNanos.read_integer(number), at, "{number}");
        }
        for number in [784_111_777_000_000, 784_111_777_000_000_000] {
            assert_eq!(EpochUnits::UpToNanos.read_integer(number), at, "{number}");
        }
        assert_eq!(EpochUnits::UpToMillis.read_integer(1_000_000_000_000_000), None);
        assert_eq!(EpochUnits::UpToMillis.read_float(1e15), None);
        assert_eq!(EpochUnits::UpToNanos.read_float(f64::NAN), None);
        assert_eq!(EpochUnits::UpToNanos.read_float(1e300), Some(Timestamp::MAX));
        assert_eq!(EpochUnits::UpToMillis.read_integer(-86_400), Some(Timestamp::from_micros(-86_400_000_000)));
    }

    proptest! {
        #[test]
        fn integer_and_float_are_read_alike(seconds in 0_u32..u32::MAX) {
            for units in [EpochUnits::UpToMillis, EpochUnits::UpToNanos] {
                prop_assert_eq!(units.read_integer(i64::from(seconds)), units.read_float(f64::from(seconds)));
            }
        }

        #[test]
        fn epoch_of_any_number_never_panics(integer: i64, float: f64) {
            for units in [EpochUnits::UpToMillis, EpochUnits::UpToNanos] {
                let _ = (units.read_integer(integer), units.read_float(float));
            }
        }
    }
}
