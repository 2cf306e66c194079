//! The timestamp type.

use std::{
    ops::{Add, AddAssign, Sub, SubAssign},
    time::Duration,
};

use super::span::saturating_micros;

/// A point in time: microseconds since 1970 (UTC).
///
/// As a field of a model, an input or a checkpoint it is a string in RFC 3339, with the JSON Schema format `date-time`.
/// A text with any offset is read; a text without an offset is an error. It is written in UTC:
///
/// ```
/// use nango_core::prelude::*;
///
/// #[model(updated = "updated_at")]
/// pub struct Contact {
///     pub id: String,
///     pub updated_at: Timestamp,
/// }
///
/// let contact: Contact = serde_json::from_value(json!({ "id": "a", "updated_at": "2026-11-22T13:00:00.5+01:00" }))?;
/// assert_eq!(json!(contact), json!({ "id": "a", "updated_at": "2026-11-22T12:00:00.5Z" }));
/// # Ok::<(), Error>(())
/// ```
///
/// An API that sends numbers is read by [`from_seconds`](Self::from_seconds) or [`from_millis`](Self::from_millis).
///
/// `Display` writes RFC 3339 in UTC with as many digits as needed; a precision sets their number:
///
/// ```
/// use nango_core::Timestamp;
///
/// let at = Timestamp::from_micros(1_795_348_800_500_000);
/// assert_eq!(at.to_string(), "2026-11-22T12:00:00.5Z");
/// assert_eq!(format!("{at:.0}"), "2026-11-22T12:00:00Z");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest possible timestamp.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest possible timestamp.
    pub const MAX: Self = Self(i64::MAX);
    /// Midnight of 1970-01-01 in UTC.
    pub const UNIX_EPOCH: Self = Self(0);

    /// Creates a timestamp from microseconds since 1970 (UTC).
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Creates a timestamp from milliseconds since 1970 (UTC); limited to [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Creates a timestamp from seconds since 1970 (UTC); limited to [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Returns the microseconds since 1970 (UTC).
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the milliseconds since 1970 (UTC), rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Returns the seconds since 1970 (UTC), rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns the span from `earlier` to this timestamp; zero if `earlier` is later.
    #[must_use]
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.micros_since(earlier)).unwrap_or(0))
    }

    /// Returns the microseconds from `other` to this timestamp; negative if `other` is later.
    #[must_use]
    pub const fn micros_since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Adds microseconds, which may be negative.
    #[must_use]
    pub const fn saturating_add_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Parses RFC 3339 with an offset, as the database and settings hold it; `None` for any other text. Texts from
    /// providers have more notations: see [`from_text`](super::from_text).
    pub(crate) fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(Self::from)
    }

    /// Returns whether a date format can express the timestamp: the years -9999 to 9999.
    pub(crate) fn is_in_calendar(self) -> bool {
        jiff::Timestamp::from_microsecond(self.0).is_ok()
    }

    /// Returns the timestamp of the calendar, the nearest one for a timestamp outside of it.
    pub(crate) fn to_calendar(self) -> jiff::Timestamp {
        let edge = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(edge)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp.as_microsecond())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Adds a span; limited to [`Timestamp::MAX`].
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(saturating_micros(span)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// Subtracts a span; limited to [`Timestamp::MIN`].
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_micros(span)))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl SubAssign<Duration> for Timestamp {
    fn sub_assign(&mut self, span: Duration) {
        *self = *self - span;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamp_arithmetic_saturates() {
        let second = Duration::from_secs(1);
        assert_eq!(Timestamp::MAX + second, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - second, Timestamp::MIN);
        assert_eq!(Timestamp::UNIX_EPOCH + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::MAX.micros_since(Timestamp::MIN), i64::MAX);
        assert_eq!(Timestamp::MIN.saturating_add_micros(-1), Timestamp::MIN);
        let mut at = Timestamp::from_micros(5);
        at += second;
        at -= Duration::from_micros(5);
        assert_eq!(at, Timestamp::from_micros(1_000_000));
    }

    #[test]
    fn span_since_a_later_timestamp_is_zero() {
        let (early, late) = (Timestamp::from_micros(3), Timestamp::from_micros(10));
        assert_eq!(late.saturating_duration_since(early), Duration::from_micros(7));
        assert_eq!(early.saturating_duration_since(late), Duration::ZERO);
        assert_eq!(early.micros_since(late), -7);
    }

    #[test]
    fn timestamp_in_coarser_unit_is_rounded_down() {
        assert_eq!(Timestamp::from_micros(1_999_999).as_seconds(), 1);
        assert_eq!(Timestamp::from_micros(-1).as_seconds(), -1);
        assert_eq!(Timestamp::from_micros(-1).as_millis(), -1);
    }

    #[test]
    fn timestamp_text_is_read_back_and_nearest_outside_of_calendar() {
        let at = Timestamp::from_micros(1_795_348_800_000_001);
        assert_eq!(Timestamp::parse_rfc3339(&at.to_string()), Some(at));
        assert_eq!(Timestamp::parse_rfc3339("1795348800"), None);
        assert!(at.is_in_calendar() && !Timestamp::MIN.is_in_calendar() && !Timestamp::MAX.is_in_calendar());
        assert!(Timestamp::MAX.to_string().starts_with("9999-12-30T22:00:00"), "{}", Timestamp::MAX);
    }

    #[test]
    fn timestamp_of_coarser_unit_saturates() {
        assert_eq!(Timestamp::from_seconds(-2), Timestamp::from_micros(-2_000_000));
        assert_eq!(Timestamp::from_millis(3), Timestamp::from_micros(3_000));
        assert_eq!(
            (Timestamp::from_seconds(i64::MAX), Timestamp::from_millis(i64::MIN)),
            (Timestamp::MAX, Timestamp::MIN)
        );
    }

    proptest! {
        #[test]
        fn span_between_two_timestamps_leads_from_one_to_the_other(a: i64, b: i64) {
            let (early, late) = (Timestamp::from_micros(a.min(b) / 2), Timestamp::from_micros(a.max(b) / 2));
            prop_assert_eq!(early + late.saturating_duration_since(early), late);
            prop_assert_eq!(late - late.saturating_duration_since(early), early);
        }
    }
}
