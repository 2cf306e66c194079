//! Changes of a page to the rows of one dataset.
//!
//! A record has two rows: a key row under its id, with the content hash, and a payload row under its record number
//! (`rid`). The files here look up rows, ask [`crate::store::decide`], and write what it decides. Invariant: a changed
//! record gets the next sequence number and the commit time; an unchanged one is not written at all.

mod change;
mod delete;
mod lookup;
mod patch;
mod replace;
mod save;
mod seen;

pub(super) use change::{ChangeWriter, tombstone};
pub(super) use delete::delete;
pub(super) use patch::patch;
pub(super) use replace::replace;
pub(super) use save::save;
pub(super) use seen::seen;
