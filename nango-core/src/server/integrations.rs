//! Integrations that the program or its configuration declares.

use std::collections::BTreeSet;

use axum::http::StatusCode;

use super::{call::Call, state::ServerState};
use crate::{auth::AuthMode, run, wire::ApiError};

/// Integration as routes need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Integration {
    /// Unique key.
    pub key: String,
    /// Name of its provider.
    pub provider: String,
    /// Display name of its provider.
    pub display_name: String,
    /// Default auth mode of its provider; `None` if the provider is not known.
    pub auth_mode: AuthMode,
}

impl ServerState {
    /// Returns all integrations, by unique key.
    pub(crate) fn integrations(&self) -> Vec<Integration> {
        let declared = self.runtime.registry.integrations().into_iter().map(str::to_owned);
        let keys: BTreeSet<String> = declared.chain(self.runtime.config.integrations.keys().cloned()).collect();
        keys.into_iter().map(|key| self.describe(key)).collect()
    }

    fn describe(&self, key: String) -> Integration {
        if let Ok(provider) = run::provider_of(&self.runtime, &key) {
            return Integration {
                provider: provider.name,
                display_name: provider.display_name,
                auth_mode: provider.auth_mode,
                key,
            };
        }
        // Requests of such an integration fail; it is still listed, so that the mistake is found.
        let name = self.runtime.config.provider_of(&key).to_owned();
        Integration { provider: name.clone(), display_name: name, auth_mode: AuthMode::None, key }
    }
}

impl Call {
    /// Returns whether an integration exists. One that the key may not use does not exist for it.
    pub(crate) fn has_integration(&self, key: &str) -> bool {
        self.caller.may_use(key) && self.state.runtime.has_integration(key)
    }

    /// Returns an integration, see [`has_integration`](Self::has_integration).
    pub(crate) fn integration(&self, key: &str) -> Option<Integration> {
        self.has_integration(key).then(|| self.state.describe(key.to_owned()))
    }

    /// Returns the integration and the id of the connection in the headers.
    ///
    /// # Errors
    ///
    /// Fails with 400 `unknown_connection` if the connection does not exist.
    pub(crate) async fn connection_of_headers(&self) -> Result<(&str, &str), ApiError> {
        let (integration, connection) = self.names_of_headers()?;
        match self.state.runtime.store.connection(integration, connection).await? {
            Some(_) => Ok((integration, connection)),
            None => Err(ApiError::unknown_connection(StatusCode::BAD_REQUEST, integration, connection)),
        }
    }

    /// Returns the integration and the id of the connection in the headers. The connection may not exist.
    ///
    /// # Errors
    ///
    /// Fails with 400 `unknown_connection` if the integration does not exist.
    pub(crate) fn names_of_headers(&self) -> Result<(&str, &str), ApiError> {
        let integration = self.header("provider-config-key").unwrap_or_default();
        let connection = self.header("connection-id").unwrap_or_default();
        if self.has_integration(integration) {
            Ok((integration, connection))
        } else {
            Err(ApiError::unknown_connection(StatusCode::BAD_REQUEST, integration, connection))
        }
    }
}
