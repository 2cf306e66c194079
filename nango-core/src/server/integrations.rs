//! Integrations that the program or its configuration declares.

use std::collections::BTreeSet;

use super::{call::Call, state::ServerState};
use crate::{auth::AuthMode, run};

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

    /// Returns an integration, if it exists.
    fn integration(&self, key: &str) -> Option<Integration> {
        let is_known =
            self.runtime.registry.integrations().contains(&key) || self.runtime.config.integrations.contains_key(key);
        is_known.then(|| self.describe(key.to_owned()))
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
    /// Returns an integration. One that the key may not use does not exist for it.
    pub(crate) fn integration(&self, key: &str) -> Option<Integration> {
        if self.caller.may_use(key) { self.state.integration(key) } else { None }
    }
}
