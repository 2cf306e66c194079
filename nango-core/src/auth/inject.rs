//! Credentials, put into requests.
//!
//! What does not differ from one request to the next is filled once, when the credentials are opened: what is missing is
//! told before the first request. Templates that ask for the request itself, the time or a random number are filled for
//! each, all of one request with the same moment.

mod placement;
mod sign;

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{App, AuthMode, Credentials, Secret};
use crate::{
    declare::suggest,
    http::{AuthError, Authorize, BoxFuture, Clock, CredentialsVersion, OutgoingRequest},
    provider::{Param, Provider, RequestEntropy, RequestParts, ResolveError, Template, TemplateScope, Variable},
};

/// Puts a provider's headers, its parameters and a connection's credentials into requests.
///
/// The default of a mode (`Authorization: Basic …`, `Authorization: Bearer …`) gives way to a header of the provider
/// with that name. A header or parameter that asks for parts of another mode's credentials is left out, and so is one
/// that lacks an optional value of the configuration.
#[derive(Debug)]
pub struct Injector {
    inputs: TemplateInputs,
    headers: HeaderMap,
    query: Vec<(String, Secret)>,
    body: Vec<(String, Param)>,
    /// What differs from one request to the next.
    per_request: Vec<(ParamLocation, Template)>,
    signer: Option<sign::Signer>,
}

/// Where a value goes.
#[derive(Debug, Clone)]
enum ParamLocation {
    Header(HeaderName),
    Query(String),
}

/// What templates are filled from, kept for those that are filled later.
struct TemplateInputs {
    integration: String,
    provider: String,
    credentials: Credentials,
    config: Map<String, Value>,
    client: Option<(String, Secret)>,
}

/// Why credentials cannot be put into requests of a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InjectError {
    /// The provider does not take credentials of this kind.
    #[error(
        "`{provider}` does not take {mode} credentials: it takes {accepted}; set them with `registry connection add {integration} <id> --auth …`"
    )]
    Mode {
        /// The provider.
        provider: String,
        /// The integration.
        integration: String,
        /// What was given.
        mode: AuthMode,
        /// What it takes.
        accepted: String,
    },
    /// The provider's entry takes API keys, and has no header or parameter for them.
    #[error(
        "the entry of `{provider}` has no place for an API key: give one of its headers or parameters the value `${{apiKey}}`{others}"
    )]
    NoApiKeyPlacement {
        /// The provider.
        provider: String,
        /// The kinds of credentials that fit.
        others: String,
    },
    /// A value is missing.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A value cannot be sent in a header.
    #[error(
        "the header `{header}` of `{provider}` cannot carry its value: it holds a character that headers do not allow"
    )]
    Header {
        /// The provider.
        provider: String,
        /// The header.
        header: String,
    },
    /// Requests cannot be signed with these credentials.
    #[error("requests of `{integration}` cannot be signed: {reason}")]
    Sign {
        /// The integration.
        integration: String,
        /// What is wrong.
        reason: String,
    },
}

/// Configuration may be secret too.
impl std::fmt::Debug for TemplateInputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owned").field("integration", &self.integration).finish_non_exhaustive()
    }
}

impl TemplateInputs {
    fn scope(&self) -> TemplateScope<'_> {
        let client = self.client.as_ref().map(|(id, secret)| (id.as_str(), secret.expose()));
        TemplateScope::new(&self.integration, &self.config, self.credentials.parts())
            .token(self.credentials.token())
            .client(client)
    }

    fn header(&self, name: &HeaderName, text: &str, secret: bool) -> Result<HeaderValue, InjectError> {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| InjectError::Header { provider: self.provider.clone(), header: name.to_string() })?;
        value.set_sensitive(secret);
        Ok(value)
    }
}

impl Injector {
    /// What puts these credentials into requests of `provider`. `integration` is named in errors.
    ///
    /// # Errors
    ///
    /// The provider does not take this kind of credentials or has no place for them, or a value is missing.
    pub fn new(
        provider: &Provider,
        integration: &str,
        credentials: &Credentials,
        config: &Map<String, Value>,
        app: &App,
    ) -> Result<Self, InjectError> {
        let mode = credentials.mode();
        if !provider.accepts(mode) {
            return Err(InjectError::Mode {
                provider: provider.name.clone(),
                integration: integration.to_owned(),
                mode,
                accepted: suggest::list(provider.auth.iter().map(|mode| mode.name())),
            });
        }
        let client = app.client(credentials, config).map(|(id, secret)| (id.to_owned(), Secret::new(secret)));
        let subject = TemplateInputs {
            integration: integration.to_owned(),
            provider: provider.name.clone(),
            credentials: credentials.clone(),
            config: config.clone(),
            client,
        };
        let mut injector = Self {
            headers: HeaderMap::new(),
            query: Vec::new(),
            body: provider.proxy.body.clone(),
            per_request: Vec::new(),
            signer: sign::Signer::of(provider, &subject)?,
            inputs: subject,
        };
        let placed = injector.fill_static(provider)?;
        let in_url = provider.proxy.base_url.as_ref().is_some_and(Template::is_secret);
        if !placed && mode == AuthMode::ApiKey && injector.body.is_empty() && !in_url {
            let others = provider.auth.iter().filter(|other| **other != AuthMode::ApiKey).map(|other| other.name());
            let others = suggest::list(others);
            let others = if others.is_empty() { others } else { format!(", or use {others} credentials") };
            return Err(InjectError::NoApiKeyPlacement { provider: provider.name.clone(), others });
        }
        Ok(injector)
    }

