//! OAuth 2 flows: refresh token and client credentials.

use super::{ObtainError, ObtainedToken, TokenContext, request::TokenRequest, response};
use crate::{
    http::Client,
    provider::{Param, Template, TokenSettings},
};

/// Exchanges a refresh token for an access token (RFC 6749, 6).
pub(super) async fn refresh(context: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    let settings = &context.provider.token;
    let Some(token) = context.credentials.refresh_token() else {
        return Err(ObtainError::Setup("these credentials have no refresh token".to_owned()));
    };
    let scope = context.scope();
    let url = token_endpoint(context, settings.refresh_url.as_ref().or(settings.url.as_ref()))?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(context, url, false, settings.body_format)?;
    // The parameters for exchanging a code may contain `grant_type=authorization_code`, which is wrong for a refresh.
    let params = settings.refresh_params.as_ref().unwrap_or(&settings.params);
    request.params(&without_param(params, "grant_type"), &scope)?;
    request.field("grant_type", "refresh_token");
    request.field("refresh_token", token);
    request.headers(&settings.headers, &scope)?;
    request.authenticate_client(settings.client_auth, context)?;
    response::read_token(&request.send(client).await?, context)
}

/// Exchanges client credentials for an access token (RFC 6749, 4.4).
pub(super) async fn client_credentials(
    context: &TokenContext<'_>,
    client: &Client,
) -> Result<ObtainedToken, ObtainError> {
    let settings = &context.provider.token;
    let scope = context.scope();
    let url = token_endpoint(context, settings.url.as_ref())?.resolve_url(&scope)?;
    let mut request = TokenRequest::new(context, url, settings.use_get, settings.body_format)?;
    if settings.params.iter().all(|(name, _)| name != "grant_type") {
        request.field("grant_type", "client_credentials");
    }
    if let Some(scopes) = scopes(context, settings) {
        request.field("scope", &scopes);
    }
    request.params(&settings.params, &scope)?;
    request.headers(&settings.headers, &scope)?;
    request.authenticate_client(settings.client_auth, context)?;
    response::read_token(&request.send(client).await?, context)
}

/// Returns the scopes in the provider's format: those of the connection, the integration, or the provider entry.
fn scopes(context: &TokenContext<'_>, settings: &TokenSettings) -> Option<String> {
    let of_connection = ["oauth_scopes_override", "oauth_scopes"].iter().find_map(|key| {
        let list = match context.config.get(*key)? {
            serde_json::Value::String(text) => text.split(',').map(|scope| scope.trim().to_owned()).collect(),
            serde_json::Value::Array(list) => {
                list.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect::<Vec<_>>()
            }
            _ => return None,
        };
        Some(list.into_iter().filter(|scope| !scope.is_empty()).collect::<Vec<_>>()).filter(|list| !list.is_empty())
    });
    let scopes = of_connection.unwrap_or_else(|| {
        let of_app = &context.app.scopes;
        if of_app.is_empty() { settings.default_scopes.clone() } else { of_app.clone() }
    });
    (!scopes.is_empty()).then(|| scopes.join(&settings.scope_separator))
}

/// Returns the URL template of the token endpoint.
///
/// # Errors
///
/// Fails if the provider entry has no token URL.
pub(super) fn token_endpoint<'a>(
    context: &TokenContext<'_>,
    url: Option<&'a Template>,
) -> Result<&'a Template, ObtainError> {
    url.ok_or_else(|| {
        let provider = &context.provider.name;
        ObtainError::Setup(format!("the entry of `{provider}` has no `token_url`, so its tokens cannot be obtained"))
    })
}

fn without_param(params: &[(String, Param)], name: &str) -> Vec<(String, Param)> {
    params.iter().filter(|(key, _)| key != name).cloned().collect()
}
