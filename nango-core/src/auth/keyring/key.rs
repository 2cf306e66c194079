//! One encryption key: its forms as text, and what it seals and opens.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    blob::{KEY_ID_BYTES, NONCE_BYTES, SealedBlob, blob_header},
    error::KeyError,
};
use crate::store::KeyId;

/// Encryption key and its id, which is the beginning of its hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl Key {
    fn from_secret(secret: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&blake3::hash(&*secret).as_bytes()[..KEY_ID_BYTES]);
        let id = KeyId::new(id).ok_or_else(|| KeyError::InvalidKey("its id is 0, which is reserved".to_owned()))?;
        Ok(Self { id, secret })
    }

    /// Creates a new key from the random number generator of the system.
    pub(super) fn generate() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        fill_random(&mut *secret)?;
        Self::from_secret(secret)
    }

    /// Parses keys of 32 bytes in base64, separated by commas or whitespace. There must be at least one, and none may
    /// be repeated.
    pub(super) fn parse_all(text: &str) -> Result<Vec<Self>, KeyError> {
        let mut keys: Vec<Self> = Vec::new();
        let texts = text.split(['\u{feff}', ',', ' ', '\t', '\r', '\n']).filter(|text| !text.is_empty());
        for text in texts {
            // The error of the decoder quotes a character of the key, so it is not kept.
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

    /// Returns the key as a line of a key file contains it.
    pub(super) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.secret))
    }

    /// Returns a key derived from this one for payloads, so that credentials and payloads are encrypted with different
    /// keys.
    pub(super) fn payload_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key("nango 2026 payloads of one key", &*self.secret))
    }

    /// Encrypts a text for a context.
    pub(super) fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let header = blob_header(self.id);
        let payload = Payload { msg: plain, aad: &[header.as_slice(), context].concat() };
        // Fails only for texts of 64 GiB or more.
        let ciphertext = self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| KeyError::Damaged)?;
        Ok(SealedBlob { header: &header, nonce: &nonce, ciphertext: &ciphertext }.to_bytes())
    }

    /// Decrypts a blob that this key sealed for this context.
    pub(super) fn open(&self, blob: &SealedBlob<'_>, context: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let payload = Payload { msg: blob.ciphertext, aad: &[blob.header.as_slice(), context].concat() };
        let plain = self.cipher().decrypt(&Nonce::from(*blob.nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| KeyError::Damaged)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.secret).into())
    }
}

/// Fills a buffer from the random number generator of the system.
pub(in crate::auth) fn fill_random(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(KeyError::NoRandomness)
}
