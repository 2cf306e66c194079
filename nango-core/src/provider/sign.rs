//! Hashes and signatures used by APIs.
//!
//! Pure functions: time and keys are arguments. They are used by templates and by the `auth` module.

mod aws;
mod hash;
mod key;
mod oauth1;
mod query;
#[cfg(test)]
pub(crate) mod vectors;

pub(crate) use aws::{AwsSigner, UNSIGNED_PAYLOAD};
pub(crate) use hash::{hex, hmac_sha1, hmac_sha256, sha1, sha256};
pub(crate) use key::PrivateKey;
pub(crate) use oauth1::OAuth1Signer;
pub(super) use query::canonical_query;

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
