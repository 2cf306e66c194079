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
    http::{BoxFuture, Clock, Incoming, Outgoing, Transport, TransportError},
    nango::lock_state,
};

/// A request that the provider saw.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Seen {
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

impl Seen {
    /// The body as JSON, `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
struct Reply {
    served: bool,
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Debug, Default)]
struct Played {
    replies: BTreeMap<String, VecDeque<Reply>>,
    seen: Vec<Seen>,
}

/// Answers by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script(Arc<Mutex<Played>>);

impl Script {
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
        let reply = Reply { served: false, status, headers: map, body };
        lock_state(&self.0).replies.entry(path.to_owned()).or_default().push_back(reply);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock_state(&self.0).seen.clone()
    }

    async fn answer(&self, request: Outgoing) -> Result<Incoming, TransportError> {
        let (method, url, headers, payload) = request.into_wire()?;
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
        played.seen.push(Seen { method: method.to_string(), path: path.clone(), query, headers, body });
        match reply {
            Some(Reply { status, headers, body, .. }) => Ok(Incoming::whole(status, headers, body)),
            None => Err(TransportError::Unsendable(
                format!("the mock has no answer for {method} {path}; it has answers for: {known}").into(),
            )),
        }
    }
}

impl Transport for Script {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(self.answer(request))
    }
}

/// A clock on which waiting takes no time: it is put forward instead.
#[derive(Debug, Default)]
pub(crate) struct Still(AtomicI64);

impl Clock for Still {
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
