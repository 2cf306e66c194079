use std::{pin::pin, time::Duration};

use futures_util::{FutureExt, future::join_all};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::http::{
    Client, ClientParts, ClientQuota, HttpError, RequestSpec, TransportError, WaitObserver,
    mock::{FakeClock, MockTransport, mock_json, mock_response, unreachable_server},
};

fn limiters(clock: &FakeClock) -> RateLimiters {
    RateLimiters::new(Arc::new(clock.clone()))
}

#[derive(Debug, Default)]
struct RecordedWaits(Mutex<Vec<String>>);

impl WaitObserver for RecordedWaits {
    fn on_wait(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

fn client(
    script: &MockTransport,
    clock: &FakeClock,
    limiter: &Arc<RateLimiter>,
    priority: Priority,
) -> (Client, Arc<RecordedWaits>) {
    let waits = Arc::new(RecordedWaits::default());
    let parts = client_parts(script, clock, limiter, priority);
    (Client::new(parts.wait_observer(waits.clone(), "Acme")), waits)
}

fn client_parts(
    script: &MockTransport,
    clock: &FakeClock,
    limiter: &Arc<RateLimiter>,
    priority: Priority,
) -> ClientParts {
    let base = "https://h.test".parse().unwrap();
    let quota = ClientQuota { rate_limiter: limiter.clone(), connection: "one".into(), priority };
    ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), base).quota(quota)
}

fn response_with_remaining(remaining: u64, reset: &str) -> Result<crate::http::RawResponse, TransportError> {
    let remaining = remaining.to_string();
    mock_response(
        200,
        &[("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", &remaining), ("x-ratelimit-reset", reset)],
        "",
    )
}

/// A clock whose sleeps never end.
#[derive(Debug)]
struct Frozen;

impl Clock for Frozen {
    fn now(&self) -> crate::time::Timestamp {
        crate::time::Timestamp::UNIX_EPOCH
    }

    fn sleep(&self, _duration: Duration) -> crate::http::BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn instant(&self) -> std::time::Instant {
        std::time::Instant::now()
    }
}

impl crate::time::Entropy for Frozen {
    fn random(&self) -> u128 {
        1 << 31
    }
}

/// Total wait of a client, rounded to seconds.
fn seconds(client: &Client) -> u64 {
    (client.rate_limit_wait() + Duration::from_millis(500)).as_secs()
}

async fn acquire(limiter: &Arc<RateLimiter>, priority: Priority) -> Result<Permit, AcquireError> {
    let max_wait = Duration::from_mins(10);
    let request = PermitRequest { path: "/a", priority, connection: "one", clock: &Frozen, max_wait };
    limiter.acquire(request, |_| {}).await
}

fn complete(permit: Permit, remaining: u64, reset: Duration) {
    let window = crate::http::rate_limit_headers::Window {
        limit: Some(100),
        remaining: Some(remaining),
        reset: Some(crate::time::TimeSpec::After(reset)),
        ..crate::http::rate_limit_headers::Window::default()
    };
    let limits = crate::http::rate_limit_headers::RateLimitHeaders {
        windows: vec![window],
        ..crate::http::rate_limit_headers::RateLimitHeaders::default()
    };
    permit.complete(&Outcome { path: "/a", limits: &limits, server_date: None, limited_for: None });
}

#[tokio::test]
async fn one_request_is_in_flight_until_the_first_response() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    let first = acquire(&limiter, Priority::Background).await.unwrap();
    let mut second = pin!(acquire(&limiter, Priority::Interactive));
    assert!(second.as_mut().now_or_never().is_none());
    complete(first, 90, Duration::from_mins(1));
    second.await.unwrap();
}

#[tokio::test]
async fn permit_is_released_when_a_request_fails_or_is_dropped() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    let script = MockTransport::new([unreachable_server(), mock_json("1")]);
    let (client, _) = client(&script, &clock, &limiter, Priority::Background);
    client.send(&RequestSpec::get("/a")).await.unwrap_err();
    client.send(&RequestSpec::get("/a")).await.unwrap();
    // A waiter that was dropped does not keep a permit.
    let other = limiters(&clock).of("app", "two", false);
    let first = acquire(&other, Priority::Background).await.unwrap();
    {
        let mut dropped = pin!(acquire(&other, Priority::Background));
        assert!(dropped.as_mut().now_or_never().is_none());
    }
    drop(first);
    assert!(acquire(&other, Priority::Background).now_or_never().is_some());
}

#[tokio::test]
async fn end_of_a_window_is_reserved_for_interactive_work() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    complete(acquire(&limiter, Priority::Background).await.unwrap(), 7, Duration::from_mins(1));
    // Seven requests remain, five of them reserved.
    let background = [
        acquire(&limiter, Priority::Background).await.unwrap(),
        acquire(&limiter, Priority::Background).await.unwrap(),
    ];
    assert!(acquire(&limiter, Priority::Background).now_or_never().is_none());
    let mut interactive = Vec::new();
    for _ in 0..5 {
        interactive.push(acquire(&limiter, Priority::Interactive).now_or_never().unwrap().unwrap());
    }
    assert!(acquire(&limiter, Priority::Interactive).now_or_never().is_none());
    drop((background, interactive));
}

