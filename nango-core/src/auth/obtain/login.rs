//! Logins: what the person gave is presented, in one request or several, and the last answer holds the token.

use serde_json::Value;

use super::{
    ObtainError, ObtainedToken, TokenContext, oauth2::token_endpoint, request::TokenRequest, response, signed,
};
use crate::{
    auth::{Secret, credentials::collect_secrets},
    http::Client,
    provider::TokenSettings,
};

/// Logs in, or renews a login that can be renewed.
pub(super) async fn login(subject: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    let settings = &subject.provider.token;
    let renews = settings.refresh_params.is_some() || !settings.refresh_headers.is_empty();
    if renews && subject.credentials.refresh_token().is_some() {
        match refresh(subject, settings, client).await {
            // What the person gave is still there.
            Err(ObtainError::Refused(_)) => {}
            renewed => return renewed,
        }
    }
    let token = settings.signed_token.as_ref().map(|signed| signed::sign(subject, signed)).transpose()?;
    let assertion = settings.assertion.as_ref().map(|assertion| signed::assertion(subject, assertion)).transpose()?;
    let mut parts = subject.credentials.parts().clone();
    parts.extend(assertion.map(|assertion| ("assertion".to_owned(), Value::String(assertion.expose().to_owned()))));
    let scope = subject.scope_of(&parts).signed(token.as_ref().map(Secret::expose));
    let url = token_endpoint(subject, settings.url.as_ref())?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(subject, url, settings.use_get, settings.body_format)?;
    request.params(&settings.params, &scope)?;
    request.headers(&settings.headers, &scope)?;
    let mut response = request.send(client).await?;

    let mut answers: Vec<Value> = Vec::new();
    for step in &settings.steps {
        let answer = response::read_body(&response, subject)?;
        let mut secrets = Vec::new();
        collect_secrets(&answer, false, &mut secrets);
        for secret in secrets {
            subject.redactor.add(secret);
        }
        answers.push(answer);
        let scope = scope.steps(&answers);
        let mut request =
            TokenRequest::new(subject, step.url.resolve_url(&scope)?, step.use_get, settings.body_format)?;
        request.params(&step.params, &scope)?;
        request.headers(&step.headers, &scope)?;
        response = request.send(client).await?;
    }
    response::read_token_from_last(&response, &answers, subject)
}

async fn refresh(
    subject: &TokenContext<'_>,
    settings: &TokenSettings,
    client: &Client,
) -> Result<ObtainedToken, ObtainError> {
    let scope = subject.scope();
    let url = token_endpoint(subject, settings.refresh_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(subject, url, settings.use_get, settings.body_format)?;
    request.params(settings.refresh_params.as_deref().unwrap_or_default(), &scope)?;
    let headers = if settings.refresh_headers.is_empty() { &settings.headers } else { &settings.refresh_headers };
    request.headers(headers, &scope)?;
    response::read_token(&request.send(client).await?, subject)
}
