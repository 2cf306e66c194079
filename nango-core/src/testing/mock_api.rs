//! The mock's provider: answers by path, and what it saw.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::{
    http::{BoxFuture, Clock, OutgoingRequest, RawResponse, Transport, TransportError},
    nango::lock_state,
};

/// A request that the provider saw.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

impl ReceivedRequest {
    /// The body as JSON, `null` if it is none.
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

/// Answers by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct MockApi(Arc<Mutex<MockApiState>>);

impl MockApi {
    pub(crate) fn add(&self, path: &str, status: u16, headers: &[(&str, &str)], body: impl Serialize) {
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            match (HeaderName::try_from(*name), HeaderValue::try_from(*value)) {
                (Ok(name), Ok(value)) => drop(map.insert(name, value)),
                _ => panic!("`{name}: {value}` is no header"),
            }
        }
        let body = match serde_json::to_vec(&body) {
            Ok(body) => body.into(),
            Err(error) => panic!("the answer for {path} is no JSON: {error}"),
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
        let mut played = lock_state(&self.0);
        let known = played.replies.keys().cloned().collect::<Vec<_>>().join(", ");
        let reply = played.replies.get_mut(&path).and_then(|replies| {
            while replies.len() > 1 && replies.front().is_some_and(|reply| reply.served) {
                replies.pop_front();
            }
            let reply = replies.front_mut()?;
            reply.served = true;
            Some(reply.clone())
        });
        played.received.push(ReceivedRequest { method: method.to_string(), path: path.clone(), query, headers, body });
        match reply {
            Some(MockReply { status, headers, body, .. }) => Ok(RawResponse::from_bytes(status, headers, body)),
            None => Err(TransportError::InvalidRequest(
                format!("the mock has no answer for {method} {path}; it has answers for: {known}").into(),
            )),
        }
    }
}

impl Transport for MockApi {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(self.respond(request))
    }
}

/// A clock on which waiting takes no time: it is put forward instead.
#[derive(Debug, Default)]
pub(crate) struct AutoAdvanceClock(AtomicI64);

impl Clock for AutoAdvanceClock {
    fn now(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond().saturating_add(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.fetch_add(i64::try_from(duration.as_micros()).unwrap_or(0), Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}
