//! Migration of secrets that an earlier version stored unsealed in the configuration of connections.

use super::{resolved_connection::provider, runtime::Runtime};
use crate::{
    auth::{Credentials, KeyError},
    error::Result,
    redact::is_secret_name,
    store::StoreError,
};

/// Metadata key that the upgrade of a database sets: some configuration may contain unsealed secrets.
const NOTE: &str = "plain_config";

impl Runtime {
    /// Seals the secrets that an earlier version stored unsealed in the configuration of connections, once after the
    /// upgrade of a database. A connection whose token is refreshed at the same time, or whose credentials cannot be
    /// decrypted, is skipped until the next start.
    ///
    /// # Errors
    ///
    /// Fails if the database fails.
    pub async fn seal_plain_config(&self) -> Result<()> {
        if self.store.meta_value(NOTE).await.map_err(StoreError::into_error)?.is_none() {
            return Ok(());
        }
        let (mut all_sealed, mut any_sealed) = (true, false);
        for connection in self.store.connections(None).await.map_err(StoreError::into_error)? {
            let (integration, id) = (&connection.integration, &connection.id);
            let provider = provider(self, integration).ok();
            let is_secret = |name: &str| {
                is_secret_name(name) || provider.as_ref().is_some_and(|provider| provider.is_secret_config(name))
            };
            if !connection.config.keys().any(|name| is_secret(name)) {
                continue;
            }
            let Ok(credentials) = Credentials::open(&self.ring, &connection.credentials, integration, id) else {
                all_sealed = false;
                continue;
            };
            let (mut secret, plain): (serde_json::Map<_, _>, _) =
                connection.config.into_iter().partition(|(name, _)| is_secret(name));
            secret.extend(credentials.config().map(|(name, value)| (name.clone(), value.clone())));
            let sealed = credentials.with_config(secret).seal(&self.ring, integration, id);
            let sealed = sealed.map_err(KeyError::into_error)?;
            let done = self.store.seal_config(connection.row, connection.version, sealed, plain).await;
            let done = done.map_err(StoreError::into_error)?;
            all_sealed &= done;
            any_sealed |= done;
        }
        if any_sealed {
            // Overwrites the old values in the database file, too.
            self.store.clear_removed().await.map_err(StoreError::into_error)?;
        }
        if all_sealed {
            self.store.put_meta_value(NOTE, None).await.map_err(StoreError::into_error)?;
        }
        Ok(())
    }
}
