//! Types for a time in the format of an API.

use serde_json::Value;

use crate::time::{self, Timestamp};

/// A type that represents a time of an API: a `String` in RFC 3339, or seconds or milliseconds since 1970 (UTC) as a
/// number or as text, or a [`Timestamp`].
///
/// The field of `#[model(updated = "field")]` has such a type, and so has the time of a delete (see
/// [`batch_delete`](crate::NangoSync::batch_delete)). A newtype around such a type implements the trait by delegation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the time of a record",
    label = "a time is a `Timestamp`, a `String`, an integer of 32 or 64 bits, an `f64`, or an `Option` of these",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait ApiTime {
    /// Returns the time in microseconds since 1970 (UTC); `None` if it is absent or cannot be read.
    fn unix_micros(&self) -> Option<i64>;
}

impl ApiTime for Timestamp {
    fn unix_micros(&self) -> Option<i64> {
        Some(self.as_micros())
    }
}

impl ApiTime for String {
    fn unix_micros(&self) -> Option<i64> {
        time::from_text(self).map(Timestamp::as_micros)
    }
}

impl ApiTime for &str {
    fn unix_micros(&self) -> Option<i64> {
        time::from_text(self).map(Timestamp::as_micros)
    }
}

macro_rules! integers {
    ($($t:ty)*) => { $(
        impl ApiTime for $t {
            fn unix_micros(&self) -> Option<i64> {
                time::from_integer(i64::try_from(*self).ok()?).map(Timestamp::as_micros)
            }
        }
    )* }
}
integers!(i32 u32 i64 u64);

impl ApiTime for f64 {
    fn unix_micros(&self) -> Option<i64> {
        time::from_float(*self).map(Timestamp::as_micros)
    }
}

impl ApiTime for Value {
    fn unix_micros(&self) -> Option<i64> {
        time::from_value(self).map(Timestamp::as_micros)
    }
}

impl<T: ApiTime> ApiTime for Option<T> {
    fn unix_micros(&self) -> Option<i64> {
        self.as_ref().and_then(T::unix_micros)
    }
}

impl<T: ApiTime> ApiTime for &T {
    fn unix_micros(&self) -> Option<i64> {
        (*self).unix_micros()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_that_holds_a_time_reads_it_alike() {
        let expect = Some(1_763_812_800_000_000);
        let text = "2025-11-22T12:00:00Z";
        let all: [&dyn ApiTime; 10] = [
            &Timestamp::from_seconds(1_763_812_800),
            &text,
            &text.to_owned(),
            &Some(text.to_owned()),
            &1_763_812_800_i32,
            &1_763_812_800_u32,
            &1_763_812_800_000_i64,
            &Some(&1_763_812_800_000_u64),
            &1_763_812_800.0,
            &json!(text),
        ];
        assert!(all.iter().all(|time| time.unix_micros() == expect));
        let none: [&dyn ApiTime; 4] = [&"soon", &None::<String>, &u64::MAX, &Value::Null];
        assert!(none.iter().all(|time| time.unix_micros().is_none()));
    }
}
