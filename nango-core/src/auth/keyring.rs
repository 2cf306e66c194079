//! Key ring: encryption of secrets in the database.
//!
//! A sealed blob is `version (1) · key id (4) · nonce (12) · AES-256-GCM ciphertext and tag`, with sizes in bytes. The
//! key id, the first bytes of the key's hash, identifies the key that opens it. Header and context (the row, for
//! instance) are authenticated, so a blob cannot be opened in another context.
//!
//! A ring contains its keys in order, the newest last. The database determines the active key ([`Keys::activate`]), so
//! that a new key can be distributed to every process before any process uses it.

mod file;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, register_layer_error},
    store::{KeyId, Keys},
};

const FORMAT_VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;

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

#[derive(Clone, PartialEq, Eq)]
struct Key {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

/// Errors of sealing and opening. No message contains a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A text is not a valid key.
    #[error("invalid encryption key: {0}; it must be 32 bytes in base64, as `openssl rand -base64 32` creates")]
    InvalidKey(String),
    /// The key file cannot be read or created.
    #[error("the encryption key file {path}: {reason}")]
    File {
        /// Path of the key file.
        path: String,
        /// The problem.
        reason: String,
    },
    /// The blob was sealed with a key that the ring does not contain.
    #[error(
        "the data was sealed with the encryption key {needed}, but the key in use is {have}: set NANGO_ENCRYPTION_KEY \
         to the first or restore its key file; if it is lost, add the connection again"
    )]
    WrongKey {
        /// Id of the required key.
        needed: String,
        /// Ids of the available keys.
        have: String,
    },
    /// The blob is truncated, modified, or was sealed for another context.
    #[error("the sealed data is damaged or was sealed for another purpose: add the connection again")]
    Damaged,
    /// The blob was sealed by a newer version of this program.
    #[error("the sealed data has format {0}, which this version does not support: upgrade this program")]
    UnsupportedVersion(u8),
    /// The random number generator of the system failed.
    #[error("the random number generator of the system failed: {0}")]
    NoRandomness(String),
}

register_layer_error!(KeyError);

impl KeyError {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Connection, self)
    }
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
        let (head, rest) = blob.split_first_chunk::<HEADER_BYTES>().ok_or(KeyError::Damaged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(KeyError::Damaged)?;
        let [FORMAT_VERSION, a, b, c, d] = *head else { return Err(KeyError::UnsupportedVersion(head[0])) };
        let id = KeyId::new([a, b, c, d]).ok_or(KeyError::Damaged)?;
        let key = self.key(id).ok_or_else(|| KeyError::WrongKey { needed: id.to_string(), have: self.key_ids() })?;
        let payload = Payload { msg: sealed, aad: &[head, context].concat() };
        key.cipher().decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| KeyError::Damaged)
    }

    fn key_ids(&self) -> String {
        self.ids().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl Key {
    fn from_secret(secret: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&blake3::hash(&*secret).as_bytes()[..KEY_ID_BYTES]);
        let id = KeyId::new(id).ok_or_else(|| KeyError::InvalidKey("its id is 0, which is reserved".to_owned()))?;
        Ok(Self { id, secret })
    }

    fn generate() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        fill_random(&mut *secret)?;
        Self::from_secret(secret)
    }

    fn parse_all(text: &str) -> Result<Vec<Self>, KeyError> {
        let mut keys: Vec<Self> = Vec::new();
        let texts = text.split(['\u{feff}', ',', ' ', '\t', '\r', '\n']).filter(|text| !text.is_empty());
        for text in texts {
            let bytes = STANDARD
                .decode(text)
                .map(Zeroizing::new)
                .map_err(|_| KeyError::InvalidKey("it is not base64".to_owned()))?;
            let secret: [u8; 32] = bytes
                .as_slice()
                .try_into()
                .map_err(|_| KeyError::InvalidKey(format!("it has {} bytes", bytes.len())))?;
            let key = Self::from_secret(Zeroizing::new(secret))?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(KeyError::InvalidKey(format!("the key {} is repeated", key.id)));
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeyError::InvalidKey("no key found".to_owned())) } else { Ok(keys) }
    }

    fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.secret))
    }

    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let mut blob = Vec::with_capacity(HEADER_BYTES + NONCE_BYTES + plain.len() + 16);
        blob.push(FORMAT_VERSION);
        blob.extend_from_slice(&self.id.bytes());
        let payload = Payload { msg: plain, aad: &[&blob, context].concat() };
        // Fails only for texts of 64 GiB or more.
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| KeyError::Damaged)?;
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.secret).into())
    }
}

