//! Verification of credentials: a token is refreshed if it is due, and the verification request of the provider's entry
//! must succeed.

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{resolved_connection::ResolvedConnection, runtime::Runtime};
use crate::{
    auth::{AuthMode, Credentials, RefreshError},
    error::{Error, ErrorKind, Remedy, Result, register_layer_error},
    http::{Body, BodyError, HttpError, Priority, RequestSpec, Response},
    provider::{ResolveError, TemplateScope, Verification},
    redact::Redactor,
    store::{Connection, ConnectionKey, StoreError},
    time::Timestamp,
};

/// Result of a successful connection test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) struct ConnectionTest {
    /// Method and URL of the request that succeeded. `None` if the provider's entry declares no verification request.
    pub request: Option<String>,
    /// Expiry of the token. `None` if it is unknown.
    pub token_expires_at: Option<Timestamp>,
    /// Whether the token was refreshed by this test.
    pub refreshed: bool,
}

/// Returns whether credentials of this auth mode are verified before they are stored. Credentials with a given token
/// are not, because it was issued recently, and credentials that obtained a token were verified by that.
pub(super) fn is_verifiable(mode: AuthMode) -> bool {
    matches!(
        mode,
        AuthMode::ApiKey
            | AuthMode::Basic
            | AuthMode::InstallPlugin
            | AuthMode::Jwt
            | AuthMode::Signature
            | AuthMode::Tba
            | AuthMode::AwsSigV4
    )
}

/// Tests a stored connection. If the last token refresh failed, it is tried again.
///
/// # Errors
///
/// Fails if the connection does not exist, no token can be obtained, or the provider refuses the credentials.
pub(crate) async fn test_connection(runtime: &Arc<Runtime>, integration: &str, id: &str) -> Result<ConnectionTest> {
    let stored = runtime.store.connection(integration, id).await.map_err(StoreError::into_error)?.ok_or_else(|| {
        let text = format!("the connection `{id}` of `{integration}` does not exist");
        Error::new(ErrorKind::Connection, text)
    })?;
    let resolved = ResolvedConnection::stored(runtime, stored.clone()).await?;
    let failed_before = stored.failure.is_some();
    let credentials =
        if failed_before { resolved.credentials.force_refresh().await } else { resolved.credentials.current().await };
    let credentials = credentials.map_err(RefreshError::into_error)?;
    let now = runtime.store.connection(integration, id).await.map_err(StoreError::into_error)?;
    let refreshed = now.as_ref().is_some_and(|now| now.version != stored.version);
    let request = probe(runtime, &resolved, now.as_ref().unwrap_or(&stored), &credentials).await?;
    Ok(ConnectionTest { request, token_expires_at: credentials.expires_at(), refreshed })
}

/// Sends the verification requests of the provider's entry until one succeeds, and returns its method and URL.
pub(super) async fn probe(
    runtime: &Runtime,
    resolved: &ResolvedConnection,
    connection: &Connection,
    credentials: &Credentials,
) -> Result<Option<String>> {
    let Some(verification) = &resolved.context.provider.proxy.verification else { return Ok(None) };
    let client = resolved.client(runtime, runtime.clock.clone(), Priority::Interactive, CancellationToken::new(), None);
    let scope =
        TemplateScope::new(&connection.integration, &connection.config, credentials.parts()).token(credentials.token());
    let mut last = None;
    // One successful request is sufficient.
    for endpoint in &verification.endpoints {
        let spec = match verification_request(verification, endpoint, &scope) {
            Ok(spec) => spec,
            Err(error) => return Err(error.into_error()),
        };
        last = match client.send(&spec).await {
            Ok(response) => match Rejection::of(verification, &response, &resolved.redactor) {
                None => {
                    let url = crate::http::redacted_url(&response.request.url);
                    return Ok(Some(format!("{} {url}", response.request.method)));
                }
                rejection => rejection,
            },
            Err(error) => Some(Rejection::Request(error)),
        };
    }
    last.map_or(Ok(None), |source| {
        let error = VerificationError { connection: connection.key(), source };
        Err(error.into_error().redacted(&resolved.redactor))
    })
}

/// Error of credentials that the provider refuses, or that could not be verified.
#[derive(Debug, thiserror::Error)]
#[error("the credentials of {connection} {}", source.consequence())]
struct VerificationError {
    connection: ConnectionKey,
    source: Rejection,
}

/// Reasons why a verification request does not confirm credentials.
#[derive(Debug, thiserror::Error)]
enum Rejection {
    /// The credentials are refused by a response with a success status.
    #[error("{0}")]
    Refused(String),
    /// The body is not the JSON that the provider's entry describes.
    #[error(transparent)]
    Unreadable(BodyError),
    /// The request failed.
    #[error(transparent)]
    Request(HttpError),
}

register_layer_error!(VerificationError);

impl VerificationError {
    /// Converts this into the error that functions receive.
    fn into_error(self) -> Error {
        let remedy = (!self.source.is_refusal()).then_some(Remedy::SkipVerification);
        Error::new(ErrorKind::Connection, self).with_remedy(remedy)
    }
}

impl Rejection {
    /// Returns whether a response with a success status is a rejection, according to the provider's entry. The message
    /// of the provider is redacted before it is truncated.
    fn of(verification: &Verification, response: &Response, redactor: &Redactor) -> Option<Self> {
        let refusal = verification.refusal.as_ref()?;
        let message = match response.json::<Value>() {
            Ok(body) => refusal.refusal_message(&body)?,
            Err(error) => return Some(Self::Unreadable(error.redacted(redactor))),
        };
        Some(Self::Refused(if message.is_empty() {
            "the provider refused them".to_owned()
        } else {
            redactor.message(&format!("the provider responded with `{message}`"))
        }))
    }

    fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Unreadable(_) => false,
            Self::Request(error) => {
                matches!(error, HttpError::Status(failure) if matches!(failure.status, 401 | 403))
            }
        }
    }

    fn consequence(&self) -> &'static str {
        if self.is_refusal() { "are refused" } else { "could not be verified" }
    }
}

fn verification_request(
    verification: &Verification,
    endpoint: &crate::provider::Template,
    scope: &TemplateScope<'_>,
) -> Result<RequestSpec, ResolveError> {
    let mut spec = RequestSpec::new(verification.method.clone(), endpoint.resolve_endpoint(scope)?);
    for (name, template) in &verification.headers {
        if let Ok(value) = template.resolve(scope)?.parse() {
            spec = spec.header(name.clone(), value);
        }
    }
    if let Some(data) = &verification.data {
        spec = spec.body(Body::Json(data.resolve(scope)?.to_string().into()));
    }
    if let Some(base_url) = &verification.base_url {
        spec.base_url = Some(base_url.resolve_url(scope)?.into());
    }
    Ok(spec)
}
