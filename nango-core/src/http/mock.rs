//! Test helpers: a transport with scripted responses, and a clock that advances only while something sleeps.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::BoxFuture, stream};

use super::{
    AuthError, Authorize, BoxFuture as Boxed, Client, ClientParts, Clock, CredentialsVersion, Entropy, OutgoingRequest,
    RawResponse, Transport, TransportError,
};
use crate::{
    provider::{BodyWait, RetryRules, WaitFormat},
    time::Timestamp,
};

/// Returns the retry rules of an API that reports a limit in the message of a failure, without a wait.
pub(crate) fn limit_in_body() -> RetryRules {
    RetryRules {
        body_wait: Some(BodyWait {
            path: "message".into(),
            pattern: "secondary rate limit".parse().unwrap(),
            format: WaitFormat::After,
        }),
        limit_wait: Some(Duration::from_mins(1)),
        ..RetryRules::default()
    }
}

/// A scripted response, or the transport's error.
pub(crate) type MockResponse = Result<RawResponse, TransportError>;

/// A transport that returns scripted responses in order and records the requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct MockTransport(Arc<Mutex<(VecDeque<MockResponse>, Vec<OutgoingRequest>)>>);

impl MockTransport {
    pub(crate) fn new(responses: impl IntoIterator<Item = MockResponse>) -> Self {
        Self(Arc::new(Mutex::new((responses.into_iter().collect(), Vec::new()))))
    }

    /// Returns the requests that were sent so far.
    pub(crate) fn sent(&self) -> Vec<OutgoingRequest> {
        self.0.lock().unwrap().1.clone()
    }

    /// Returns the requests that were sent so far, as `GET https://h.test/a?b=1`.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        self.sent().iter().map(|request| format!("{} {}", request.method, request.url)).collect()
    }

    pub(crate) fn client(&self, base: &str) -> Client {
        Client::new(ClientParts {
            authorize: Arc::new(TestAuthorizer),
            ..ClientParts::new(Arc::new(self.clone()), Arc::new(FakeClock::default()), base.parse().unwrap())
        })
    }
}

impl Transport for MockTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, MockResponse> {
        let mut script = self.0.lock().unwrap();
        script.1.push(request);
        let response = script.0.pop_front().unwrap_or_else(|| panic!("no response is left for {:?}", script.1.last()));
        Box::pin(async { response })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "responses and errors are one list")]
pub(crate) fn mock_response(status: u16, headers: &[(&'static str, &str)], body: &str) -> MockResponse {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Ok(RawResponse::from_bytes(status, headers, body.to_owned()))
}

pub(crate) fn mock_json(body: &str) -> MockResponse {
    mock_response(200, &[("content-type", "application/json")], body)
}

/// Returns a 200 response whose body is interrupted after `start`.
#[expect(clippy::unnecessary_wraps, reason = "responses and errors are one list")]
pub(crate) fn interrupted_body(start: &'static str) -> MockResponse {
    let mut response = RawResponse::from_bytes(200, super::HeaderMap::new(), "");
    response.body = stream::iter([Ok(start.into()), Err(TransportError::Disconnected("reset".into()))]).boxed();
    Ok(response)
}

pub(crate) fn unreachable_server() -> MockResponse {
    Err(TransportError::Unreachable("refused".into()))
}

pub(crate) fn disconnected() -> MockResponse {
    Err(TransportError::Disconnected("reset".into()))
}

/// An authorizer that adds `Bearer test-key`.
#[derive(Debug)]
pub(crate) struct TestAuthorizer;

impl Authorize for TestAuthorizer {
    fn authorize<'a>(&'a self, request: &'a mut OutgoingRequest) -> Boxed<'a, Result<CredentialsVersion, AuthError>> {
        request.headers.entry("authorization").or_insert("Bearer test-key".parse().unwrap());
        Box::pin(async { Ok(CredentialsVersion::default()) })
    }
}

/// A clock that starts 1,000,000 s after 1970 and advances at once when something sleeps.
#[derive(Debug, Clone)]
pub(crate) struct FakeClock(Arc<Mutex<(Timestamp, Vec<Duration>, f64)>>);

impl Default for FakeClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Timestamp::from_micros(1_000_000_000_000), Vec::new(), 0.5))))
    }
}

impl FakeClock {
    pub(crate) fn set_jitter(&self, jitter: f64) {
        self.0.lock().unwrap().2 = jitter;
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let mut state = self.0.lock().unwrap();
        state.0 += Duration::from_micros(1);
        state.0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.0.lock().unwrap();
        state.0 += duration;
        state.1.push(duration);
        Box::pin(async {})
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

impl Entropy for FakeClock {
    fn random(&self) -> u128 {
        uuid::Uuid::new_v4().as_u128()
    }

    fn jitter(&self) -> f64 {
        self.0.lock().unwrap().2
    }
}
