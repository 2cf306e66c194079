//! Provider catalogue: the APIs and their properties.
//!
//! Properties of an API that apply to all its users (base URL, headers, placement of a key, pagination) are data in
//! Nango's file format, so that existing files of users can be read. Nothing else in this crate names a vendor.
//!
//! Invariant: a [`Template`] is parsed once, and its values are never parsed as templates. A value that contains `${…}`
//! or `||` is used unchanged.
//!
//! This module sends no requests: higher layers read from an entry what to send.

mod auth_mode;
mod authorization;
mod builtin;
mod catalogue;
mod check;
mod configuration;
mod facts;
mod field;
mod file;
mod lifecycle;
mod overrides;
mod pattern;
mod proxy;
mod resolve;
mod resolve_error;
mod retry_rules;
mod scope;
pub(crate) mod sign;
mod template;
mod templates;
mod token;
mod token_hosts;

use std::sync::Arc;

use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value};
use url::Url;

pub(crate) use auth_mode::AuthMode;
pub(crate) use authorization::{Authorization, OAuth1, OAuth1Method, Registration, RegistrationKind};
pub use catalogue::Catalogue;
pub(crate) use catalogue::{CatalogueEntry, CatalogueError};
pub(crate) use check::{CatalogueReport, Finding};
pub(crate) use configuration::ConnectionConfigError;
#[cfg(test)]
pub(crate) use facts::Evidence;
pub(crate) use facts::{FactCounts, Facts};
pub(crate) use field::Field;
pub(crate) use lifecycle::Lifecycle;
pub(crate) use lifecycle::utc_date;
pub(crate) use pattern::{InvalidPattern, LazyPattern, Pattern};
pub(crate) use proxy::{Proxy, Refusal, Verification};
#[cfg(test)]
pub(crate) use resolve::resolve_fields;
pub(crate) use resolve_error::{ResolveError, ResolvedUrlError};
pub(crate) use retry_rules::{BodyWait, RetryRules, StatusRange, WaitFormat};
pub(crate) use scope::{RequestParts, TemplateScope, lookup_path};
pub(crate) use template::{Function, RequestEntropy, Template, TemplateError, Variable};
pub(crate) use token::{
    Assertion, AssertionKind, BodyFormat, ClientAuth, ExpiryFormat, Lifetime, Param, SignatureProtocol, SignedToken,
    TokenResponse, TokenSettings, TokenStep,
};

/// An API as described by the catalogue.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Provider {
    /// Name in the catalogue, such as `github`.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// Categories, such as `crm` and `dev-tools`.
    pub categories: Vec<String>,
    /// URL of the documentation.
    pub docs: Option<String>,
    /// Auth mode that the entry describes.
    pub auth_mode: AuthMode,
    /// Accepted auth modes, the usual one first.
    pub accepted_modes: Vec<AuthMode>,
    /// Settings for obtaining tokens, for modes that have any.
    pub token: TokenSettings,
    /// Settings of the consent page, for modes that require user consent.
    pub authorization: Authorization,
    /// Fields of the credentials.
    pub credentials: Vec<Field>,
    /// Fields of the connection configuration.
    pub config: Vec<Field>,
    /// Fields of the integration configuration, set by the operator.
    pub integration_config: Vec<Field>,
    /// Fields that Nango requests once when a connection is created.
    pub assertion_options: Vec<Field>,
    /// Names of connection configuration that is set from responses of the provider.
    pub response_config: Vec<String>,
    /// Settings for API requests.
    pub proxy: Proxy,
    /// Sources of the facts in the entry.
    pub facts: Facts,
    /// End of support, if it is known.
    pub lifecycle: Option<Lifecycle>,
    /// Keys that name code, which runs when a connection is created or a webhook arrives.
    pub hooks: Map<String, Value>,
    /// All keys of the entry, including those inherited from its alias.
    pub raw: Arc<Map<String, Value>>,
}

impl Provider {
    /// Creates an entry with an auth mode and defaults for everything else.
    fn new(name: &str, auth_mode: AuthMode) -> Self {
        Self {
            name: name.to_owned(),
            display_name: name.to_owned(),
            categories: Vec::new(),
            docs: None,
            auth_mode,
            accepted_modes: vec![auth_mode],
            token: TokenSettings::default(),
            authorization: Authorization::default(),
            credentials: Vec::new(),
            config: Vec::new(),
            integration_config: Vec::new(),
            assertion_options: Vec::new(),
            response_config: Vec::new(),
            proxy: Proxy::default(),
            facts: Facts::default(),
            lifecycle: None,
            hooks: Map::new(),
            raw: Arc::default(),
        }
    }

    /// Creates a provider from a base URL, for an API that is not in the catalogue. It accepts the auth modes without
    /// token refresh. An API key is sent as a bearer token, as most APIs expect.
    ///
    /// # Errors
    ///
    /// Fails if the base URL is not a valid template.
    pub fn from_base_url(name: &str, base_url: &str) -> Result<Self, TemplateError> {
        let mut plain = Self::new(name, AuthMode::Bearer);
        plain.accepted_modes = vec![AuthMode::Bearer, AuthMode::ApiKey, AuthMode::Basic, AuthMode::None];
        plain.proxy.base_url = Some(base_url.parse()?);
        plain.proxy.headers = vec![(AUTHORIZATION, "Bearer ${apiKey}".parse()?)];
        Ok(plain)
    }

    /// Resolves the base URL of a connection without credentials.
    #[cfg(test)]
    pub(crate) fn base_url(&self, integration: &str, config: &Map<String, Value>) -> Result<Url, ResolveError> {
        self.resolve_base_url(&TemplateScope::new(integration, config, &Map::new()))
    }

    /// Resolves the base URL of a connection, including credentials if the API expects them there.
    ///
    /// # Errors
    ///
    /// Fails if a value is missing or is not allowed in its part of the URL, or if the entry has no base URL.
    pub fn resolve_base_url(&self, scope: &TemplateScope<'_>) -> Result<Url, ResolveError> {
        match &self.proxy.base_url {
            Some(template) => template.resolve_url(scope),
            None => Err(ResolveError::NoBaseUrl {
                integration: scope.integration().to_owned(),
                provider: self.name.clone(),
            }),
        }
    }

    /// Returns the URL templates of the entry, of its API and its token endpoints, as texts.
    fn urls(&self) -> impl Iterator<Item = &str> {
        let verification = self.proxy.verification.as_ref().and_then(|verification| verification.base_url.as_ref());
        let token = &self.token;
        let single = [&self.proxy.base_url, &token.url, &token.app_url, &token.refresh_url];
        let all = single.into_iter().filter_map(Option::as_ref).chain(verification);
        all.chain(token.steps.iter().map(|step| &step.url)).map(Template::as_str)
    }

    /// Returns whether the provider accepts an auth mode.
    pub fn accepts(&self, mode: AuthMode) -> bool {
        self.accepted_modes.contains(&mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_from_base_url_accepts_static_credentials() {
        let plain = Provider::from_base_url("acme", "https://api.acme.test").unwrap();
        assert!(plain.accepts(AuthMode::ApiKey) && !plain.accepts(AuthMode::OAuth2));
        assert_eq!(plain.base_url("acme", &Map::new()).unwrap().as_str(), "https://api.acme.test/");
    }
}
