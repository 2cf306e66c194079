//! Refresh tokens that were rotated while a connection was added.
//!
//! Many providers replace a refresh token when it is used, so that the given token is invalid once an access token was
//! obtained with it. If the connection is refused afterwards, only the new refresh token is valid: it is stored,
//! sealed, under the name of the connection, and used when the same token is given again.

use serde_json::{Map, Value};

use super::runtime::Runtime;
use crate::{
    auth::{Credentials, KeyError},
    error::Result,
    store::{ConnectionKey, StoreError},
};

/// Refresh token that was used while a connection was added.
pub(super) struct RotatedToken {
    name: String,
    key: ConnectionKey,
    /// Hash of the given token.
    original_hash: String,
}

impl RotatedToken {
    /// Returns `None` if the credentials have no refresh token.
    pub(super) fn for_credentials(integration: &str, id: &str, credentials: &Credentials) -> Option<Self> {
        let token = credentials.refresh_token()?;
        Some(Self {
            name: note_name(integration, id),
            key: ConnectionKey::new(integration, id),
            original_hash: blake3::hash(token.as_bytes()).to_string(),
        })
    }

    /// Returns the stored credentials that replaced the given ones in an earlier attempt, and the configuration that
    /// was obtained with them.
    pub(super) async fn replacement(&self, runtime: &Runtime) -> Result<Option<(Credentials, Map<String, Value>)>> {
        let Some(sealed) = runtime.store.meta_value(&self.name).await.map_err(StoreError::into_error)? else {
            return Ok(None);
        };
        // A value that was sealed with another key, or is corrupted, is ignored.
        let opened = Credentials::open(&runtime.ring, &sealed, &self.key.integration, &self.key.connection).ok();
        let Some(stored) = opened else { return Ok(None) };
        let mut config: Map<String, Value> =
            stored.config().map(|(name, value)| (name.clone(), value.clone())).collect();
        if config.remove(ORIGINAL_KEY) != Some(Value::String(self.original_hash.clone())) {
            return Ok(None);
        }
        Ok(Some((stored.with_config(Map::new()), config)))
    }

    /// Stores the obtained credentials, sealed, if their refresh token replaces the given one. `config` was obtained
    /// with them.
    pub(super) async fn store(
        &self,
        runtime: &Runtime,
        obtained: &Credentials,
        config: &Map<String, Value>,
    ) -> Result<()> {
        let replaced = obtained
            .refresh_token()
            .is_some_and(|token| blake3::hash(token.as_bytes()).to_string() != self.original_hash);
        if !replaced {
            return Ok(());
        }
        let mut marked = config.clone();
        marked.insert(ORIGINAL_KEY.to_owned(), Value::String(self.original_hash.clone()));
        let sealed =
            obtained.clone().with_config(marked).seal(&runtime.ring, &self.key.integration, &self.key.connection);
        let sealed = sealed.map_err(KeyError::into_error)?;
        runtime.store.put_meta_value(&self.name, Some(sealed)).await.map_err(StoreError::into_error)
    }

    /// Deletes the stored credentials of a connection.
    pub(super) async fn delete(runtime: &Runtime, integration: &str, id: &str) -> Result<()> {
        let name = note_name(integration, id);
        if runtime.store.meta_value(&name).await.map_err(StoreError::into_error)?.is_none() {
            return Ok(());
        }
        runtime.store.put_meta_value(&name, None).await.map_err(StoreError::into_error)
    }
}

/// Returns the metadata key of a connection.
pub(super) fn note_name(integration: &str, id: &str) -> String {
    format!("spent:{integration}:{id}")
}

/// Configuration key of the hash of the replaced token, beside the stored credentials.
pub(super) const ORIGINAL_KEY: &str = "given";
