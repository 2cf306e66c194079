//! Client assertions, which an app signs with its private key in place of a client secret.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::{ObtainError, TokenContext, jwt};
use crate::auth::Secret;

/// Lifetime of a client assertion.
const CLIENT_LIFETIME: Duration = Duration::from_mins(5);
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Returns the `client_assertion_type` and the signed client assertion (RFC 7523).
pub(super) fn client_assertion(context: &TokenContext<'_>, url: &Url) -> Result<(&'static str, Secret), ObtainError> {
    let (id, secret) = context.client()?;
    let key = context.app.private_key.as_ref().map_or(secret, Secret::expose);
    let key = context.credentials.text("client_private_key").unwrap_or(key);
    let claims = [("iss", id), ("sub", id), ("aud", url.as_str()), ("jti", &context.entropy.uuid().to_string())]
        .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    let mut payload = Map::from_iter(claims);
    jwt::set_registered_claims(&mut payload, context.now, CLIENT_LIFETIME);
    Ok((JWT_BEARER, jwt::sign_compact("RS256", key, false, Map::new(), &payload)?))
}
