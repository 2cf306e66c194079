//! Credentials that do not change, put into requests.
//!
//! The provider's headers and parameters are filled once, when the connection is opened: what is missing is told before
//! the first request.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{AuthMode, Credentials, Secret};
use crate::{
    declare::suggest,
    http::{AuthError, Authorize, Outgoing, Stamp},
    provider::{Provider, ResolveError, Scope, Template, Variable},
};

/// Puts a provider's headers, its parameters and a connection's credentials into requests.
///
/// The default of a mode (`Authorization: Basic …`, `Authorization: Bearer …`) gives way to a header of the provider
/// with that name. A header or parameter that asks for parts of another mode's credentials is left out.
#[derive(Debug)]
pub struct Injector {
    headers: HeaderMap,
    query: Vec<(String, Secret)>,
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
        let parts = credentials.parts();
        let fields = parts.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        let token = parts.iter().find(|(name, _)| *name == "accessToken").map(|(_, token)| *token);
        let scope = Scope::new(integration, config, &fields).token(token);
        let mut injector = Self { headers: HeaderMap::new(), query: Vec::new() };
        let mut placed = false;
        for (name, template) in &provider.proxy.headers {
            let Some(carries) = fits(template, &parts) else { continue };
            placed |= carries;
            let text = Zeroizing::new(template.resolve(&scope)?);
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| InjectError::Header { provider: provider.name.clone(), header: name.to_string() })?;
            value.set_sensitive(carries);
            injector.headers.append(name, value);
        }
        for (name, template) in &provider.proxy.query {
            let Some(carries) = fits(template, &parts) else { continue };
            placed |= carries;
            injector.query.push((name.clone(), Secret::new(template.resolve(&scope)?)));
        }
        if !injector.headers.contains_key(AUTHORIZATION)
            && let Some(text) = default_of(credentials)
        {
            let mut value = HeaderValue::from_str(&text).map_err(|_| InjectError::Header {
                provider: provider.name.clone(),
                header: AUTHORIZATION.to_string(),
            })?;
            value.set_sensitive(true);
            injector.headers.insert(AUTHORIZATION, value);
            placed = true;
        }
        if !placed && mode == AuthMode::ApiKey {
            let others = provider.auth.iter().filter(|other| **other != AuthMode::ApiKey).map(|other| other.name());
            let others = suggest::list(others);
            let others = if others.is_empty() { others } else { format!(", or use {others} credentials") };
            return Err(InjectError::NoPlace { provider: provider.name.clone(), others });
        }
        Ok(injector)
    }
}

/// Whether a template is for credentials with these parts, and if so, whether it carries any of them.
fn fits(template: &Template, parts: &[(&str, &str)]) -> Option<bool> {
    let has = |name: &str| parts.iter().any(|(part, _)| *part == name);
    let mut asked = template.variables().filter_map(|variable| match variable {
        Variable::Credential(name) => Some(has(name)),
        Variable::AccessToken => Some(has("accessToken")),
        _ => None,
    });
    let Some(first) = asked.next() else { return Some(false) };
    (first && asked.all(|known| known)).then_some(true)
}

/// The `Authorization` of a mode that has a place of its own.
fn default_of(credentials: &Credentials) -> Option<Zeroizing<String>> {
    match credentials {
        Credentials::Basic { username, password } => {
            let pair = Zeroizing::new(format!("{}:{}", username.expose(), password.expose()));
            Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
        }
        Credentials::Bearer(token) => Some(Zeroizing::new(format!("Bearer {}", token.expose()))),
        _ => None,
    }
}

