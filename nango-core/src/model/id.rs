//! Ids of records: a string or an integer, at most 255 bytes as text.
//!
//! The cache, its cursors and the wire use the text alone, so `7` and `"7"` identify the same record.

use std::fmt::Display;

use super::{ApiTime, Record};

/// Maximum length of an id in bytes of its text (the limit of the wire).
pub(crate) const ID_MAX_BYTES: usize = 255;

/// A type that can be the id of a model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the id of a model",
    label = "an id is a `String` or an integer",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait RecordId: Display {}

macro_rules! ids {
    ($($t:ty)*) => { $(impl RecordId for $t {})* }
}
ids!(String u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 usize isize);
impl RecordId for &str {}
impl<T: RecordId> RecordId for &T {}

/// A key of a record of the model `M`: its id, the record itself, or a pair of one of these and the time of an event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no record of `{M}`",
    label = "neither an id nor a record of `{M}`",
    note = "give ids (a `String`, `&str` or an integer) or records of `{M}`, or pairs of one and its time",
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

impl<M: Record> KeyOf<M> for M {
    fn key(&self) -> String {
        self.id().to_string()
    }
}

impl<M: Record> KeyOf<M> for &M {
    fn key(&self) -> String {
        self.id().to_string()
    }
}

macro_rules! keys {
    ($($t:ty)*) => { $(
        impl<M> KeyOf<M> for $t {
            fn key(&self) -> String {
                self.to_string()
            }
        }
        impl<M> KeyOf<M> for &$t {
            fn key(&self) -> String {
                self.to_string()
            }
        }
    )* }
}
keys!(String u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 usize isize);

impl<M> KeyOf<M> for &str {
    fn key(&self) -> String {
        (*self).to_owned()
    }
}

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

    #[test]
    fn id_limit_is_measured_in_bytes() {
        assert_eq!(check_id(&"é".repeat(127)), Ok(()));
        assert!(matches!(check_id(&"é".repeat(128)), Err(IdError::TooLong(256, _))));
        assert_eq!(check_id(""), Err(IdError::Empty));
        assert_eq!(check_id("a\0b"), Err(IdError::Nul("a␀b".into())));
    }
}
