//! JSON Web Tokens: signed by an app, or by a user's key, for token requests and for API requests.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::ObtainError;
use crate::{
    auth::Secret,
    provider::sign::{self, PrivateKey},
    time::Timestamp,
};

/// Time by which `iat` is set back, so that a server whose clock is behind accepts the token.
pub(super) const SKEW: Duration = Duration::from_mins(1);

/// Sets the `iat` and `exp` claims.
pub(super) fn set_registered_claims(payload: &mut Map<String, Value>, now: Timestamp, lifetime: Duration) {
    let from = (now - SKEW).as_seconds();
    let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    payload.insert("iat".to_owned(), json!(from));
    payload.insert("exp".to_owned(), json!(from.saturating_add(lifetime)));
}

/// Returns a signed token in compact form (RFC 7515, RFC 7519). `text_key`: an HS256 key is text instead of
/// hexadecimal.
///
/// # Errors
///
/// Fails if the algorithm is not supported, or the key is invalid for it.
pub(super) fn sign_compact(
    algorithm: &str,
    key: &str,
    text_key: bool,
    mut header: Map<String, Value>,
    payload: &Map<String, Value>,
) -> Result<Secret, ObtainError> {
    header.insert("alg".to_owned(), Value::String(algorithm.to_owned()));
    header.entry("typ").or_insert_with(|| Value::String("JWT".to_owned()));
    let part = |object: &Map<String, Value>| {
        let text = serde_json::to_vec(object).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(text)
    };
    let signed = format!("{}.{}", part(&header), part(payload));
    let signature = match algorithm {
        "HS256" => {
            let secret = if text_key { Some(key.as_bytes().to_vec()) } else { decode_hex(key) };
            let secret =
                Zeroizing::new(secret.ok_or_else(|| {
                    ObtainError::Setup("the secret that signs the token is not hexadecimal".to_owned())
                })?);
            sign::hmac_sha256(&secret, signed.as_bytes())
        }
        "RS256" => PrivateKey::from_pem(key).and_then(|key| key.rs256(signed.as_bytes()))?,
        "PS256" => PrivateKey::from_pem(key).and_then(|key| key.ps256(signed.as_bytes()))?,
        "ES256" => PrivateKey::from_pem(key).and_then(|key| key.es256(signed.as_bytes()))?,
        other => {
            let available = "RS256, PS256, ES256, HS256";
            return Err(ObtainError::Setup(format!("unknown token algorithm `{other}`; available: {available}")));
        }
    };
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jwt_matches_the_rfc_example() {
        // RFC 7515, A.1, with a hexadecimal key and sorted members.
        let header = Map::from_iter([("typ".to_owned(), json!("JWT"))]);
        let payload = json!({ "iss": "joe" });
        let token = sign_compact("HS256", "00ff", false, header, payload.as_object().unwrap()).unwrap();
        let parts: Vec<&str> = token.expose().split('.').collect();
        let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!((read(parts[0]), read(parts[1])), (json!({ "typ": "JWT", "alg": "HS256" }), payload));
        let again = sign::hmac_sha256(&[0, 255], format!("{}.{}", parts[0], parts[1]).as_bytes());
        assert_eq!(URL_SAFE_NO_PAD.decode(parts[2]).unwrap(), again);
    }

    #[test]
    fn unusable_key_is_an_error() {
        let check = |algorithm: &str, key: &str, expect: &str| {
            let error = sign_compact(algorithm, key, false, Map::new(), &Map::new()).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check("HS256", "hush", "is not hexadecimal");
        check("RS256", "hush", "not a private key");
        check("none", "hush", "unknown token algorithm `none`; available: RS256");
    }
}
