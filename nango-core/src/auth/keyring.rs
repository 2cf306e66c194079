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
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use zeroize::Zeroizing;

use crate::{
    file_access::LostFolder,
    store::{KeyId, Keys},
};
use blob::SealedBlob;
pub(crate) use error::KeyError;
use error::KeyFileError;
use key::Key;
pub(super) use key::fill_random;

/// Encryption keys. Cheap to clone; clones share keys that are found later and the active key.
#[derive(Clone)]
pub struct KeyRing {
    ring: Arc<RwLock<Ring>>,
    /// Key file, which is read again when a key is missing.
    file: Option<PathBuf>,
    /// Directory of the key file, if a new file would be lost with the container.
    lost: Option<LostFolder>,
}

struct Ring {
    /// Keys from the oldest to the newest. Empty until something is sealed, if the key file did not exist.
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
        Self { ring: Arc::new(RwLock::new(Ring { keys, active: 0 })), file, lost: None }
    }

    /// Returns the same ring, which does not create its key file in this directory.
    pub(crate) fn refuse_creation(self, lost: Option<LostFolder>) -> Self {
        Self { lost, ..self }
    }

    /// Returns the error of a key file that is not created, because it would be lost with the container.
    pub(crate) fn lost_file(path: &Path, lost: LostFolder) -> KeyError {
        KeyError::file(path, KeyFileError::Lost(lost))
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

    fn active(&self) -> Option<Key> {
        self.with_ring(|ring| ring.keys.get(ring.active).cloned())
    }

    /// Returns the id of the active key, eight hexadecimal digits. It is not secret. `None` if there is no key yet.
    pub fn id(&self) -> Option<String> {
        self.active().map(|key| key.id.to_string())
    }

    /// Creates the key file if it does not exist, or reads the one that another process has created since. Returns
    /// whether the ring had no key before. A database must then be notified with
    /// [`use_keys`](crate::store::Encryption::use_keys).
    ///
    /// # Errors
    ///
    /// Fails like [`KeyRing::from_file`], or because a new file would be lost with the container.
    pub(crate) fn create_missing(&self) -> Result<bool, KeyError> {
        let (Some(path), None) = (&self.file, self.active()) else { return Ok(false) };
        if let Some(lost) = self.lost.clone().filter(|_| !path.exists()) {
            return Err(Self::lost_file(path, lost));
        }
        let (created, _) = Self::from_file(path)?;
        let keys = created.with_ring(|ring| ring.keys.clone());
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if ring.keys.is_empty() {
            ring.keys = keys;
        }
        Ok(true)
    }

    /// Encrypts a text with the active key. [`KeyRing::open`] requires the same `context`.
    ///
    /// # Errors
    ///
    /// Fails if the random number generator of the system failed, or the key file does not exist and cannot be created.
    pub fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.create_missing()?;
        let key = self.active().ok_or_else(|| KeyError::InvalidKey("no key found".to_owned()))?;
        key.seal(plain, context)
    }

    /// Decrypts a blob from [`KeyRing::seal`], with any key of the ring.
    ///
    /// # Errors
    ///
    /// Fails if the blob was sealed with another key or context, or is damaged.
    pub fn open(&self, blob: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (blob, id) = SealedBlob::parse(blob)?;
        let key = self.key(id).ok_or_else(|| KeyError::WrongKey {
            needed: id.to_string(),
            have: self.key_ids(),
            other_file: self.file.as_deref().and_then(|file| file::find_beside(file, id)),
        })?;
        key.open(&blob, context)
    }

    fn key_ids(&self) -> String {
        let ids = self.ids().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if ids.is_empty() { "none".to_owned() } else { ids }
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
