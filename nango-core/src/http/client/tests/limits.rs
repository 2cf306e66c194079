//! Limits that only the body of a failure names.

use super::*;
use crate::http::{Budgets, Clock, Lane, Quota, script::limit_in_body};

#[tokio::test]
async fn secondary_limit_is_waited_for_by_reads_and_writes() {
    let refused = || answer(403, &[("x-ratelimit-remaining", "4000")], r#"{"message":"a secondary rate limit"}"#);
    let rules = limit_in_body();
    for method in [Method::GET, Method::POST] {
        let script = Script::new([refused(), refused(), answer(201, &[], "")]);
        let clock = FakeClock::default();
        let parts =
            ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), "https://h.test".parse().unwrap());
        let client = Client::new(ClientParts { retry: Arc::new(rules.clone()), ..parts });
        assert_eq!(client.send(&Call::new(method, "/a").retries(2)).await.unwrap().attempts, 3);
        assert_eq!(clock.slept(), [60, 120].map(Duration::from_secs));
    }
    let script = Script::new([refused()]);
    let parts = ClientParts::new(Arc::new(script), Arc::new(FakeClock::default()), "https://h.test".parse().unwrap());
    let client = Client::new(ClientParts { retry: Arc::new(rules), ..parts });
    assert!(client.send(&Call::get("/a")).await.unwrap_err().into_error().is_rate_limit());
}

#[tokio::test]
async fn limit_in_a_body_holds_for_the_other_requests_of_the_budget() {
    let rules = limit_in_body();
    let script = Script::new([answer(403, &[], r#"{"message":"a secondary rate limit"}"#), json("1")]);
    let clock = FakeClock::default();
    let budget = Budgets::new(Arc::new(clock.clone())).of("acme", "one", false);
    let client = || {
        let parts =
            ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), "https://h.test".parse().unwrap());
        let quota = Quota { budget: budget.clone(), connection: "one".into(), lane: Lane::default() };
        Client::new(ClientParts { retry: Arc::new(rules.clone()), ..parts.quota(quota) })
    };
    client().send(&Call::get("/a")).await.unwrap_err();
    let before = clock.now();
    client().send(&Call::get("/b")).await.unwrap();
    assert!(clock.now() - before >= 60_000_000, "{:?}", clock.slept());
}
