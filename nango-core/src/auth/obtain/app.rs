//! What an app signs with its own key: who it is, and that it asks for one of its installations.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

use super::{ObtainError, Obtained, Subject, answer, jwt, oauth2::place, request::TokenRequest};
use crate::{
    auth::{App, Secret},
    http::Client,
    provider::{BodyFormat, Scope},
};

/// How long an app's own token holds: ten minutes are what providers allow, and enough for one request.
const APP_LIFETIME: Duration = Duration::from_mins(10);
/// How long the statement of a client holds.
const CLIENT_LIFETIME: Duration = Duration::from_mins(5);
const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client's statement of who it is (RFC 7523), and what kind of statement it is.
pub(super) fn client_assertion(subject: &Subject<'_>, url: &Url) -> Result<(&'static str, Secret), ObtainError> {
    let (id, secret) = subject.client()?;
    let key = subject.app.private_key.as_ref().map_or(secret, Secret::expose);
    let key = subject.credentials.text("client_private_key").unwrap_or(key);
    let claims = [("iss", id), ("sub", id), ("aud", url.as_str()), ("jti", &Uuid::new_v4().to_string())]
        .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    let mut payload = Map::from_iter(claims);
    jwt::stamp(&mut payload, subject.now, CLIENT_LIFETIME);
    Ok((BEARER, jwt::write("RS256", key, false, Map::new(), &payload)?))
}

/// The token of an app's installation: bought with a token that the app signs.
pub(super) async fn installation(subject: &Subject<'_>, client: &Client) -> Result<Obtained, ObtainError> {
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
    jwt::stamp(&mut payload, subject.now, APP_LIFETIME);
    let token = jwt::write("RS256", key.expose(), false, Map::new(), &payload)?;
    // The number of the installation came with the credentials; URLs ask for it as configuration.
    let mut config = subject.config.clone();
    for name in ["installation_id", "app_id"] {
        if let Some(value) = subject.credentials.text(name) {
            config.entry(name).or_insert_with(|| Value::String(value.to_owned()));
        }
    }
    let scope = Scope::new(subject.integration, &config, subject.credentials.parts());
    let url = place(subject, settings.app_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(subject, url, false, BodyFormat::Json)?;
    request.bearer(&token)?;
    answer::read(&request.send(client).await?, subject)
}
