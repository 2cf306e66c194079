//! Hashes and signatures that APIs ask for.
//!
//! Plain functions over plain inputs: time and keys are given. Templates call them, and the `auth` room does.

mod aws;
mod key;
mod oauth1;
#[cfg(test)]
pub(crate) mod vectors;

use ring::{digest, hmac};

pub use aws::{AwsSigner, UNSIGNED_PAYLOAD};
pub use key::PrivateKey;
pub use oauth1::OAuth1Signer;

/// Why something cannot be signed. No text of it holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The text holds no private key.
    #[error(
        "this is no private key: give the whole PEM text, from `-----BEGIN PRIVATE KEY-----` (or RSA, EC) to its end"
    )]
    InvalidKey,
    /// The key has a password.
    #[error("the private key is encrypted: give it without a password, as `openssl pkey -in key.pem` prints it")]
    Encrypted,
    /// The key is of another kind.
    #[error("the private key is of another kind: this asks for {0}")]
    WrongKeyType(&'static str),
    /// There is no request to sign.
    #[error("only a request can be signed, and this is none")]
    NoRequest,
    /// The signature failed.
    #[error("the private key refuses to sign: it may be too short")]
    SigningFailed,
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// The SHA-1 of some bytes, which APIs still ask for.
pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// HMAC over SHA-1, which APIs still ask for.
pub fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac_of(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, message)
}

/// HMAC over SHA-256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac_of(hmac::HMAC_SHA256, key, message)
}

fn hmac_of(algorithm: hmac::Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec()
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
        .collect()
}
