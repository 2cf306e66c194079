//! Client of the server that connections are imported from.

use std::{collections::HashSet, sync::Arc};

use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, HeaderValue},
};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    auth::Secret,
    http::{
        AuthError, Authorize, BoxFuture, Client, ClientParts, Clock, CredentialsVersion, HttpError, OutgoingRequest,
        RequestSpec, Transport, Url,
    },
    json,
    redact::Redactor,
    wire::{
        SOURCE_PAGE, SourceConnection, SourceData, SourceIntegration, SourcePage, SourceRow, source_connection,
        source_connections, source_error_code, source_integration, source_integrations,
    },
};

/// Name of the source in the egress policy. No integration can have it, because of the space.
pub(super) const SOURCE: &str = "import source";
/// Maximum size of a response, in bytes.
const MAX_BODY_BYTES: u64 = 64 << 20;
/// Maximum number of pages of the list.
const MAX_PAGES: usize = 10_000;

/// Reason why a value of the source could not be read. The text contains nothing of the response but its error code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReadFailure {
    /// Other requests will fail too.
    Stop(String),
    /// Concerns what was requested only.
    Skip(String),
}

impl ReadFailure {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Stop(text) | Self::Skip(text) => text,
        }
    }
}

/// Server that connections are imported from.
#[derive(Debug)]
pub(super) struct Source {
    client: Client,
}

/// Adds the key of the source to requests to its origin.
#[derive(Debug)]
struct BearerKey(HeaderValue);

impl Authorize for BearerKey {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        request.headers.insert(AUTHORIZATION, self.0.clone());
        Box::pin(async { Ok(CredentialsVersion::default()) })
    }
}

impl Source {
    /// Creates the client of a server. `None` if the key contains characters that a header cannot have.
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        host: &Url,
        key: &Secret,
        cancellation: CancellationToken,
    ) -> Option<Self> {
        let mut header = HeaderValue::from_str(&Zeroizing::new(format!("Bearer {}", key.expose()))).ok()?;
        header.set_sensitive(true);
        let redactor = Redactor::new([Zeroizing::new(key.expose().to_owned())]);
        let mut parts = ClientParts::new(transport, clock, host.clone())
            .authorize(Arc::new(BearerKey(header)))
            .integration(SOURCE)
            .redactor(redactor)
            .cancellation(cancellation);
        parts.max_body_bytes = MAX_BODY_BYTES;
        Some(Self { client: Client::new(parts) })
    }

    /// Reads all integrations with the public part of their apps.
    pub(super) async fn integrations(&self) -> Result<Vec<SourceIntegration>, ReadFailure> {
        let listed: SourceData<Vec<SourceIntegration>> = self.read(&source_integrations()).await?;
        let mut all = Vec::new();
        for listed in listed.data {
            let read = self.read::<SourceData<SourceIntegration>>(&source_integration(&listed.unique_key)).await;
            match read {
                Ok(read) => all.push(SourceIntegration { app: read.data.app, ..listed }),
                // Its connections can be imported without its app.
                Err(ReadFailure::Skip(_)) => all.push(listed),
                Err(stop) => return Err(stop),
            }
        }
        Ok(all)
    }

    /// Reads the list of connections, page by page. A connection that moves to another page is returned once.
    pub(super) async fn connections(&self) -> Result<Vec<SourceRow>, ReadFailure> {
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        for page in 0..MAX_PAGES {
            let read: SourcePage = self.read(&source_connections(page)).await?;
            let (number, before) = (read.connections.len(), all.len());
            for row in read.connections {
                if seen.insert((row.integration.clone(), row.id.clone())) {
                    all.push(row);
                }
            }
            // A server that ignores the number of the page repeats the first one.
            if number < SOURCE_PAGE || all.len() == before {
                return Ok(all);
            }
        }
        Err(ReadFailure::Stop(format!("the source has more than {MAX_PAGES} pages of connections")))
    }

    /// Reads a connection with its credentials.
    pub(super) async fn connection(&self, row: &SourceRow) -> Result<SourceConnection, ReadFailure> {
        self.read(&source_connection(row)).await
    }

    async fn read<T: DeserializeOwned>(&self, spec: &RequestSpec) -> Result<T, ReadFailure> {
        let path = format!("GET {}", spec.endpoint);
        let response = self.client.send(spec).await.map_err(|error| read_failure(&path, error))?;
        let text = json::body_text(&response.body, json::charset(&response.headers));
        let decoded = text.and_then(|text| json::decode_str(&text));
        decoded.map_err(|error| {
            ReadFailure::Stop(if error.is_syntax {
                format!(
                    "{path} returned a body that is not JSON: the host must be the URL of the API, not that of a \
                     dashboard or a proxy's login page"
                )
            } else {
                format!("{path} returned JSON of another shape: {error}")
            })
        })
    }
}

/// Converts a failed request. Bodies of responses are not quoted: they may contain credentials.
fn read_failure(path: &str, error: HttpError) -> ReadFailure {
    let failure = match error {
        HttpError::Status(failure) => failure,
        HttpError::WaitTooLong { until, .. } => {
            return ReadFailure::Stop(format!("the source is limited until {until:.0}; run the import again then"));
        }
        error => return ReadFailure::Stop(error.into_error().to_string()),
    };
    let code = source_error_code(&failure).map(|code| format!(" `{code}`")).unwrap_or_default();
    let failed = format!("{path} returned {}{code}", failure.status);
    match StatusCode::from_u16(failure.status) {
        Ok(StatusCode::UNAUTHORIZED) => {
            ReadFailure::Stop(format!("{failed}: the source does not accept the key; is it the key of this host?"))
        }
        Ok(StatusCode::FORBIDDEN) => ReadFailure::Stop(format!(
            "{failed}: the key lacks a scope; it needs environment:integrations:list, \
             environment:integrations:read_credentials, environment:connections:list and \
             environment:connections:read_credentials"
        )),
        Ok(StatusCode::TOO_MANY_REQUESTS) => {
            ReadFailure::Stop(format!("{failed}: the source limits the rate; run the import again later"))
        }
        _ => ReadFailure::Skip(failed),
    }
}

#[cfg(test)]
pub(super) mod tests;
