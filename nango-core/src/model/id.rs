//! Ids of records: a text, a UUID or an integer, at most 255 bytes as text.
//!
//! The cache, its cursors and the wire use the text alone, so `7` and `"7"` identify the same record. In Rust, a record
//! with an integer as its id is identified by integers only, and one with a text by texts only.

use std::{borrow::Cow, fmt::Display};

use uuid::Uuid;

use super::{ApiTime, Record};

/// Maximum length of an id in bytes of its text (the limit of the wire).
pub(crate) const ID_MAX_BYTES: usize = 255;

/// A type that can be the id of a model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the id of a model",
    label = "an id is a `String`, a `Cow<'static, str>`, a `Uuid` or an integer",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait RecordId: Display {}

/// An id that is a text, also a UUID.
#[doc(hidden)]
pub trait TextId: RecordId {}

/// An id that is an integer.
#[doc(hidden)]
pub trait IntegerId: RecordId {}

/// A key of a record of the model `M`: its id, the record itself, or a pair of one of these and the time of an event.
/// Each may be a reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not identify a record of `{M}`",
    label = "neither an id nor a record of `{M}`",
    note = "pass ids, records of `{M}`, or pairs of one of these and its time: a text (`String`, `&str`, `Uuid`) if \
            the id of `{M}` is a text, an integer if it is an integer",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait KeyOf<M> {
    /// Returns the id as text.
    fn key(&self) -> String;

    /// Returns the time of the event in microseconds since 1970 (UTC); `None` if there is none.
    fn event_micros(&self) -> Option<i64> {
        None
    }
}

/// A key with the time of the event that reported the record. A time that cannot be read counts as none.
impl<M, K: KeyOf<M>, T: ApiTime> KeyOf<M> for (K, T) {
    fn key(&self) -> String {
        self.0.key()
    }

    fn event_micros(&self) -> Option<i64> {
        self.1.unix_micros()
    }
}

impl<M, K: KeyOf<M>, T: ApiTime> KeyOf<M> for &(K, T) {
    fn key(&self) -> String {
        self.0.key()
    }

    fn event_micros(&self) -> Option<i64> {
        self.1.unix_micros()
    }
}

#[diagnostic::do_not_recommend]
impl<M: Record> KeyOf<M> for M {
    fn key(&self) -> String {
        self.id().to_string()
    }
}

#[diagnostic::do_not_recommend]
impl<M: Record> KeyOf<M> for &M {
    fn key(&self) -> String {
        self.id().to_string()
    }
}

macro_rules! ids {
    ($kind:ident: $($t:ty)*) => { $(
        impl RecordId for $t {}
        impl $kind for $t {}
        #[diagnostic::do_not_recommend]
        impl<M: Record<Id: $kind>> KeyOf<M> for $t {
            fn key(&self) -> String {
                self.to_string()
            }
        }
        #[diagnostic::do_not_recommend]
        impl<M: Record<Id: $kind>> KeyOf<M> for &$t {
            fn key(&self) -> String {
                self.to_string()
            }
        }
    )* }
}
ids!(TextId: String Cow<'_, str> Uuid &str);
ids!(IntegerId: u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 usize isize);
impl<T: RecordId> RecordId for &T {}

/// Reason why a text is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The id is the empty string.
    #[error("its id is empty")]
    Empty,
    /// The id is longer than [`ID_MAX_BYTES`].
    #[error("its id has {0} bytes, at most {ID_MAX_BYTES} are allowed (it starts with `{1}`)")]
    TooLong(usize, String),
    /// The id contains a NUL byte.
    #[error("its id contains a NUL byte (it starts with `{0}`)")]
    Nul(String),
}

/// Checks whether an id may enter the cache: 1 to [`ID_MAX_BYTES`] bytes, without a NUL.
pub(crate) fn check_id(id: &str) -> Result<(), IdError> {
    let start = || id.chars().take(40).map(|c| if c == '\0' { '␀' } else { c }).collect();
    if id.is_empty() {
        Err(IdError::Empty)
    } else if id.len() > ID_MAX_BYTES {
        Err(IdError::TooLong(id.len(), start()))
    } else if id.contains('\0') {
        Err(IdError::Nul(start()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[crate::model]
    struct Order {
        id: Uuid,
    }

    #[crate::model]
    struct Item {
        id: u64,
    }

    #[test]
    fn key_of_a_record_is_its_id_as_text() {
        let order = Order { id: Uuid::from_u128(7) };
        let text = "00000000-0000-0000-0000-000000000007";
        let keys: [&dyn KeyOf<Order>; 6] = [&order, &&order, &order.id, &text, &text.to_owned(), &Cow::Borrowed(text)];
        assert!(keys.iter().all(|key| key.key() == text && key.event_micros().is_none()));
        let keys: [&dyn KeyOf<Item>; 4] = [&Item { id: 7 }, &7_u64, &&7_i32, &(7_u8, 1_763_812_800)];
        assert_eq!(keys.map(KeyOf::key), ["7"; 4]);
        assert_eq!(keys.map(KeyOf::event_micros), [None, None, None, Some(1_763_812_800_000_000)]);
    }

    #[test]
    fn id_limit_is_measured_in_bytes() {
        assert_eq!(check_id(&"é".repeat(127)), Ok(()));
        assert!(matches!(check_id(&"é".repeat(128)), Err(IdError::TooLong(256, _))));
        assert_eq!(check_id(""), Err(IdError::Empty));
        assert_eq!(check_id("a\0b"), Err(IdError::Nul("a␀b".into())));
    }
}
