//! Installation tokens of apps, requested with a token that the app signs with its private key.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{ObtainError, ObtainedToken, TokenContext, jwt, oauth2::token_endpoint, request::TokenRequest, response};
use crate::{
    auth::App,
    http::Client,
    provider::{BodyFormat, TemplateScope},
};

/// Lifetime of an app's own token: the maximum that providers allow, and enough for one request.
const APP_LIFETIME: Duration = Duration::from_mins(10);

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
