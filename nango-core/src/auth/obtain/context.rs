//! Inputs of a token request, and what they determine: values for templates, the app, and the permitted hosts.

use serde_json::{Map, Value};

use super::ObtainError;
use crate::{
    auth::{App, Credentials},
    declare::suggest,
    http::Url,
    provider::{Provider, RequestEntropy, TemplateScope},
    redact::Redactor,
    time::{Entropy, Timestamp},
};

/// Inputs of a token request.
#[derive(Clone, Copy)]
pub struct TokenContext<'a> {
    /// The provider, with the overrides from the configuration applied.
    pub provider: &'a Provider,
    /// Unique key of the integration, for messages.
    pub integration: &'a str,
    /// Credentials of the connection.
    pub credentials: &'a Credentials,
    /// Configuration of the connection.
    pub config: &'a Map<String, Value>,
    /// App of the integration at the provider.
    pub app: &'a App,
    /// Redacts the secrets of the connection and the app. Signed and obtained tokens are added to it.
    pub redactor: &'a Redactor,
    /// Time of the token request.
    pub now: Timestamp,
    /// Source of ids and nonces.
    pub entropy: &'a dyn Entropy,
}

// Not derived, because configuration may be secret too.
impl std::fmt::Debug for TokenContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenContext").field("integration", &self.integration).finish_non_exhaustive()
    }
}

impl TokenContext<'_> {
    /// Returns the values for templates.
    pub(in crate::auth) fn scope(&self) -> TemplateScope<'_> {
        self.scope_of(self.credentials.parts())
    }

    /// Returns the values for templates, with other credential values.
    pub(in crate::auth) fn scope_of<'s>(&'s self, parts: &'s Map<String, Value>) -> TemplateScope<'s> {
        TemplateScope::new(self.integration, self.config, parts)
            .options(self.credentials.parts())
            .token(self.credentials.token())
            .client(self.app.client(self.credentials, self.config))
            .entropy(RequestEntropy { now: self.now, random: self.entropy.uuid() })
    }

    /// Checks that the secret of the operator's app may be sent to the host of a token request. A host chosen by a
    /// customer must not receive it.
    ///
    /// # Errors
    ///
    /// Fails if neither the provider entry nor the operator lists the host, and the connection has no own client.
    pub(in crate::auth) fn check_token_host(&self, url: &Url) -> Result<(), ObtainError> {
        if !self.app.is_used_by(self.credentials, self.config) || self.provider.allows_token_host(url) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        if self.app.token_hosts.iter().any(|rule| rule.matches(host)) {
            return Ok(());
        }
        let (integration, domains) = (self.integration, self.provider.token_domains());
        let listed = match suggest::list(domains.iter().map(String::as_str)) {
            list if list.is_empty() => "no domain".to_owned(),
            list => list,
        };
        Err(ObtainError::Setup(format!(
            "the secret of your app is not sent to `{host}`: the entry of `{}` lists {listed}. If you trust this host, \
             set `token_hosts = [\"{host}\"]` under `[integrations.{integration}]` in nango.toml; otherwise give the \
             connection its own client, as `config_override` with `client_id` and `client_secret` in its credentials",
            self.provider.name
        )))
    }

    /// Returns the client id and secret of the app.
    ///
    /// # Errors
    ///
    /// Fails if no app is configured.
    pub(in crate::auth) fn client(&self) -> Result<(&str, &str), ObtainError> {
        self.app.client(self.credentials, self.config).ok_or_else(|| {
            let hint = App::missing_app_hint(self.integration);
            let integration = self.integration;
            ObtainError::Setup(format!(
                "refreshing a token of `{integration}` requires the client id and secret of your app: {hint}"
            ))
        })
    }
}
