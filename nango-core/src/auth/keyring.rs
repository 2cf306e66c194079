//! Key ring: encryption of secrets in the database.
//!
//! A sealed blob names its key. Its header and its context (the row, for instance) are authenticated, so that it cannot
//! be opened in another context.
//!
//! A ring contains its keys in order, the newest last. The database determines the active key ([`Keys::activate`]), so
//! that a new key can be distributed to every process before any process uses it.

mod blob;
mod error;
mod file;
mod key;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use zeroize::Zeroizing;

use crate::store::{KeyId, Keys};
use blob::SealedBlob;
pub(crate) use error::KeyError;
use key::Key;

/// Encryption keys. Cheap to clone; clones share keys that are found later and the active key.
#[derive(Clone)]
pub struct KeyRing {
    ring: Arc<RwLock<Ring>>,
    /// Key file, which is read again when a key is missing.
    file: Option<PathBuf>,
}

struct Ring {
    /// Keys from the oldest to the newest, never empty.
    keys: Vec<Key>,
    /// Index of the key that seals.
    active: usize,
}

impl KeyRing {
    /// Parses keys of 32 bytes in base64, separated by commas or whitespace, the oldest first.
    ///
    /// # Errors
    ///
    /// Fails if a key is invalid or repeated, or there is none.
    pub fn from_key(text: &str) -> Result<Self, KeyError> {
        Ok(Self::from_keys(Key::parse_all(text)?, None))
    }

    /// Creates a ring with a new key that is not stored.
    ///
    /// # Errors
    ///
    /// Fails if the random number generator of the system failed.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Ok(Self::from_keys(vec![Key::generate()?], None))
    }

    fn from_keys(keys: Vec<Key>, file: Option<PathBuf>) -> Self {
        Self { ring: Arc::new(RwLock::new(Ring { keys, active: 0 })), file }
    }

    fn with_ring<T>(&self, read: impl FnOnce(&Ring) -> T) -> T {
        read(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the key with this id. If it is missing, the key file is read again, because the key may have been added.
    fn key(&self, id: KeyId) -> Option<Key> {
        let find = || self.with_ring(|ring| ring.keys.iter().find(|key| key.id == id).cloned());
        find().or_else(|| {
            let keys = file::read(self.file.as_deref()?).ok()??;
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            for key in keys {
                if ring.keys.iter().all(|known| known.id != key.id) {
                    ring.keys.push(key);
                }
            }
            drop(ring);
            find()
        })
    }

    fn active(&self) -> Key {
        self.with_ring(|ring| ring.keys[ring.active].clone())
    }

    /// Returns the id of the active key, eight hexadecimal digits. It is not secret.
    pub fn id(&self) -> String {
        self.active().id.to_string()
    }

    /// Encrypts a text with the active key. [`KeyRing::open`] requires the same `context`.
    ///
    /// # Errors
    ///
    /// Fails if the random number generator of the system failed.
    pub fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.active().seal(plain, context)
    }

    /// Decrypts a blob from [`KeyRing::seal`], with any key of the ring.
    ///
    /// # Errors
    ///
    /// Fails if the blob was sealed with another key or context, or is damaged.
    pub fn open(&self, blob: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (blob, id) = SealedBlob::parse(blob)?;
        let key = self.key(id).ok_or_else(|| KeyError::WrongKey { needed: id.to_string(), have: self.key_ids() })?;
        key.open(&blob, context)
    }

    fn key_ids(&self) -> String {
        self.ids().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl Keys for KeyRing {
    fn ids(&self) -> Vec<KeyId> {
        self.with_ring(|ring| ring.keys.iter().map(|key| key.id).collect())
    }

    fn payload_secret(&self, key: KeyId) -> Option<Zeroizing<[u8; 32]>> {
        Some(self.key(key)?.payload_secret())
    }

    fn sealed_with(&self, blob: &[u8]) -> Option<KeyId> {
        SealedBlob::parse(blob).ok().map(|(_, key)| key)
    }

    fn reseal(&self, blob: &[u8], context: &[u8], key: KeyId) -> Option<Vec<u8>> {
        self.key(key)?.seal(&self.open(blob, context).ok()?, context).ok()
    }

    fn activate(&self, key: KeyId) {
        if self.key(key).is_some() {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            ring.active = ring.keys.iter().position(|known| known.id == key).unwrap_or(ring.active);
        }
    }
}

/// Compares the keys, regardless of which one is active.
impl PartialEq for KeyRing {
    fn eq(&self, other: &Self) -> bool {
        let (keys, theirs) = (self.with_ring(|ring| ring.keys.clone()), other.with_ring(|ring| ring.keys.clone()));
        keys == theirs
    }
}

impl Eq for KeyRing {}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({})", self.key_ids())
    }
}

#[cfg(test)]
mod tests;
