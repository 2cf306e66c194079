//! Strict API server that counts requests: requests over its quota are refused, and the test can read every count.
//!
//! It reports its limits in the header styles of four kinds of APIs, counts in fixed or sliding windows, and counts a
//! request when it arrives; the response follows some milliseconds later, and not always in order.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    routing::get,
};
use jiff::{Timestamp, fmt::rfc2822};
use nango_core::internal::http::{
    BoxFuture, Clock, OutgoingRequest, RawResponse, SystemClock, Transport, TransportError,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// How the API reports its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderStyle {
    /// `x-ratelimit-limit/remaining/used/reset/resource`, the reset in epoch seconds; a refusal is a 403.
    GitHub,
    /// `x-hubspot-ratelimit-max/remaining/interval-milliseconds`, and no reset.
    HubSpot,
    /// `RateLimit` and `RateLimit-Policy` of the draft, the reset in whole seconds from now.
    Ietf,
    /// Only `Retry-After` in whole seconds, in refusals.
    Slack,
}

/// How the API counts requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowKind {
    /// In windows that start at whole multiples of their length since 1970.
    Fixed,
    /// All requests within the length of one window before now.
    Sliding,
}

/// Limits and behaviour of the API.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Headers that report the limits.
    pub style: HeaderStyle,
    /// Fixed or sliding window.
    pub counting: WindowKind,
    /// Maximum number of requests per window.
    pub limit: u64,
    /// Length of a window, in whole seconds.
    pub window: Duration,
    /// Minimum time until a response; a fifth of the responses take 40 % longer.
    pub latency: Duration,
}

/// A running API. Over HTTP it serves until it is dropped.
#[derive(Debug)]
pub struct MeteredApi {
    url: String,
    counter: Arc<RequestCounter>,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct RequestCounter {
    rules: Rules,
    clock: Arc<dyn Clock>,
    requests: Mutex<Requests>,
}

/// The same API as a [`Transport`] on any clock. A request arrives after 0.2 to 1.2 milliseconds.
#[derive(Debug)]
struct InProcess(Arc<RequestCounter>);

/// Times of requests since 1970.
#[derive(Debug, Default)]
struct Requests {
    /// Requests that count towards the current window.
    in_window: VecDeque<Duration>,
    granted: Vec<Duration>,
    refused: Vec<Duration>,
}

impl MeteredApi {
    /// Starts the API on a free port of 127.0.0.1. Must be called inside a tokio runtime.
    pub async fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let counter = Arc::new(RequestCounter { rules, clock: Arc::new(SystemClock), requests: Mutex::default() });
        let app = Router::new().route("/work", get(handle)).with_state(counter.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("the server runs") });
        Self { url, counter, server: Some(server) }
    }

    /// Creates an API without sockets on this clock, and the transport that reaches it.
    pub fn in_process(rules: Rules, clock: Arc<dyn Clock>) -> (Self, Arc<dyn Transport>) {
        let counter = Arc::new(RequestCounter { rules, clock, requests: Mutex::default() });
        let transport = Arc::new(InProcess(counter.clone()));
        (Self { url: "http://metered.test".to_owned(), counter, server: None }, transport)
    }

    /// Base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of granted requests in each of `windows` windows, starting at `from`.
    pub fn granted(&self, from: Duration, windows: u32) -> Vec<u64> {
        self.counter.count_by_window(&self.counter.requests().granted, from, windows)
    }

    /// Returns the number of refused requests in each window, as [`granted`](Self::granted) does.
    pub fn refused(&self, from: Duration, windows: u32) -> Vec<u64> {
        self.counter.count_by_window(&self.counter.requests().refused, from, windows)
    }

    /// Returns the number of refused requests since the start.
    pub fn refused_total(&self) -> usize {
        self.counter.requests().refused.len()
    }
}

impl Drop for MeteredApi {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl RequestCounter {
    fn requests(&self) -> std::sync::MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_by_window(&self, timestamps: &[Duration], from: Duration, windows: u32) -> Vec<u64> {
        let length = self.rules.window;
        (0..windows)
            .map(|window| {
                let (from, to) = (from + length * window, from + length * (window + 1));
                timestamps.iter().filter(|timestamp| (from..to).contains(*timestamp)).count() as u64
            })
            .collect()
    }

