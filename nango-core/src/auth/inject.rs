//! Credentials, put into requests.
//!
//! What does not differ from one request to the next is filled once, when the credentials are opened: what is missing is
//! told before the first request. Templates that ask for the request itself, the time or a random number are filled for
//! each, all of one request with the same moment.

mod place;
mod sign;

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{App, AuthMode, Credentials, Secret};
use crate::{
    declare::suggest,
    http::{AuthError, Authorize, BoxFuture, Clock, Outgoing, Stamp},
    provider::{Moment, Param, Provider, RequestParts, ResolveError, Scope, Template, Variable},
};

/// Puts a provider's headers, its parameters and a connection's credentials into requests.
///
/// The default of a mode (`Authorization: Basic …`, `Authorization: Bearer …`) gives way to a header of the provider
/// with that name. A header or parameter that asks for parts of another mode's credentials is left out, and so is one
/// that lacks an optional value of the configuration.
#[derive(Debug)]
pub struct Injector {
    subject: Owned,
    headers: HeaderMap,
    query: Vec<(String, Secret)>,
    body: Vec<(String, Param)>,
    /// What differs from one request to the next.
    changing: Vec<(Spot, Template)>,
    signer: Option<sign::Signer>,
}

/// Where a value goes.
#[derive(Debug, Clone)]
enum Spot {
    Header(HeaderName),
    Query(String),
}

/// What templates are filled from, kept for those that are filled later.
struct Owned {
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
    NoPlace {
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
impl std::fmt::Debug for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owned").field("integration", &self.integration).finish_non_exhaustive()
    }
}

impl Owned {
    fn scope(&self) -> Scope<'_> {
        let client = self.client.as_ref().map(|(id, secret)| (id.as_str(), secret.expose()));
        Scope::new(&self.integration, &self.config, self.credentials.parts())
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
        let subject = Owned {
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
            changing: Vec::new(),
            signer: sign::Signer::of(provider, &subject)?,
            subject,
        };
        let placed = injector.place_all(provider)?;
        let in_url = provider.proxy.base_url.as_ref().is_some_and(Template::is_secret);
        if !placed && mode == AuthMode::ApiKey && injector.body.is_empty() && !in_url {
            let others = provider.auth.iter().filter(|other| **other != AuthMode::ApiKey).map(|other| other.name());
            let others = suggest::list(others);
            let others = if others.is_empty() { others } else { format!(", or use {others} credentials") };
            return Err(InjectError::NoPlace { provider: provider.name.clone(), others });
        }
        Ok(injector)
    }

    /// Fills what can be filled now; says whether a credential found a place.
    fn place_all(&mut self, provider: &Provider) -> Result<bool, InjectError> {
        let mut placed = false;
        let mut own_token = false;
        let headers = provider.proxy.headers.iter().map(|(name, text)| (Spot::Header(name.clone()), text));
        let query = provider.proxy.query.iter().map(|(name, text)| (Spot::Query(name.clone()), text));
        for (spot, template) in headers.chain(query) {
            let Some(carries) = place::fits(template, &self.subject.credentials, provider) else { continue };
            placed |= carries;
            own_token |= matches!(spot, Spot::Header(_)) && template.variables().any(|v| *v == Variable::AccessToken);
            if template.changes() {
                self.changing.push((spot, template.clone()));
                continue;
            }
            let text = match template.resolve(&self.subject.scope()) {
                Ok(text) => Zeroizing::new(text),
                Err(error) if place::may_be_left_out(&error, provider) => continue,
                Err(error) => return Err(error.into()),
            };
            match spot {
                Spot::Header(name) => {
                    let value = self.subject.header(&name, &text, carries)?;
                    self.headers.append(name, value);
                }
                Spot::Query(name) => self.query.push((name, Secret::new(text.as_str()))),
            }
        }
        let taken = self.headers.contains_key(AUTHORIZATION)
            || self.changing.iter().any(|(spot, _)| matches!(spot, Spot::Header(name) if *name == AUTHORIZATION));
        let login =
            self.subject.credentials.mode() == AuthMode::TwoStep && (own_token || self.headers.contains_key(COOKIE));
        if !taken
            && !login
            && self.signer.is_none()
            && let Some(text) = place::default_of(&self.subject.credentials)
        {
            let value = self.subject.header(&AUTHORIZATION, &text, true)?;
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
    pub fn put(&self, request: &mut Outgoing, now: i64) -> Result<(), AuthError> {
        self.put_all(request, now).map_err(|error| AuthError::Missing(error.to_string()))
    }

    fn put_all(&self, request: &mut Outgoing, now: i64) -> Result<(), InjectError> {
        // Most requests need no moment, and a random number costs a call of the system.
        let differs = !self.body.is_empty() || !self.changing.is_empty() || self.signer.is_some();
        let moment = differs.then(|| Moment { now, random: Uuid::new_v4() });
        if let Some(moment) = moment
            && !self.body.is_empty()
            && !matches!(request.method.as_str(), "GET" | "HEAD")
        {
            place::into_body(&self.body, &self.subject.scope().moment(moment), &mut request.body)?;
        }
        for name in self.headers.keys() {
            if !request.headers.contains_key(name) {
                for value in self.headers.get_all(name) {
                    request.headers.append(name, value.clone());
                }
            }
        }
        for (name, value) in &self.query {
            place::into_query(&mut request.url, name, value.expose());
        }
        let Some(moment) = moment else { return Ok(()) };
        self.put_changing(request, moment)?;
        // A signature covers what the request has become.
        self.signer.as_ref().map_or(Ok(()), |signer| signer.sign(&self.subject, request, moment))
    }

    fn put_changing(&self, request: &mut Outgoing, moment: Moment) -> Result<(), InjectError> {
        for (spot, template) in &self.changing {
            let text = {
                let (content_type, body) = request.body.seen();
                let parts = RequestParts {
                    endpoint: request.url.path(),
                    method: request.method.as_str(),
                    url: &request.url,
                    content_type: content_type.as_deref(),
                    body: &body,
                };
                Zeroizing::new(template.resolve(&self.subject.scope().moment(moment).request(&parts))?)
            };
            match spot {
                Spot::Header(name) => {
                    if !request.headers.contains_key(name) {
                        let value = self.subject.header(name, &text, template.is_secret())?;
                        request.headers.insert(name, value);
                    }
                }
                Spot::Query(name) => place::into_query(&mut request.url, name, &text),
            }
        }
        Ok(())
    }
}

/// Credentials that nobody renews meanwhile: those of a connection that is not stored yet.
#[derive(Debug)]
pub struct Fixed {
    /// What puts them in.
    pub injector: Injector,
    /// The time for what is signed.
    pub clock: Arc<dyn Clock>,
}

impl Authorize for Fixed {
    fn authorize<'a>(&'a self, request: &'a mut Outgoing) -> BoxFuture<'a, Result<Stamp, AuthError>> {
        let put = self.injector.put(request, self.clock.now());
        Box::pin(std::future::ready(put.map(|()| Stamp::default())))
    }
}

#[cfg(test)]
mod tests;