    /// Fills what can be filled now; says whether a credential found a place.
    fn fill_static(&mut self, provider: &Provider) -> Result<bool, InjectError> {
        let mut placed = false;
        let mut own_token = false;
        let headers = provider.proxy.headers.iter().map(|(name, text)| (ParamLocation::Header(name.clone()), text));
        let query = provider.proxy.query.iter().map(|(name, text)| (ParamLocation::Query(name.clone()), text));
        for (spot, template) in headers.chain(query) {
            let Some(carries) = placement::carries_credentials(template, &self.inputs.credentials, provider) else {
                continue;
            };
            placed |= carries;
            own_token |=
                matches!(spot, ParamLocation::Header(_)) && template.variables().any(|v| *v == Variable::AccessToken);
            if template.varies_per_request() {
                self.per_request.push((spot, template.clone()));
                continue;
            }
            let text = match template.resolve(&self.inputs.scope()) {
                Ok(text) => Zeroizing::new(text),
                Err(error) if placement::may_be_omitted(&error, provider) => continue,
                Err(error) => return Err(error.into()),
            };
            match spot {
                ParamLocation::Header(name) => {
                    let value = self.inputs.header(&name, &text, carries)?;
                    self.headers.append(name, value);
                }
                ParamLocation::Query(name) => self.query.push((name, Secret::new(text.as_str()))),
            }
        }
        let taken = self.headers.contains_key(AUTHORIZATION)
            || self
                .per_request
                .iter()
                .any(|(spot, _)| matches!(spot, ParamLocation::Header(name) if *name == AUTHORIZATION));
        let login =
            self.inputs.credentials.mode() == AuthMode::TwoStep && (own_token || self.headers.contains_key(COOKIE));
        if !taken
            && !login
            && self.signer.is_none()
            && let Some(text) = placement::default_authorization(&self.inputs.credentials)
        {
            let value = self.inputs.header(&AUTHORIZATION, &text, true)?;
            self.headers.insert(AUTHORIZATION, value);
            placed = true;
        }
        Ok(placed)
    }

    /// Puts everything into a request; what the caller set stays.
    ///
    /// # Errors
    ///
    /// A value that differs from request to request cannot be had or sent, or the request cannot be signed.
    pub fn put(&self, request: &mut OutgoingRequest, now: i64) -> Result<(), AuthError> {
        self.apply_all(request, now).map_err(|error| AuthError::Missing(error.to_string()))
    }

    fn apply_all(&self, request: &mut OutgoingRequest, now: i64) -> Result<(), InjectError> {
        // Most requests need no moment, and a random number costs a call of the system.
        let differs = !self.body.is_empty() || !self.per_request.is_empty() || self.signer.is_some();
        let entropy = differs.then(|| RequestEntropy { now, random: Uuid::new_v4() });
        if let Some(entropy) = entropy
            && !self.body.is_empty()
            && !matches!(request.method.as_str(), "GET" | "HEAD")
        {
            placement::into_body(&self.body, &self.inputs.scope().entropy(entropy), &mut request.body)?;
        }
        for name in self.headers.keys() {
            if !request.headers.contains_key(name) {
                for value in self.headers.get_all(name) {
                    request.headers.append(name, value.clone());
                }
            }
        }
        for (name, value) in &self.query {
            placement::into_query(&mut request.url, name, value.expose());
        }
        let Some(entropy) = entropy else { return Ok(()) };
        self.apply_per_request(request, entropy)?;
        // A signature covers what the request has become.
        self.signer.as_ref().map_or(Ok(()), |signer| signer.sign(&self.inputs, request, entropy))
    }

    fn apply_per_request(&self, request: &mut OutgoingRequest, entropy: RequestEntropy) -> Result<(), InjectError> {
        for (spot, template) in &self.per_request {
            let text = {
                let (content_type, body) = request.body.seen();
                let parts = RequestParts {
                    endpoint: request.url.path(),
                    method: request.method.as_str(),
                    url: &request.url,
                    content_type: content_type.as_deref(),
                    body: &body,
                };
                Zeroizing::new(template.resolve(&self.inputs.scope().entropy(entropy).request(&parts))?)
            };
            match spot {
                ParamLocation::Header(name) => {
                    if !request.headers.contains_key(name) {
                        let value = self.inputs.header(name, &text, template.is_secret())?;
                        request.headers.insert(name, value);
                    }
                }
                ParamLocation::Query(name) => placement::into_query(&mut request.url, name, &text),
            }
        }
        Ok(())
    }
}

/// Credentials that nobody renews meanwhile: those of a connection that is not stored yet.
#[derive(Debug)]
pub struct StaticAuthorizer {
    /// What puts them in.
    pub injector: Injector,
    /// The time for what is signed.
    pub clock: Arc<dyn Clock>,
}

impl Authorize for StaticAuthorizer {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        let put = self.injector.put(request, self.clock.now());
        Box::pin(std::future::ready(put.map(|()| CredentialsVersion::default())))
    }
}

#[cfg(test)]
mod tests;
