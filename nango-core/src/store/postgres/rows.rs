//! Changes of a page to the rows of one dataset.
//!
//! A record has two rows: a key row under its id, with the content hash, and a payload row under its sequence number.
//! Rows are looked up and written in bulk (`lookup`, `write`); [`crate::store::decide`] decides about each in between.
//! Invariant: a changed record gets the next sequence number and the commit time; an unchanged one is neither written
//! nor locked.

mod change;
mod content;
mod delete;
mod lookup;
mod parents;
mod patch;
mod replace;
mod reseal;
mod save;
mod seen;
mod times;
mod write;

pub(super) use content::{ChangeWriter, plain_size};
pub(super) use delete::delete;
pub(super) use lookup::payloads;
pub(super) use patch::patch;
pub(super) use replace::replace;
pub(super) use reseal::{HashUpdates, PayloadUpdates};
pub(super) use save::save;
pub(super) use seen::seen;
pub(super) use write::{INVALID_RUN, Tombstones};
