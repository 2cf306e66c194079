//! Requests for permits, and their results.

use std::time::Duration;

use super::Priority;
use crate::{
    http::{Clock, rate_limit_headers::RateLimitHeaders},
    time::Timestamp,
};

/// A request for a permit.
pub(in crate::http) struct PermitRequest<'a> {
    pub(in crate::http) path: &'a str,
    pub(in crate::http) priority: Priority,
    pub(in crate::http) connection: &'a str,
    /// Clock of the run.
    pub(in crate::http) clock: &'a dyn Clock,
    /// Maximum wait.
    pub(in crate::http) max_wait: Duration,
}

/// Reason why a permit was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum AcquireError {
    /// The rate limiter was dropped.
    Closed,
    /// The required wait, which is longer than the allowed one.
    WaitTooLong(Duration),
}

/// Rate-limit information in the response to a request.
#[derive(Debug)]
pub(in crate::http) struct Outcome<'a> {
    pub(in crate::http) path: &'a str,
    pub(in crate::http) limits: &'a RateLimitHeaders,
    /// The server's time, if the response has it.
    pub(in crate::http) server_date: Option<Timestamp>,
    /// The pause that the API requires, if its limit refused the request.
    pub(in crate::http) limited_for: Option<Duration>,
}
