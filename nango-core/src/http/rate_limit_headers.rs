//! What an answer says about the API's limits.
//!
//! `Retry-After` is a standard; `RateLimit` has been a draft in three shapes for years, and around it every API names
//! its headers a little differently. They are read by their parts: `x-ratelimit-remaining-requests`,
//! `x-ratelimit-requests-remaining` and `x-acme-rate-limit-remaining` each say that something is what remains of a
//! window, and the words that are left name the window. So no API needs a setting for what it sends.

mod fields;
mod names;

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap};

use names::{Role, window_length};

use super::{
    parse_http_date,
    time_spec::{self, TimeSpec, Unit},
};

/// More windows than an answer tells of: what comes behind is passed over.
pub(super) const MAX_WINDOWS: usize = 8;

/// What an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RateLimitHeaders {
    /// The wait that `Retry-After` and its like ask for.
    pub(super) retry_after: Option<TimeSpec>,
    /// The windows in which requests are counted.
    pub(super) windows: Vec<Window>,
    /// The API's name for what the request was counted in, such as `search`.
    pub(super) bucket: Option<String>,
}

/// A window in which requests are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// What its headers call it; most APIs have one without a name.
    pub(super) name: String,
    /// How much it holds.
    pub(super) limit: Option<u64>,
    /// How much is left.
    pub(super) remaining: Option<u64>,
    /// When there is more.
    pub(super) reset: Option<TimeSpec>,
    /// How long it is.
    pub(super) length: Option<Duration>,
}

impl RateLimitHeaders {
    /// Reads the headers of an answer.
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
                    let read = time_spec::parse(value, Unit::from_header_name(name));
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
                    let read = time_spec::parse(value, Unit::from_header_name(name));
                    let reset = &mut limits.window(&window).reset;
                    // A span needs no clock, so it is the better of two.
                    if !matches!(reset, Some(TimeSpec::After(_))) || matches!(read, Some(TimeSpec::After(_))) {
                        *reset = read.or(*reset);
                    }
                }
                Role::Length => {
                    if let Some(TimeSpec::After(length)) = time_spec::parse(value, Unit::from_header_name(name)) {
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
        // A quota without a reset may be one of storage.
        limits
            .windows
            .retain(|window| !window.is_empty() && (window.reset.is_some() || !names::is_quota(&window.name)));
        limits
    }

    /// Whether a window has nothing left.
    pub(super) fn is_exhausted(&self) -> bool {
        self.windows.iter().any(|window| window.remaining == Some(0))
    }

    /// The windows behind the first of a list such as `200, 2000`, of which as many were used.
    fn add_lists(&mut self, lists: &[(String, Role, Vec<u64>)]) {
        let of = |role: Role| lists.iter().filter(move |(_, its, _)| *its == role);
        for (name, _, limited) in of(Role::Limit) {
            let Some((_, _, used)) =
                of(Role::Used).find(|(other, _, used)| other == name && used.len() == limited.len())
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

    /// The window of this name, made if there is room for another.
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

/// The server's own time, by its `Date`, in microseconds since 1970.
pub(super) fn server_date(headers: &HeaderMap) -> Option<i64> {
    headers.get(DATE).and_then(|date| parse_http_date(date.to_str().ok()?))
}

/// A count: the first number of the value. What is less than nothing is nothing.
fn parse_count(value: &str) -> Option<u64> {
    let first = value.split([',', ';']).next()?.trim();
    let number: f64 = first.parse().ok().filter(|number: &f64| number.is_finite())?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
    Some(number.max(0.0) as u64)
}

/// The numbers of a list of several; `None` if something else is in it.
fn parse_list(value: &str) -> Option<Vec<u64>> {
    value.contains(',').then(|| value.split(',').map(|item| item.trim().parse().ok()).collect()).flatten()
}

/// The name, what is used and the limit of `api-usage=924/15000`, whatever follows.
fn parse_usage(item: &str) -> Option<(&str, u64, u64)> {
    let (name, counts) = item.split_once('=')?;
    let (used, limit) = counts.split_once('/')?;
    let digits = limit.trim().split(|c: char| !c.is_ascii_digit()).next()?;
    Some((name.trim(), used.trim().parse().ok()?, digits.parse().ok()?))
}

/// The later of two moments. A span and a date cannot be compared without a clock: the span stays.
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
