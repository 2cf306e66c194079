//! Encryption at rest: sealing of payloads per row, and rotation of the key of everything that is sealed.
//!
//! The database stores whether payloads are sealed and which key is *active*; the keys themselves are in the key ring
//! of the process ([`Keys`]). Invariants:
//! - A transaction seals with the key that is active in that transaction. A process whose ring lacks this key writes
//!   nothing and reports the id of the missing key. Therefore, after a reseal pass over the stored rows is complete,
//!   nothing is sealed with an older key, and nothing can be sealed with it again.
//! - Sealing changes no sequence number, no commit time and no outcome of a save.
//! - The stored key id 0 means that the value is not sealed.
//!
//! A rotation has two phases. *Distribute*: every process receives a ring with the new key, which is not used yet.
//! *Activate* ([`Encryption::activate_key`]): new values are sealed with it, and [`reseal`](fn@super::reseal) passes
//! over the stored rows in small transactions, while reads and writes continue.

mod keys;
mod seal;
mod vault;

use std::sync::Arc;

use super::StoreFuture;

pub use keys::{KeyId, Keys, credentials_context, parent_context, resume_context, secret_context};
pub(crate) use seal::{DatasetSeal, SEAL_OVERHEAD};
pub(crate) use vault::{EncryptionPolicy, StoredPolicy, Vault};

/// The maximum number of rows of one reseal step, because a step holds the write lock; see also [`STEP_BYTES`].
pub(crate) const STEP_ROWS: u32 = 1000;
/// The maximum size in bytes of the payloads of one reseal step; see also [`STEP_ROWS`].
pub(crate) const STEP_BYTES: usize = 2 << 20;
/// The number of values that are sealed with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// The key; `None` for payloads that are not sealed.
    pub key: Option<KeyId>,
    /// Records with a payload, deleted ones included.
    pub records: u64,
    /// Credentials of connections, and secrets of the instance, that are sealed with the key.
    pub credentials: u64,
    /// Resume states of mappers and of their parents that are sealed with the key.
    pub resume_states: u64,
}

impl KeyUse {
    /// Returns counts of zero for a key.
    pub(crate) fn of(key: Option<KeyId>) -> Self {
        Self { key, records: 0, credentials: 0, resume_states: 0 }
    }

    /// Returns whether nothing is sealed with the key.
    pub fn is_unused(&self) -> bool {
        (self.records, self.credentials, self.resume_states) == (0, 0, 0)
    }
}

/// The encryption policy of a database, and the use of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionState {
    /// Whether payloads are sealed.
    pub payloads: bool,
    /// The key for new values. `None`: nothing is sealed yet, and the first key of the ring will be used.
    pub active: Option<KeyId>,
    /// Whether a reseal pass over the stored rows is incomplete.
    pub unfinished: bool,
    /// The use of each key, sorted by key, without unused keys.
    pub uses: Vec<KeyUse>,
}

/// The progress of a reseal pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResealProgress {
    /// Records that were examined.
    pub seen: u64,
    /// Records, credentials and resume states that were resealed or unsealed.
    pub changed: u64,
    /// Records, credentials and resume states that could not be opened, and are unchanged.
    pub skipped: u64,
    /// Whether the pass is complete.
    pub done: bool,
}

/// Encryption of a database.
pub trait Encryption {
    /// Sets the key ring. Without it sealed values cannot be read, and values that must be sealed cannot be written.
    ///
    /// The first ring of a database determines the active key: the one that sealed the stored values, or the first of
    /// the ring. With `seal_new`, an empty database seals its payloads from now on.
    fn use_keys(&self, keys: Arc<dyn Keys>, seal_new: bool) -> StoreFuture<'_, ()>;

    /// Returns the encryption policy and the use of each key. Counts rows, which is slow on a large database.
    fn encryption(&self) -> StoreFuture<'_, EncryptionState>;

    /// Returns the encryption policy without counting: [`EncryptionState::uses`] is empty.
    fn encryption_settings(&self) -> StoreFuture<'_, EncryptionState>;

    /// Switches the sealing of new payloads on or off; stored payloads follow by [`reseal`](fn@super::reseal).
    fn seal_payloads(&self, on: bool) -> StoreFuture<'_, ()>;

    /// Activates a key of the ring; stored values follow by [`reseal`](fn@super::reseal).
    fn activate_key(&self, key: KeyId) -> StoreFuture<'_, ()>;

    /// Executes the next step of the reseal pass in one small transaction. Its result is durable.
    fn reseal_step(&self) -> StoreFuture<'_, ResealProgress>;

    /// Returns the location of plaintext that may remain after a reseal pass, and the way for a user to remove it.
    /// `None`: the pass removes them itself.
    fn plaintext_remains(&self) -> Option<&'static str> {
        None
    }
}
