//! What a page does to the rows of one dataset.
//!
//! A row is two: a narrow one under its id with the content hash, and one with the payload under its sequence. Rows are
//! looked up and written many at once (`look`, `write`); what becomes of each is decided here, in between. Must stay true:
//! each changed row gets the next sequence and the commit's stamp; an unchanged one is neither written nor locked.

mod delete;
mod look;
mod patch;
mod save;
mod write;

pub(super) use delete::delete;
pub(super) use patch::patch;
pub(super) use save::save;
pub(super) use write::{NOBODY, bury};

use self::look::Known;
use crate::store::encryption::OVERHEAD;

/// The size of a row's payload as if it were plain, in SQL; NULL where there is none.
macro_rules! plain_size {
    () => {
        "(octet_length(payload) - CASE key_id WHEN 0 THEN 0 ELSE 28 END)"
    };
}
pub(super) use plain_size;
const _: () = assert!(OVERHEAD == 28, "the number in `plain_size`");

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub run: i64,
    pub stamp: i64,
    /// Rows that another run wrote after this moment are left alone; `None`: none are.
    pub yields_to: Option<i64>,
}

impl Writing {
    /// Whether another run wrote the row after the page was requested.
    fn yields(&self, known: &Known) -> bool {
        self.yields_to.is_some_and(|requested_at| known.run != self.run && known.modified_at > requested_at)
    }
}

/// A length as it is counted in a dataset.
fn int(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
