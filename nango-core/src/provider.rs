//! The catalogue of APIs.
//!
//! What is true of an API for all its users (base URL, headers, where a key goes, how pages are found) is data in one
//! file format, Nango's, so that its users' own files can be read. Nothing else in this crate names a vendor.
//!
//! Must stay true: a [`Template`] is read once, and what is put into it is never read again as a template. A value
//! that holds `${…}` or `||` stays itself.
//!
//! Nothing here sends anything: the rooms above ask an entry what to send where.

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
mod retry_rules;
mod scope;
pub mod sign;
mod template;
mod templates;
mod token;
mod token_hosts;

use std::sync::Arc;

use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value};
use url::Url;

pub use auth_mode::{AuthMode, UnknownAuthMode};
pub use authorization::{Authorization, OAuth1, OAuth1Method, Registration, RegistrationKind};
pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError, Origin};
pub use check::{CatalogueReport, Finding};
pub use configuration::ConnectionConfigError;
pub use facts::{Evidence, FactCounts, Facts};
pub use field::Field;
pub use file::SourceLocation;
pub use lifecycle::Lifecycle;
pub(crate) use lifecycle::utc_date;
pub use overrides::OverrideError;
pub use pattern::{InvalidPattern, LazyPattern, Pattern};
pub use proxy::{Proxy, Refusal, Verification};
pub use resolve::{ResolveError, resolve_fields};
pub use retry_rules::{BodyWait, InvalidStatusRange, InvalidWaitFormat, RetryRules, StatusRange, WaitFormat};
pub use scope::{RequestParts, TemplateScope, lookup_path};
pub use template::{Function, RequestEntropy, RequestValue, Template, TemplateError, TimeFormat, Variable};
pub use token::{
    Assertion, AssertionKind, BodyFormat, ClientAuth, ExpiryFormat, Lifetime, Param, SignatureProtocol, SignedToken,
    TokenResponse, TokenSettings, TokenStep,
};

/// An API.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Provider {
    /// The name in the catalogue, such as `github`.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// What it is about: `crm`, `dev-tools`.
    pub categories: Vec<String>,
    /// Where its documentation is.
    pub docs: Option<String>,
    /// The kind of credentials that the entry describes.
    pub auth_mode: AuthMode,
    /// The kinds of credentials that it takes, the usual one first.
    pub auth: Vec<AuthMode>,
    /// How its tokens are obtained, where it has any.
    pub token: TokenSettings,
    /// How a person is asked for consent, where that is the way to a token.
    pub authorization: Authorization,
    /// What a person is asked for as credentials.
    pub credentials: Vec<Field>,
    /// What a person is asked for as configuration of the connection.
    pub config: Vec<Field>,
    /// What the operator is asked for as configuration of the integration.
    pub integration: Vec<Field>,
    /// What is asked for once, when a connection is made, and not kept.
    pub assertion_options: Vec<Field>,
    /// Configuration of the connection that answers of the provider bring.
    pub response_config: Vec<String>,
    /// How it is called.
    pub proxy: Proxy,
    /// Where its facts come from.
    pub facts: Facts,
    /// When it stops working, where that is known.
    pub lifecycle: Option<Lifecycle>,
    /// Keys that name code: what happens when a connection is made, or a webhook comes in.
    pub hooks: Map<String, Value>,
    /// The entry as it is written, with what its alias brought.
    pub raw: Arc<Map<String, Value>>,
}

impl Provider {
    /// An entry that says nothing but its mode.
    fn new(name: &str, auth_mode: AuthMode) -> Self {
        Self {
            name: name.to_owned(),
            display_name: name.to_owned(),
            categories: Vec::new(),
            docs: None,
            auth_mode,
            auth: vec![auth_mode],
            token: TokenSettings::default(),
            authorization: Authorization::default(),
            credentials: Vec::new(),
            config: Vec::new(),
            integration: Vec::new(),
            assertion_options: Vec::new(),
            response_config: Vec::new(),
            proxy: Proxy::default(),
            facts: Facts::default(),
            lifecycle: None,
            hooks: Map::new(),
            raw: Arc::default(),
        }
    }

    /// A provider of which only the base URL is known, for an API that the catalogue does not have. It takes
    /// whatever does not have to be renewed; an API key goes as a bearer token, which is what most APIs mean by one.
    ///
    /// # Errors
    ///
    /// The base URL is no template.
    pub fn from_base_url(name: &str, base_url: &str) -> Result<Self, TemplateError> {
        let mut plain = Self::new(name, AuthMode::Bearer);
        plain.auth = vec![AuthMode::Bearer, AuthMode::ApiKey, AuthMode::Basic, AuthMode::None];
        plain.proxy.base_url = Some(base_url.parse()?);
        plain.proxy.headers = vec![(AUTHORIZATION, "Bearer ${apiKey}".parse()?)];
        Ok(plain)
    }

    /// The base URL of a connection: `config` fills the template.
    ///
    /// # Errors
    ///
    /// As [`Provider::base_url_of`].
    pub fn base_url(&self, integration: &str, config: &Map<String, Value>) -> Result<Url, ResolveError> {
        self.resolve_base_url(&TemplateScope::new(integration, config, &Map::new()))
    }

    /// The base URL of a connection. A few APIs have the key in it.
    ///
    /// # Errors
    ///
    /// A value is missing (the error says where to set it), or would change the host in a way that a value must not; or
    /// the entry has no base URL.
    pub fn resolve_base_url(&self, scope: &TemplateScope<'_>) -> Result<Url, ResolveError> {
        match &self.proxy.base_url {
            Some(template) => template.resolve_url(scope),
            None => Err(ResolveError::NoBaseUrl {
                integration: scope.integration().to_owned(),
                provider: self.name.clone(),
            }),
        }
    }

    /// The URLs of the entry, as they are written: where its API lies, and where its tokens are.
    fn urls(&self) -> impl Iterator<Item = &str> {
        let verification = self.proxy.verification.as_ref().and_then(|verification| verification.base_url.as_ref());
        let token = &self.token;
        let single = [&self.proxy.base_url, &token.url, &token.app_url, &token.refresh_url];
        let all = single.into_iter().filter_map(Option::as_ref).chain(verification);
        all.chain(token.steps.iter().map(|step| &step.url)).map(Template::as_str)
    }

    /// Whether it takes credentials of this kind.
    pub fn accepts(&self, mode: AuthMode) -> bool {
        self.auth.contains(&mode)
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
