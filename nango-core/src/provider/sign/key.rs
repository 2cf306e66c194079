//! Private keys in the formats that users paste.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::Ed25519KeyPair;
use rustls::{SignatureAlgorithm, SignatureScheme, crypto::ring::sign::any_supported_type, sign::SigningKey};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

use super::{SignError, sha256};

/// A private key of RSA, an elliptic curve, or Ed25519, in PKCS#8, PKCS#1 or SEC1.
pub(crate) struct PrivateKey {
    der: PrivateKeyDer<'static>,
    key: Arc<dyn SigningKey>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("kind", &self.key.algorithm()).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Parses a PEM text. Line breaks may be written as `\n` or be spaces, as in environment variables and web forms,
    /// and the whole text may be in Base64.
    ///
    /// # Errors
    ///
    /// Fails if the text contains no key, or an encrypted one.
    pub(crate) fn from_pem(text: &str) -> Result<Self, SignError> {
        let text = normalize_pem(text);
        if text.contains("ENCRYPTED") {
            return Err(SignError::Encrypted);
        }
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| SignError::InvalidKey)?;
        let key = any_supported_type(&der).map_err(|_| SignError::InvalidKey)?;
        Ok(Self { der, key })
    }

    /// Signs with Ed25519.
    ///
    /// # Errors
    ///
    /// Fails if the key has another type.
    pub(crate) fn ed25519(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let wrong_type = SignError::WrongKeyType("an Ed25519 key");
        let PrivateKeyDer::Pkcs8(der) = &self.der else { return Err(wrong_type) };
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).map_err(|_| wrong_type)?;
        Ok(key.sign(message).as_ref().to_vec())
    }

    /// Signs with RSA over SHA-256 and PKCS#1 padding (`RS256`).
    ///
    /// # Errors
    ///
    /// Fails if the key has another type or is too short.
    pub(crate) fn rs256(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.sign(SignatureAlgorithm::RSA, SignatureScheme::RSA_PKCS1_SHA256, message)
    }

    /// Signs with RSA over SHA-256 and PSS padding (`PS256`).
    ///
    /// # Errors
    ///
    /// Fails if the key has another type or is too short.
    pub(crate) fn ps256(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.sign(SignatureAlgorithm::RSA, SignatureScheme::RSA_PSS_SHA256, message)
    }

    /// Signs with the curve P-256 over SHA-256 (`ES256`). Returns two numbers of 32 bytes each.
    ///
    /// # Errors
    ///
    /// Fails if the key has another type.
    pub(crate) fn es256(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let der = self.sign(SignatureAlgorithm::ECDSA, SignatureScheme::ECDSA_NISTP256_SHA256, message)?;
        ecdsa_signature_from_der(&der).ok_or(SignError::SigningFailed)
    }

    fn sign(&self, kind: SignatureAlgorithm, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let wrong_type = || {
            SignError::WrongKeyType(match kind {
                SignatureAlgorithm::RSA => "an RSA key",
                _ => "a key of the curve P-256",
            })
        };
        let signer = self.key.choose_scheme(&[scheme]).ok_or_else(wrong_type)?;
        signer.sign(message).map_err(|_| SignError::SigningFailed)
    }

    /// Returns the SHA-256 of the public key (its `SubjectPublicKeyInfo`).
    ///
    /// # Errors
    ///
    /// Fails if the public key cannot be derived.
    pub(crate) fn fingerprint(&self) -> Result<[u8; 32], SignError> {
        self.key.public_key().map(|key| sha256(key.as_ref())).ok_or(SignError::WrongKeyType("an RSA key"))
    }
}

/// Restores the line breaks of a PEM text.
fn normalize_pem(text: &str) -> Zeroizing<String> {
    const MARK: &str = "-----";
    let text = text.trim();
    let decoded = (!text.starts_with(MARK))
        .then(|| STANDARD.decode(text.split_whitespace().collect::<String>()).ok())
        .flatten()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = decoded.map_or(Cow::Borrowed(text), Cow::Owned).replace("\\n", "\n").replace('\r', "");
    // Whitespace between the marks is ignored.
    let pieces: Vec<&str> = text.trim().split(MARK).collect();
    let ["", begin, body, end, ""] = pieces.as_slice() else { return Zeroizing::new(text) };
    let body = Zeroizing::new(body.split_whitespace().collect::<String>());
    let mut lines = String::with_capacity(text.len() + 16);
    for (at, letter) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    let lines = Zeroizing::new(lines);
    Zeroizing::new(format!("{MARK}{begin}{MARK}\n{}\n{MARK}{end}{MARK}\n", lines.as_str()))
}

/// Converts an ECDSA signature from ASN.1 DER to two numbers of 32 bytes each.
fn ecdsa_signature_from_der(der: &[u8]) -> Option<Vec<u8>> {
    let [0x30, _, rest @ ..] = der else { return None };
    let (first, rest) = der_integer(rest)?;
    let (second, rest) = der_integer(rest)?;
    rest.is_empty().then(|| [first, second].concat())
}

fn der_integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let [0x02, length, rest @ ..] = der else { return None };
    let (digits, rest) = rest.split_at_checked(usize::from(*length))?;
    let digits = if let [0, digits @ ..] = digits { digits } else { digits };
    let mut out = [0; 32];
    out.get_mut(32_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some((out, rest))
}

#[cfg(test)]
mod tests;
