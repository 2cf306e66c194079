//! Token requests: one module per flow, and the interpretation of responses.
//!
//! [`obtain_token`] exchanges credentials for a token according to the provider's
//! [`TokenSettings`](crate::provider::TokenSettings): with a refresh token, client credentials, a login or a signed
//! assertion. All requests use the shared HTTP pipeline.
//!
//! Invariants: nothing is stored here, an error distinguishes a rejection from a missing response, and no message
//! contains a secret.

mod app;
mod jwt;
mod login;
mod oauth2;
mod refusal;
mod request;
mod response;
mod signed;
mod wsse;

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

pub(super) use request::form_pairs;

use super::{App, AuthMode, Credentials, ObtainedToken};
use crate::{
    declare::suggest,
    http::{Client, HttpError, Url},
    provider::{Provider, RequestEntropy, ResolveError, TemplateScope, sign::SignError},
    redact::{MAX_MESSAGE_BYTES, Redactor, one_line, truncated},
};

/// Timeout of obtaining a token, including all requests and redirects.
pub(super) const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Inputs of a token request.
#[derive(Clone, Copy)]
pub struct TokenContext<'a> {
    /// The provider, with the overrides from the configuration applied.
    pub provider: &'a Provider,
    /// Unique key of the integration, for messages.
    pub integration: &'a str,
    /// Credentials of the connection.
    pub credentials: &'a Credentials,
    /// Configuration of the connection.
    pub config: &'a Map<String, Value>,
    /// App of the integration at the provider.
    pub app: &'a App,
    /// Redacts the secrets of the connection and the app. Signed and obtained tokens are added to it.
    pub redactor: &'a Redactor,
    /// Current time in microseconds since 1970 (UTC).
    pub now: i64,
}

/// Reasons why no token was obtained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObtainError {
    /// A setting is missing or invalid; no request was sent.
    #[error("{0}")]
    Setup(String),
    /// A template value is missing or invalid; no request was sent.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The provider rejected the credentials.
    #[error("{0}")]
    Refused(String),
    /// There was no usable response. The provider may have issued a token nevertheless.
    #[error("{message}")]
    Failed {
        /// The problem.
        message: String,
        /// Wait that the provider requested.
        wait: Option<Duration>,
        /// Whether the token server responded, with something other than a temporary error.
        answered: bool,
    },
}

// Not derived, because configuration may be secret too.
impl std::fmt::Debug for TokenContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenContext").field("integration", &self.integration).finish_non_exhaustive()
    }
}

impl ObtainError {
    /// Returns the error without secrets, on one line of at most 4,096 bytes, because it is stored with the connection.
    fn redacted(self, redactor: &Redactor) -> Self {
        let hide = |text: String| truncated(one_line(&redactor.hide(&text)).into(), MAX_MESSAGE_BYTES).into_owned();
        match self {
            Self::Setup(text) => Self::Setup(hide(text)),
            Self::Refused(text) => Self::Refused(hide(text)),
            Self::Failed { message, wait, answered } => Self::Failed { message: hide(message), wait, answered },
            error @ Self::Resolve(_) => error,
        }
    }
}

impl From<SignError> for ObtainError {
    fn from(error: SignError) -> Self {
        Self::Setup(error.to_string())
    }
}

impl TokenContext<'_> {
    /// Returns the values for templates.
    pub(super) fn scope(&self) -> TemplateScope<'_> {
        self.scope_of(self.credentials.parts())
    }

    /// Returns the values for templates, with other credential values.
    pub(super) fn scope_of<'s>(&'s self, parts: &'s Map<String, Value>) -> TemplateScope<'s> {
        TemplateScope::new(self.integration, self.config, parts)
            .options(self.credentials.parts())
            .token(self.credentials.token())
            .client(self.app.client(self.credentials, self.config))
            .entropy(RequestEntropy { now: self.now, random: Uuid::new_v4() })
    }

    /// Checks that the secret of the operator's app may be sent to the host of a token request. A host chosen by a
    /// customer must not receive it.
    ///
    /// # Errors
    ///
    /// Fails if neither the provider entry nor the operator lists the host, and the connection has no own client.
    pub(super) fn check_token_host(&self, url: &Url) -> Result<(), ObtainError> {
        if !self.app.is_used_by(self.credentials, self.config) || self.provider.allows_token_host(url) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        if self.app.token_hosts.iter().any(|rule| rule.matches(host)) {
            return Ok(());
        }
        let (integration, domains) = (self.integration, self.provider.token_domains());
        let listed = match suggest::list(domains.iter().map(String::as_str)) {
            list if list.is_empty() => "no domain".to_owned(),
            list => list,
        };
        Err(ObtainError::Setup(format!(
            "the secret of your app is not sent to `{host}`: the entry of `{}` lists {listed}. If you trust this host, \
             set `token_hosts = [\"{host}\"]` under `[integrations.{integration}]` in nango.toml; otherwise give the \
             connection its own client, as `config_override` with `client_id` and `client_secret` in its credentials",
            self.provider.name
        )))
    }

    /// Returns the client id and secret of the app.
    ///
    /// # Errors
    ///
    /// Fails if no app is configured.
    pub(super) fn client(&self) -> Result<(&str, &str), ObtainError> {
        self.app.client(self.credentials, self.config).ok_or_else(|| {
            let hint = App::missing_app_hint(self.integration);
            let integration = self.integration;
            ObtainError::Setup(format!(
                "refreshing a token of `{integration}` requires the client id and secret of your app: {hint}"
            ))
        })
    }
}

/// Requests a token with the flow of the auth mode.
///
/// # Errors
///
/// Fails with any [`ObtainError`], without secrets.
pub async fn obtain_token(context: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
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

/// Converts an error of the pipeline. Statuses are accepted as responses, so only requests without a response fail
/// here.
fn transport_failure(error: HttpError) -> ObtainError {
    let wait = if let HttpError::WaitTooLong { wait, .. } = &error { Some(*wait) } else { None };
    ObtainError::Failed { message: error.into_error().to_string(), wait, answered: false }
}
