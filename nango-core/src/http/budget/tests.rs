use std::{pin::pin, time::Duration};

use futures_util::{FutureExt, future::join_all};

use super::*;
use crate::http::{
    Call, Client, ClientParts, HttpError, Quota, TransportError, Watch,
    script::{FakeClock, Script, answer, json, unreachable},
};

fn budgets(clock: &FakeClock) -> Budgets {
    Budgets::new(Arc::new(clock.clone()))
}

#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Watch for Told {
    fn waiting(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

fn client(script: &Script, clock: &FakeClock, budget: &Arc<Budget>, lane: Lane) -> (Client, Arc<Told>) {
    let told = Arc::new(Told::default());
    let base = "https://h.test".parse().unwrap();
    let quota = Quota { budget: budget.clone(), connection: "one".into(), lane };
    let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), base);
    (Client::new(parts.quota(quota).watch(told.clone(), "Acme")), told)
}

fn left(remaining: u64, reset: &str) -> Result<crate::http::Incoming, TransportError> {
    let remaining = remaining.to_string();
    answer(
        200,
        &[("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", &remaining), ("x-ratelimit-reset", reset)],
        "",
    )
}

/// A clock on which nobody wakes up.
#[derive(Debug)]
struct Frozen;

impl Clock for Frozen {
    fn now(&self) -> i64 {
        0
    }

    fn sleep(&self, _duration: Duration) -> crate::http::BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

/// How long a client waited, to the second.
fn seconds(client: &Client) -> u64 {
    (client.waited() + Duration::from_millis(500)).as_secs()
}

async fn take(budget: &Arc<Budget>, lane: Lane) -> Result<Permit, Refused> {
    let longest = Duration::from_mins(10);
    let asked = Asked { path: "/a", lane, connection: "one", clock: &Frozen, longest };
    budget.admit(asked, |_| {}).await
}

fn tell(permit: Permit, remaining: u64, reset: Duration) {
    let window = crate::http::limits::Window {
        limit: Some(100),
        remaining: Some(remaining),
        reset: Some(crate::http::moment::Moment::In(reset)),
        ..crate::http::limits::Window::default()
    };
    let limits = crate::http::limits::Limits { windows: vec![window], ..crate::http::limits::Limits::default() };
    permit.answered(&Outcome { path: "/a", limits: &limits, date: None, refused: None });
}

#[tokio::test]
async fn until_the_first_answer_one_request_is_under_way() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    let first = take(&budget, Lane::Background).await.unwrap();
    let mut second = pin!(take(&budget, Lane::Interactive));
    assert!(second.as_mut().now_or_never().is_none());
    tell(first, 90, Duration::from_mins(1));
    second.await.unwrap();
}

#[tokio::test]
async fn a_place_comes_back_when_a_request_fails_or_is_dropped() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    let script = Script::new([unreachable(), json("1")]);
    let (client, _) = client(&script, &clock, &budget, Lane::Background);
    client.send(&Call::get("/a")).await.unwrap_err();
    client.send(&Call::get("/a")).await.unwrap();
    // Somebody who waited and went away takes nothing along.
    let other = budgets(&clock).of("app", "two", false);
    let first = take(&other, Lane::Background).await.unwrap();
    {
        let mut gone = pin!(take(&other, Lane::Background));
        assert!(gone.as_mut().now_or_never().is_none());
    }
    drop(first);
    assert!(take(&other, Lane::Background).now_or_never().is_some());
}

#[tokio::test]
async fn the_last_of_a_window_is_for_interactive_work() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    tell(take(&budget, Lane::Background).await.unwrap(), 7, Duration::from_mins(1));
    // Seven are left, five of them in reserve.
    let held = [take(&budget, Lane::Background).await.unwrap(), take(&budget, Lane::Background).await.unwrap()];
    assert!(take(&budget, Lane::Background).now_or_never().is_none());
    let mut urgent = Vec::new();
    for _ in 0..5 {
        urgent.push(take(&budget, Lane::Interactive).now_or_never().unwrap().unwrap());
    }
    assert!(take(&budget, Lane::Interactive).now_or_never().is_none());
    drop((held, urgent));
}

