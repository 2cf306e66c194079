//! Check of the API key of a request.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use uuid::Uuid;

use crate::{
    auth::{Caller, Scopes, Secret},
    wire::ApiError,
};

/// Keys of the API.
pub(crate) struct KeyCache {
    /// Hash of the key of the environment, and its caller.
    environment: Option<(blake3::Hash, Caller)>,
}

impl KeyCache {
    /// Creates the keys: the one of the environment has all scopes.
    pub(crate) fn new(environment: Option<&Secret>) -> Self {
        let caller = Caller { key: Uuid::nil(), scopes: Arc::new(Scopes::all()), integrations: None };
        Self { environment: environment.map(|key| (blake3::hash(key.expose().as_bytes()), caller)) }
    }

    /// Returns the caller of a key.
    ///
    /// # Errors
    ///
    /// Fails with 401 if the key is missing, unknown, revoked or expired.
    pub(crate) fn caller(&self, key: Option<&str>) -> Result<Caller, ApiError> {
        let key = key.ok_or_else(ApiError::missing_auth_header)?;
        if key.is_empty() {
            return Err(ApiError::malformed_auth_header());
        }
        // Hashes are compared in constant time.
        let hash = blake3::hash(key.as_bytes());
        match &self.environment {
            Some((known, caller)) if *known == hash => Ok(caller.clone()),
            _ => Err(ApiError::unknown_account()),
        }
    }
}

/// Returns the key of a request: the text after the last `Bearer ` of the header `Authorization`.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    Some(value.rsplit_once("Bearer ").map_or(value, |(_, key)| key).trim())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_key_of_the_environment_is_a_caller() {
        let keys = KeyCache::new(Some(&Secret::from("k".repeat(32).as_str())));
        assert_eq!(keys.caller(Some(&"k".repeat(32))).unwrap().key, Uuid::nil());
        let code = |key: Option<&str>| keys.caller(key).unwrap_err().code().to_owned();
        assert_eq!(code(None), "missing_auth_header");
        assert_eq!(code(Some("")), "malformed_auth_header");
        assert_eq!(code(Some("x")), "unknown_account");
        assert_eq!(KeyCache::new(None).caller(Some("x")).unwrap_err().code(), "unknown_account");
    }

    #[test]
    fn key_is_the_text_after_bearer() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            presented(&headers).map(str::to_owned)
        };
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("abc").as_deref(), Some("abc"));
        assert_eq!(of("Bearer Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("Bearer ").as_deref(), Some("Bearer"));
        assert_eq!(presented(&HeaderMap::new()), None);
    }
}
