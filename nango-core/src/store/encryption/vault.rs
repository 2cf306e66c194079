//! Encryption state of an open database in this process.
//!
//! The authoritative state is one row of the database, the [`StoredPolicy`], which each transaction that writes
//! payloads reads. The [`EncryptionPolicy`] is derived from it once, and cached until the version of the row changes.

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use super::{DatasetSeal, KeyId, Keys};
use crate::store::{DatasetKey, StoreError, hash::Hasher, random};

/// The record id under which the secret of the content hashes is sealed.
const HASH_SECRET: &str = "hash secret";

/// The encryption policy as it is stored in the database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StoredPolicy {
    /// The version of the policy: every change of the other fields increments it.
    pub policy_version: i64,
    /// Whether payloads are sealed.
    pub payloads: bool,
    /// The key for new values.
    pub active: Option<KeyId>,
    /// The secret of the content hashes of sealed payloads, sealed with the active key. Generated when payloads are
    /// first sealed and never changed, so that a rotation does not make unchanged records look new.
    pub hash_secret: Option<Vec<u8>>,
    /// The position of the reseal pass: its stage, and the last row of the stage. `None`: the pass is complete.
    pub reseal_position: Option<(i64, i64)>,
}

/// The encryption policy of a transaction, derived from the stored policy and the key ring.
#[derive(Debug)]
pub(crate) struct EncryptionPolicy {
    policy_version: i64,
    /// The key for new credentials and resume states.
    pub active: Option<KeyId>,
    /// The key for new payloads; `None`: payloads are stored as plaintext.
    pub payloads: Option<KeyId>,
    /// The content hashes of this policy, and those of rows that were written under an earlier one.
    pub hasher: Hasher,
}

/// The key ring and the cached policy of an open database.
pub(crate) struct Vault {
    keys: OnceLock<Arc<dyn Keys>>,
    policy: RwLock<Arc<EncryptionPolicy>>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.keys.get()).finish_non_exhaustive()
    }
}

impl Vault {
    /// Creates the vault of a database with these plain hashes. Its policy is not yet resolved.
    pub(crate) fn new(hasher: Hasher) -> Self {
        let regime = EncryptionPolicy { policy_version: -1, active: None, payloads: None, hasher };
        Self { keys: OnceLock::new(), policy: RwLock::new(Arc::new(regime)) }
    }

    /// Sets the key ring; later calls have no effect.
    pub(crate) fn use_keys(&self, keys: Arc<dyn Keys>) {
        if self.keys.set(keys).is_ok() {
            // A policy that was resolved without keys must be resolved again.
            let mut regime = self.policy.write().unwrap_or_else(PoisonError::into_inner);
            let EncryptionPolicy { active, payloads, ref hasher, .. } = **regime;
            *regime = Arc::new(EncryptionPolicy { policy_version: -1, active, payloads, hasher: hasher.clone() });
        }
    }

    /// Returns the key ring, once it is set.
    pub(crate) fn keys(&self) -> Option<&dyn Keys> {
        self.keys.get().map(|keys| &**keys)
    }

    /// Returns the latest policy of this process. It is suitable for work before a transaction, which must check it
    /// again.
    pub(crate) fn latest_policy(&self) -> Arc<EncryptionPolicy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the cached policy if it has this version, so that the stored policy need not be read.
    pub(crate) fn cached_policy(&self, version: i64) -> Option<Arc<EncryptionPolicy>> {
        Some(self.latest_policy()).filter(|policy| policy.policy_version == version)
    }

    /// Returns the policy of a transaction that read this stored policy.
    ///
    /// # Errors
    ///
    /// Fails if payloads are sealed with a key that the ring lacks.
    pub(crate) fn resolve_policy(&self, policy: &StoredPolicy) -> Result<Arc<EncryptionPolicy>, StoreError> {
        if let Some(known) = self.cached_policy(policy.policy_version) {
            return Ok(known);
        }
        let secret = match (policy.active, &policy.hash_secret) {
            (Some(active), Some(sealed)) => match self.open_hash_secret(active, sealed) {
                Ok(secret) => Some(secret),
                Err(_) if !policy.payloads => None,
                Err(error) => return Err(error),
            },
            _ => None,
        };
        let payloads = policy.active.filter(|_| policy.payloads);
        let hasher = self.latest_policy().hasher.with_secret(secret, payloads.is_some());
        let regime = Arc::new(EncryptionPolicy {
            policy_version: policy.policy_version,
            active: policy.active,
            payloads,
            hasher,
        });
        if let (Some(active), Some(keys)) = (policy.active, self.keys()) {
            keys.activate(active);
        }
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&regime);
        Ok(regime)
    }

    /// Returns the seal of a dataset for reading; payloads that it seals stay plaintext.
    pub(crate) fn seal_for_reading(&self, dataset: &DatasetKey) -> DatasetSeal {
        DatasetSeal::new(self.keys.get().cloned(), None, dataset)
    }

    /// Returns the seal of a dataset for writing under a policy.
    pub(crate) fn seal_for_writing(&self, regime: &EncryptionPolicy, dataset: &DatasetKey) -> DatasetSeal {
        DatasetSeal::new(self.keys.get().cloned(), regime.payloads, dataset)
    }

    /// Seals credentials or a resume state with the active key if they are sealed with another one. Returns `None` if
    /// the blob needs no change.
    ///
    /// # Errors
    ///
    /// Fails if the ring lacks the active key.
    pub(crate) fn reseal_if_needed(
        &self,
        regime: &EncryptionPolicy,
        blob: &[u8],
        context: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (Some(active), Some(keys)) = (regime.active, self.keys()) else { return Ok(None) };
        match keys.sealed_with(blob) {
            Some(key) if key != active => {
                keys.reseal(blob, context, active).map(Some).ok_or_else(|| StoreError::no_key(active, Some(keys)))
            }
            _ => Ok(None),
        }
    }

    /// Generates a secret for content hashes, sealed with a key.
    pub(crate) fn new_hash_secret(&self, key: KeyId) -> Result<Vec<u8>, StoreError> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        random::fill(&mut *secret)?;
        self.seal_hash_secret(key, &secret)
    }

    /// Returns the secret of the content hashes, sealed with another key.
    pub(crate) fn reseal_hash_secret(&self, from: KeyId, sealed: &[u8], to: KeyId) -> Result<Vec<u8>, StoreError> {
        let secret = self.open_hash_secret(from, sealed)?;
        self.seal_hash_secret(to, &secret)
    }

    fn seal_hash_secret(&self, key: KeyId, secret: &[u8; 32]) -> Result<Vec<u8>, StoreError> {
        let seal = DatasetSeal::new(self.keys.get().cloned(), Some(key), &no_dataset());
        Ok(seal.seal(HASH_SECRET, secret)?.0.into_owned())
    }

    fn open_hash_secret(&self, key: KeyId, sealed: &[u8]) -> Result<zeroize::Zeroizing<[u8; 32]>, StoreError> {
        let seal = DatasetSeal::new(self.keys.get().cloned(), None, &no_dataset());
        let secret = zeroize::Zeroizing::new(seal.open(HASH_SECRET, sealed, key.to_stored())?.into_owned());
        let secret = <[u8; 32]>::try_from(secret.as_slice()).map(zeroize::Zeroizing::new);
        secret.map_err(|_| StoreError::Damaged("the secret of its hashes".to_owned()))
    }
}

/// Returns a key that no dataset can have, because names are never empty.
fn no_dataset() -> DatasetKey {
    let [integration, connection, model, variant] = [const { String::new() }; 4];
    DatasetKey { integration, connection, model, variant }
}
