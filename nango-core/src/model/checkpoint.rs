//! Checkpoints: a sync's declared place in the provider.
//!
//! Flat by law: strings, numbers, booleans and options of these, so that a person can read one in a list and set one
//! by hand.

use super::Data;

/// A flat struct that a function may store between runs. Implemented by `#[checkpoint]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a checkpoint",
    note = "put `#[checkpoint]` on the definition of `{Self}`"
)]
pub trait Checkpoint: Data {}

/// What a field of a checkpoint may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a checkpoint",
    label = "a checkpoint is flat: strings, numbers, booleans, and options of these"
)]
pub trait CheckpointValue {}

macro_rules! scalars {
    ($($t:ty)*) => { $(impl CheckpointValue for $t {})* }
}
scalars!(String bool u8 u16 u32 u64 i8 i16 i32 i64 usize isize f32 f64);
impl<T: CheckpointValue> CheckpointValue for Option<T> {}
