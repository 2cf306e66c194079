//! The structured fields `RateLimit` and `RateLimit-Policy`, in the shapes of the drafts.
//!
//! `limit=100, remaining=50, reset=30` was the first, `"burst";r=50;t=30, "daily";r=900;t=4000` is the last; the policy
//! was `100;w=60` and is `"burst";q=100;w=60`. Read without regard to what is not understood.

use std::time::Duration;

use super::{RateLimitHeaders, TimeSpec};

/// Reads `RateLimit`.
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

/// Reads `RateLimit-Policy`.
pub(super) fn read_policy(value: &str, limits: &mut RateLimitHeaders) {
    for item in split(value, ',') {
        let head = split(item, ';').next().unwrap_or_default();
        // The first shape has the quota in place of a name, and its window has none.
        let quota: Option<u64> = head.parse().ok();
        let name = if quota.is_some() { "" } else { unquoted(head) };
        let window = limits.window(name);
        window.limit = quota.or_else(|| parameter(item, "q")).or(window.limit);
        window.length = parameter(item, "w").map(Duration::from_secs).or(window.length);
    }
}

/// A whole number that a value carries as a parameter: the 60 of `100;w=60`.
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

/// Policies that are named make up the bucket.
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

/// Splits at a character that is not in quotes; the pieces are trimmed.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == at && !quoted
    })
    .map(str::trim)
    .filter(|piece| !piece.is_empty())
}
