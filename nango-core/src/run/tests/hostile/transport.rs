//! Transport that leads to the API instead of the network.

use std::sync::{Arc, Mutex};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::api::HostileApi;
use crate::http::{BoxFuture, OutgoingRequest, RawResponse, Transport, TransportError};

/// Transport of the API.
#[derive(Debug, Clone)]
pub(super) struct ApiTransport(pub(super) Arc<Mutex<HostileApi>>);

impl Transport for ApiTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            let (_, url, _, _) = request.into_parts()?;
            let reply = self.0.lock().unwrap().respond(&url)?;
            let mut headers = HeaderMap::new();
            for (name, value) in &reply.headers {
                headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
            }
            Ok(RawResponse::from_bytes(reply.status, headers, reply.body))
        })
    }
}
