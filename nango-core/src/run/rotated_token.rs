//! Refresh tokens that were spent while a connection was being added.
//!
//! Many providers replace a refresh token when it is used, so that the one that the person gave is worthless once a token
//! was obtained with it. If the connection is refused afterwards, the new one is the only way back: it is kept, sealed,
//! under the name of the connection, and taken when the same token is given again.

use serde_json::{Map, Value};

use super::Runtime;
use crate::{
    auth::Credentials,
    error::{Error, ErrorKind, Result},
    nango::store_error,
};

/// For which connection a token was spent, and which.
pub(super) struct RotatedToken {
    name: String,
    connection: (String, String),
    /// A hash of the token that was given.
    original_hash: String,
}

impl RotatedToken {
    /// `None`: the credentials have no refresh token that could be replaced.
    pub(super) fn for_credentials(integration: &str, id: &str, credentials: &Credentials) -> Option<Self> {
        let token = credentials.refresh_token()?;
        Some(Self {
            name: note_name(integration, id),
            connection: (integration.to_owned(), id.to_owned()),
            original_hash: blake3::hash(token.as_bytes()).to_string(),
        })
    }

    /// The credentials that replaced the ones that are given, if an earlier attempt left them, and the configuration that
    /// came with them.
    pub(super) async fn replacement(&self, runtime: &Runtime) -> Result<Option<(Credentials, Map<String, Value>)>> {
        let Some(sealed) = runtime.store.meta_value(&self.name).await.map_err(store_error)? else { return Ok(None) };
        // One that another key sealed, or that is damaged, helps as little as none.
        let opened = Credentials::open(&runtime.ring, &sealed, &self.connection.0, &self.connection.1).ok();
        let Some(kept) = opened else { return Ok(None) };
        let mut config: Map<String, Value> = kept.config().map(|(name, value)| (name.clone(), value.clone())).collect();
        if config.remove(ORIGINAL_KEY) != Some(Value::String(self.original_hash.clone())) {
            return Ok(None);
        }
        Ok(Some((kept.with_config(Map::new()), config)))
    }

    /// Keeps what was obtained, sealed, if it replaces the token that was given. `config` came with it.
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
        let sealed = obtained.clone().with_config(marked).seal(&runtime.ring, &self.connection.0, &self.connection.1);
        let sealed = sealed.map_err(|error| Error::new(ErrorKind::Connection, error))?;
        runtime.store.put_meta_value(&self.name, Some(sealed)).await.map_err(store_error)
    }

    /// Drops what was kept for a connection.
    pub(super) async fn delete(runtime: &Runtime, integration: &str, id: &str) -> Result<()> {
        let name = note_name(integration, id);
        if runtime.store.meta_value(&name).await.map_err(store_error)?.is_none() {
            return Ok(());
        }
        runtime.store.put_meta_value(&name, None).await.map_err(store_error)
    }
}

/// The name of the note of a connection.
pub(super) fn note_name(integration: &str, id: &str) -> String {
    format!("spent:{integration}:{id}")
}

/// The key beside the kept credentials that names the token they replaced, by its hash.
pub(super) const ORIGINAL_KEY: &str = "given";
