//! OAuth 2: a refresh token, or client credentials, for an access token.

use super::{ObtainError, ObtainedToken, TokenContext, request::TokenRequest, response};
use crate::{
    http::Client,
    provider::{Param, Template, TokenSettings},
};

/// Exchanges a refresh token (RFC 6749, 6).
pub(super) async fn refresh(subject: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    let settings = &subject.provider.token;
    let Some(token) = subject.credentials.refresh_token() else {
        return Err(ObtainError::Setup("these credentials have no refresh token".to_owned()));
    };
    let scope = subject.scope();
    let url = token_endpoint(subject, settings.refresh_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(subject, url, false, settings.body_format)?;
    // What a code is exchanged with may say `authorization_code`: a refresh is always a refresh.
    let params = settings.refresh_params.as_ref().unwrap_or(&settings.params);
    request.params(&without_param(params, "grant_type"), &scope)?;
    request.field("grant_type", "refresh_token");
    request.field("refresh_token", token);
    request.headers(&settings.headers, &scope)?;
    request.authenticate_client(settings.client_auth, subject)?;
    response::read_token(&request.send(client).await?, subject)
}

/// Presents client credentials (RFC 6749, 4.4).
pub(super) async fn client_credentials(
    subject: &TokenContext<'_>,
    client: &Client,
) -> Result<ObtainedToken, ObtainError> {
    let settings = &subject.provider.token;
    let scope = subject.scope();
    let url = token_endpoint(subject, settings.url.as_ref())?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(subject, url, settings.use_get, settings.body_format)?;
    if settings.params.iter().all(|(name, _)| name != "grant_type") {
        request.field("grant_type", "client_credentials");
    }
    if let Some(scopes) = scopes(subject, settings) {
        request.field("scope", &scopes);
    }
    request.params(&settings.params, &scope)?;
    request.headers(&settings.headers, &scope)?;
    request.authenticate_client(settings.client_auth, subject)?;
    response::read_token(&request.send(client).await?, subject)
}

/// The scopes as the provider wants them: the connection's, the integration's, or the provider's own.
fn scopes(subject: &TokenContext<'_>, settings: &TokenSettings) -> Option<String> {
    let own = ["oauth_scopes_override", "oauth_scopes"].iter().find_map(|key| {
        let list = match subject.config.get(*key)? {
            serde_json::Value::String(text) => text.split(',').map(|scope| scope.trim().to_owned()).collect(),
            serde_json::Value::Array(list) => {
                list.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect::<Vec<_>>()
            }
            _ => return None,
        };
        Some(list.into_iter().filter(|scope| !scope.is_empty()).collect::<Vec<_>>()).filter(|list| !list.is_empty())
    });
    let scopes = own.unwrap_or_else(|| {
        let of_app = &subject.app.scopes;
        if of_app.is_empty() { settings.default_scopes.clone() } else { of_app.clone() }
    });
    (!scopes.is_empty()).then(|| scopes.join(&settings.scope_separator))
}

/// Where a token is asked for.
pub(super) fn token_endpoint<'a>(
    subject: &TokenContext<'_>,
    url: Option<&'a Template>,
) -> Result<&'a Template, ObtainError> {
    url.ok_or_else(|| {
        let provider = &subject.provider.name;
        ObtainError::Setup(format!("the entry of `{provider}` has no `token_url`, so its tokens cannot be obtained"))
    })
}

fn without_param(params: &[(String, Param)], name: &str) -> Vec<(String, Param)> {
    params.iter().filter(|(key, _)| key != name).cloned().collect()
}
