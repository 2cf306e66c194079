//! The door between the pipeline and the network.

use std::{error::Error as StdError, fmt::Debug, time::Duration};

use bytes::Bytes;
use futures_util::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt},
};
use reqwest::header::HeaderMap;

use super::{EgressDenied, OutgoingRequest};

/// Sends one request and gives the head of its answer. No redirects, no retries, no judgement of the status.
pub trait Transport: Send + Sync + Debug {
    /// Sends a request.
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>>;
}

/// The head of an answer, and its body as it arrives.
pub struct RawResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: BoxStream<'static, Result<Bytes, TransportError>>,
}

impl RawResponse {
    /// An answer whose body is already here.
    pub fn from_bytes(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { status, headers, body: stream::iter([Ok(body)]).boxed() }
    }
}

impl std::fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("status", &self.status).finish_non_exhaustive()
    }
}

type Source = Box<dyn StdError + Send + Sync>;

/// Why there is no answer, or only a part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The server was not reached (name resolution, connection, TLS): nothing happened there.
    #[error("the server could not be reached")]
    Unreachable(#[source] Source),
    /// The server was silent for too long. The request may have had its effect.
    #[error("the server was silent for too long")]
    IdleTimeout(#[source] Source),
    /// The answer was not whole in time, though the server went on speaking. The request may have had its effect.
    #[error("the answer was not whole after {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// A connection that had carried a request before ended before the answer began, most likely because the server had
    /// closed it. The request may have had its effect.
    #[error("the connection broke off")]
    StaleConnection(#[source] Source),
    /// The exchange broke off. The request may have had its effect.
    #[error("the connection broke off")]
    Disconnected(#[source] Source),
    /// The answer cannot be read, for example because its compression is damaged.
    #[error("the answer cannot be read")]
    Unreadable(#[source] Source),
    /// The run was asked to stop.
    #[error("the run was asked to stop")]
    Cancelled,
    /// The place may not be reached: nothing was sent.
    #[error("the request was not sent")]
    EgressDenied(#[source] EgressDenied),
    /// The request cannot be sent at all.
    #[error("the request cannot be sent")]
    InvalidRequest(#[source] Source),
}

impl TransportError {
    /// Whether the request certainly had no effect.
    pub fn had_no_side_effect(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::InvalidRequest(_) | Self::EgressDenied(_))
    }

    /// Whether another attempt could end otherwise.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::InvalidRequest(_) | Self::EgressDenied(_) | Self::Cancelled)
    }
}
