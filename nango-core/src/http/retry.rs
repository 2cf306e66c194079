//! When an attempt is followed by another, and after what wait.
//!
//! Nango tries every method again on every 5xx and on 401. Here a request that may have had an effect is sent again
//! only if its method is idempotent, or the caller listed the status: a second `POST` is a second issue.

use std::time::Duration;

use reqwest::{
    Method,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use super::{Clock, TransportError, parse_http_date};

/// The longest wait that we choose ourselves.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// Whether repeating a request changes nothing (RFC 9110, 9.2.2).
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE)
}

/// Whether a request may be sent again after an answer that says that its last hop was not carried out. `acted`: an
/// earlier hop took the request, and redirected to its result.
pub(super) fn may_repeat(method: &Method, acted: bool) -> bool {
    !acted || is_idempotent(method)
}

/// Whether a status is worth another attempt. `acted`: an earlier hop took the request, and redirected to its result.
pub(super) fn status_may_pass(method: &Method, status: u16, retry_on: &[u16], acted: bool) -> bool {
    if retry_on.contains(&status) {
        return true;
    }
    match status {
        // It says that the request was not even looked at.
        429 => may_repeat(method, acted),
        408 | 425 | 500..=599 => is_idempotent(method),
        _ => false,
    }
}

/// Whether a failure is worth another attempt.
pub(super) fn failure_may_pass(method: &Method, error: &TransportError, acted: bool) -> bool {
    error.may_pass() && (is_idempotent(method) || (error.nothing_happened() && !acted))
}

/// The wait that an answer asks for: `Retry-After` in seconds or as a date, which is read against the answer's own
/// `Date` because the two clocks may differ.
pub(super) fn demanded(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        // Refuses what is negative or no number. What is too large for a duration is for ever.
        return (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let at = parse_http_date(text)?;
    let date = headers.get(DATE).and_then(|date| parse_http_date(date.to_str().ok()?)).unwrap_or(now);
    Some(Duration::from_micros(u64::try_from(at.saturating_sub(date)).unwrap_or(0)))
}

/// The wait that we choose: 1 s, 2 s, 4 s … up to a minute, a quarter more or less.
pub(super) fn backoff(attempt: u32, clock: &dyn Clock) -> Duration {
    let doubled = Duration::from_secs(1 << attempt.saturating_sub(1).min(6)).min(LONGEST_BACKOFF);
    doubled.mul_f64(0.75 + 0.5 * clock.jitter()).min(LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::script::FakeClock;

    #[track_caller]
    fn check(pairs: &[(&'static str, &str)], expect: Option<u64>) {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        assert_eq!(demanded(&headers, 784_111_777_000_000), expect.map(Duration::from_millis), "{pairs:?}");
    }

    #[test]
    fn what_a_server_demands() {
        check(&[], None);
        check(&[("retry-after", "7")], Some(7000));
        check(&[("retry-after", " 0.5 ")], Some(500));
        check(&[("retry-after", "0")], Some(0));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], Some(10_000));
        check(
            &[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), ("date", "Sun, 06 Nov 1994 08:49:40 GMT")],
            Some(7000),
        );
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT")], Some(0));
        for junk in ["-1", "soon", "NaN", ""] {
            check(&[("retry-after", junk)], None);
        }
        assert_eq!(
            demanded(&[("retry-after".parse().unwrap(), "1e300".parse().unwrap())].into_iter().collect(), 0),
            Some(Duration::MAX)
        );
    }

    #[test]
    fn what_we_choose_doubles_up_to_a_minute() {
        let clock = FakeClock::default();
        let waits: Vec<u64> = (1..=9).map(|attempt| backoff(attempt, &clock).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        clock.set_jitter(0.0);
        assert_eq!(backoff(1, &clock), Duration::from_millis(750));
        clock.set_jitter(0.999);
        assert!(backoff(u32::MAX, &clock) <= LONGEST_BACKOFF);
    }

    #[test]
    fn only_what_is_safe_is_repeated() {
        let check = |method: Method, status, expect| {
            assert_eq!(status_may_pass(&method, status, &[409], false), expect, "{method} {status}");
        };
        for status in [408, 425, 500, 503, 429, 409] {
            check(Method::GET, status, true);
        }
        for status in [400, 401, 404, 403] {
            check(Method::GET, status, false);
        }
        check(Method::POST, 503, false);
        check(Method::PATCH, 500, false);
        check(Method::POST, 429, true);
        check(Method::POST, 409, true);
        let unreachable = || TransportError::Unreachable("refused".into());
        let broken = || TransportError::Broken("reset".into());
        let check = |method: Method, error: &TransportError, acted, expect| {
            assert_eq!(failure_may_pass(&method, error, acted), expect, "{method} {error}");
        };
        check(Method::POST, &unreachable(), false, true);
        check(Method::GET, &unreachable(), false, true);
        check(Method::POST, &broken(), false, false);
        check(Method::PUT, &broken(), false, true);
        check(Method::GET, &TransportError::Unsendable("no".into()), false, false);
        check(Method::GET, &TransportError::Stopped, false, false);
        // The first hop took the POST; only its result was not reached.
        check(Method::POST, &unreachable(), true, false);
        assert!(!status_may_pass(&Method::POST, 429, &[], true) && status_may_pass(&Method::GET, 429, &[], true));
    }
}
