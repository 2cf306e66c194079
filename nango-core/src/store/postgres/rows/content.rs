//! Parameters of a change, and contents of records in their stored form.

use std::borrow::Cow;

use crate::{
    store::{
        KeyId,
        decide::{Content, WriteContext},
        encryption::{DatasetSeal, EncryptionPolicy, SEAL_OVERHEAD},
        hash::Hash,
        postgres::error::DbResult,
    },
    time::Timestamp,
};

/// SQL expression: the size of a row's payload in bytes without encryption; NULL if there is none.
macro_rules! plain_size {
    () => {
        "(octet_length(payload) - CASE key_id WHEN 0 THEN 0 ELSE 28 END)"
    };
}
pub(in crate::store::postgres) use plain_size;
const _: () = assert!(SEAL_OVERHEAD == 28, "the number in `plain_size`");

/// Parameters of a change of a page to one dataset.
#[derive(Debug)]
pub(in crate::store::postgres) struct ChangeWriter<'a> {
    pub context: WriteContext<'a>,
    /// Encryption policy of the transaction.
    pub policy: &'a EncryptionPolicy,
    /// Seals the payloads of the dataset, if the policy requires it.
    pub seal: DatasetSeal,
}

/// Content of a record in its stored form.
#[derive(Debug)]
pub(super) struct SealedContent<'a> {
    pub hash: Hash,
    /// Size of the unencrypted payload in bytes.
    pub bytes: i32,
    /// Update time at the provider.
    pub updated: Option<Timestamp>,
    /// Payload as it is stored.
    pub payload: Cow<'a, [u8]>,
}

impl<'a> SealedContent<'a> {
    /// Seals the content of the record with this id, if the policy requires it.
    pub(super) fn new(seal: &DatasetSeal, id: &str, content: Content<'a>) -> DbResult<Self> {
        let Content { payload, hash, updated } = content;
        let bytes = i32::try_from(payload.len()).unwrap_or(i32::MAX);
        let sealed = match seal.seal(id, &payload)?.0 {
            Cow::Owned(sealed) => Some(sealed),
            Cow::Borrowed(_) => None,
        };
        Ok(Self { hash, bytes, updated, payload: sealed.map_or(payload, Cow::Owned) })
    }
}

/// Returns the stored id of the key that payloads are sealed with; 0 if they are not sealed.
pub(super) fn stored_key_id(policy: &EncryptionPolicy) -> i32 {
    policy.payloads.map_or(0, KeyId::to_stored)
}