#[tokio::test]
async fn run_reports_its_wait_for_the_window() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    let script = MockTransport::new([response_with_remaining(5, "12"), response_with_remaining(99, "60")]);
    let (client, waits) = client(&script, &clock, &limiter, Priority::Background);
    client.send(&RequestSpec::get("/a")).await.unwrap();
    assert_eq!(client.rate_limit_wait(), Duration::ZERO);
    client.send(&RequestSpec::get("/a")).await.unwrap();
    assert_eq!(*waits.0.lock().unwrap(), ["waiting 12 s for Acme's rate limit"]);
    assert_eq!(seconds(&client), 12);
}

#[tokio::test]
async fn wait_over_the_maximum_fails_before_sending() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    let script = MockTransport::new([response_with_remaining(0, "3600")]);
    let (client, _) = client(&script, &clock, &limiter, Priority::Interactive);
    client.send(&RequestSpec::get("/a")).await.unwrap();
    let error = client.send(&RequestSpec::get("/a?key=hush")).await.unwrap_err().into_error();
    assert!(error.is_rate_limit() && script.sent().len() == 1 && clock.slept().is_empty());
    assert_eq!(
        error.to_string(),
        "GET https://h.test/a was not sent: the rate limit is exhausted until 1970-01-12T14:46:40Z (1 h 0 min), longer \
         than the maximum wait of 10 min"
    );
}

#[tokio::test]
async fn refusal_delays_all_waiters() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    let script = MockTransport::new([mock_response(429, &[("retry-after", "7")], ""), mock_json("1")]);
    let (refused, _) = client(&script, &clock, &limiter, Priority::Background);
    refused.send(&RequestSpec::get("/a")).await.unwrap_err();
    let (other, waits) = client(&script, &clock, &limiter, Priority::Interactive);
    other.send(&RequestSpec::get("/b")).await.unwrap();
    assert_eq!((seconds(&other), waits.0.lock().unwrap().len()), (7, 1));
    // Another connection has its own rate limiter.
    let own = limiters(&clock).of("app", "two", false);
    assert!(acquire(&own, Priority::Background).now_or_never().is_some());
}

#[tokio::test]
async fn cancelled_run_stops_waiting() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    let script = MockTransport::new([response_with_remaining(0, "60")]);
    let cancellation = CancellationToken::new();
    let parts = client_parts(&script, &clock, &limiter, Priority::Background);
    let client = Client::new(parts.cancellation(cancellation.clone()));
    client.send(&RequestSpec::get("/a")).await.unwrap();
    cancellation.cancel();
    let error = client.send(&RequestSpec::get("/a")).await.unwrap_err();
    assert!(matches!(error, HttpError::Network { source: TransportError::Cancelled, .. }), "{error:?}");
}

#[tokio::test]
async fn buckets_are_distinguished_by_name() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", false);
    let named = |name: &'static str, remaining: &'static str| {
        let headers = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", "60")];
        mock_response(200, &[headers[0], headers[1], headers[2], ("x-ratelimit-resource", name)], "")
    };
    let responses = [named("core", "50"), named("search", "0"), named("core", "49"), named("search", "9")];
    let script = MockTransport::new(responses);
    let (client, _) = client(&script, &clock, &limiter, Priority::Background);
    for path in ["/repos/a", "/search/issues", "/repos/b"] {
        client.send(&RequestSpec::get(path)).await.unwrap();
    }
    assert_eq!(client.rate_limit_wait(), Duration::ZERO);
    client.send(&RequestSpec::get("/search/code")).await.unwrap();
    assert_eq!(seconds(&client), 60);
}

#[tokio::test]
async fn quota_is_divided_by_the_number_of_processes() {
    let clock = FakeClock::default();
    let all = limiters(&clock);
    all.set_process_count(4);
    let limiter = all.of("app", "one", false);
    complete(acquire(&limiter, Priority::Interactive).await.unwrap(), 40, Duration::from_mins(1));
    let mut permits = Vec::new();
    while let Some(permit) = acquire(&limiter, Priority::Interactive).now_or_never() {
        permits.push(permit.unwrap());
    }
    assert_eq!(permits.len(), 10);
    all.set_process_count(0);
    assert!(acquire(&limiter, Priority::Interactive).now_or_never().is_some());
}

#[tokio::test]
async fn every_waiter_gets_a_permit() {
    let clock = FakeClock::default();
    let limiter = limiters(&clock).of("app", "one", true);
    let script = MockTransport::new((0..30).map(|number| response_with_remaining(99 - number % 3, "1")));
    let clients: Vec<_> = (0..30).map(|_| client(&script, &clock, &limiter, Priority::Background).0).collect();
    let spec = RequestSpec::get("/a");
    let sent = join_all(clients.iter().map(|client| client.send(&spec))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(limiter.in_flight(), 0);
}

#[test]
fn unused_limiters_are_evicted() {
    let clock = FakeClock::default();
    let all = limiters(&clock);
    let used = all.of("app", "used", false);
    for number in 0..EVICT_ABOVE * 2 {
        drop(all.of("app", &number.to_string(), false));
    }
    assert!(all.limiters.lock().unwrap().len() <= EVICT_ABOVE + 1);
    assert!(Arc::ptr_eq(&used, &all.of("app", "used", false)));
    let shared = all.of("app", "a", true);
    assert!(Arc::ptr_eq(&shared, &all.of("app", "b", true)) && !Arc::ptr_eq(&shared, &used));
}
