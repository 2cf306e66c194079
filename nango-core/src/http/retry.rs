//! When an attempt is followed by another, and after what wait.
//!
//! Nango tries every method again on every 5xx and on 401. Here a request that may have had an effect is sent again
//! only if its method is idempotent, if the answer proves that nothing happened (the API's limit refused it), or if the
//! caller listed the status: a second `POST` is a second issue. Credentials that were refused are renewed, not repeated.

use std::time::Duration;

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use super::{
    Clock, TransportError,
    rate_limit_headers::{RateLimitHeaders, server_date},
    time_spec::{self, TimeSpec, Unit},
};
use crate::{
    json,
    provider::{RetryRules, WaitFormat, lookup_path},
};

/// The shortest wait from the second retry on.
const MIN_REPEATED_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that we choose ourselves.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// Whether repeating a request changes nothing (RFC 9110, 9.2.2).
pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE)
}

/// Whether a request may be sent again after an answer that says that its last hop was not carried out. `acted`: an
/// earlier hop took the request, and redirected to its result.
pub(super) fn may_resend(method: &Method, acted: bool) -> bool {
    !acted || is_idempotent(method)
}

/// What a failure says about another attempt.
#[derive(Debug)]
pub(super) struct RetryAdvice {
    /// The API's limit refused the request, so it had no effect.
    pub(super) limited: bool,
    /// The wait that the API asks for.
    pub(super) wait: Option<Duration>,
    /// The wait that the provider's entry names for a limit without a time.
    pub(super) default_wait: Option<Duration>,
}

impl RetryAdvice {
    /// Reads a failure by the standards and by what the provider's entry says. `now` stands in for the answer's `Date`:
    /// spans are read as they are, dates against the server's own clock, because the two may differ.
    pub(super) fn from_response(status: u16, headers: &HeaderMap, body: &[u8], rules: &RetryRules, now: i64) -> Self {
        let found = rules.body_wait.as_ref().and_then(|rule| {
            let body = json::parse_rounding(body, json::charset(headers)).ok()?;
            let text = match lookup_path(&body, &rule.path)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((time_spec::parse(rule.pattern.find(&text)?, Unit::Seconds), rule.format))
        });
        let head = Self::from_head(status, headers, &RateLimitHeaders::parse(headers), rules, now);
        let now = server_date(headers).unwrap_or(now);
        let in_body = found.and_then(|(time, strategy)| wait_until(time?, strategy, now));
        let limited = head.limited || (found.is_some() && is_rejection(status));
        Self { limited, wait: head.wait.max(in_body), default_wait: rules.limit_wait.filter(|_| limited) }
    }

    /// The same of an answer whose body is not read.
    pub(super) fn from_head(
        status: u16,
        headers: &HeaderMap,
        limits: &RateLimitHeaders,
        rules: &RetryRules,
        now: i64,
    ) -> Self {
        let now = server_date(headers).unwrap_or(now);
        let left = remaining(headers, rules);
        let nothing_left = left.map_or(limits.is_exhausted(), |left| left == 0);
        let limited = status == 429 || (is_rejection(status) && (nothing_left || limits.retry_after.is_some()));
        let mut wait = limits.retry_after.map(|time| time.wait_from(now));
        for name in rules.retry_at_headers.iter().chain(&rules.after) {
            let name = name.as_str();
            // A window that has something left says nothing about this failure.
            let counts = name.contains("retry") || left.is_none_or(|left| left == 0);
            let read = headers.get(name).filter(|_| counts).and_then(|value| value.to_str().ok());
            let read = read.and_then(|text| time_spec::parse(text, Unit::from_header_name(name)));
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

/// Whether a status says that the request was not carried out. A refusal of credentials has nothing to do with limits.
fn is_rejection(status: u16) -> bool {
    (400..500).contains(&status) && status != 401
}

/// The wait until a moment; `None` if that has passed, which says nothing. A span of nothing is said on purpose.
fn wait_until(time: TimeSpec, strategy: WaitFormat, now: i64) -> Option<Duration> {
    let wait = time.wait_from(now);
    let meant = matches!((time, strategy), (TimeSpec::After(_), WaitFormat::After));
    (meant || !wait.is_zero()).then_some(wait)
}

/// What the header that the provider's entry names has left.
fn remaining(headers: &HeaderMap, rules: &RetryRules) -> Option<u64> {
    let value = headers.get(rules.remaining_header.as_ref()?)?.to_str().ok()?;
    value.trim().parse::<f64>().ok().map(|left| u64::from(left > 0.0))
}

/// Whether a failure is worth another attempt. `acted`: an earlier hop took the request, and redirected to its result.
pub(super) fn is_status_retryable(
    method: &Method,
    status: u16,
    retry_on: &[u16],
    acted: bool,
    limited: bool,
    rules: &RetryRules,
) -> bool {
    if retry_on.contains(&status) {
        return true;
    }
    if limited {
        return may_resend(method, acted);
    }
    let listed = |status| rules.retryable_statuses.iter().any(|range| range.contains(status));
    let worth = match status {
        401 => false,
        _ if rules.retryable_statuses.is_empty() => matches!(status, 408 | 425 | 500..=599),
        _ => listed(status),
    };
    worth && is_idempotent(method)
}

/// Whether a request that was not answered is worth another attempt.
pub(super) fn is_transport_error_retryable(method: &Method, error: &TransportError, acted: bool) -> bool {
    error.is_transient() && (is_idempotent(method) || (error.had_no_side_effect() && !acted))
}

/// The wait that the API asks for, made longer where it asks for none a second time: an API that is asked again and again
/// without a pause has more to do than one that is at its limit.
pub(super) fn demanded_wait(wait: Duration, attempt: u32) -> Duration {
    if attempt > 1 { wait.max(MIN_REPEATED_WAIT) } else { wait }
}

/// The wait after a limit without a time: what the entry names, twice as long with each attempt.
pub(super) fn default_limit_wait(wait: Duration, attempt: u32) -> Duration {
    wait.saturating_mul(1 << attempt.saturating_sub(1).min(16))
}

/// The wait that we choose: 1 s, 2 s, 4 s … up to a minute, a quarter more or less.
pub(super) fn backoff(attempt: u32, clock: &dyn Clock) -> Duration {
    let doubled = Duration::from_secs(1 << attempt.saturating_sub(1).min(6)).min(MAX_BACKOFF);
    doubled.mul_f64(0.75 + 0.5 * clock.jitter()).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests;