#[tokio::test]
async fn a_run_waits_for_the_window_and_says_so() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    let script = Script::new([left(5, "12"), left(99, "60")]);
    let (client, told) = client(&script, &clock, &budget, Lane::Background);
    client.send(&Call::get("/a")).await.unwrap();
    assert_eq!(client.waited(), Duration::ZERO);
    client.send(&Call::get("/a")).await.unwrap();
    assert_eq!(*told.0.lock().unwrap(), ["waiting 12 s for Acme's limit"]);
    assert_eq!(seconds(&client), 12);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_before_anything_is_sent() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    let script = Script::new([left(0, "3600")]);
    let (client, _) = client(&script, &clock, &budget, Lane::Interactive);
    client.send(&Call::get("/a")).await.unwrap();
    let error = client.send(&Call::get("/a?key=hush")).await.unwrap_err().into_error();
    assert!(error.is_rate_limit() && script.sent().len() == 1 && clock.slept().is_empty());
    assert_eq!(
        error.to_string(),
        "GET https://h.test/a was not sent: what the API allows is used up until 1970-01-12T14:46:40Z (1 h 0 min), longer \
         than the 10 min that a run waits"
    );
}

#[tokio::test]
async fn a_refusal_holds_everybody_back() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    let script = Script::new([answer(429, &[("retry-after", "7")], ""), json("1")]);
    let (refused, _) = client(&script, &clock, &budget, Lane::Background);
    refused.send(&Call::get("/a")).await.unwrap_err();
    let (other, told) = client(&script, &clock, &budget, Lane::Interactive);
    other.send(&Call::get("/b")).await.unwrap();
    assert_eq!((seconds(&other), told.0.lock().unwrap().len()), (7, 1));
    // Another connection has a budget of its own; so has none what is asked without credentials.
    let own = budgets(&clock).of("app", "two", false);
    assert!(take(&own, Lane::Background).now_or_never().is_some());
}

#[tokio::test]
async fn a_run_that_is_stopped_waits_no_longer() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    let script = Script::new([left(0, "60")]);
    let (client, _) = client(&script, &clock, &budget, Lane::Background);
    client.send(&Call::get("/a")).await.unwrap();
    clock.stop();
    let error = client.send(&Call::get("/a")).await.unwrap_err();
    assert!(matches!(error, HttpError::Network { source: TransportError::Stopped, .. }), "{error:?}");
}

#[tokio::test]
async fn buckets_are_told_apart_by_their_names() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", false);
    let named = |name: &'static str, remaining: &'static str| {
        let headers = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", "60")];
        answer(200, &[headers[0], headers[1], headers[2], ("x-ratelimit-resource", name)], "")
    };
    let answers = [named("core", "50"), named("search", "0"), named("core", "49"), named("search", "9")];
    let script = Script::new(answers);
    let (client, _) = client(&script, &clock, &budget, Lane::Background);
    for path in ["/repos/a", "/search/issues", "/repos/b"] {
        client.send(&Call::get(path)).await.unwrap();
    }
    assert_eq!(client.waited(), Duration::ZERO);
    client.send(&Call::get("/search/code")).await.unwrap();
    assert_eq!(seconds(&client), 60);
}

#[tokio::test]
async fn processes_share_a_quota() {
    let clock = FakeClock::default();
    let all = budgets(&clock);
    all.set_processes(4);
    let budget = all.of("app", "one", false);
    tell(take(&budget, Lane::Interactive).await.unwrap(), 40, Duration::from_mins(1));
    let mut held = Vec::new();
    while let Some(permit) = take(&budget, Lane::Interactive).now_or_never() {
        held.push(permit.unwrap());
    }
    assert_eq!(held.len(), 10);
    all.set_processes(0);
    assert!(take(&budget, Lane::Interactive).now_or_never().is_some());
}

#[tokio::test]
async fn whoever_waits_gets_a_place() {
    let clock = FakeClock::default();
    let budget = budgets(&clock).of("app", "one", true);
    let script = Script::new((0..30).map(|number| left(99 - number % 3, "1")));
    let clients: Vec<_> = (0..30).map(|_| client(&script, &clock, &budget, Lane::Background).0).collect();
    let call = Call::get("/a");
    let sent = join_all(clients.iter().map(|client| client.send(&call))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(budget.state().buckets[0].under_way(), 0);
}

#[test]
fn budgets_that_nobody_uses_are_forgotten() {
    let clock = FakeClock::default();
    let all = budgets(&clock);
    let held = all.of("app", "held", false);
    for number in 0..MANY * 2 {
        drop(all.of("app", &number.to_string(), false));
    }
    assert!(all.known.lock().unwrap().len() <= MANY + 1);
    assert!(Arc::ptr_eq(&held, &all.of("app", "held", false)));
    let shared = all.of("app", "a", true);
    assert!(Arc::ptr_eq(&shared, &all.of("app", "b", true)) && !Arc::ptr_eq(&shared, &held));
}
