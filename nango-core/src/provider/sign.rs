//! Hashes and signatures used by APIs.
//!
//! Pure functions: time and keys are arguments. They are used by templates and by the `auth` module.

mod aws;
mod key;
mod oauth1;
#[cfg(test)]
pub(crate) mod vectors;

use ring::{digest, hmac};

pub use aws::{AwsSigner, UNSIGNED_PAYLOAD};
pub use key::PrivateKey;
pub use oauth1::OAuth1Signer;

/// Errors of signing. No message contains a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The text does not contain a private key.
    #[error(
        "not a private key: provide the whole PEM text, from `-----BEGIN PRIVATE KEY-----` (or RSA, EC) to its end"
    )]
    InvalidKey,
    /// The key is encrypted with a password.
    #[error("the private key is encrypted: provide it without a password, as `openssl pkey -in key.pem` prints it")]
    Encrypted,
    /// The key has the wrong type.
    #[error("wrong type of private key: {0} is required")]
    WrongKeyType(&'static str),
    /// There is no request to sign.
    #[error("there is no request to sign")]
    NoRequest,
    /// Signing failed.
    #[error("signing failed: the private key may be too short")]
    SigningFailed,
}

/// Returns the SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Returns the SHA-1 of bytes, which some APIs still require.
pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// Returns the HMAC-SHA1 of a message, which some APIs still require.
pub fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac_of(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, message)
}

/// Returns the HMAC-SHA256 of a message.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac_of(hmac::HMAC_SHA256, key, message)
}

fn hmac_of(algorithm: hmac::Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec()
}

/// Returns bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
        .collect()
}
