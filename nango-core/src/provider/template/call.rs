//! Calls of template functions.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Function;
use crate::provider::{
    TemplateScope,
    sign::{self, AwsSigner, PrivateKey, SignError},
};

impl Function {
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
