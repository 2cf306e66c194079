//! Encryption at rest: payloads sealed row by row, and the rotation of the key behind everything that is sealed.
//!
//! The database says whether payloads are sealed and which key is *active*; the keys themselves lie in the ring of the
//! process ([`Keys`]). What must stay true:
//! - What a transaction seals, it seals with the key that is active in that transaction. A process whose ring lacks it
//!   writes nothing and says which key it needs. So, once a walk over what is there came to its end, nothing is sealed
//!   with an older key, and none can come back.
//! - Sealing moves no sequence and no stamp, and changes no outcome of a save.
//! - A stored key id 0 means: not sealed.
//!
//! Rotation has two phases. *Distribute*: every process gets a ring with the new key; nothing uses it. *Activate*
//! ([`Encryption::activate_key`]): everything new is sealed with it, and [`reseal`] walks over what is there, a small
//! transaction at a time, while reads and writes go on.

mod keys;
mod seal;
mod vault;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Store, StoreError, StoreFuture};

pub use keys::{KeyId, Keys, credentials_context, resume_context};
pub(crate) use seal::{DatasetSeal, SEAL_OVERHEAD};
pub(crate) use vault::{EncryptionPolicy, StoredPolicy, Vault};

/// What one step of a walk may hold the write lock for: so many rows, or so many bytes of payload.
pub(crate) const STEP_ROWS: u32 = 1000;
/// See [`STEP_ROWS`].
pub(crate) const STEP_BYTES: usize = 2 << 20;
/// The shortest rest between two steps.
const MIN_PAUSE: Duration = Duration::from_millis(2);

/// How much is sealed with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// The key; `None`: payloads that are not sealed.
    pub key: Option<KeyId>,
    /// Records with a payload, deleted ones included.
    pub records: u64,
    /// Credentials of connections.
    pub credentials: u64,
    /// Resume states of mappers.
    pub resume_states: u64,
}

impl KeyUse {
    /// Nothing yet.
    pub(crate) fn of(key: Option<KeyId>) -> Self {
        Self { key, records: 0, credentials: 0, resume_states: 0 }
    }

    /// Whether nothing is sealed with it.
    pub fn is_unused(&self) -> bool {
        (self.records, self.credentials, self.resume_states) == (0, 0, 0)
    }
}

/// What the database says of its encryption, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionState {
    /// Whether payloads are sealed.
    pub payloads: bool,
    /// The key that everything new is sealed with. `None`: nothing is sealed yet, and the first key of the ring will be.
    pub active: Option<KeyId>,
    /// Whether a walk over what is there has not come to its end.
    pub unfinished: bool,
    /// What each key is used for, by key; those that nothing is sealed with are left out.
    pub uses: Vec<KeyUse>,
}

/// What a step of a walk did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResealProgress {
    /// Records that were looked at.
    pub seen: u64,
    /// Records, credentials and resume states that are sealed otherwise now (or no more).
    pub changed: u64,
    /// Those that could not be opened, and were left as they are.
    pub skipped: u64,
    /// Whether there is nothing more to do.
    pub done: bool,
}

/// The encryption of a database.
pub trait Encryption {
    /// Gives the key ring. Without it, nothing that is sealed can be read, and nothing written where it must be sealed.
    ///
    /// The first ring that a database is given decides which key is active: the one that what is there was sealed with,
    /// or the first of the ring. With `seal_new`, a database that holds nothing yet seals its payloads from now on.
    fn use_keys(&self, keys: Arc<dyn Keys>, seal_new: bool) -> StoreFuture<'_, ()>;

    /// What is sealed, and with which keys. Counts the rows, so it takes a moment on a large database.
    fn encryption(&self) -> StoreFuture<'_, EncryptionState>;

    /// Whether payloads are sealed and which key is active, without counting. [`EncryptionState::uses`] is empty.
    fn encryption_settings(&self) -> StoreFuture<'_, EncryptionState>;

    /// Seals payloads from now on, or no longer; what is there follows by [`reseal`].
    fn seal_payloads(&self, on: bool) -> StoreFuture<'_, ()>;

    /// Makes a key of the ring the active one; what is there follows by [`reseal`].
    fn activate_key(&self, key: KeyId) -> StoreFuture<'_, ()>;

    /// Takes the next step of the walk over what is there, in one small transaction: what it did is durable.
    fn reseal_step(&self) -> StoreFuture<'_, ResealProgress>;

    /// Where remains of payloads lie that were plain before a walk sealed them, and how a person removes them. `None`: the
    /// walk removes them itself.
    fn plaintext_remains(&self) -> Option<&'static str> {
        None
    }
}

/// Walks on until everything is sealed as the database says, or `go_on` (asked after each step, with the sum so far)
/// says no. A walk that was broken off, by that or by a crash, goes on where it stopped.
///
/// # Errors
///
/// A step failed; what the steps before it did stays.
pub async fn reseal(
    store: &dyn Store,
    mut should_continue: impl FnMut(&ResealProgress) -> bool,
) -> Result<ResealProgress, StoreError> {
    let mut sum = ResealProgress::default();
    loop {
        let began = Instant::now();
        let step = store.reseal_step().await?;
        sum.seen += step.seen;
        sum.changed += step.changed;
        sum.skipped += step.skipped;
        sum.done = step.done;
        if sum.done || !should_continue(&sum) {
            return Ok(sum);
        }
        // As long a rest as the step took: other processes ask for the lock now and then only, and must find it free.
        tokio::time::sleep(began.elapsed().max(MIN_PAUSE)).await;
    }
}
