//! Functions of templates: encodings, hashes and signatures of texts.

use std::fmt;

/// A function that converts texts to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Function {
    /// `base64(text)`: Base64 of a text.
    Base64,
    /// `sha256Hex(text)`: SHA-256 in hexadecimal.
    Sha256Hex,
    /// `sha256Base64(text)`: SHA-256 in Base64.
    Sha256Base64,
    /// `hmacSha1Hex(text, key)`: HMAC-SHA1 in hexadecimal.
    HmacSha1Hex,
    /// `ed25519Sign(text, pem)`: Ed25519 signature in Base64.
    Ed25519Sign,
    /// `fingerprint(pem)`: fingerprint of the public key, `SHA256:…` in Base64.
    Fingerprint,
    /// `awsSigV4(key, secret, region, service[, host])`: the `Authorization` of the request. Its header `x-amz-date`
    /// must be `${now:YYYYMMDDTHHmmss[Z]}`.
    AwsSigV4,
}

struct Signature {
    function: Function,
    name: &'static str,
    min_arguments: usize,
    max_arguments: usize,
    usage: &'static str,
}

const fn signature(
    function: Function,
    name: &'static str,
    min_arguments: usize,
    max_arguments: usize,
    usage: &'static str,
) -> Signature {
    Signature { function, name, min_arguments, max_arguments, usage }
}

const SIGNATURES: [Signature; 7] = [
    signature(Function::Base64, "base64", 1, 1, "base64(text)"),
    signature(Function::Sha256Hex, "sha256Hex", 1, 1, "sha256Hex(text)"),
    signature(Function::Sha256Base64, "sha256Base64", 1, 1, "sha256Base64(text)"),
    signature(Function::HmacSha1Hex, "hmacSha1Hex", 2, 2, "hmacSha1Hex(text, key)"),
    signature(Function::Ed25519Sign, "ed25519Sign", 2, 2, "ed25519Sign(text, pem)"),
    signature(Function::Fingerprint, "fingerprint", 1, 1, "fingerprint(pem)"),
    signature(Function::AwsSigV4, "awsSigV4", 4, 5, "awsSigV4(key, secret, region, service[, host])"),
];

impl Function {
    pub(super) fn parse(name: &str) -> Option<Self> {
        SIGNATURES.iter().find(|known| known.name == name).map(|known| known.function)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        SIGNATURES.iter().map(|known| known.name)
    }

    fn signature(self) -> &'static Signature {
        // A test verifies that every function is in the list.
        SIGNATURES.iter().find(|known| known.function == self).unwrap_or(&SIGNATURES[0])
    }

    /// Returns the syntax of a call, for messages.
    pub(super) fn usage(self) -> &'static str {
        self.signature().usage
    }

    pub(super) fn min_arguments(self) -> usize {
        self.signature().min_arguments
    }

    pub(super) fn max_arguments(self) -> usize {
        self.signature().max_arguments
    }

    /// Returns whether commas before the last one belong to the first argument, a message.
    pub(super) fn joins_extra_arguments(self) -> bool {
        matches!(self, Self::HmacSha1Hex | Self::Ed25519Sign)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signature().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_signature() {
        let all = [
            Function::Base64,
            Function::Sha256Hex,
            Function::Sha256Base64,
            Function::HmacSha1Hex,
            Function::Ed25519Sign,
            Function::Fingerprint,
            Function::AwsSigV4,
        ];
        assert_eq!(all.len(), SIGNATURES.len());
        for function in all {
            assert_eq!(Function::parse(&function.to_string()), Some(function));
            assert!(function.usage().starts_with(&function.to_string()));
        }
    }
}
