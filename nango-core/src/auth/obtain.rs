//! Token requests: one module per flow, and the interpretation of responses.
//!
//! [`obtain_token`] exchanges credentials for a token according to the provider's
//! [`TokenSettings`](crate::provider::TokenSettings): with a refresh token, client credentials, a login or a signed
//! assertion. All requests use the shared HTTP pipeline.
//!
//! Invariants: nothing is stored here, an error distinguishes a rejection from a missing response, and no message
//! contains a secret.

mod app;
mod assertion;
mod context;
mod error;
mod jwt;
mod login;
mod oauth2;
mod refusal;
mod request;
mod response;
mod signed;
mod wsse;

use std::time::Duration;

pub(crate) use context::TokenContext;
pub(crate) use error::ObtainError;
pub(super) use request::form_pairs;

use super::{AuthMode, ObtainedToken};
use crate::http::Client;

/// Timeout of obtaining a token, including all requests and redirects.
pub(super) const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Requests a token with the flow of the auth mode.
///
/// # Errors
///
/// Fails with any [`ObtainError`], without secrets.
pub(crate) async fn obtain_token(context: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    request_token(context, client).await.map_err(|error| error.redacted(context.redactor))
}

async fn request_token(context: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    if context.provider.token.client_certificate {
        let text = format!(
            "the token server of `{}` requires a client certificate, which is not supported",
            context.provider.name
        );
        return Err(ObtainError::Setup(text));
    }
    match context.credentials.mode() {
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => oauth2::refresh(context, client).await,
        AuthMode::OAuth2Cc => oauth2::client_credentials(context, client).await,
        AuthMode::TwoStep => login::login(context, client).await,
        AuthMode::Jwt => signed::signed_token(context),
        AuthMode::Signature => wsse::signature(context),
        AuthMode::App | AuthMode::Custom => app::installation_token(context, client).await,
        mode => Err(ObtainError::Setup(format!("{mode} credentials have no token to refresh"))),
    }
}
