//! Placement of credentials in headers, query parameters and bodies.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::InjectError;
use crate::{
    auth::{AuthMode, Credentials},
    http::Body,
    provider::{Param, Provider, ResolveError, Template, TemplateScope, Variable},
};

/// Returns whether a template contains any part of these credentials, or `None` if it needs values that they do not
/// have. A template with alternatives matches if one alternative does.
pub(super) fn carries_credentials(template: &Template, credentials: &Credentials, provider: &Provider) -> Option<bool> {
    let has = |variable: &Variable| match variable {
        Variable::Credential(name) => {
            let first = name.split('.').next().unwrap_or_default();
            let parts = credentials.parts();
            let is_present = parts.contains_key(name) || parts.contains_key(first);
            Some(is_present || provider.credentials.iter().any(|field| field.name == *name && field.optional))
        }
        Variable::AccessToken => Some(credentials.token().is_some() && credentials.mode() != AuthMode::ApiKey),
        _ => None,
    };
    let mut carries = false;
    for known in template.required_variables().filter_map(has) {
        if !known {
            return None;
        }
        carries = true;
    }
    Some(carries || provider.is_sensitive(template))
}

/// Returns whether a header or parameter may be omitted because of a missing value: the value is optional, or it is set
/// automatically from responses of the provider.
pub(super) fn may_be_omitted(error: &ResolveError, provider: &Provider) -> bool {
    match error.missing() {
        Some(Variable::Config(name)) => {
            provider.config.iter().any(|field| field.name == name && (field.optional || field.automated))
        }
        Some(Variable::Credential(name)) => {
            provider.credentials.iter().any(|field| field.name == name && (field.optional || field.automated))
        }
        Some(Variable::ClientId | Variable::ClientSecret) => true,
        _ => false,
    }
}

/// Returns the default `Authorization` header of an auth mode.
pub(super) fn default_authorization(credentials: &Credentials) -> Option<Zeroizing<String>> {
    match credentials.mode() {
        AuthMode::Basic | AuthMode::InstallPlugin => {
            let part = |name: &str| credentials.text(name).unwrap_or_default();
            let pair = Zeroizing::new(format!("{}:{}", part("username"), part("password")));
            Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
        }
        AuthMode::ApiKey | AuthMode::Bill | AuthMode::AwsSigV4 | AuthMode::OAuth1 | AuthMode::Tba => None,
        _ => credentials.token().map(|token| Zeroizing::new(format!("Bearer {token}"))),
    }
}

/// Adds a query parameter, unless the caller set it.
pub(super) fn into_query(url: &mut Url, name: &str, value: &str) {
    if url.query_pairs().all(|(existing, _)| existing != name) {
        url.query_pairs_mut().append_pair(name, value);
    }
}

/// Merges the fields of a provider entry into a body; they override those of the caller. A field without a value is
/// omitted, and a body without fields (text, a file) is unchanged.
pub(super) fn into_body(
    fields: &[(String, Param)],
    scope: &TemplateScope<'_>,
    body: &mut Body,
) -> Result<(), InjectError> {
    let mut ours = Map::new();
    for (name, param) in fields {
        if let Some(value) = param.resolve_present(scope)? {
            ours.insert(name.clone(), value);
        }
    }
    match body {
        Body::Empty => *body = Body::Json(Value::Object(ours).to_string().into()),
        Body::Json(bytes) => {
            if let Ok(Value::Object(mut object)) = serde_json::from_slice::<Value>(bytes) {
                merge(&mut object, ours);
                *bytes = Value::Object(object).to_string().into();
            }
        }
        Body::Form(pairs) => {
            let ours = crate::auth::obtain::form_pairs(&ours);
            pairs.retain(|(name, _)| !ours.iter().any(|(own, _)| own == name));
            pairs.extend(ours);
        }
        _ => {}
    }
    Ok(())
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(existing)), Value::Object(more)) => merge(existing, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
