//! Retry rules of a provider entry: retryable statuses, and locations of wait times in responses.
//!
//! The rules are additional hints. Standard headers are always read (`http::retry`); an entry adds header names and
//! formats that the standards do not define.

use std::{str::FromStr, time::Duration};

use reqwest::header::HeaderName;

use super::Pattern;

/// The `proxy.retry` of an entry. Default: no rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetryRules {
    /// Headers with the time of the next attempt: epoch seconds or milliseconds, or a date. A number below 10^8 is read
    /// as seconds from now, because some entries list such headers here.
    pub retry_at_headers: Vec<HeaderName>,
    /// Headers with the time to wait: seconds, or a duration such as `6m0s`.
    pub retry_after_headers: Vec<HeaderName>,
    /// Header with the remaining quota. At `0`, any failure is retried regardless of its status.
    pub remaining_header: Option<HeaderName>,
    /// Statuses that are retried, instead of the default ones; empty for the defaults.
    pub retryable_statuses: Vec<StatusRange>,
    /// Location in the body that reports a rate limit, optionally with a wait time.
    pub body_wait: Option<BodyWait>,
    /// Wait after a rate limit response without a time. Default: a short wait that doubles.
    pub limit_wait: Option<Duration>,
    /// Whether all connections of an app share one quota. Default: each connection has its own quota.
    pub shared_quota: bool,
}

/// An inclusive range of statuses, written as `429`, `5xx` or `500-502`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// Returns whether the range contains a status.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

/// Error of a text that is not a range of statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status; use one such as `429`, a class such as `5xx`, or a range such as `500-502`")]
pub struct InvalidStatusRange(String);

impl FromStr for StatusRange {
    type Err = InvalidStatusRange;

    fn from_str(text: &str) -> Result<Self, InvalidStatusRange> {
        let status = |text: &str| {
            let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|status| plain && (100..=599).contains(status))
        };
        let class = |text: &str| match text.as_bytes() {
            [digit @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => Some(u16::from(digit - b'0') * 100),
            _ => None,
        };
        let trimmed = text.trim();
        let range = if let Some(first) = class(trimmed) {
            Some(Self { first, last: first + 99 })
        } else if let Some((first, last)) = trimmed.split_once('-') {
            status(first.trim()).zip(status(last.trim())).map(|(first, last)| Self { first, last })
        } else {
            status(trimmed).map(|status| Self { first: status, last: status })
        };
        range.filter(|range| range.first <= range.last).ok_or_else(|| InvalidStatusRange(text.to_owned()))
    }
}

/// Location and format of a wait time in the body of an error response.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyWait {
    /// Path of the text in the body, such as `error.message`.
    pub path: String,
    /// Pattern whose first group is the wait.
    pub pattern: Pattern,
    /// Meaning of the wait.
    pub format: WaitFormat,
}

/// Meaning of a wait value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFormat {
    /// Timestamp of the next attempt.
    At,
    /// Duration until the next attempt.
    After,
}

/// Error of a text that is not a wait format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown strategy `{0}`; available: `at` and `after`")]
pub struct InvalidWaitFormat(String);

impl FromStr for WaitFormat {
    type Err = InvalidWaitFormat;

    fn from_str(text: &str) -> Result<Self, InvalidWaitFormat> {
        match text {
            "at" => Ok(Self::At),
            "after" => Ok(Self::After),
            _ => Err(InvalidWaitFormat(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_range_is_read_in_three_forms() {
        let check = |text: &str, inside: &[u16], outside: &[u16]| {
            let range: StatusRange = text.parse().unwrap();
            assert!(inside.iter().all(|status| range.contains(*status)), "{text}");
            assert!(!outside.iter().any(|status| range.contains(*status)), "{text}");
        };
        check("429", &[429], &[428, 430]);
        check(" 5xx ", &[500, 599], &[499, 600]);
        check("4XX", &[400, 499], &[399, 500]);
        check("500-502", &[500, 501, 502], &[499, 503]);
        for text in ["", "xx", "5x", "42", "4290", "+42", "0xx", "6xx", "502-500", "500-", "a-b", "€xx", "é", "5xx-"]
        {
            let error = text.parse::<StatusRange>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{text}` is not a status; ")), "{error}");
        }
    }

    #[test]
    fn wait_format_is_at_or_after() {
        assert_eq!("at".parse(), Ok(WaitFormat::At));
        assert_eq!("after".parse(), Ok(WaitFormat::After));
        let error = "later".parse::<WaitFormat>().unwrap_err();
        assert_eq!(error.to_string(), "unknown strategy `later`; available: `at` and `after`");
    }
}
