//! The mock's provider: responses by path, and the requests that it received.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::{
    http::{BoxFuture, Clock, OutgoingRequest, RawResponse, SystemClock, Transport, TransportError},
    nango::lock_state,
    time::{Entropy, Timestamp, saturating_micros},
};

/// A request that the mock's provider received.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The HTTP method, such as `GET`.
    pub method: String,
    /// The path of the URL, without the query.
    pub path: String,
    /// The decoded query parameters, in order.
    pub query: Vec<(String, String)>,
    /// The request headers.
    pub headers: HeaderMap,
    /// The bytes of the body.
    pub body: Bytes,
}

impl ReceivedRequest {
    /// Returns the body as JSON; `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
struct MockReply {
    served: bool,
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Debug, Default)]
struct MockApiState {
    replies: BTreeMap<String, VecDeque<MockReply>>,
    received: Vec<ReceivedRequest>,
}

/// A transport with scripted responses by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct MockApi(Arc<Mutex<MockApiState>>);

impl MockApi {
    pub(crate) fn add(&self, path: &str, status: u16, headers: &[(&str, &str)], body: impl Serialize) {
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            match (HeaderName::try_from(*name), HeaderValue::try_from(*value)) {
                (Ok(name), Ok(value)) => drop(map.insert(name, value)),
                _ => panic!("`{name}: {value}` is not a valid header"),
            }
        }
        let body = match serde_json::to_vec(&body) {
            Ok(body) => body.into(),
            Err(error) => panic!("the response for {path} cannot be written as JSON: {error}"),
        };
        let reply = MockReply { served: false, status, headers: map, body };
        lock_state(&self.0).replies.entry(path.to_owned()).or_default().push_back(reply);
    }

    pub(crate) fn seen(&self) -> Vec<ReceivedRequest> {
        lock_state(&self.0).received.clone()
    }

    async fn respond(&self, request: OutgoingRequest) -> Result<RawResponse, TransportError> {
        let (method, url, headers, payload) = request.into_parts()?;
        let body = payload.read().await?;
        let path = url.path().to_owned();
        let query = url.query_pairs().into_owned().collect();
        let mut state = lock_state(&self.0);
        let known = state.replies.keys().cloned().collect::<Vec<_>>().join(", ");
        let reply = state.replies.get_mut(&path).and_then(|replies| {
            while replies.len() > 1 && replies.front().is_some_and(|reply| reply.served) {
                replies.pop_front();
            }
            let reply = replies.front_mut()?;
            reply.served = true;
            Some(reply.clone())
        });
        state.received.push(ReceivedRequest { method: method.to_string(), path: path.clone(), query, headers, body });
        match reply {
            Some(MockReply { status, headers, body, .. }) => Ok(RawResponse::from_bytes(status, headers, body)),
            None => Err(TransportError::InvalidRequest(
                format!("the mock has no response for {method} {path}; available: {known}").into(),
            )),
        }
    }
}

impl Transport for MockApi {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(self.respond(request))
    }
}

/// A clock whose sleeps take no time: they advance it instead.
#[derive(Debug, Default)]
pub(crate) struct AutoAdvanceClock(AtomicI64);

impl Clock for AutoAdvanceClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_add_micros(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.fetch_add(saturating_micros(duration), Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }

    fn instant(&self) -> Instant {
        let advanced = Duration::from_micros(self.0.load(Ordering::Relaxed).unsigned_abs());
        SystemClock.instant().checked_add(advanced).unwrap_or_else(|| SystemClock.instant())
    }
}

impl Entropy for AutoAdvanceClock {
    fn random(&self) -> u128 {
        SystemClock.random()
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}
