//! Tokens that an app signs with its private key: client assertions and installation tokens.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

use super::{ObtainError, ObtainedToken, TokenContext, jwt, oauth2::token_endpoint, request::TokenRequest, response};
use crate::{
    auth::{App, Secret},
    http::Client,
    provider::{BodyFormat, TemplateScope},
};

/// Lifetime of an app's own token: the maximum that providers allow, and enough for one request.
const APP_LIFETIME: Duration = Duration::from_mins(10);
/// Lifetime of a client assertion.
const CLIENT_LIFETIME: Duration = Duration::from_mins(5);
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Returns the `client_assertion_type` and the signed client assertion (RFC 7523).
pub(super) fn client_assertion(context: &TokenContext<'_>, url: &Url) -> Result<(&'static str, Secret), ObtainError> {
    let (id, secret) = context.client()?;
    let key = context.app.private_key.as_ref().map_or(secret, Secret::expose);
    let key = context.credentials.text("client_private_key").unwrap_or(key);
    let claims = [("iss", id), ("sub", id), ("aud", url.as_str()), ("jti", &Uuid::new_v4().to_string())]
        .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    let mut payload = Map::from_iter(claims);
    jwt::set_registered_claims(&mut payload, context.now, CLIENT_LIFETIME);
    Ok((JWT_BEARER, jwt::sign_compact("RS256", key, false, Map::new(), &payload)?))
}

/// Requests the token of an app installation, authenticated with a token that the app signs.
pub(super) async fn installation_token(
    context: &TokenContext<'_>,
    client: &Client,
) -> Result<ObtainedToken, ObtainError> {
    let settings = &context.provider.token;
    let app = context.app.client_id.as_deref().or(context.credentials.text("app_id"));
    let (Some(app), Some(key)) = (app, &context.app.private_key) else {
        return Err(ObtainError::Setup(format!(
            "an installation token of `{0}` requires the number and the private key of your app: set \
             `client_id = \"…\"` under `[integrations.{0}]` in nango.toml, and the environment variable `{1}` to the \
             key (PEM)",
            context.integration,
            App::variable(context.integration, "PRIVATE_KEY"),
        )));
    };
    let mut payload = Map::from_iter([("iss".to_owned(), Value::String(app.to_owned()))]);
    jwt::set_registered_claims(&mut payload, context.now, APP_LIFETIME);
    let token = jwt::sign_compact("RS256", key.expose(), false, Map::new(), &payload)?;
    // The installation id is stored with the credentials; URL templates use it as configuration.
    let mut config = context.config.clone();
    for name in ["installation_id", "app_id"] {
        if let Some(value) = context.credentials.text(name) {
            config.entry(name).or_insert_with(|| Value::String(value.to_owned()));
        }
    }
    let scope = TemplateScope::new(context.integration, &config, context.credentials.parts());
    let url = token_endpoint(context, settings.app_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(context, url, false, BodyFormat::Json)?;
    request.bearer(&token)?;
    response::read_token(&request.send(client).await?, context)
}
