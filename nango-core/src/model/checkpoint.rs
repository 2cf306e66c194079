//! Checkpoints: declared, typed state of a sync, such as its position in the provider's data.
//!
//! A checkpoint is flat (strings, numbers, booleans and options of these), so that users can read it in a list and set
//! it by hand.

use super::Data;

/// A flat struct that a function can store between runs. Implemented by `#[checkpoint]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a checkpoint",
    note = "put `#[checkpoint]` on the definition of `{Self}`",
    note = "see docs/reference/attributes.md#checkpoint in the repository"
)]
pub trait Checkpoint: Data {}

/// A type that is allowed for a field of a checkpoint.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a checkpoint",
    label = "a checkpoint is flat: strings, numbers, booleans, and options of these",
    note = "see docs/reference/attributes.md#checkpoint in the repository"
)]
pub trait CheckpointValue {}

macro_rules! scalars {
    ($($t:ty)*) => { $(impl CheckpointValue for $t {})* }
}
scalars!(String bool u8 u16 u32 u64 i8 i16 i32 i64 usize isize f32 f64);
impl<T: CheckpointValue> CheckpointValue for Option<T> {}
