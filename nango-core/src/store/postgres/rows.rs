//! Changes of a page to the rows of one dataset.
//!
//! A record has two rows: a key row under its id, with the content hash, and a payload row under its sequence number.
//! Rows are looked up and written in bulk (`lookup`, `write`); the outcome of each is decided here, in between.
//! Invariant: a changed record gets the next sequence number and the commit time; an unchanged one is neither written
//! nor locked.

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

/// SQL expression: the size of a row's payload in bytes without encryption; NULL if there is none.
macro_rules! plain_size {
    () => {
        "(octet_length(payload) - CASE key_id WHEN 0 THEN 0 ELSE 28 END)"
    };
}
pub(super) use plain_size;
const _: () = assert!(SEAL_OVERHEAD == 28, "the number in `plain_size`");

/// Parameters of the writes to one dataset in a commit.
#[derive(Debug)]
pub(super) struct WriteContext {
    /// Encryption policy of the transaction.
    pub policy: Arc<EncryptionPolicy>,
    /// Seals the payloads of the dataset, if the policy requires it.
    pub seal: DatasetSeal,
    pub run: i64,
    pub committed_at: i64,
    /// Rows that another run wrote after this time are skipped; `None` writes all rows.
    pub skip_newer_than: Option<i64>,
    /// Number of the full walk that the write belongs to.
    pub full_walk: Option<i64>,
}

impl WriteContext {
    /// Returns whether another run wrote the row after the page was requested.
    fn is_newer(&self, known: &KeyRow) -> bool {
        self.skip_newer_than.is_some_and(|requested_at| known.run != self.run && known.modified_at > requested_at)
    }

    /// Returns the source of the write, on which its age depends.
    fn source(&self) -> Source {
        Source { full_walk: self.full_walk, now: self.committed_at }
    }

    /// Returns the content to store for a saved record.
    fn content_of<'a>(&self, item: BatchItem<'a>, hash: &Hash) -> DbResult<Content<'a>> {
        self.content(item.id, *hash, item.payload, item.updated)
    }

    /// Returns the content to store for a payload with its update time.
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

/// Returns the stored id of the key that payloads are sealed with; 0 if they are not sealed.
fn stored_key_id(policy: &EncryptionPolicy) -> i32 {
    policy.payloads.map_or(0, KeyId::to_stored)
}

/// Content of a record in its stored form.
#[derive(Debug)]
struct Content<'a> {
    hash: Hash,
    /// Size of the unencrypted payload in bytes.
    bytes: i32,
    /// Update time at the provider, microseconds since 1970 (UTC).
    updated: Option<i64>,
    payload: Cow<'a, [u8]>,
}

/// Converts a length for the counts of a dataset.
fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
