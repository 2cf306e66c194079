//! Checkpoints: declared, typed state of a sync, such as its position in the provider's data.
//!
//! A checkpoint is flat (strings, numbers, booleans, timestamps, options of these, and maps from text to them), so that
//! users can read it in a list and set it by hand.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use uuid::Uuid;

use super::Data;
use crate::time::Timestamp;

/// A flat struct that a function can store between runs. Implemented by `#[checkpoint]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a checkpoint",
    note = "put `#[checkpoint]` on the definition of `{Self}`",
    note = "see docs/reference/attributes.md#checkpoint in the repository"
)]
pub trait Checkpoint: Data {}

/// A type that is allowed for a field of a checkpoint: a flat value, or a map from text to flat values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a checkpoint",
    label = "allowed: strings, numbers, booleans, `Timestamp`, options of these, and maps from `String` to them",
    note = "see docs/reference/attributes.md#checkpoint in the repository"
)]
pub trait CheckpointValue {}

/// A value without parts.
#[doc(hidden)]
pub trait FlatValue {}

macro_rules! flat {
    ($($t:ty)*) => { $(
        impl FlatValue for $t {}
        impl CheckpointValue for $t {}
    )* }
}
flat!(String bool u8 u16 u32 u64 i8 i16 i32 i64 usize isize f32 f64 Timestamp Uuid);
impl<T: FlatValue> FlatValue for Option<T> {}
impl<T: CheckpointValue> CheckpointValue for Option<T> {}
#[diagnostic::do_not_recommend]
impl<T: FlatValue> CheckpointValue for BTreeMap<String, T> {}
#[diagnostic::do_not_recommend]
impl<T: FlatValue, S: BuildHasher> CheckpointValue for HashMap<String, T, S> {}