impl Keys for KeyRing {
    fn ids(&self) -> Vec<KeyId> {
        self.with_ring(|ring| ring.keys.iter().map(|key| key.id).collect())
    }

    fn payload_secret(&self, key: KeyId) -> Option<Zeroizing<[u8; 32]>> {
        // A derived key, so that credentials and payloads are encrypted with different keys.
        let key = self.key(key)?;
        Some(Zeroizing::new(blake3::derive_key("nango 2026 payloads of one key", &*key.secret)))
    }

    fn sealed_with(&self, blob: &[u8]) -> Option<KeyId> {
        match blob.split_first_chunk::<HEADER_BYTES>() {
            Some(([FORMAT_VERSION, a, b, c, d], rest)) if rest.len() >= NONCE_BYTES => KeyId::new([*a, *b, *c, *d]),
            _ => None,
        }
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

fn fill_random(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(|error| KeyError::NoRandomness(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=";

    #[test]
    fn sealed_blob_opens_only_unchanged_and_in_its_context() {
        let ring = KeyRing::from_key(KEY).unwrap();
        let blob = ring.seal(b"hush", b"row 1").unwrap();
        assert_ne!(blob, ring.seal(b"hush", b"row 1").unwrap());
        assert_eq!(ring.open(&blob, b"row 1").as_deref(), Ok(&b"hush".to_vec()));
        assert_eq!(ring.open(&blob, b"row 2"), Err(KeyError::Damaged));
        for length in 0..blob.len() {
            assert_eq!(ring.open(&blob[..length], b"row 1"), Err(KeyError::Damaged));
        }
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert!(ring.open(&changed, b"row 1").is_err(), "{at}");
        }
    }

    #[test]
    fn wrong_key_error_names_the_needed_key() {
        let blob = KeyRing::from_key(KEY).unwrap().seal(b"hush", b"").unwrap();
        let other = KeyRing::ephemeral().unwrap();
        let error = other.open(&blob, b"").unwrap_err();
        let needed = KeyRing::from_key(KEY).unwrap().id();
        assert_eq!(error, KeyError::WrongKey { needed: needed.clone(), have: other.id() });
        assert!(error.to_string().contains(&needed) && !format!("{error} {other:?}").contains("AAEC"));
        let mut newer = blob;
        newer[0] = 2;
        assert_eq!(other.open(&newer, b""), Err(KeyError::UnsupportedVersion(2)));
    }

    #[test]
    fn key_must_have_32_bytes() {
        assert_eq!(KeyRing::from_key("AAEC").unwrap_err(), KeyError::InvalidKey("it has 3 bytes".to_owned()));
        assert_eq!(KeyRing::from_key("hush!").unwrap_err(), KeyError::InvalidKey("it is not base64".to_owned()));
        assert_eq!(KeyRing::from_key(" ,\n").unwrap_err(), KeyError::InvalidKey("no key found".to_owned()));
        assert!(KeyRing::from_key(&format!(" {KEY}\n")).is_ok());
        let twice = KeyRing::from_key(&format!("{KEY},{OTHER},{KEY}")).unwrap_err().to_string();
        assert!(twice.contains("is repeated") && !twice.contains("AAEC"), "{twice}");
    }

    #[test]
    fn every_key_opens_and_the_active_one_seals() {
        let old = KeyRing::from_key(KEY).unwrap();
        let both = KeyRing::from_key(&format!("{KEY}, {OTHER}")).unwrap();
        let new = KeyRing::from_key(OTHER).unwrap();
        let (first, last) = (both.ids()[0], both.ids()[1]);
        assert_eq!(old.open(&both.seal(b"hush", b"x").unwrap(), b"x").as_deref(), Ok(&b"hush".to_vec()));
        both.clone().activate(last);
        let blob = both.seal(b"hush", b"x").unwrap();
        assert_eq!(both.sealed_with(&blob), Some(last));
        assert_eq!(new.open(&blob, b"x").as_deref(), Ok(&b"hush".to_vec()));
        assert!(matches!(old.open(&blob, b"x"), Err(KeyError::WrongKey { .. })));
        old.activate(last);
        assert_eq!(old.id(), first.to_string());

        let resealed = both.reseal(&blob, b"x", first).unwrap();
        assert_eq!(old.open(&resealed, b"x").as_deref(), Ok(&b"hush".to_vec()));
        assert_eq!(both.reseal(&blob, b"y", first), None);
        assert_eq!(new.reseal(&blob, b"x", first), None);
        assert_eq!(both.sealed_with(b"sealed\0"), None);
        assert_eq!(both.payload_secret(first), old.payload_secret(first));
        assert_ne!(both.payload_secret(first), both.payload_secret(last));
        assert_eq!(old.payload_secret(last), None);
    }
}
