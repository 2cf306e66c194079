//! The catalogue of APIs.
//!
//! What is true of an API for all its users (base URL, headers, where a key goes, how pages are found) is data in one
//! file format, Nango's, so that its users' own files can be read. Nothing else in this crate names a vendor.
//!
//! Must stay true: a [`Template`] is read once, and what is put into it is never read again as a template. A value
//! that holds `${…}` or `||` stays itself.
//!
//! Later capabilities add the rest of the format: aliases, token requests, retry hints, verification. Keys that are
//! not known yet are passed over.

mod catalogue;
mod field;
mod file;
mod mode;
mod resolve;
mod retry;
mod scope;
mod settings;
pub mod sign;
mod template;
mod token;

use reqwest::header::{AUTHORIZATION, HeaderName};
use serde_json::{Map, Value};
use url::Url;

pub use catalogue::{Catalogue, CatalogueError};
pub use field::Field;
pub use mode::{AuthMode, UnknownMode};
pub use resolve::{ResolveError, resolve_fields};
pub use retry::{InBody, NoPattern, NoStatus, NoStrategy, Pattern, RetryRules, StatusRange, Strategy};
pub use scope::{RequestParts, Scope, lookup};
pub use settings::SettingsError;
pub use template::{Function, Moment, RequestValue, Template, TemplateError, TimeFormat, Variable};
pub use token::{
    Assertion, AssertionKind, BodyFormat, ClientAuth, Expires, Lifetime, Param, SignatureProtocol, SignedToken,
    TokenResponse, TokenSettings, TokenStep,
};

use crate::declare::Paginate;

/// An API.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Provider {
    /// The name in the catalogue, such as `github`.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// The kinds of credentials that it takes, the usual one first.
    pub auth: Vec<AuthMode>,
    /// How its tokens are obtained, where it has any.
    pub token: TokenSettings,
    /// What a person is asked for as credentials.
    pub credentials: Vec<Field>,
    /// What a person is asked for as configuration of the connection.
    pub config: Vec<Field>,
    /// How it is called.
    pub proxy: Proxy,
}

/// How an API is called.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Proxy {
    /// Where endpoints lie.
    pub base_url: Template,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, Template)>,
    /// Query parameters of every request.
    pub query: Vec<(String, Template)>,
    /// Fields of every body, over the caller's.
    pub body: Vec<(String, Param)>,
    /// How pages are found, where the API has one way for all its lists.
    pub paginate: Option<Paginate>,
}

impl Provider {
    /// A provider of which only the base URL is known, for an API that the catalogue does not have. It takes
    /// whatever does not have to be renewed; an API key goes as a bearer token, which is what most APIs mean by one.
    ///
    /// # Errors
    ///
    /// The base URL is no template.
    pub fn plain(name: &str, base_url: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            name: name.to_owned(),
            display_name: name.to_owned(),
            auth: vec![AuthMode::Bearer, AuthMode::ApiKey, AuthMode::Basic, AuthMode::None],
            token: TokenSettings::default(),
            credentials: Vec::new(),
            config: Vec::new(),
            proxy: Proxy {
                base_url: base_url.parse()?,
                headers: vec![(AUTHORIZATION, "Bearer ${apiKey}".parse()?)],
                query: Vec::new(),
                body: Vec::new(),
                paginate: None,
            },
        })
    }

    /// The base URL of a connection: `config` fills the template.
    ///
    /// # Errors
    ///
    /// A value is missing (the error says where to set it), or would change the host in a way that a value must not.
    pub fn base_url(&self, integration: &str, config: &Map<String, Value>) -> Result<Url, ResolveError> {
        self.proxy.base_url.resolve_url(&Scope::new(integration, config, &Map::new()))
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
    fn an_api_that_is_not_in_the_catalogue() {
        let plain = Provider::plain("acme", "https://api.acme.test").unwrap();
        assert!(plain.accepts(AuthMode::ApiKey) && !plain.accepts(AuthMode::OAuth2));
        assert_eq!(plain.base_url("acme", &Map::new()).unwrap().as_str(), "https://api.acme.test/");
    }
}
