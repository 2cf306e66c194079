//! A new API key: its text, and its row in the database.

use std::time::Duration;

use crate::{
    auth::{API_KEY_PREFIX, Scopes, Secret, hash_key, random_text},
    cli::{CommandError, Context},
    run::Runtime,
    store::{ApiKey, NewApiKey},
};

/// Settings of a new key.
#[derive(Debug)]
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) integrations: Option<Vec<String>>,
    pub(super) expires_in: Option<Duration>,
}

impl NewKey {
    /// Stores a new key. Returns its text, which is not stored.
    ///
    /// # Errors
    ///
    /// Fails if an active key has the name, the database fails, or the system has no random numbers.
    pub(super) fn store(self, context: &Context, runtime: &Runtime) -> Result<(Secret, ApiKey), CommandError> {
        let text = random_text(API_KEY_PREFIX)?;
        let new = NewApiKey {
            id: runtime.clock.uuid(),
            name: self.name.clone(),
            hash: hash_key(text.expose()),
            scopes: self.scopes.names().to_vec(),
            integrations: self.integrations,
            expires_in: self.expires_in,
        };
        match context.block_on(runtime.store.add_api_key(new))? {
            Some(key) => Ok((text, key)),
            None => Err(CommandError::usage(format!(
                "--name: there is a key `{0}` that is not revoked; choose another name, or revoke it first: \
                 registry api-keys revoke {0}",
                self.name
            ))),
        }
    }
}
