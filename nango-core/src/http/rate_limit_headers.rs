//! Rate-limit headers of responses.
//!
//! `Retry-After` is a standard, `RateLimit` is a draft with three formats, and many APIs use names of their own. Header
//! names are therefore parsed word by word: `x-ratelimit-remaining-requests`, `x-ratelimit-requests-remaining` and
//! `x-acme-rate-limit-remaining` all contain the remainder of a window, and the other words are the window's name. This
//! makes settings for single APIs unnecessary.

mod fields;
mod names;

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap};

use names::{Role, window_length};

use crate::time::{TimeSpec, Timestamp, Unit, parse_http_date, parse_time_spec};

/// Maximum number of windows that are read from a response; further ones are ignored.
pub(super) const MAX_WINDOWS: usize = 8;

/// The rate-limit headers of one response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RateLimitHeaders {
    /// The wait of `Retry-After` and similar headers.
    pub(super) retry_after: Option<TimeSpec>,
    /// The windows in which requests are counted.
    pub(super) windows: Vec<Window>,
    /// The API's name of the bucket that the request was counted in, such as `search`.
    pub(super) bucket: Option<String>,
}

/// A window in which requests are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Name from the headers; most APIs have one window without a name.
    pub(super) name: String,
    /// Number of requests that the window allows.
    pub(super) limit: Option<u64>,
    /// Number of requests that remain.
    pub(super) remaining: Option<u64>,
    /// Time at which more requests are allowed.
    pub(super) reset: Option<TimeSpec>,
    /// Length of the window.
    pub(super) length: Option<Duration>,
}

impl RateLimitHeaders {
    /// Parses the headers of a response.
    pub(super) fn parse(headers: &HeaderMap) -> Self {
        let mut limits = Self::default();
        let mut used = Vec::new();
        let mut lists: Vec<(String, Role, Vec<u64>)> = Vec::new();
        for (name, value) in headers {
            let name = name.as_str();
            let Some((role, window)) = names::classify(name) else { continue };
            let Ok(value) = value.to_str() else { continue };
            match role {
                Role::RetryAfter => {
                    let read = parse_time_spec(value, Unit::from_header_name(name));
                    limits.retry_after = later_of(limits.retry_after, read);
                }
                Role::Bucket => limits.bucket = Some(value.trim().chars().take(100).collect()),
                Role::Fields => fields::read_rate_limit(value, &mut limits),
                Role::Policy => fields::read_policy(value, &mut limits),
                Role::Limit => {
                    if let Some(limit) = parse_count(value) {
                        lists.extend(parse_list(value).map(|list| (window.clone(), role, list)));
                        let length = window_length(&window);
                        let window = limits.window(&window);
                        window.limit = Some(limit);
                        window.length = fields::parameter(value, "w").map(Duration::from_secs).or(length);
                    }
                }
                Role::Remaining => {
                    let length = window_length(&window);
                    let window = limits.window(&window);
                    window.remaining = parse_count(value);
                    window.length = window.length.or(length);
                }
                Role::Used => {
                    lists.extend(parse_list(value).map(|list| (window.clone(), role, list)));
                    used.extend(parse_count(value).map(|count| (window, count)));
                }
                Role::Usage => {
                    for (name, used, limit) in value.split(',').filter_map(parse_usage) {
                        let window = limits.window(name);
                        window.limit = Some(limit);
                        window.remaining = Some(limit.saturating_sub(used));
                    }
                }
                Role::Reset => {
                    let read = parse_time_spec(value, Unit::from_header_name(name));
                    let reset = &mut limits.window(&window).reset;
                    // A relative time needs no clock, so it takes precedence over an absolute one.
                    if !matches!(reset, Some(TimeSpec::After(_))) || matches!(read, Some(TimeSpec::After(_))) {
                        *reset = read.or(*reset);
                    }
                }
                Role::Length => {
                    if let Some(TimeSpec::After(length)) = parse_time_spec(value, Unit::from_header_name(name)) {
                        limits.window(&window).length = Some(length);
                    }
                }
            }
        }
        for (name, count) in used {
            let window = limits.window(&name);
            window.remaining = window.remaining.or(window.limit.map(|limit| limit.saturating_sub(count)));
        }
        limits.add_lists(&lists);
        // A quota without a reset may be a storage quota.
        limits
            .windows
            .retain(|window| !window.is_empty() && (window.reset.is_some() || !names::is_quota(&window.name)));
        limits
    }

