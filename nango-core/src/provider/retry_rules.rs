//! What a provider's entry says about failures: which statuses are worth another attempt, and where an answer tells how
//! long to wait.
//!
//! Only hints. The standard headers are read without any of this (`http::retry`); an entry adds the names and the
//! habits that the standards do not know.

use std::{str::FromStr, time::Duration};

use reqwest::header::HeaderName;

use super::Pattern;

/// The `proxy.retry` of an entry. Default: no rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetryRules {
    /// Headers that tell when a further attempt is welcome: epoch seconds or milliseconds, or a date. A number below
    /// 10^8 is read as seconds from now, because some entries list such headers here.
    pub retry_at_headers: Vec<HeaderName>,
    /// Headers that tell how long to wait: seconds, or a duration such as `6m0s`.
    pub after: Vec<HeaderName>,
    /// The header that counts what is left: at `0` any failure is worth another attempt, whatever its status.
    pub remaining_header: Option<HeaderName>,
    /// The statuses that are worth another attempt, in place of the usual ones; empty: the usual ones.
    pub retryable_statuses: Vec<StatusRange>,
    /// Where the body says that a limit refused the request, and perhaps when to try again.
    pub body_wait: Option<BodyWait>,
    /// How long to wait after a limit refused a request and the answer says no time. Default: a short wait that doubles.
    pub limit_wait: Option<Duration>,
    /// Whether the API counts the requests of all connections of an app together. `false`: each connection has a quota
    /// of its own.
    pub shared_quota: bool,
}

/// Statuses from the first to the last, both included. Written `429`, `5xx`, `500-502`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// Whether a status is one of them.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

/// Why a text is no range of statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no status: write one such as `429`, a class such as `5xx`, or a range such as `500-502`")]
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

/// A wait that the body of a failure tells.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyWait {
    /// The field that holds the text, such as `error.message`.
    pub path: String,
    /// What finds the wait in it, as its first group.
    pub pattern: Pattern,
    /// What the wait is.
    pub format: WaitFormat,
}

/// What a number or date means that tells of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFormat {
    /// The moment of the next attempt.
    At,
    /// The time until then.
    After,
}

/// Why a text is no strategy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no strategy: there is `at` and `after`")]
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
            assert!(error.to_string().starts_with(&format!("`{text}` is no status: ")), "{error}");
        }
    }

    #[test]
    fn wait_format_is_at_or_after() {
        assert_eq!("at".parse(), Ok(WaitFormat::At));
        assert_eq!("after".parse(), Ok(WaitFormat::After));
        let error = "later".parse::<WaitFormat>().unwrap_err();
        assert_eq!(error.to_string(), "`later` is no strategy: there is `at` and `after`");
    }
}
