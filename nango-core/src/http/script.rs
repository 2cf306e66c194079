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
    AuthError, Authorize, BoxFuture as Boxed, Client, ClientParts, Clock, Incoming, Outgoing, Stamp, Transport,
    TransportError,
};
use crate::provider::{InBody, RetryRules, Strategy};

/// The rules of an API that names a limit in the message of a failure and gives no time.
pub(crate) fn limit_in_body() -> RetryRules {
    RetryRules {
        in_body: Some(InBody {
            path: "message".into(),
            pattern: "secondary rate limit".parse().unwrap(),
            strategy: Strategy::After,
        }),
        limit_wait: Some(Duration::from_mins(1)),
        ..RetryRules::default()
    }
}

/// An answer to come: status, headers, pieces of the body.
pub(crate) type Answer = Result<Incoming, TransportError>;

/// Answers in order, and keeps what it was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script(Arc<Mutex<(VecDeque<Answer>, Vec<Outgoing>)>>);

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Arc::new(Mutex::new((answers.into_iter().collect(), Vec::new()))))
    }

    /// What was sent so far.
    pub(crate) fn sent(&self) -> Vec<Outgoing> {
        self.0.lock().unwrap().1.clone()
    }

    /// `GET https://h.test/a?b=1`, for each request so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.sent().iter().map(|sent| format!("{} {}", sent.method, sent.url)).collect()
    }

    pub(crate) fn client(&self, base: &str) -> Client {
        Client::new(ClientParts {
            authorize: Arc::new(TestKey),
            ..ClientParts::new(Arc::new(self.clone()), Arc::new(FakeClock::default()), base.parse().unwrap())
        })
    }
}

impl Transport for Script {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Answer> {
        let mut script = self.0.lock().unwrap();
        script.1.push(request);
        let answer = script.0.pop_front().unwrap_or_else(|| panic!("no answer left for {:?}", script.1.last()));
        Box::pin(async { answer })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "answers and failures are one list")]
pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Ok(Incoming::whole(status, headers, body.to_owned()))
}

pub(crate) fn json(body: &str) -> Answer {
    answer(200, &[("content-type", "application/json")], body)
}

/// A 200 whose body breaks off.
#[expect(clippy::unnecessary_wraps, reason = "answers and failures are one list")]
pub(crate) fn torn(start: &'static str) -> Answer {
    let mut whole = Incoming::whole(200, super::HeaderMap::new(), "");
    whole.body = stream::iter([Ok(start.into()), Err(TransportError::Broken("reset".into()))]).boxed();
    Ok(whole)
}

pub(crate) fn unreachable() -> Answer {
    Err(TransportError::Unreachable("refused".into()))
}

pub(crate) fn broken() -> Answer {
    Err(TransportError::Broken("reset".into()))
}

/// Authorises with `Bearer test-key`.
#[derive(Debug)]
pub(crate) struct TestKey;

impl Authorize for TestKey {
    fn authorize<'a>(&'a self, request: &'a mut Outgoing) -> Boxed<'a, Result<Stamp, AuthError>> {
        request.headers.entry("authorization").or_insert("Bearer test-key".parse().unwrap());
        Box::pin(async { Ok(Stamp::default()) })
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
    pub(crate) fn stop(&self) {
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

    fn stopped(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}