    /// Returns whether a window has no requests left.
    pub(super) fn is_exhausted(&self) -> bool {
        self.windows.iter().any(|window| window.remaining == Some(0))
    }

    /// Adds the windows after the first of a list such as `200, 2000`, if the list of used counts has the same length.
    fn add_lists(&mut self, lists: &[(String, Role, Vec<u64>)]) {
        let lists_of = |role: Role| lists.iter().filter(move |(_, other, _)| *other == role);
        for (name, _, limited) in lists_of(Role::Limit) {
            let Some((_, _, used)) =
                lists_of(Role::Used).find(|(other, _, used)| other == name && used.len() == limited.len())
            else {
                continue;
            };
            for (i, (limit, used)) in limited.iter().zip(used).enumerate().skip(1) {
                let window = self.window(&format!("{name}#{}", i + 1));
                window.limit = Some(*limit);
                window.remaining = Some(limit.saturating_sub(*used));
            }
        }
    }

    /// Returns the window of this name, created if needed; the last one if there are [`MAX_WINDOWS`] already.
    fn window(&mut self, name: &str) -> &mut Window {
        let at = self.windows.iter().position(|window| window.name == name).unwrap_or_else(|| {
            if self.windows.len() == MAX_WINDOWS {
                return MAX_WINDOWS - 1;
            }
            self.windows.push(Window { name: name.to_owned(), ..Window::default() });
            self.windows.len() - 1
        });
        &mut self.windows[at]
    }
}

impl Window {
    fn is_empty(&self) -> bool {
        self.limit.is_none() && self.remaining.is_none() && self.reset.is_none()
    }
}

/// Returns the server's time from its `Date` header.
pub(super) fn server_date(headers: &HeaderMap) -> Option<Timestamp> {
    headers.get(DATE).and_then(|date| parse_http_date(date.to_str().ok()?))
}

/// Parses a count: the first number of the value. Negative numbers become 0.
fn parse_count(value: &str) -> Option<u64> {
    let first = value.split([',', ';']).next()?.trim();
    let number: f64 = first.parse().ok().filter(|number: &f64| number.is_finite())?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
    Some(number.max(0.0) as u64)
}

/// Parses a list of several numbers; `None` for a single value or a list with other items.
fn parse_list(value: &str) -> Option<Vec<u64>> {
    value.contains(',').then(|| value.split(',').map(|item| item.trim().parse().ok()).collect()).flatten()
}

/// Parses `api-usage=924/15000` into name, used count and limit; ignores what follows.
fn parse_usage(item: &str) -> Option<(&str, u64, u64)> {
    let (name, counts) = item.split_once('=')?;
    let (used, limit) = counts.split_once('/')?;
    let digits = limit.trim().split(|c: char| !c.is_ascii_digit()).next()?;
    Some((name.trim(), used.trim().parse().ok()?, digits.parse().ok()?))
}

/// Returns the later of two times. A relative and an absolute time cannot be compared without a clock: the relative
/// one takes precedence.
fn later_of(first: Option<TimeSpec>, second: Option<TimeSpec>) -> Option<TimeSpec> {
    match (first, second) {
        (Some(TimeSpec::After(a)), Some(TimeSpec::After(b))) => Some(TimeSpec::After(a.max(b))),
        (Some(TimeSpec::At(a)), Some(TimeSpec::At(b))) => Some(TimeSpec::At(a.max(b))),
        (Some(span @ TimeSpec::After(_)), _) | (_, Some(span @ TimeSpec::After(_))) => Some(span),
        (first, second) => first.or(second),
    }
}

#[cfg(test)]
mod tests;
