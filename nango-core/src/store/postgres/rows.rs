//! What a page does to the rows of one dataset.
//!
//! A row is two: a narrow one under its id with the content hash, and one with the payload under its sequence. Rows are
//! looked up and written many at once (`look`, `write`); what becomes of each is decided here, in between. Must stay true:
//! each changed row gets the next sequence and the commit's stamp; an unchanged one is neither written nor locked.

mod delete;
mod lookup;
mod patch;
mod reseal;
mod save;
mod seen;
mod times;
mod write;

pub(super) use delete::delete;
pub(super) use lookup::payloads;
pub(super) use patch::patch;
pub(super) use reseal::{HashUpdates, PayloadUpdates};
pub(super) use save::save;
pub(super) use seen::seen;
pub(super) use write::{INVALID_RUN, Tombstones};

use std::{borrow::Cow, sync::Arc};

use self::lookup::KeyRow;
use super::error::DbResult;
use crate::model::BatchItem;
use crate::store::{
    KeyId,
    encryption::{DatasetSeal, EncryptionPolicy, SEAL_OVERHEAD},
    hash::Hash,
    update_times::Source,
};

/// The size of a row's payload as if it were plain, in SQL; NULL where there is none.
macro_rules! plain_size {
    () => {
        "(octet_length(payload) - CASE key_id WHEN 0 THEN 0 ELSE 28 END)"
    };
}
pub(super) use plain_size;
const _: () = assert!(SEAL_OVERHEAD == 28, "the number in `plain_size`");

/// Who writes, when, and how payloads are stored.
#[derive(Debug)]
pub(super) struct WriteContext {
    /// What is in force in this transaction.
    pub policy: Arc<EncryptionPolicy>,
    /// Seals the payloads of the dataset, if they are to be sealed.
    pub seal: DatasetSeal,
    pub run: i64,
    pub committed_at: i64,
    /// Rows that another run wrote after this moment are left alone; `None`: none are.
    pub skip_newer_than: Option<i64>,
    /// The full walk that the write is a part of.
    pub full_walk: Option<i64>,
}

impl WriteContext {
    /// Whether another run wrote the row after the page was requested.
    fn is_newer(&self, known: &KeyRow) -> bool {
        self.skip_newer_than.is_some_and(|requested_at| known.run != self.run && known.modified_at > requested_at)
    }

    /// Where the write comes from, as far as its age depends on it.
    fn source(&self) -> Source {
        Source { full_walk: self.full_walk, now: self.committed_at }
    }

    /// What to store of a saved record.
    fn content_of<'a>(&self, item: BatchItem<'a>, hash: &Hash) -> DbResult<Content<'a>> {
        self.content(item.id, *hash, item.payload, item.updated)
    }

    /// What to store of a payload with its time of update.
    fn content<'a>(
        &self,
        id: &str,
        hash: Hash,
        payload: impl Into<Cow<'a, [u8]>>,
        updated: Option<i64>,
    ) -> DbResult<Content<'a>> {
        let payload = payload.into();
        let bytes = i32::try_from(payload.len()).unwrap_or(i32::MAX);
        let sealed = match self.seal.seal(id, &payload)?.0 {
            Cow::Owned(sealed) => Some(sealed),
            Cow::Borrowed(_) => None,
        };
        Ok(Content { hash, bytes, updated, payload: sealed.map_or(payload, Cow::Owned) })
    }
}

/// The id of the key that payloads are sealed with, as it is stored; 0: they are not.
fn stored_key_id(regime: &EncryptionPolicy) -> i32 {
    regime.payloads.map_or(0, KeyId::to_stored)
}

/// The content of a record as it is to be stored.
#[derive(Debug)]
struct Content<'a> {
    hash: Hash,
    /// The size of the payload, as if it were plain.
    bytes: i32,
    /// Its time of update.
    updated: Option<i64>,
    payload: Cow<'a, [u8]>,
}

/// A length as it is counted in a dataset.
fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