impl Authorize for Injector {
    fn authorize<'a>(&'a self, request: &'a mut Outgoing) -> BoxFuture<'a, Result<Stamp, AuthError>> {
        for name in self.headers.keys() {
            if !request.headers.contains_key(name) {
                for value in self.headers.get_all(name) {
                    request.headers.append(name, value.clone());
                }
            }
        }
        for (name, value) in &self.query {
            if request.url.query_pairs().all(|(there, _)| there != name.as_str()) {
                request.url.query_pairs_mut().append_pair(name, value.expose());
            }
        }
        Box::pin(std::future::ready(Ok(Stamp::default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::Method, provider::Catalogue};
    use serde_json::json;

    fn provider(accepts: &str, proxy: &str) -> Provider {
        let yaml = format!(
            "acme:\n  display_name: Acme\n  auth_mode: NONE\n  accepts: [{accepts}]\n  proxy: {{ base_url: https://h.test, {proxy} }}"
        );
        Catalogue::parse(&yaml).unwrap().get("acme").unwrap().clone()
    }

    /// The request after authorisation: its query, its headers.
    fn inject(provider: &Provider, credentials: &Credentials, config: &Value) -> Result<String, String> {
        let injector = Injector::new(provider, "shop", credentials, config.as_object().unwrap())
            .map_err(|error| error.to_string())?;
        assert!(!format!("{injector:?}").contains("hush"));
        let mut request = Outgoing::new(Method::GET, "https://h.test/a?b=1".parse().unwrap());
        request.headers.insert("x-mine", HeaderValue::from_static("1"));
        futures_util::FutureExt::now_or_never(injector.authorize(&mut request)).unwrap().unwrap();
        assert!(!format!("{request:?}").contains("hush"));
        let headers = request.headers.iter().map(|(name, value)| format!(" {name}={}", value.to_str().unwrap()));
        Ok(request.url.query().unwrap().to_owned() + &headers.collect::<String>())
    }

    #[test]
    fn every_mode_lands_in_its_place() {
        let check = |accepts: &str, proxy: &str, credentials: Credentials, expect: &str| {
            let got = inject(&provider(accepts, proxy), &credentials, &json!({ "v": 2 }));
            assert_eq!(got.as_deref(), Ok(expect), "{proxy}");
        };
        let key = || Credentials::ApiKey("hush".into());
        let basic = || Credentials::Basic { username: "Aladdin".into(), password: "open sesame".into() };
        let token = || Credentials::Bearer("hush".into());
        check("NONE", "headers: { x-v: '${connectionConfig.v}' }", Credentials::None, "b=1 x-mine=1 x-v=2");
        check("API_KEY", "headers: { x-api-key: '${apiKey}' }", key(), "b=1 x-mine=1 x-api-key=hush");
        check("API_KEY", "query: { key: '${credentials.apiKey}', b: '2' }", key(), "b=1&key=hush x-mine=1");
        // The vector of RFC 7617.
        check("BASIC", "", basic(), "b=1 x-mine=1 authorization=Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        check("BEARER", "headers: { x-mine: theirs }", token(), "b=1 x-mine=1 authorization=Bearer hush");
        check(
            "BEARER",
            "headers: { authorization: 'token ${accessToken}' }",
            token(),
            "b=1 x-mine=1 authorization=token hush",
        );
        let both = "headers: { authorization: 'Key ${apiKey}' }";
        check("API_KEY, BEARER", both, token(), "b=1 x-mine=1 authorization=Bearer hush");
        check("API_KEY, BEARER", both, key(), "b=1 x-mine=1 authorization=Key hush");
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let check = |accepts: &str, proxy: &str, credentials: Credentials, expect: &str| {
            assert_eq!(inject(&provider(accepts, proxy), &credentials, &json!({})).unwrap_err(), expect);
        };
        let help = "set them with `registry connection add shop <id> --auth …`";
        let key = || Credentials::ApiKey("hush".into());
        let text = format!("`acme` does not take api-key credentials: it takes `bearer` and `basic`; {help}");
        check("BEARER, BASIC", "", key(), &text);
        let missing =
            "`shop` needs the configuration value `v`: set it with `registry connection add shop <id> --config v=…`";
        check("NONE", "headers: { x-v: '${connectionConfig.v}' }", Credentials::None, missing);
        let header =
            "the header `x-key` of `acme` cannot carry its value: it holds a character that headers do not allow";
        check("API_KEY", "headers: { x-key: '${apiKey}' }", Credentials::ApiKey("hush\u{7f}".into()), header);
    }

    #[test]
    fn a_key_without_a_place_is_refused() {
        let help = "the entry of `acme` has no place for an API key: give one of its headers or parameters the value `${apiKey}`";
        for (accepts, more) in [("API_KEY", ""), ("API_KEY, BASIC", ", or use `basic` credentials")] {
            let error = inject(&provider(accepts, ""), &Credentials::ApiKey("hush".into()), &json!({})).unwrap_err();
            assert_eq!(error, format!("{help}{more}"));
        }
    }
}
