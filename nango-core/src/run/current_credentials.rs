//! Credentials of a stored connection, outside of a run.

use super::{
    resolved_connection::{connection_context, provider},
    runtime::Runtime,
};
use crate::{
    auth::{CredentialsSnapshot, RefreshError},
    error::Result,
    provider::Provider,
    store::Connection,
};

/// Returns the provider of an integration, with the overrides from the settings.
///
/// # Errors
///
/// Fails if the integration has neither a provider of the catalogue nor a base URL, or its settings cannot be used.
pub(crate) fn provider_of(runtime: &Runtime, integration: &str) -> Result<Provider> {
    provider(runtime, integration)
}

/// Returns a stored connection with credentials that are valid now. A token that is due is refreshed; with `force`,
/// also one that is not.
///
/// # Errors
///
/// Fails if the token has expired and cannot be refreshed, or a forced refresh failed.
pub(crate) async fn current_credentials(
    runtime: &Runtime,
    stored: Connection,
    force: bool,
) -> Result<CredentialsSnapshot> {
    let context = connection_context(runtime, stored.key())?;
    let refresher = &runtime.token_refresher;
    let current =
        if force { refresher.force_refresh(&context).await } else { refresher.current(&context, stored).await };
    current.map_err(RefreshError::into_error)
}

/// Returns a stored connection with its credentials, without a refresh.
///
/// # Errors
///
/// Fails if the credentials cannot be decrypted.
pub(crate) fn stored_credentials(runtime: &Runtime, stored: Connection) -> Result<CredentialsSnapshot> {
    let context = connection_context(runtime, stored.key())?;
    runtime.token_refresher.open(&context, stored).map_err(RefreshError::into_error)
}
