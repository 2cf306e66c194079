//! Functions of templates: encodings, hashes and signatures of texts.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::provider::{
    TemplateScope,
    sign::{self, AwsSigner, PrivateKey, SignError},
};

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

    /// Calls the function. The parser has checked the number of arguments; an omitted optional one is empty.
    pub(super) fn call(self, arguments: &[String], scope: &TemplateScope<'_>) -> Result<String, SignError> {
        let argument = |index: usize| arguments.get(index).map(String::as_str).unwrap_or_default();
        let text = argument(0);
        Ok(match self {
            Self::Base64 => STANDARD.encode(text),
            Self::Sha256Hex => sign::hex(&sign::sha256(text.as_bytes())),
            Self::Sha256Base64 => STANDARD.encode(sign::sha256(text.as_bytes())),
            Self::HmacSha1Hex => sign::hex(&sign::hmac_sha1(argument(1).as_bytes(), text.as_bytes())),
            Self::Ed25519Sign => STANDARD.encode(PrivateKey::from_pem(argument(1))?.ed25519(text.as_bytes())?),
            Self::Fingerprint => format!("SHA256:{}", STANDARD.encode(PrivateKey::from_pem(text)?.fingerprint()?)),
            Self::AwsSigV4 => {
                let (Some(request), Some(entropy)) = (scope.request_parts(), scope.request_entropy()) else {
                    return Err(SignError::NoRequest);
                };
                let service = argument(3);
                let host = match argument(4) {
                    "" => format!("{service}.amazonaws.com"),
                    host => host.to_owned(),
                };
                let signer = AwsSigner {
                    access_key_id: text,
                    secret_access_key: argument(1),
                    region: argument(2),
                    service,
                    now: entropy.now,
                };
                let date = signer.date();
                let mut headers = vec![("host", host.as_str()), ("x-amz-date", date.as_str())];
                headers.extend(request.content_type.map(|media_type| ("content-type", media_type)));
                let hash = sign::hex(&sign::sha256(request.body));
                signer.authorization(request.method, request.url, &headers, &hash)
            }
        })
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
