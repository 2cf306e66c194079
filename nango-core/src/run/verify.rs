//! Whether the credentials of a connection are good: a token is had if one is due, and the request that the provider's
//! entry names is answered well.

use std::sync::Arc;

use serde_json::Value;

use super::{Instance, outbound::Outbound};
use crate::{
    auth::{AuthMode, Credentials},
    error::{Error, ErrorKind, Result},
    http::{Body, Call, HttpError, Lane, Response},
    nango::store_error,
    provider::{ResolveError, Scope, Verification},
    redact::Redactor,
    store::Connection,
};

/// What a test of a connection found good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tested {
    /// The request that was answered well: method and place. `None`: the provider's entry names none.
    pub request: Option<String>,
    /// When the token ends, microseconds since 1970, as far as that is known.
    pub token_ends: Option<i64>,
    /// Whether the token was renewed for this test.
    pub renewed: bool,
}

/// Whether credentials of this kind are tried before they are stored: those that come with a token were good a moment
/// ago, and those that obtained one were tried by that.
pub(super) fn is_tried(mode: AuthMode) -> bool {
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

/// Tests a stored connection. A token that could not be renewed lately is tried once more.
///
/// # Errors
///
/// There is no such connection, a token cannot be had, or the provider refuses the credentials.
pub async fn test_connection(instance: &Arc<Instance>, integration: &str, id: &str) -> Result<Tested> {
    let stored = instance.store.connection(integration, id).await.map_err(store_error)?.ok_or_else(|| {
        let text = format!("there is no connection `{id}` of `{integration}`");
        Error::new(ErrorKind::Connection, text)
    })?;
    let outbound = Outbound::of(instance, &stored).await?;
    let failed_before = stored.failure.is_some();
    let held = if failed_before { outbound.held.forced().await } else { outbound.held.current().await };
    let credentials = held.map_err(|error| Error::new(ErrorKind::Connection, error))?;
    let now = instance.store.connection(integration, id).await.map_err(store_error)?;
    let renewed = now.as_ref().is_some_and(|now| now.version != stored.version);
    let request = probe(instance, &outbound, now.as_ref().unwrap_or(&stored), &credentials).await?;
    Ok(Tested { request, token_ends: credentials.expires_at(), renewed })
}

/// Sends the request that the provider's entry names; gives what was asked.
pub(super) async fn probe(
    instance: &Instance,
    outbound: &Outbound,
    connection: &Connection,
    credentials: &Credentials,
) -> Result<Option<String>> {
    let Some(verification) = &outbound.holder.provider.proxy.verification else { return Ok(None) };
    let client = outbound.client(instance, instance.transport.clone(), instance.clock.clone(), Lane::Interactive, None);
    let scope = Scope::new(&connection.integration, &connection.config, credentials.parts()).token(credentials.token());
    let mut last = None;
    // One that is answered well is enough.
    for endpoint in &verification.endpoints {
        let call = match call(verification, endpoint, &scope) {
            Ok(call) => call,
            Err(error) => return Err(Error::new(ErrorKind::Connection, error)),
        };
        match client.send(&call).await {
            Ok(response) => match said_no(verification, &response) {
                None => {
                    let place = crate::http::place(&response.request.url);
                    return Ok(Some(format!("{} {place}", response.request.method)));
                }
                Some(answer) => last = Some(answer.into_error(connection, &outbound.redactor)),
            },
            Err(error) => last = Some(refused(connection, error).redacted(&outbound.redactor)),
        }
    }
    last.map_or(Ok(None), Err)
}

/// An answer with a status of success that is none.
enum No {
    /// It refuses the credentials, with the provider's message.
    Refused(String),
    /// It is not the JSON that the entry describes.
    Unreadable(String),
}

/// Whether an answer with a status of success is a refusal, by the entry.
fn said_no(verification: &Verification, response: &Response) -> Option<No> {
    let refusal = verification.refusal.as_ref()?;
    match response.json::<Value>() {
        Ok(body) => refusal.of(&body).map(No::Refused),
        Err(error) => Some(No::Unreadable(error.to_string())),
    }
}

impl No {
    /// The error, with the provider's message redacted before it is cut.
    fn into_error(self, connection: &Connection, redactor: &Redactor) -> Error {
        let (is_refusal, message) = match self {
            Self::Refused(message) if message.is_empty() => (true, "the provider refused them".to_owned()),
            Self::Refused(message) => (true, format!("the provider answered `{message}`")),
            Self::Unreadable(message) => (false, message),
        };
        failed(connection, is_refusal, redactor.message(&message))
    }
}

fn call(
    verification: &Verification,
    endpoint: &crate::provider::Template,
    scope: &Scope<'_>,
) -> Result<Call, ResolveError> {
    let mut call = Call::new(verification.method.clone(), endpoint.resolve_endpoint(scope)?);
    for (name, template) in &verification.headers {
        if let Ok(value) = template.resolve(scope)?.parse() {
            call = call.header(name.clone(), value);
        }
    }
    if let Some(data) = &verification.data {
        call = call.body(Body::Json(data.resolve(scope)?.to_string().into()));
    }
    if let Some(base_url) = &verification.base_url {
        call.base_url = Some(base_url.resolve_url(scope)?.into());
    }
    Ok(call)
}

fn refused(connection: &Connection, error: HttpError) -> Error {
    let said = matches!(&error, HttpError::Status(failure) if matches!(failure.status, 401 | 403));
    failed(connection, said, error.into_error().to_string())
}

/// The error of credentials that are refused, or could not be tried.
fn failed(connection: &Connection, are_refused: bool, cause: String) -> Error {
    let Connection { integration, id, .. } = connection;
    let what = if are_refused { "are refused" } else { "could not be tried (`--no-verify` stores them all the same)" };
    Error::new(ErrorKind::Connection, cause)
        .context(format!("the credentials of connection `{id}` of `{integration}` {what}"))
}
