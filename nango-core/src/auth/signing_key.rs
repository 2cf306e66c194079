//! The key that signs webhooks, so that their receiver can verify them. It exists from the first use on, sealed in the
//! database, and is the same for all processes.

use super::{KeyError, KeyRing, Secret, api_key::random_text};
use crate::{
    error::Result,
    store::{Store, StoreError, secret_context},
};

/// Name of the stored secret.
const NAME: &str = "webhook_signing_key";
/// Beginning of a signing key, which is therefore no API key.
const PREFIX: &str = "nango_signing_";

/// Returns the key that signs webhooks, and creates it if there is none. The encryption key must exist.
///
/// # Errors
///
/// Fails if the database fails, the key cannot be opened with the key ring, or the system has no random numbers.
pub(crate) async fn signing_key(store: &dyn Store, ring: &KeyRing) -> Result<Secret> {
    let context = secret_context(NAME);
    let sealed = match store.secret(NAME).await.map_err(StoreError::into_error)? {
        Some(sealed) => sealed,
        // Another process may store its key first.
        None => store.add_secret(NAME, new_key(ring, &context)?.1).await.map_err(StoreError::into_error)?,
    };
    let opened = ring.open(&sealed, &context).map_err(KeyError::into_error)?;
    let text = std::str::from_utf8(&opened).map_err(|_| KeyError::Damaged.into_error())?;
    Ok(Secret::new(text))
}

/// Replaces the key that signs webhooks and returns the new one.
///
/// # Errors
///
/// Fails if the database fails, or the system has no random numbers.
pub(crate) async fn replace_signing_key(store: &dyn Store, ring: &KeyRing) -> Result<Secret> {
    let (key, sealed) = new_key(ring, &secret_context(NAME))?;
    store.replace_secret(NAME, sealed).await.map_err(StoreError::into_error)?;
    Ok(key)
}

/// Creates a key and seals it.
fn new_key(ring: &KeyRing, context: &[u8]) -> Result<(Secret, Vec<u8>)> {
    let key = random_text(PREFIX).map_err(KeyError::into_error)?;
    let sealed = ring.seal(key.expose().as_bytes(), context).map_err(KeyError::into_error)?;
    Ok((key, sealed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Secrets as _, sqlite::Sqlite};

    #[tokio::test]
    async fn signing_key_is_created_once_stored_sealed_and_replaced() {
        let store = Sqlite::open(":memory:").await.unwrap();
        let ring = KeyRing::ephemeral().unwrap();
        let key = signing_key(&store, &ring).await.unwrap();
        assert!(key.expose().starts_with("nango_signing_") && key.expose().len() == 63);
        assert_eq!(signing_key(&store, &ring).await.unwrap(), key);
        let stored = store.secret(NAME).await.unwrap().unwrap();
        assert!(!stored.windows(10).any(|part| key.expose().as_bytes().windows(10).any(|of_key| of_key == part)));
        let new = replace_signing_key(&store, &ring).await.unwrap();
        assert_ne!(new, key);
        assert_eq!(signing_key(&store, &ring).await.unwrap(), new);
        let other = KeyRing::ephemeral().unwrap();
        assert!(signing_key(&store, &other).await.unwrap_err().find::<KeyError>().is_some());
    }
}
