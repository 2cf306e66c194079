//! Sealing and opening the payloads of one dataset.
//!
//! A sealed payload is `nonce (12) · ciphertext · tag (16)`, AES-256-GCM with a subkey of the dataset. The subkey is
//! derived from a key of the ring and the dataset's names; the names and the record's id are authenticated, so that a
//! row cannot be opened under another id, dataset or variant. The nonce is random for each row: among 2³² payloads of a
//! dataset, two have the same nonce with a probability of 2⁻³³, so a key should be rotated before that number.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce, Tag,
    aead::{AeadInOut, inout::InOutBuf},
};

use super::{KeyId, Keys};
use crate::store::{DatasetKey, StoreError, random};

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// The number of bytes by which a sealed payload is longer than its plaintext. The schemas of the databases depend on
/// it.
pub(crate) const SEAL_OVERHEAD: usize = NONCE_BYTES + TAG_BYTES;

/// The seal of one dataset, for one operation.
#[derive(Debug)]
pub(crate) struct DatasetSeal {
    keys: Option<Arc<dyn Keys>>,
    /// The key for new payloads; `None`: they are stored as plaintext.
    active: Option<KeyId>,
    names: Vec<u8>,
    /// The subkeys in use; two during a rotation.
    ciphers: Mutex<Vec<(KeyId, Arc<Aes256Gcm>)>>,
}

impl DatasetSeal {
    pub(super) fn new(keys: Option<Arc<dyn Keys>>, active: Option<KeyId>, dataset: &DatasetKey) -> Self {
        Self { keys, active, names: dataset.length_prefixed(), ciphers: Mutex::default() }
    }

    /// Returns the bytes to store for a payload, and the stored id of the key (0: the payload stays plaintext).
    pub(crate) fn seal<'a>(&self, id: &str, payload: &'a [u8]) -> Result<(Cow<'a, [u8]>, i32), StoreError> {
        let Some(key) = self.active else { return Ok((Cow::Borrowed(payload), 0)) };
        let mut sealed = Vec::with_capacity(payload.len() + SEAL_OVERHEAD);
        sealed.resize(NONCE_BYTES, 0);
        random::fill(&mut sealed)?;
        let nonce: [u8; NONCE_BYTES] = sealed.as_slice().try_into().map_err(|_| seal_error())?;
        sealed.extend_from_slice(payload);
        let cipher = self.cipher(key)?;
        let text = InOutBuf::from(&mut sealed[NONCE_BYTES..]);
        let tag = cipher
            .encrypt_inout_detached(&Nonce::from(nonce), &self.associated_data(id), text)
            // This fails only for texts of 64 GiB, which are larger than any row.
            .map_err(|_| seal_error())?;
        sealed.extend_from_slice(&tag);
        Ok((Cow::Owned(sealed), key.to_stored()))
    }

    /// Opens bytes of [`Self::seal`] and returns the payload.
    pub(crate) fn open<'a>(&self, id: &str, stored: &'a [u8], key: i32) -> Result<Cow<'a, [u8]>, StoreError> {
        let Some(key) = KeyId::from_stored(key) else { return Ok(Cow::Borrowed(stored)) };
        let cipher = self.cipher(key)?;
        let foreign = || StoreError::DecryptFailed { id: id.to_owned(), key };
        let (nonce, rest) = stored.split_first_chunk::<NONCE_BYTES>().ok_or_else(foreign)?;
        let (text, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or_else(foreign)?;
        let mut payload = text.to_vec();
        cipher
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                &self.associated_data(id),
                InOutBuf::from(&mut payload[..]),
                &Tag::from(*tag),
            )
            .map_err(|_| foreign())?;
        Ok(Cow::Owned(payload))
    }

    fn associated_data(&self, id: &str) -> Vec<u8> {
        [&self.names, id.as_bytes()].concat()
    }

    fn cipher(&self, key: KeyId) -> Result<Arc<Aes256Gcm>, StoreError> {
        let mut ciphers = self.ciphers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cipher)) = ciphers.iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(cipher));
        }
        let keys = self.keys.as_deref();
        let secret = keys.and_then(|keys| keys.payload_secret(key)).ok_or_else(|| StoreError::no_key(key, keys))?;
        let mut subkey = zeroize::Zeroizing::new([0; 32]);
        blake3::Hasher::new_derive_key("nango 2026 payloads of one dataset")
            .update(&*secret)
            .update(&self.names)
            .finalize_xof()
            .fill(&mut *subkey);
        let cipher = Arc::new(Aes256Gcm::new((&*subkey).into()));
        ciphers.push((key, Arc::clone(&cipher)));
        Ok(cipher)
    }
}

fn seal_error() -> StoreError {
    StoreError::Database("a payload cannot be sealed".into())
}
