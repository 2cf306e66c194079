//! Refresh tokens that were spent while a connection was being added.
//!
//! Many providers replace a refresh token when it is used, so that the one that the person gave is worthless once a token
//! was obtained with it. If the connection is refused afterwards, the new one is the only way back: it is kept, sealed,
//! under the name of the connection, and taken when the same token is given again.

use serde_json::{Map, Value};

use super::Instance;
use crate::{
    auth::Credentials,
    error::{Error, ErrorKind, Result},
    nango::store_error,
};

/// For which connection a token was spent, and which.
pub(super) struct Spent {
    name: String,
    context: (String, String),
    /// A hash of the token that was given.
    given: String,
}

impl Spent {
    /// `None`: the credentials have no refresh token that could be replaced.
    pub(super) fn of(integration: &str, id: &str, credentials: &Credentials) -> Option<Self> {
        let given = credentials.refresh_token()?;
        Some(Self {
            name: name(integration, id),
            context: (integration.to_owned(), id.to_owned()),
            given: blake3::hash(given.as_bytes()).to_string(),
        })
    }

    /// The credentials that replaced the ones that are given, if an earlier attempt left them, and the configuration that
    /// came with them.
    pub(super) async fn replacement(&self, instance: &Instance) -> Result<Option<(Credentials, Map<String, Value>)>> {
        let Some(sealed) = instance.store.note(&self.name).await.map_err(store_error)? else { return Ok(None) };
        // One that another key sealed, or that is damaged, helps as little as none.
        let opened = Credentials::open(&instance.ring, &sealed, &self.context.0, &self.context.1).ok();
        let Some(kept) = opened else { return Ok(None) };
        let mut beside: Map<String, Value> = kept.config().map(|(name, value)| (name.clone(), value.clone())).collect();
        if beside.remove(GIVEN) != Some(Value::String(self.given.clone())) {
            return Ok(None);
        }
        Ok(Some((kept.with_config(Map::new()), beside)))
    }

    /// Keeps what was obtained, sealed, if it replaces the token that was given. `config` came with it.
    pub(super) async fn keep(
        &self,
        instance: &Instance,
        obtained: &Credentials,
        config: &Map<String, Value>,
    ) -> Result<()> {
        let replaced =
            obtained.refresh_token().is_some_and(|token| blake3::hash(token.as_bytes()).to_string() != self.given);
        if !replaced {
            return Ok(());
        }
        let mut marked = config.clone();
        marked.insert(GIVEN.to_owned(), Value::String(self.given.clone()));
        let sealed = obtained.clone().with_config(marked).seal(&instance.ring, &self.context.0, &self.context.1);
        let sealed = sealed.map_err(|error| Error::new(ErrorKind::Connection, error))?;
        instance.store.put_note(&self.name, Some(sealed)).await.map_err(store_error)
    }

    /// Drops what was kept for a connection.
    pub(super) async fn forget(instance: &Instance, integration: &str, id: &str) -> Result<()> {
        let name = name(integration, id);
        if instance.store.note(&name).await.map_err(store_error)?.is_none() {
            return Ok(());
        }
        instance.store.put_note(&name, None).await.map_err(store_error)
    }
}

/// The name of the note of a connection.
pub(super) fn name(integration: &str, id: &str) -> String {
    format!("spent:{integration}:{id}")
}

/// The key beside the kept credentials that names the token they replaced, by its hash.
pub(super) const GIVEN: &str = "given";