    /// Counts a request. Returns whether it is granted, its number, and the headers that report the limits.
    fn admit(&self) -> (bool, usize, HeaderMap) {
        let Rules { style, counting, limit, window, .. } = self.rules;
        let mut requests = self.requests();
        let now = unix_time(&*self.clock);
        let start = match counting {
            WindowKind::Fixed => window * u32::try_from(now.as_secs() / window.as_secs()).expect("before 2106"),
            WindowKind::Sliding => now.saturating_sub(window),
        };
        while requests.in_window.front().is_some_and(|timestamp| *timestamp < start) {
            requests.in_window.pop_front();
        }
        let granted = (requests.in_window.len() as u64) < limit;
        if granted {
            requests.in_window.push_back(now);
            requests.granted.push(now);
        } else {
            requests.refused.push(now);
        }
        let end = match counting {
            WindowKind::Fixed => start + window,
            // A sliding window frees the next slot when its oldest request leaves it, or after a whole window if it is
            // empty.
            WindowKind::Sliding => requests.in_window.front().map_or(now, |first| *first) + window,
        };
        let used = requests.in_window.len() as u64;
        let seconds = end.saturating_sub(now).as_secs_f64().ceil();
        let headers: Vec<(&str, String)> = match style {
            HeaderStyle::GitHub => vec![
                ("x-ratelimit-limit", limit.to_string()),
                ("x-ratelimit-remaining", (limit - used).to_string()),
                ("x-ratelimit-used", used.to_string()),
                ("x-ratelimit-reset", end.as_secs_f64().ceil().to_string()),
                ("x-ratelimit-resource", "core".to_owned()),
            ],
            HeaderStyle::HubSpot => vec![
                ("x-hubspot-ratelimit-max", limit.to_string()),
                ("x-hubspot-ratelimit-remaining", (limit - used).to_string()),
                ("x-hubspot-ratelimit-interval-milliseconds", window.as_millis().to_string()),
            ],
            HeaderStyle::Ietf => vec![
                ("ratelimit", format!("\"burst\";r={};t={seconds}", limit - used)),
                ("ratelimit-policy", format!("\"burst\";q={limit};w={}", window.as_secs())),
            ],
            HeaderStyle::Slack if granted => Vec::new(),
            HeaderStyle::Slack => vec![("retry-after", seconds.to_string())],
        };
        let pair = |(name, value): (&'static str, String)| {
            (HeaderName::from_static(name), HeaderValue::from_str(&value).expect("a header"))
        };
        (granted, requests.granted.len(), headers.into_iter().map(pair).collect())
    }
}

impl RequestCounter {
    /// Responds to a request that arrived.
    async fn respond(&self) -> (StatusCode, HeaderMap, Value) {
        let (granted, number, headers) = self.admit();
        let Rules { latency, style, .. } = self.rules;
        self.clock.sleep(if number.is_multiple_of(5) { latency.mul_f64(1.4) } else { latency }).await;
        let status = match style {
            _ if granted => StatusCode::OK,
            HeaderStyle::GitHub => StatusCode::FORBIDDEN,
            _ => StatusCode::TOO_MANY_REQUESTS,
        };
        (status, headers, json!({ "number": number }))
    }
}

async fn handle(State(counter): State<Arc<RequestCounter>>) -> (StatusCode, HeaderMap, Json<Value>) {
    let (status, headers, body) = counter.respond().await;
    (status, headers, Json(body))
}

impl Transport for InProcess {
    fn send(&self, _request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            let Self(counter) = self;
            let network_delay = Duration::from_micros(200).mul_f64(1.0 + 5.0 * counter.clock.jitter());
            counter.clock.sleep(network_delay).await;
            let (status, mut headers, body) = counter.respond().await;
            // Headers that every HTTP server sends.
            let now = Timestamp::from_microsecond(counter.clock.now().as_micros()).expect("a time");
            let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).expect("a date");
            headers.insert("date", HeaderValue::from_str(&date).expect("a header"));
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            Ok(RawResponse::from_bytes(status.as_u16(), headers, body.to_string()))
        })
    }
}

/// Returns the time of a clock since 1970.
pub fn unix_time(clock: &dyn Clock) -> Duration {
    clock.now().saturating_duration_since(nango_core::Timestamp::UNIX_EPOCH)
}
