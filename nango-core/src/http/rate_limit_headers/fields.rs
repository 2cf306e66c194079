//! The structured fields `RateLimit` and `RateLimit-Policy`, in the formats of all drafts.
//!
//! The first draft has `limit=100, remaining=50, reset=30` and the policy `100;w=60`; the latest has
//! `"burst";r=50;t=30, "daily";r=900;t=4000` and the policy `"burst";q=100;w=60`. Unknown parameters are ignored.

use std::time::Duration;

use super::{RateLimitHeaders, TimeSpec};

/// Reads a value of `RateLimit` into `limits`.
pub(super) fn read_rate_limit(value: &str, limits: &mut RateLimitHeaders) {
    for item in split(value, ',') {
        let mut parts = split(item, ';');
        let head = parts.next().unwrap_or_default();
        if let Some((key, number)) = parse_pair(head) {
            set_parameter(limits, "", key, number);
            continue;
        }
        let name = unquoted(head);
        for (key, number) in parts.filter_map(parse_pair) {
            set_parameter(limits, name, key, number);
        }
        add_bucket_name(limits, name);
    }
}

/// Reads a value of `RateLimit-Policy` into `limits`.
pub(super) fn read_policy(value: &str, limits: &mut RateLimitHeaders) {
    for item in split(value, ',') {
        let head = split(item, ';').next().unwrap_or_default();
        // The first draft has the quota in place of the name, so its window is unnamed.
        let quota: Option<u64> = head.parse().ok();
        let name = if quota.is_some() { "" } else { unquoted(head) };
        let window = limits.window(name);
        window.limit = quota.or_else(|| parameter(item, "q")).or(window.limit);
        window.length = parameter(item, "w").map(Duration::from_secs).or(window.length);
    }
}

/// Returns an integer parameter of a value: the 60 of `100;w=60`.
pub(super) fn parameter(value: &str, name: &str) -> Option<u64> {
    let first = split(value, ',').next()?;
    split(first, ';').skip(1).filter_map(parse_pair).find(|(key, _)| *key == name).map(|(_, number)| number)
}

fn set_parameter(limits: &mut RateLimitHeaders, window: &str, key: &str, number: u64) {
    let window = limits.window(window);
    match key {
        "limit" | "q" => window.limit = Some(number),
        "remaining" | "r" => window.remaining = Some(number),
        "reset" | "t" => window.reset = Some(TimeSpec::After(Duration::from_secs(number))),
        "w" => window.length = Some(Duration::from_secs(number)),
        _ => {}
    }
}

/// Appends a policy's name to the name of the bucket: requests of the same policies share a bucket.
fn add_bucket_name(limits: &mut RateLimitHeaders, name: &str) {
    if name.is_empty() {
        return;
    }
    let bucket = limits.bucket.get_or_insert_default();
    if bucket.len() < 100 {
        if !bucket.is_empty() {
            bucket.push('+');
        }
        bucket.push_str(name);
    }
}

fn parse_pair(text: &str) -> Option<(&str, u64)> {
    let (key, value) = text.split_once('=')?;
    Some((key.trim(), value.trim().parse().ok()?))
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// Splits at a character outside of quotes; trims the parts and drops empty ones.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}
