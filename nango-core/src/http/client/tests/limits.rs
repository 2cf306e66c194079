//! Tests of rate limits that only the body of a failure reports.

use super::*;
use crate::http::{ClientQuota, Clock, Priority, RateLimiters, mock::limit_in_body};

#[tokio::test]
async fn reads_and_writes_wait_for_a_secondary_limit() {
    let rate_limited =
        || mock_response(403, &[("x-ratelimit-remaining", "4000")], r#"{"message":"a secondary rate limit"}"#);
    let rules = limit_in_body();
    for method in [Method::GET, Method::POST] {
        let script = MockTransport::new([rate_limited(), rate_limited(), mock_response(201, &[], "")]);
        let clock = FakeClock::default();
        let parts =
            ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), "https://h.test".parse().unwrap());
        let client = Client::new(ClientParts { retry: Arc::new(rules.clone()), ..parts });
        assert_eq!(client.send(&RequestSpec::new(method, "/a").retries(2)).await.unwrap().attempts, 3);
        assert_eq!(clock.slept(), [60, 120].map(Duration::from_secs));
    }
    let script = MockTransport::new([rate_limited()]);
    let parts = ClientParts::new(Arc::new(script), Arc::new(FakeClock::default()), "https://h.test".parse().unwrap());
    let client = Client::new(ClientParts { retry: Arc::new(rules), ..parts });
    assert!(client.send(&RequestSpec::get("/a")).await.unwrap_err().into_error().is_rate_limit());
}

#[tokio::test]
async fn limit_in_a_body_delays_other_requests_of_the_limiter() {
    let rules = limit_in_body();
    let script =
        MockTransport::new([mock_response(403, &[], r#"{"message":"a secondary rate limit"}"#), mock_json("1")]);
    let clock = FakeClock::default();
    let limiter = RateLimiters::new(Arc::new(clock.clone())).of("acme", "one", false);
    let client = || {
        let parts =
            ClientParts::new(Arc::new(script.clone()), Arc::new(clock.clone()), "https://h.test".parse().unwrap());
        let quota =
            ClientQuota { rate_limiter: limiter.clone(), connection: "one".into(), priority: Priority::default() };
        Client::new(ClientParts { retry: Arc::new(rules.clone()), ..parts.quota(quota) })
    };
    client().send(&RequestSpec::get("/a")).await.unwrap_err();
    let before = clock.now();
    client().send(&RequestSpec::get("/b")).await.unwrap();
    assert!(clock.now() >= before + Duration::from_mins(1), "{:?}", clock.slept());
}
