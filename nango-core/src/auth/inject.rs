//! Injection of credentials into requests.
//!
//! Values that are the same for all requests are resolved once, when the credentials are loaded, so that a missing
//! value is reported before the first request. Templates with request values, the time or a random number are resolved
//! for each request; all templates of one request use the same time and random number.

mod error;
mod placement;
mod sign;

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{App, AuthMode, Credentials, Secret};
use crate::{
    declare::suggest,
    http::{AuthError, Authorize, BoxFuture, Clock, CredentialsVersion, OutgoingRequest},
    provider::{Param, Provider, RequestEntropy, RequestParts, Template, TemplateScope, Variable},
    time::{Entropy, Timestamp},
};
pub(crate) use error::InjectError;

/// Adds the headers and parameters of a provider and the credentials of a connection to requests.
///
/// A provider header replaces the default header of a mode (`Authorization: Basic …`, `Authorization: Bearer …`). A
/// header or parameter that uses credentials of another mode is omitted, and so is one without a value for an optional
/// configuration field.
#[derive(Debug)]
pub(crate) struct Injector {
    inputs: TemplateInputs,
    headers: HeaderMap,
    query: Vec<(String, Secret)>,
    body: Vec<(String, Param)>,
    /// Templates that are resolved for each request.
    per_request: Vec<(ParamLocation, Template)>,
    signer: Option<sign::Signer>,
}

/// Header or query parameter that receives a value.
#[derive(Debug, Clone)]
enum ParamLocation {
    Header(HeaderName),
    Query(String),
}

/// Inputs of templates, kept for those that are resolved per request.
struct TemplateInputs {
    integration: String,
    provider: String,
    credentials: Credentials,
    config: Map<String, Value>,
    client: Option<(String, Secret)>,
}

// Not derived, because configuration may be secret too.
impl std::fmt::Debug for TemplateInputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TemplateInputs").field("integration", &self.integration).finish_non_exhaustive()
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
    /// Creates the injector of these credentials for requests to `provider`. `integration` appears in errors.
    ///
    /// # Errors
    ///
    /// Fails if the provider does not accept the auth mode or has no header or parameter for it, or a value is missing.
    pub(crate) fn new(
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
                accepted: suggest::list(provider.accepted_modes.iter().map(|mode| mode.name())),
            });
        }
        let client = app.client(credentials, config).map(|(id, secret)| (id.to_owned(), Secret::new(secret)));
        let inputs = TemplateInputs {
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
            signer: sign::Signer::of(provider, &inputs)?,
            inputs,
        };
        let placed = injector.fill_static(provider)?;
        let in_url = provider.proxy.base_url.as_ref().is_some_and(Template::is_secret);
        if !placed && mode == AuthMode::ApiKey && injector.body.is_empty() && !in_url {
            let others =
                provider.accepted_modes.iter().filter(|other| **other != AuthMode::ApiKey).map(|other| other.name());
            let others = suggest::list(others);
            let others = if others.is_empty() { others } else { format!(", or use {others} credentials") };
            return Err(InjectError::NoApiKeyPlacement { provider: provider.name.clone(), others });
        }
        Ok(injector)
    }

    /// Resolves everything that is the same for all requests. Returns whether any header or parameter has credentials.
    fn fill_static(&mut self, provider: &Provider) -> Result<bool, InjectError> {
        let mut placed = false;
        let mut own_token = false;
        let headers = provider.proxy.headers.iter().map(|(name, text)| (ParamLocation::Header(name.clone()), text));
        let query = provider.proxy.query.iter().map(|(name, text)| (ParamLocation::Query(name.clone()), text));
        for (location, template) in headers.chain(query) {
            let Some(carries) = placement::carries_credentials(template, &self.inputs.credentials, provider) else {
                continue;
            };
            placed |= carries;
            own_token |= matches!(location, ParamLocation::Header(_))
                && template.variables().any(|v| *v == Variable::AccessToken);
            if template.varies_per_request() {
                self.per_request.push((location, template.clone()));
                continue;
            }
            let text = match template.resolve(&self.inputs.scope()) {
                Ok(text) => Zeroizing::new(text),
                Err(error) if placement::may_be_omitted(&error, provider) => continue,
                Err(error) => return Err(error.into()),
            };
            match location {
                ParamLocation::Header(name) => {
                    let value = self.inputs.header(&name, &text, carries)?;
                    self.headers.append(name, value);
                }
                ParamLocation::Query(name) => self.query.push((name, Secret::new(text.as_str()))),
            }
        }
        let has_authorization = self.headers.contains_key(AUTHORIZATION)
            || self
                .per_request
                .iter()
                .any(|(location, _)| matches!(location, ParamLocation::Header(name) if *name == AUTHORIZATION));
        let login =
            self.inputs.credentials.mode() == AuthMode::TwoStep && (own_token || self.headers.contains_key(COOKIE));
        if !has_authorization
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

    /// Adds headers, parameters and credentials to a request. Headers and parameters that the caller set are kept.
    ///
    /// # Errors
    ///
    /// Fails if a per-request value is missing or invalid, or the request cannot be signed.
    pub(crate) fn put(
        &self,
        request: &mut OutgoingRequest,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), AuthError> {
        Ok(self.apply_all(request, now, entropy)?)
    }

    fn apply_all(
        &self,
        request: &mut OutgoingRequest,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), InjectError> {
        // Most requests need neither time nor random number, and a random number costs a system call.
        let needs_entropy = !self.body.is_empty() || !self.per_request.is_empty() || self.signer.is_some();
        let entropy = needs_entropy.then(|| RequestEntropy { now, random: entropy.uuid() });
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
        // The signature is last, because it covers the complete request.
        self.signer.as_ref().map_or(Ok(()), |signer| signer.sign(&self.inputs, request, entropy))
    }

    fn apply_per_request(&self, request: &mut OutgoingRequest, entropy: RequestEntropy) -> Result<(), InjectError> {
        for (location, template) in &self.per_request {
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
            match location {
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

/// Authorizer with fixed credentials, for a connection that is not stored yet.
#[derive(Debug)]
pub(crate) struct StaticAuthorizer {
    /// Injector of the credentials.
    pub injector: Injector,
    /// Clock for templates and signatures.
    pub clock: Arc<dyn Clock>,
}

impl Authorize for StaticAuthorizer {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        let applied = self.injector.put(request, self.clock.now(), &*self.clock);
        Box::pin(std::future::ready(applied.map(|()| CredentialsVersion::default())))
    }
}

#[cfg(test)]
mod tests;
