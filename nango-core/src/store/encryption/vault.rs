//! What a process knows of the encryption of its database.
//!
//! The truth is one row of the database, the [`Policy`], read in each transaction that writes payloads. What follows from
//! it, the [`Regime`], is worked out once and kept until the row's epoch moves.

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use super::{DatasetSeal, KeyId, Keys};
use crate::store::{DatasetKey, StoreError, hash::Hasher};

/// What binds the secret of the hashes to its place.
const HASH_SECRET: &str = "hash secret";

/// What the database says of its encryption.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StoredPolicy {
    /// Grows with each change of the others.
    pub policy_version: i64,
    /// Whether payloads are sealed.
    pub payloads: bool,
    /// The key that everything new is sealed with.
    pub active: Option<KeyId>,
    /// The secret of the content hashes of sealed payloads, sealed with the active key. Drawn when payloads are first
    /// sealed and never changed, so that no rotation makes an unchanged record look new.
    pub hash_secret: Option<Vec<u8>>,
    /// Where the walk over what is there stands: its stage, and the last row that it saw there. `None`: it is done.
    pub walk: Option<(i64, i64)>,
}

/// What follows from a policy and a ring.
#[derive(Debug)]
pub(crate) struct EncryptionPolicy {
    policy_version: i64,
    /// The active key.
    pub active: Option<KeyId>,
    /// The key that payloads are sealed with.
    pub payloads: Option<KeyId>,
    /// The content hashes: those of this regime, and those that rows of an earlier one have.
    pub hasher: Hasher,
}

/// The ring and the regime of one open database.
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
    /// A database whose plain hashes are these. Nothing is known of its encryption yet.
    pub(crate) fn new(hasher: Hasher) -> Self {
        let regime = EncryptionPolicy { policy_version: -1, active: None, payloads: None, hasher };
        Self { keys: OnceLock::new(), policy: RwLock::new(Arc::new(regime)) }
    }

    /// Takes the ring; a second one is not taken.
    pub(crate) fn use_keys(&self, keys: Arc<dyn Keys>) {
        if self.keys.set(keys).is_ok() {
            // What was worked out without keys is worked out again.
            let mut regime = self.policy.write().unwrap_or_else(PoisonError::into_inner);
            let EncryptionPolicy { active, payloads, ref hasher, .. } = **regime;
            *regime = Arc::new(EncryptionPolicy { policy_version: -1, active, payloads, hasher: hasher.clone() });
        }
    }

    /// The ring, once it was given.
    pub(crate) fn keys(&self) -> Option<&dyn Keys> {
        self.keys.get().map(|keys| &**keys)
    }

    /// What was in force when this process last looked: good for work ahead of a transaction, which must look again.
    pub(crate) fn latest_policy(&self) -> Arc<EncryptionPolicy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the regime of this epoch is known, so that the rest of the policy need not be read.
    pub(crate) fn known(&self, epoch: i64) -> Option<Arc<EncryptionPolicy>> {
        Some(self.latest_policy()).filter(|regime| regime.policy_version == epoch)
    }

    /// What is in force in a transaction that read this policy.
    ///
    /// # Errors
    ///
    /// Payloads are sealed with a key that the ring does not hold.
    pub(crate) fn resolve_policy(&self, policy: &StoredPolicy) -> Result<Arc<EncryptionPolicy>, StoreError> {
        if let Some(known) = self.known(policy.policy_version) {
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

    /// The seal of a dataset for reading; what it seals stays plain.
    pub(crate) fn seal_for_reading(&self, dataset: &DatasetKey) -> DatasetSeal {
        DatasetSeal::new(self.keys.get().cloned(), None, dataset)
    }

    /// The seal of a dataset under a regime.
    pub(crate) fn seal_for_writing(&self, regime: &EncryptionPolicy, dataset: &DatasetKey) -> DatasetSeal {
        DatasetSeal::new(self.keys.get().cloned(), regime.payloads, dataset)
    }

    /// A blob of credentials or of a resume state, sealed with the active key: as it came, or sealed anew if it was
    /// sealed before another key became active.
    ///
    /// # Errors
    ///
    /// The ring does not hold the active key.
    pub(crate) fn current(
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

    /// A new secret for content hashes, sealed with a key.
    pub(crate) fn new_hash_secret(&self, key: KeyId) -> Result<Vec<u8>, StoreError> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|error| StoreError::Database(error.to_string().into()))?;
        self.seal_hash_secret(key, &secret)
    }

    /// The secret of the content hashes, sealed with another key.
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

/// The dataset that none is: names are never empty.
fn no_dataset() -> DatasetKey {
    let [integration, connection, model, variant] = [const { String::new() }; 4];
    DatasetKey { integration, connection, model, variant }
}
