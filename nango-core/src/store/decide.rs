//! Decisions about the rows of a page: pure functions, the same for every database.
//!
//! A database looks up what is stored under an id, asks for a decision, and translates the [`Verdict`] to SQL.
//! Decisions are staged, so that a database reads no more than a row needs: first by the key row alone ([`ByKey`]),
//! then by the time, run and size of the last change, and by the stored payload only if nothing else decides
//! ([`ByRow`]).
//!
//! | file | content |
//! | --- | --- |
//! | `stored` | what is stored about a record |
//! | `context` | what all rows of a write have in common |
//! | `save`, `patch`, `delete`, `seen` | the rules of each operation |
//! | `verdict` | what to write, and the effect on the dataset |
//! | `parent` | the parent of a record |
//! | `touched` | the records that lose their delete state |
//! | `counters` | sequence number and sizes of a dataset |
//!
//! Duplicates within a write are found before the transaction ([`super::hashed_page`]) and never reach a decision.
//! Update times are compared by [`super::update_times`].

mod context;
mod counters;
pub(super) mod delete;
pub(super) mod parent;
pub(super) mod patch;
pub(super) mod save;
pub(super) mod seen;
mod stored;
mod touched;
mod verdict;

pub(super) use context::WriteContext;
pub(super) use counters::DatasetCounters;
pub(super) use save::SaveRow;
pub(super) use stored::{LastChange, StoredKey};
pub(super) use touched::touched;
pub(super) use verdict::{ByKey, ByRow, Content, Effect, RowWrite, Verdict};
