//! Names of rate-limit headers.
//!
//! `x-ratelimit-remaining-requests` and similar names are classified word by word. Other supported names:
//!
//! - `x-minlimit-remaining`, `x-daylimit-remaining`: the window's name defines its length.
//! - `x-acme-quota-remaining` with `x-acme-quota-resets-in`.
//! - `acme-limit-info: api-usage=924/15000`: used and limit in one value.

use std::time::Duration;

const QUOTA: &str = "quota";

/// Meaning of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    RetryAfter,
    Limit,
    Remaining,
    Used,
    /// Used count and limit in one value.
    Usage,
    Reset,
    Length,
    Bucket,
    /// The structured field `RateLimit`.
    Fields,
    /// The structured field `RateLimit-Policy`.
    Policy,
}

/// Returns the meaning of a header and the name of its window; `None` if the header is not about limits.
pub(super) fn classify(name: &str) -> Option<(Role, String)> {
    if !may_be_limit_header(name) {
        return None;
    }
    let name = name.replace("rate-limit", "ratelimit").replace("retryafter", "retry-after");
    if name.contains("retry-after") {
        return Some((Role::RetryAfter, String::new()));
    }
    if !name.contains("ratelimit") {
        return classify_other(&name);
    }
    if name == "ratelimit" {
        return Some((Role::Fields, String::new()));
    }
    let mut role = Role::Limit;
    let mut window = Vec::new();
    for word in name.split('-') {
        role = match word {
            "reset" | "resets" => Role::Reset,
            "remaining" | "left" => Role::Remaining,
            "used" | "usage" => Role::Used,
            "policy" => Role::Policy,
            "resource" | "bucket" => Role::Bucket,
            "interval" | "window" => Role::Length,
            "x" | "ratelimit" | "limit" | "max" | "total" | "after" | "in" | "at" | "time" | "ms" | "milliseconds" => {
                continue;
            }
            other => {
                window.push(other);
                continue;
            }
        };
    }
    Some((role, window.join("-")))
}

/// Classifies names without `ratelimit`: they need a word that ends in `limit` or is `quota`, and a word for the role.
fn classify_other(name: &str) -> Option<(Role, String)> {
    if name.ends_with("limit-info") {
        return Some((Role::Usage, String::new()));
    }
    let mut role = None;
    let mut counted = false;
    let mut window = Vec::new();
    for word in name.split('-') {
        match word {
            "remaining" | "left" => role = Some(Role::Remaining),
            "used" | "usage" => role = Some(Role::Used),
            "reset" | "resets" => role = Some(Role::Reset),
            "x" | "in" | "at" | "after" | "time" => {}
            QUOTA => {
                counted = true;
                window.push(QUOTA);
            }
            word => {
                let of = word.strip_suffix("limit");
                counted |= of.is_some();
                window.extend(of.or(Some(word)).filter(|word| !word.is_empty()));
            }
        }
    }
    counted.then_some(())?;
    Some((role?, window.join("-")))
}

/// Returns whether the name of a window contains the word `quota`.
pub(super) fn is_quota(window: &str) -> bool {
    window.split('-').any(|word| word == QUOTA)
}

/// Returns whether a header's name may be about limits. A cheap filter, because most names are not.
fn may_be_limit_header(name: &str) -> bool {
    let bytes = name.as_bytes();
    (0..bytes.len()).any(|at| match bytes[at] {
        b'l' => bytes[at..].starts_with(b"limit"),
        b'q' => bytes[at..].starts_with(QUOTA.as_bytes()),
        b'r' => bytes[at..].starts_with(b"rate") || bytes[at..].starts_with(b"retry"),
        _ => false,
    })
}

/// Returns the length that a window's name defines, such as a day for `daily`.
pub(super) fn window_length(window: &str) -> Option<Duration> {
    let last = window.rsplit('-').next()?;
    let lengths = [
        (1, ["second", "secondly", "sec"]),
        (60, ["minute", "minutely", "min"]),
        (3600, ["hour", "hourly", "hour"]),
        (86400, ["day", "daily", "day"]),
    ];
    let (seconds, _) = lengths.iter().find(|(_, names)| names.iter().any(|name| last.ends_with(name)))?;
    Some(Duration::from_secs(*seconds))
}
