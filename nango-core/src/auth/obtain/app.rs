//! What an app signs with its own key: who it is, and that it asks for one of its installations.

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

/// How long an app's own token holds: ten minutes are what providers allow, and enough for one request.
const APP_LIFETIME: Duration = Duration::from_mins(10);
/// How long the statement of a client holds.
const CLIENT_LIFETIME: Duration = Duration::from_mins(5);
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client's statement of who it is (RFC 7523), and what kind of statement it is.
pub(super) fn client_assertion(subject: &TokenContext<'_>, url: &Url) -> Result<(&'static str, Secret), ObtainError> {
    let (id, secret) = subject.client()?;
    let key = subject.app.private_key.as_ref().map_or(secret, Secret::expose);
    let key = subject.credentials.text("client_private_key").unwrap_or(key);
    let claims = [("iss", id), ("sub", id), ("aud", url.as_str()), ("jti", &Uuid::new_v4().to_string())]
        .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    let mut payload = Map::from_iter(claims);
    jwt::set_registered_claims(&mut payload, subject.now, CLIENT_LIFETIME);
    Ok((JWT_BEARER, jwt::sign_compact("RS256", key, false, Map::new(), &payload)?))
}

/// The token of an app's installation: bought with a token that the app signs.
pub(super) async fn installation_token(
    subject: &TokenContext<'_>,
    client: &Client,
) -> Result<ObtainedToken, ObtainError> {
    let settings = &subject.provider.token;
    let app = subject.app.client_id.as_deref().or(subject.credentials.text("app_id"));
    let (Some(app), Some(key)) = (app, &subject.app.private_key) else {
        return Err(ObtainError::Setup(format!(
            "a token of an installation of `{0}` is bought with the number and the private key of your app: put \
             `client_id = \"…\"` under `[integrations.{0}]` in nango.toml, and the key (PEM) into the environment as `{1}`",
            subject.integration,
            App::variable(subject.integration, "PRIVATE_KEY"),
        )));
    };
    let mut payload = Map::from_iter([("iss".to_owned(), Value::String(app.to_owned()))]);
    jwt::set_registered_claims(&mut payload, subject.now, APP_LIFETIME);
    let token = jwt::sign_compact("RS256", key.expose(), false, Map::new(), &payload)?;
    // The number of the installation came with the credentials; URLs ask for it as configuration.
    let mut config = subject.config.clone();
    for name in ["installation_id", "app_id"] {
        if let Some(value) = subject.credentials.text(name) {
            config.entry(name).or_insert_with(|| Value::String(value.to_owned()));
        }
    }
    let scope = TemplateScope::new(subject.integration, &config, subject.credentials.parts());
    let url = token_endpoint(subject, settings.app_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(subject, url, false, BodyFormat::Json)?;
    request.bearer(&token)?;
    response::read_token(&request.send(client).await?, subject)
}
