//! A transport that answers from a script and a clock that only sleeping moves, for the tests of this crate.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::BoxFuture, stream};

use super::{
    AuthError, Authorize, BoxFuture as Boxed, Client, ClientParts, Clock, CredentialsVersion, OutgoingRequest,
    RawResponse, Transport, TransportError,
};
use crate::provider::{BodyWait, RetryRules, WaitFormat};

/// The rules of an API that names a limit in the message of a failure and gives no time.
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

/// An answer to come: status, headers, pieces of the body.
pub(crate) type MockResponse = Result<RawResponse, TransportError>;

/// Answers in order, and keeps what it was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct MockTransport(Arc<Mutex<(VecDeque<MockResponse>, Vec<OutgoingRequest>)>>);

impl MockTransport {
    pub(crate) fn new(answers: impl IntoIterator<Item = MockResponse>) -> Self {
        Self(Arc::new(Mutex::new((answers.into_iter().collect(), Vec::new()))))
    }

    /// What was sent so far.
    pub(crate) fn sent(&self) -> Vec<OutgoingRequest> {
        self.0.lock().unwrap().1.clone()
    }

    /// `GET https://h.test/a?b=1`, for each request so far.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        self.sent().iter().map(|sent| format!("{} {}", sent.method, sent.url)).collect()
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
        let answer = script.0.pop_front().unwrap_or_else(|| panic!("no answer left for {:?}", script.1.last()));
        Box::pin(async { answer })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "answers and failures are one list")]
pub(crate) fn mock_response(status: u16, headers: &[(&'static str, &str)], body: &str) -> MockResponse {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Ok(RawResponse::from_bytes(status, headers, body.to_owned()))
}

pub(crate) fn json(body: &str) -> MockResponse {
    mock_response(200, &[("content-type", "application/json")], body)
}

/// A 200 whose body breaks off.
#[expect(clippy::unnecessary_wraps, reason = "answers and failures are one list")]
pub(crate) fn torn(start: &'static str) -> MockResponse {
    let mut whole = RawResponse::from_bytes(200, super::HeaderMap::new(), "");
    whole.body = stream::iter([Ok(start.into()), Err(TransportError::Disconnected("reset".into()))]).boxed();
    Ok(whole)
}

pub(crate) fn unreachable_server() -> MockResponse {
    Err(TransportError::Unreachable("refused".into()))
}

pub(crate) fn disconnected() -> MockResponse {
    Err(TransportError::Disconnected("reset".into()))
}

/// Authorises with `Bearer test-key`.
#[derive(Debug)]
pub(crate) struct TestAuthorizer;

impl Authorize for TestAuthorizer {
    fn authorize<'a>(&'a self, request: &'a mut OutgoingRequest) -> Boxed<'a, Result<CredentialsVersion, AuthError>> {
        request.headers.entry("authorization").or_insert("Bearer test-key".parse().unwrap());
        Box::pin(async { Ok(CredentialsVersion::default()) })
    }
}

/// Starts at 1,000,000 s; sleeping moves it at once.
#[derive(Debug, Clone)]
pub(crate) struct FakeClock(Arc<Mutex<(i64, Vec<Duration>, f64)>>, Arc<AtomicBool>);

impl Default for FakeClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((1_000_000_000_000, Vec::new(), 0.5))), Arc::default())
    }
}

impl FakeClock {
    pub(crate) fn set_jitter(&self, jitter: f64) {
        self.0.lock().unwrap().2 = jitter;
    }

    /// Whoever sleeps wakes up in a run that was asked to stop.
    pub(crate) fn cancel(&self) {
        self.1.store(true, Ordering::Relaxed);
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> i64 {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        state.0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.0.lock().unwrap();
        state.0 += i64::try_from(duration.as_micros()).unwrap();
        state.1.push(duration);
        Box::pin(async {})
    }

    fn jitter(&self) -> f64 {
        self.0.lock().unwrap().2
    }

    fn is_cancelled(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}
