use std::time::Duration;

use super::*;
use crate::{
    http::mock::{FakeClock, limit_in_body},
    provider::BodyWait,
};

/// The current time of the tests, 1994-11-06T08:49:37Z.
const NOW: Timestamp = Timestamp::from_micros(784_111_777_000_000);

fn advice(status: u16, pairs: &[(&'static str, &str)], body: &str, rules: &RetryRules, now: Timestamp) -> RetryAdvice {
    let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    RetryAdvice::from_response(status, &headers, body.as_bytes(), rules, now)
}

#[track_caller]
fn check(rules: &RetryRules, status: u16, pairs: &[(&'static str, &str)], limited: bool, millis: Option<u64>) {
    let advice = advice(status, pairs, "", rules, NOW);
    assert_eq!((advice.limited, advice.wait), (limited, millis.map(Duration::from_millis)), "{status} {pairs:?}");
}

fn none() -> RetryRules {
    RetryRules::default()
}

#[test]
fn retry_after_is_read() {
    let check = |pairs: &[(&'static str, &str)], millis| check(&none(), 429, pairs, true, millis);
    check(&[], None);
    check(&[("retry-after", "7")], Some(7000));
    check(&[("retry-after", " 0.5 ")], Some(500));
    check(&[("retry-after", "0")], Some(0));
    check(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], Some(10_000));
    let by_its_clock = [("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), ("date", "Sun, 06 Nov 1994 08:49:40 GMT")];
    check(&by_its_clock, Some(7000));
    check(&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT")], Some(0));
    for junk in ["-1", "soon", "NaN", ""] {
        check(&[("retry-after", junk)], None);
    }
    let too_long = advice(429, &[("retry-after", "99999999999999999999d")], "", &none(), Timestamp::UNIX_EPOCH);
    assert_eq!(too_long.wait, Some(Duration::MAX));
}

#[test]
fn reset_counts_only_for_an_exhausted_window() {
    let reset = ("x-ratelimit-reset", "784111787");
    let check = |status, pairs: &[(&'static str, &str)], limited, millis| {
        check(&none(), status, pairs, limited, millis);
    };
    check(429, &[reset], true, Some(10_000));
    check(429, &[reset, ("x-ratelimit-remaining", "0")], true, Some(10_000));
    check(403, &[reset, ("x-ratelimit-remaining", "0")], true, Some(10_000));
    // The window with remaining requests is not the cause, so the backoff applies.
    check(429, &[reset, ("x-ratelimit-remaining", "40")], true, None);
    check(429, &[reset, ("x-ratelimit-remaining", "40"), ("retry-after", "3")], true, Some(3000));
    check(429, &[reset, ("retry-after", "3")], true, Some(3000));
    // The longest of several waits applies.
    check(429, &[reset, ("x-ratelimit-remaining", "0"), ("retry-after", "3")], true, Some(10_000));
    // The reset of a window is no wait for a server that is down.
    check(503, &[reset, ("x-ratelimit-remaining", "40")], false, None);
    check(503, &[reset], false, None);
    check(403, &[reset], false, None);
    check(429, &[("x-ratelimit-reset", "784111700")], true, None);
}

#[test]
fn provider_rules_add_headers_and_statuses() {
    let rules = RetryRules {
        retry_at_headers: vec!["x-resettime".parse().unwrap()],
        retry_after_headers: vec!["x-quota-resets-in".parse().unwrap()],
        remaining_header: Some("x-left".parse().unwrap()),
        retryable_statuses: vec!["400".parse().unwrap(), "5xx".parse().unwrap(), "401".parse().unwrap()],
        body_wait: None,
        limit_wait: None,
        shared_quota: false,
    };
    check(&rules, 503, &[("x-resettime", "784111787")], false, Some(10_000));
    check(&rules, 503, &[("x-resettime", "30")], false, Some(30_000));
    check(&rules, 503, &[("x-resettime", "30"), ("x-quota-resets-in", "1m")], false, Some(60_000));
    check(&rules, 503, &[("x-resettime", "30"), ("x-left", "5")], false, None);
    check(&rules, 400, &[("x-resettime", "30"), ("x-left", "0")], true, Some(30_000));
    check(&rules, 400, &[("x-left", "1")], false, None);

    let passes = |method: Method, status, limited| is_status_retryable(&method, status, &[], false, limited, &rules);
    assert!(passes(Method::GET, 400, false) && passes(Method::POST, 400, true) && passes(Method::GET, 500, false));
    assert!(!passes(Method::POST, 400, false) && !passes(Method::GET, 408, false) && !passes(Method::GET, 401, false));
}

#[test]
fn wait_is_read_from_the_body() {
    let rule = |pattern: &str, format| RetryRules {
        body_wait: Some(BodyWait { path: "error.0.message".into(), pattern: pattern.parse().unwrap(), format }),
        ..RetryRules::default()
    };
    let wait = |rules: &RetryRules, message: &str| {
        let body = serde_json::json!({ "error": [{ "message": message }] }).to_string();
        let advice = advice(403, &[], &body, rules, NOW);
        (advice.limited, advice.wait)
    };
    let at = rule(r"/Retry after (\S+)/", WaitFormat::At);
    assert_eq!(wait(&at, "Slow down. Retry after 1994-11-06T08:49:47Z"), (true, Some(Duration::from_secs(10))));
    assert_eq!(wait(&at, "Retry after lunch"), (true, None));
    assert_eq!(wait(&at, "Forbidden"), (false, None));
    assert_eq!(wait(&rule(r"in (\d+)", WaitFormat::After), "again in 30"), (true, Some(Duration::from_secs(30))));
    for body in ["", "[]", "{\"error\":7}", "{\"error\":[]}"] {
        assert_eq!(advice(403, &[], body, &at, NOW).wait, None);
    }
}

#[test]
fn limit_without_a_time_waits_as_the_provider_rules() {
    let rules = limit_in_body();
    let check = |status, pairs: &[(&'static str, &str)], body: &str, limited, seconds: Option<u64>| {
        let advice = advice(status, pairs, body, &rules, NOW);
        let wait = advice.wait.or(advice.default_wait);
        assert_eq!((advice.limited, wait), (limited, seconds.map(Duration::from_secs)), "{status} {body}");
    };
    let secondary = r#"{"message":"You have exceeded a secondary rate limit. Please wait."}"#;
    let left = [("x-ratelimit-remaining", "4000"), ("x-ratelimit-reset", "784119999")];
    check(403, &left, secondary, true, Some(60));
    check(403, &left, r#"{"message":"Resource not accessible"}"#, false, None);
    check(403, &[("retry-after", "7")], secondary, true, Some(7));
    check(429, &[], "", true, Some(60));
    check(429, &[("retry-after", "0")], "", true, Some(0));
    check(500, &[], secondary, false, None);
    check(401, &[], secondary, false, None);
}

#[test]
fn repeated_retry_waits_at_least_a_second() {
    let waits = |wait| {
        (1..=3).map(|attempt| demanded_wait(Duration::from_millis(wait), attempt).as_millis()).collect::<Vec<_>>()
    };
    assert_eq!(waits(0), [0, 1000, 1000]);
    assert_eq!(waits(2500), [2500; 3]);
}

#[test]
fn backoff_doubles_up_to_a_minute() {
    let clock = FakeClock::default();
    let waits: Vec<u64> = (1..=9).map(|attempt| backoff(attempt, &clock).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    clock.set_jitter(0.0);
    assert_eq!(backoff(1, &clock), Duration::from_millis(750));
    clock.set_jitter(0.999);
    assert!(backoff(u32::MAX, &clock) <= MAX_BACKOFF);
}

#[test]
fn only_safe_requests_are_resent() {
    let passes = |method: &Method, status, side_effect_possible, limited| {
        is_status_retryable(method, status, &[409], side_effect_possible, limited, &RetryRules::default())
    };
    for status in [408, 425, 500, 503, 409] {
        assert!(passes(&Method::GET, status, false, false), "{status}");
    }
    for status in [400, 401, 404, 403] {
        assert!(!passes(&Method::GET, status, false, false), "{status}");
    }
    assert!(!passes(&Method::POST, 503, false, false) && !passes(&Method::PATCH, 500, false, false));
    assert!(passes(&Method::POST, 429, false, true) && passes(&Method::POST, 409, false, false));

    let unreachable = || TransportError::Unreachable("refused".into());
    let broken = || TransportError::Disconnected("reset".into());
    let check = |method: Method, error: &TransportError, side_effect_possible, expect| {
        assert_eq!(is_transport_error_retryable(&method, error, side_effect_possible), expect, "{method} {error}");
    };
    check(Method::POST, &unreachable(), false, true);
    check(Method::GET, &unreachable(), false, true);
    check(Method::POST, &broken(), false, false);
    check(Method::PUT, &broken(), false, true);
    check(Method::GET, &TransportError::InvalidRequest("no".into()), false, false);
    check(Method::GET, &TransportError::Cancelled, false, false);
    // The first hop accepted the POST; only its result was not reached.
    check(Method::POST, &unreachable(), true, false);
    assert!(!passes(&Method::POST, 429, true, true) && passes(&Method::GET, 429, true, true));
}
