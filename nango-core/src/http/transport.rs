//! Transport: the interface between the HTTP client and the network.

use std::fmt::Debug;

use bytes::Bytes;
use futures_util::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt},
};
use reqwest::header::HeaderMap;

use super::{OutgoingRequest, TransportError};

/// Sends single requests. Implementations follow no redirects, do not retry, and return every status as a response.
pub trait Transport: Send + Sync + Debug {
    /// Sends a request and returns the head of its response.
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>>;
}

/// The head of a response, with its body as a stream.
pub struct RawResponse {
    /// The HTTP status code.
    pub status: u16,
    /// The response headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: BoxStream<'static, Result<Bytes, TransportError>>,
}

impl RawResponse {
    /// Creates a response from a body in memory.
    pub fn from_bytes(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { status, headers, body: stream::iter([Ok(body)]).boxed() }
    }
}

impl std::fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
