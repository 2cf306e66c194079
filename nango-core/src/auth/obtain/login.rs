//! Logins: one or several requests with the values that the user entered. The last response contains the token.

use serde_json::Value;

use super::{
    ObtainError, ObtainedToken, TokenContext, oauth2::token_endpoint, request::TokenRequest, response, signed,
};
use crate::{
    auth::{Secret, credentials::collect_secrets},
    http::Client,
    provider::TokenSettings,
};

/// Logs in. A session with a refresh token is refreshed first; if that is rejected, a new login follows.
pub(super) async fn login(context: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    let settings = &context.provider.token;
    let can_refresh = settings.refresh_params.is_some() || !settings.refresh_headers.is_empty();
    if can_refresh && context.credentials.refresh_token().is_some() {
        match refresh(context, settings, client).await {
            // The values that the user entered are still stored.
            Err(ObtainError::Refused(_)) => {}
            outcome => return outcome,
        }
    }
    let token = settings.signed_token.as_ref().map(|signed| signed::sign(context, signed)).transpose()?;
    let assertion = settings.assertion.as_ref().map(|assertion| signed::assertion(context, assertion)).transpose()?;
    let mut parts = context.credentials.parts().clone();
    parts.extend(assertion.map(|assertion| ("assertion".to_owned(), Value::String(assertion.expose().to_owned()))));
    let scope = context.scope_of(&parts).signed(token.as_ref().map(Secret::expose));
    let url = token_endpoint(context, settings.url.as_ref())?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(context, url, settings.use_get, settings.body_format)?;
    request.params(&settings.params, &scope)?;
    request.headers(&settings.headers, &scope)?;
    let mut response = request.send(client).await?;

    let mut bodies: Vec<Value> = Vec::new();
    for step in &settings.steps {
        let body = response::read_body(&response, context)?;
        let mut secrets = Vec::new();
        collect_secrets(&body, false, &mut secrets);
        for secret in secrets {
            context.redactor.add(secret);
        }
        bodies.push(body);
        let scope = scope.steps(&bodies);
        let mut request =
            TokenRequest::new(context, step.url.resolve_url(&scope)?, step.use_get, settings.body_format)?;
        request.params(&step.params, &scope)?;
        request.headers(&step.headers, &scope)?;
        response = request.send(client).await?;
    }
    response::read_token_from_last(&response, &bodies, context)
}

async fn refresh(
    context: &TokenContext<'_>,
    settings: &TokenSettings,
    client: &Client,
) -> Result<ObtainedToken, ObtainError> {
    let scope = context.scope();
    let url = token_endpoint(context, settings.refresh_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(context, url, settings.use_get, settings.body_format)?;
    request.params(settings.refresh_params.as_deref().unwrap_or_default(), &scope)?;
    let headers = if settings.refresh_headers.is_empty() { &settings.headers } else { &settings.refresh_headers };
    request.headers(headers, &scope)?;
    response::read_token(&request.send(client).await?, context)
}
