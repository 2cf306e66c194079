//! Tokens signed according to a provider entry: used directly, or as an assertion in a token request.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    ObtainError, ObtainedToken, TokenContext,
    jwt::{self, SKEW},
};
use crate::{
    auth::Secret,
    provider::{Assertion, AssertionKind, Param, SignatureProtocol, SignedToken, TemplateScope},
};

/// Returns the signed token of [`AuthMode::Jwt`](crate::auth::AuthMode::Jwt) credentials.
pub(super) fn signed_token(context: &TokenContext<'_>) -> Result<ObtainedToken, ObtainError> {
    let settings = context.provider.token.signed_token.as_ref().ok_or_else(|| {
        ObtainError::Setup(format!(
            "the entry of `{}` does not define how its tokens are signed",
            context.provider.name
        ))
    })?;
    let token = sign(context, settings)?;
    let expiry = context.now + settings.lifetime - SKEW;
    Ok(ObtainedToken { expires_at: Some(expiry), ..ObtainedToken::new(token.expose()) })
}

/// Signs a token according to a provider entry.
pub(super) fn sign(context: &TokenContext<'_>, settings: &SignedToken) -> Result<Secret, ObtainError> {
    let scope = context.scope();
    let key = settings.key.as_ref().ok_or_else(|| {
        ObtainError::Setup(format!("the entry of `{}` does not define the key of its tokens", context.provider.name))
    })?;
    let key = Zeroizing::new(key.resolve(&scope)?);
    let mut header = claims(&settings.header, &scope)?;
    let mut payload = claims(&settings.payload, &scope)?;
    // Some admin keys have the form `id:secret`: the id becomes `kid`, the secret signs.
    let (id, secret) = match key.split_once(':') {
        Some((id, secret)) if settings.protocol == SignatureProtocol::HmacHex => (Some(id), secret),
        _ => (None, key.as_str()),
    };
    if let Some(id) = id {
        header.entry("kid").or_insert_with(|| Value::String(id.to_owned()));
    }
    let algorithm = header.get("alg").and_then(Value::as_str).map(str::to_owned);
    jwt::set_registered_claims(&mut payload, context.now, settings.lifetime);
    let algorithm = algorithm.as_deref().unwrap_or(match settings.protocol {
        SignatureProtocol::Rsa => "RS256",
        SignatureProtocol::Ec => "ES256",
        _ => "HS256",
    });
    let text_key = settings.protocol == SignatureProtocol::HmacText;
    jwt::sign_compact(algorithm, secret, text_key, header, &payload)
}

/// Signs the assertion of a token request.
pub(super) fn assertion(context: &TokenContext<'_>, settings: &Assertion) -> Result<Secret, ObtainError> {
    let AssertionKind::Jwt { header, payload } = &settings.kind else {
        let provider = &context.provider.name;
        return Err(ObtainError::Setup(format!("the assertion of `{provider}` is SAML, which is not supported")));
    };
    let scope = context.scope();
    let key = Zeroizing::new(settings.key.resolve(&scope)?);
    let (header, mut payload) = (claims(header, &scope)?, claims(payload, &scope)?);
    jwt::set_registered_claims(&mut payload, context.now, settings.lifetime);
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or("RS256").to_owned();
    jwt::sign_compact(&algorithm, &key, false, header, &payload)
}

/// Resolves claims; one without a value is omitted.
fn claims(params: &[(String, Param)], scope: &TemplateScope<'_>) -> Result<Map<String, Value>, ObtainError> {
    let mut claims = Map::new();
    for (name, param) in params {
        match param.resolve_present(scope)? {
            // A list may be empty because every value is missing, or contain texts with several values.
            Some(Value::Array(list)) => {
                let split = list.iter().flat_map(|value| match value {
                    Value::String(text) => text.split(',').map(|one| Value::String(one.trim().to_owned())).collect(),
                    other => vec![other.clone()],
                });
                let list: Vec<Value> = split.filter(|value| value.as_str() != Some("")).collect();
                if !list.is_empty() {
                    claims.insert(name.clone(), Value::Array(list));
                }
            }
            Some(value) => {
                claims.insert(name.clone(), value);
            }
            None => {}
        }
    }
    Ok(claims)
}
