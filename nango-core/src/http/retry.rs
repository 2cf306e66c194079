//! Retry policy: whether a failed attempt is repeated, and after which wait.
//!
//! Nango retries every method on every 5xx and on 401. Here a request that may have had a side effect is resent only if
//! its method is idempotent, if the response proves that it had none (the rate limit refused it), or if the caller
//! listed the status: a second `POST` would create a second issue. The requests of a mapper's list only read
//! ([`RequestSpec::is_read`](super::RequestSpec::is_read)), so the rules for them are those of a `GET`. After a 401,
//! credentials are refreshed and not resent unchanged.

use std::time::Duration;

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use super::{
    Clock, TransportError,
    rate_limit_headers::{RateLimitHeaders, server_date},
};
use crate::{
    json,
    provider::{RetryRules, WaitFormat, lookup_path},
    time::{TimeSpec, Timestamp, Unit, parse_time_spec},
};

/// Minimum wait from the second retry on.
const MIN_REPEATED_WAIT: Duration = Duration::from_secs(1);
/// Maximum wait of the exponential backoff.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// Returns whether a method is idempotent (RFC 9110, 9.2.2).
pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE)
}

/// Returns whether a request may be resent after a response that shows that its last hop was not carried out.
/// `side_effect_possible`: an earlier hop accepted the request and redirected to its result.
pub(super) fn may_resend(method: &Method, side_effect_possible: bool) -> bool {
    !side_effect_possible || is_idempotent(method)
}

/// Information about another attempt in a failed response.
#[derive(Debug)]
pub(super) struct RetryAdvice {
    /// Whether the rate limit refused the request, so that it had no side effect.
    pub(super) limited: bool,
    /// The wait that the API requires.
    pub(super) wait: Option<Duration>,
    /// The wait in the provider's entry for a limit without a time.
    pub(super) default_wait: Option<Duration>,
}

impl RetryAdvice {
    /// Reads a failure by the standards and by the rules of the provider's entry. Absolute times are relative to the
    /// server's clock (the `Date` header), which may differ from ours; `now` replaces a missing `Date`.
    pub(super) fn from_response(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        rules: &RetryRules,
        now: Timestamp,
    ) -> Self {
        let body_wait = rules.body_wait.as_ref().and_then(|rule| {
            let body = json::parse_rounding(body, json::charset(headers)).ok()?;
            let text = match lookup_path(&body, &rule.path)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((parse_time_spec(rule.pattern.find(&text)?, Unit::Seconds), rule.format))
        });
        let head = Self::from_head(status, headers, &RateLimitHeaders::parse(headers), rules, now);
        let now = server_date(headers).unwrap_or(now);
        let in_body = body_wait.and_then(|(time, format)| wait_until(time?, format, now));
        let limited = head.limited || (body_wait.is_some() && is_rejection(status));
        Self { limited, wait: head.wait.max(in_body), default_wait: rules.limit_wait.filter(|_| limited) }
    }

    /// Reads a failure as [`Self::from_response`], without its body.
    pub(super) fn from_head(
        status: u16,
        headers: &HeaderMap,
        limits: &RateLimitHeaders,
        rules: &RetryRules,
        now: Timestamp,
    ) -> Self {
        let now = server_date(headers).unwrap_or(now);
        let left = remaining(headers, rules);
        let nothing_left = left.map_or(limits.is_exhausted(), |left| left == 0);
        let limited = status == 429 || (is_rejection(status) && (nothing_left || limits.retry_after.is_some()));
        let mut wait = limits.retry_after.map(|time| time.wait_from(now));
        for name in rules.retry_at_headers.iter().chain(&rules.retry_after_headers) {
            let name = name.as_str();
            // A window with remaining requests is not the cause of this failure.
            let counts = name.contains("retry") || left.is_none_or(|left| left == 0);
            let read = headers.get(name).filter(|_| counts).and_then(|value| value.to_str().ok());
            let read = read.and_then(|text| parse_time_spec(text, Unit::from_header_name(name)));
            wait = wait.max(read.and_then(|read| wait_until(read, WaitFormat::At, now)));
        }
        let explicit = wait.is_some();
        for window in &limits.windows {
            let counts = match window.remaining {
                Some(left) => left == 0,
                None => status == 429 && !explicit,
            };
            wait = wait.max(window.reset.filter(|_| counts).and_then(|reset| wait_until(reset, WaitFormat::At, now)));
        }
        Self { limited, wait, default_wait: rules.limit_wait.filter(|_| limited) }
    }
}

/// Returns whether a status shows that the request was not carried out. 401 is excluded: it is about credentials, not
/// limits.
fn is_rejection(status: u16) -> bool {
    (400..500).contains(&status) && status != 401
}

/// Returns the wait until a time; `None` if the time has passed and is therefore meaningless. An explicit relative time
/// of 0 is intended and stays.
fn wait_until(time: TimeSpec, format: WaitFormat, now: Timestamp) -> Option<Duration> {
    let wait = time.wait_from(now);
    let is_intended = matches!((time, format), (TimeSpec::After(_), WaitFormat::After));
    (is_intended || !wait.is_zero()).then_some(wait)
}

/// Returns the remaining requests in the header that the provider's entry names: 0, or 1 for any more.
fn remaining(headers: &HeaderMap, rules: &RetryRules) -> Option<u64> {
    let value = headers.get(rules.remaining_header.as_ref()?)?.to_str().ok()?;
    value.trim().parse::<f64>().ok().map(|left| u64::from(left > 0.0))
}

/// Returns whether a failed response allows another attempt. `side_effect_possible`: an earlier hop accepted the
/// request and redirected to its result.
pub(super) fn is_status_retryable(
    method: &Method,
    status: u16,
    retry_on: &[u16],
    side_effect_possible: bool,
    limited: bool,
    rules: &RetryRules,
) -> bool {
    if retry_on.contains(&status) {
        return true;
    }
    if limited {
        return may_resend(method, side_effect_possible);
    }
    let listed = |status| rules.retryable_statuses.iter().any(|range| range.contains(status));
    let is_retryable = match status {
        401 => false,
        _ if rules.retryable_statuses.is_empty() => matches!(status, 408 | 425 | 500..=599),
        _ => listed(status),
    };
    is_retryable && is_idempotent(method)
}

/// Returns whether a request without a response allows another attempt.
pub(super) fn is_transport_error_retryable(
    method: &Method,
    error: &TransportError,
    side_effect_possible: bool,
) -> bool {
    error.is_transient() && (is_idempotent(method) || (error.had_no_side_effect() && !side_effect_possible))
}

/// Returns the wait that the API requires; from the second retry on at least [`MIN_REPEATED_WAIT`], so that retries
/// without a pause do not overload an API at its limit.
pub(super) fn demanded_wait(wait: Duration, attempt: u32) -> Duration {
    if attempt > 1 { wait.max(MIN_REPEATED_WAIT) } else { wait }
}

/// Returns the wait after a limit without a time: the wait in the provider's entry, doubled with each attempt.
pub(super) fn default_limit_wait(wait: Duration, attempt: u32) -> Duration {
    wait.saturating_mul(1 << attempt.saturating_sub(1).min(16))
}

/// Returns the exponential backoff: 1 s, 2 s, 4 s … up to a minute, with a jitter of 25 %.
pub(super) fn backoff(attempt: u32, clock: &dyn Clock) -> Duration {
    let doubled = Duration::from_secs(1 << attempt.saturating_sub(1).min(6)).min(MAX_BACKOFF);
    doubled.mul_f64(0.75 + 0.5 * clock.jitter()).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests;
