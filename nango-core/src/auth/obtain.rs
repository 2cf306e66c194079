//! Getting a token: what is asked where, and what the answer means.
//!
//! [`obtain`] turns credentials into a token by the provider's [`TokenSettings`](crate::provider::TokenSettings): a
//! refresh token is exchanged, client credentials or a login are presented, a statement is signed. Every request goes
//! through the pipeline like any other.
//!
//! Must stay true: what is obtained is not stored here, a failure says whether the provider refused or did not answer,
//! and no text holds a secret.

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

/// How long a provider may take to give a token, redirects and all.
pub(super) const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// What a token is obtained for.
#[derive(Clone, Copy)]
pub struct TokenContext<'a> {
    /// The provider, with the settings' changes.
    pub provider: &'a Provider,
    /// The integration, for errors.
    pub integration: &'a str,
    /// The connection's credentials.
    pub credentials: &'a Credentials,
    /// The connection's configuration.
    pub config: &'a Map<String, Value>,
    /// The integration's app.
    pub app: &'a App,
    /// Hides the secrets of the connection and the app; what is signed or obtained on the way is added to it.
    pub redactor: &'a Redactor,
    /// Now, microseconds since 1970.
    pub now: i64,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObtainError {
    /// Something is missing or does not fit; nothing was sent.
    #[error("{0}")]
    Setup(String),
    /// A value is missing; nothing was sent.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The provider does not accept what it was shown.
    #[error("{0}")]
    Refused(String),
    /// There was no usable answer. The provider may have given a token all the same.
    #[error("{message}")]
    Failed {
        /// What happened.
        message: String,
        /// How long the provider asks to wait.
        wait: Option<Duration>,
        /// Whether the token server answered, and not merely that it cannot answer now.
        answered: bool,
    },
}

/// Configuration may be secret too.
impl std::fmt::Debug for TokenContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("integration", &self.integration).finish_non_exhaustive()
    }
}

impl ObtainError {
    /// The error without secrets, on one line of at most 4,096 bytes: it is stored with the connection.
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
    /// What templates are filled from.
    pub(super) fn scope(&self) -> TemplateScope<'_> {
        self.scope_of(self.credentials.parts())
    }

    /// The same with other parts of credentials.
    pub(super) fn scope_of<'s>(&'s self, parts: &'s Map<String, Value>) -> TemplateScope<'s> {
        TemplateScope::new(self.integration, self.config, parts)
            .options(self.credentials.parts())
            .token(self.credentials.token())
            .client(self.app.client(self.credentials, self.config))
            .entropy(RequestEntropy { now: self.now, random: Uuid::new_v4() })
    }

    /// Checks that the secret of the operator's app may go to the host of a request for a token: a host that a customer
    /// chose must not receive it.
    ///
    /// # Errors
    ///
    /// The entry does not name the host, the operator does not list it, and the connection has no client of its own.
    pub(super) fn check_token_host(&self, url: &Url) -> Result<(), ObtainError> {
        if !self.app.is_used_by(self.credentials, self.config) || self.provider.allows_token_host(url) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        if self.app.token_hosts.iter().any(|rule| rule.matches(host)) {
            return Ok(());
        }
        let (integration, domains) = (self.integration, self.provider.token_domains());
        let named = match suggest::list(domains.iter().map(String::as_str)) {
            list if list.is_empty() => "no domain".to_owned(),
            list => list,
        };
        Err(ObtainError::Setup(format!(
            "the secret of your app is not sent to `{host}`: the entry of `{}` names {named}. If you trust this host, put \
             `token_hosts = [\"{host}\"]` under `[integrations.{integration}]` in nango.toml; otherwise give the \
             connection a client of its own, as `config_override` with `client_id` and `client_secret` in its credentials",
            self.provider.name
        )))
    }

    /// The app's id and secret.
    pub(super) fn client(&self) -> Result<(&str, &str), ObtainError> {
        self.app.client(self.credentials, self.config).ok_or_else(|| {
            let wanted = App::missing_app_hint(self.integration);
            let of = self.integration;
            ObtainError::Setup(format!(
                "a token of `{of}` is renewed with the client id and secret of your app there: {wanted}"
            ))
        })
    }
}

/// Gets a token.
///
/// # Errors
///
/// [`ObtainError`].
pub async fn obtain_token(subject: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    request_token(subject, client).await.map_err(|error| error.redacted(subject.redactor))
}

async fn request_token(subject: &TokenContext<'_>, client: &Client) -> Result<ObtainedToken, ObtainError> {
    if subject.provider.token.client_certificate {
        let text = format!(
            "the token server of `{}` asks for a client certificate, which cannot be shown here",
            subject.provider.name
        );
        return Err(ObtainError::Setup(text));
    }
    match subject.credentials.mode() {
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => oauth2::refresh(subject, client).await,
        AuthMode::OAuth2Cc => oauth2::client_credentials(subject, client).await,
        AuthMode::TwoStep => login::login(subject, client).await,
        AuthMode::Jwt => signed::signed_token(subject),
        AuthMode::Signature => wsse::signature(subject),
        AuthMode::App | AuthMode::Custom => app::installation_token(subject, client).await,
        mode => Err(ObtainError::Setup(format!("{mode} credentials have no token that could be renewed"))),
    }
}

/// A failure of the pipeline. A status is an answer here, so that only what has none arrives.
fn transport_failure(error: HttpError) -> ObtainError {
    let wait = if let HttpError::WaitTooLong { wait, .. } = &error { Some(*wait) } else { None };
    ObtainError::Failed { message: error.into_error().to_string(), wait, answered: false }
}
