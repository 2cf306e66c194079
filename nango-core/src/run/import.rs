//! Effect of an import: whether a connection of another server is added here, changes, or stays as it is.

use super::{
    connection::{AddConnection, checked_candidate},
    current_credentials::stored_credentials,
    runtime::Runtime,
};
use crate::{
    auth::{Credentials, CredentialsSnapshot},
    error::Result,
    store::{Connection, StoreError},
    time::Timestamp,
};

/// Effect of the import of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportEffect {
    /// The connection does not exist here.
    Create,
    /// The connection changed at the source after its last change here.
    Update,
    /// The connection is the same here.
    Unchanged,
    /// The connection differs, and its last change was here.
    NewerHere,
}

/// Returns the effect of the import of a connection that the source changed last at `changed_at`; `None`: unknown.
/// Sends no request to the provider and writes nothing.
///
/// # Errors
///
/// Fails if the connection does not fit its provider, the stored credentials cannot be decrypted, or the database
/// fails.
pub(crate) async fn import_effect(
    runtime: &Runtime,
    new: &AddConnection,
    changed_at: Option<Timestamp>,
) -> Result<ImportEffect> {
    let (_, candidate) = checked_candidate(runtime, new).await?;
    let stored = runtime.store.connection(&new.integration, &new.id).await.map_err(StoreError::into_error)?;
    let Some(stored) = stored else { return Ok(ImportEffect::Create) };
    let opened = stored_credentials(runtime, stored)?;
    if is_same(new, &candidate, &opened) {
        return Ok(ImportEffect::Unchanged);
    }
    let is_newer = changed_at.is_some_and(|at| at > opened.connection.updated_at);
    Ok(if is_newer { ImportEffect::Update } else { ImportEffect::NewerHere })
}

/// Returns whether the stored connection has all values of the new one.
fn is_same(new: &AddConnection, candidate: &Connection, opened: &CredentialsSnapshot) -> bool {
    let stored = &opened.connection;
    let held = opened.credentials.clone().with_config(serde_json::Map::new());
    let has_token = new.credentials.token().is_some() || !new.credentials.are_refreshable();
    let same_config = if has_token {
        candidate.config == stored.config
    } else {
        // The token that was obtained here added values.
        candidate.config.iter().all(|(name, value)| stored.config.get(name) == Some(value))
    };
    same_config
        && is_same_login(&new.credentials, &held, has_token)
        && candidate.metadata == stored.metadata
        && new.profile.apply(stored.profile.clone()) == stored.profile
}

fn is_same_login(new: &Credentials, held: &Credentials, has_token: bool) -> bool {
    if has_token {
        return new == held;
    }
    new.mode() == held.mode() && new.parts().iter().all(|(key, value)| held.parts().get(key) == Some(value))
}
