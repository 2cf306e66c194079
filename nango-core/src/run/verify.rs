//! Verification of credentials: a token is refreshed if it is due, and the verification request of the provider's entry
//! must succeed.

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{resolved_connection::ResolvedConnection, runtime::Runtime};
use crate::{
    auth::{AuthMode, Credentials, RefreshError},
    error::{Error, ErrorKind, Result},
    http::{Body, HttpError, Priority, RequestSpec, Response},
    provider::{ResolveError, TemplateScope, Verification},
    redact::Redactor,
    store::{Connection, StoreError},
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
    pub renewed: bool,
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
    let renewed = now.as_ref().is_some_and(|now| now.version != stored.version);
    let request = probe(runtime, &resolved, now.as_ref().unwrap_or(&stored), &credentials).await?;
    Ok(ConnectionTest { request, token_expires_at: credentials.expires_at(), renewed })
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
        match client.send(&spec).await {
            Ok(response) => match rejection(verification, &response) {
                None => {
                    let url = crate::http::redacted_url(&response.request.url);
                    return Ok(Some(format!("{} {url}", response.request.method)));
                }
                Some(rejection) => last = Some(rejection.into_error(connection, &resolved.redactor)),
            },
            Err(error) => last = Some(request_error(connection, error).redacted(&resolved.redactor)),
        }
    }
    last.map_or(Ok(None), Err)
}

/// Rejection by a response with a success status.
enum Rejection {
    /// The credentials are refused, with the message of the provider.
    Refused(String),
    /// The body is not the JSON that the provider's entry describes.
    Unreadable(String),
}

/// Returns whether a response with a success status is a rejection, according to the provider's entry.
fn rejection(verification: &Verification, response: &Response) -> Option<Rejection> {
    let refusal = verification.refusal.as_ref()?;
    match response.json::<Value>() {
        Ok(body) => refusal.refusal_message(&body).map(Rejection::Refused),
        Err(error) => Some(Rejection::Unreadable(error.to_string())),
    }
}

impl Rejection {
    /// Converts to an error. The message of the provider is redacted before it is truncated.
    fn into_error(self, connection: &Connection, redactor: &Redactor) -> Error {
        let (is_refusal, message) = match self {
            Self::Refused(message) if message.is_empty() => (true, "the provider refused them".to_owned()),
            Self::Refused(message) => (true, format!("the provider responded with `{message}`")),
            Self::Unreadable(message) => (false, message),
        };
        verification_error(connection, is_refusal, redactor.message(&message))
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

fn request_error(connection: &Connection, error: HttpError) -> Error {
    let is_refusal = matches!(&error, HttpError::Status(failure) if matches!(failure.status, 401 | 403));
    verification_error(connection, is_refusal, error.into_error().to_string())
}

/// Returns the error of credentials that are refused or could not be verified.
fn verification_error(connection: &Connection, is_refusal: bool, cause: String) -> Error {
    let Connection { integration, id, .. } = connection;
    let what = if is_refusal {
        "are refused"
    } else {
        "could not be verified (`--no-verify` stores them without verification)"
    };
    Error::new(ErrorKind::Connection, cause)
        .context(format!("the credentials of connection `{id}` of `{integration}` {what}"))
}
