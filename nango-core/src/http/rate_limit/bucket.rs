//! Buckets: the requests that an API counts together.

use std::time::Duration;

use super::{
    Priority,
    aimd::{AimdAdmission, AimdLimiter},
    window::{Capacity, ResponseEvent, ResponseTimes, Window},
};
use crate::{
    http::rate_limit_headers::{MAX_WINDOWS, RateLimitHeaders},
    time::Timestamp,
};

/// A bucket that is unused for this time is evicted.
const MAX_IDLE: Duration = Duration::from_hours(1);

/// A bucket of a rate limiter: its windows, its estimate, and its waiters.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// The API's name of the bucket, once a response reported it.
    pub(super) name: Option<String>,
    windows: Vec<Window>,
    aimd: AimdLimiter,
    response_times: ResponseTimes,
    /// Number of requests in flight: sent, without a response so far.
    in_flight: u64,
    /// The request in flight that probes ended windows, if there is one.
    probe: Option<u64>,
    /// Whether the bucket has had a response.
    has_response: bool,
    /// No request is sent before this time.
    paused_until: Timestamp,
    /// Tick of the last sent request.
    last_sent: u64,
    last_used_at: Timestamp,
}

/// Decision whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// The request may be sent now; `is_probe`: it probes ended windows.
    Open { is_probe: bool },
    /// The request may be sent at this time; `None`: after the next response.
    Closed(Option<Timestamp>),
}

impl Bucket {
    pub(super) fn named(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    /// Decides whether a request of this priority may be sent.
    pub(super) fn admission(&mut self, priority: Priority, processes: u64, now: Timestamp) -> Admission {
        if self.paused_until > now {
            return Admission::Closed(Some(self.paused_until));
        }
        if !self.has_response && self.in_flight > 0 {
            return Admission::Closed(None);
        }
        let interactive = priority == Priority::Interactive;
        let (mut ended, mut full) = (false, None);
        for window in &self.windows {
            match window.capacity(self.in_flight, interactive, processes, &self.response_times, now) {
                Capacity::Available => {}
                Capacity::Ended => ended = true,
                Capacity::Full(until) => full = full.max(Some(until)),
            }
        }
        if full.is_some() {
            return Admission::Closed(full);
        }
        if ended && self.probe.is_some() {
            return Admission::Closed(None);
        }
        match self.aimd.admission(self.in_flight, now) {
            AimdAdmission::Now => Admission::Open { is_probe: ended },
            AimdAdmission::AfterResponse => Admission::Closed(None),
            AimdAdmission::At(at) => Admission::Closed(Some(at)),
        }
    }

    /// Records a sent request.
    pub(super) fn send(&mut self, tick: u64, is_probe: bool, now: Timestamp) {
        self.in_flight += 1;
        self.last_sent = tick;
        self.last_used_at = now;
        if is_probe {
            self.probe = Some(tick);
        }
    }

    /// Records that the request with tick `sent` is no longer in flight.
    pub(super) fn release(&mut self, sent: u64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.probe = self.probe.filter(|probe| *probe != sent);
    }

    /// Records the rate-limit headers of a response. `resets` are the reset times of its windows, by the local clock.
    pub(super) fn observe(&mut self, limits: &RateLimitHeaders, resets: &[Option<Timestamp>], response: ResponseEvent) {
        self.has_response = true;
        self.last_used_at = response.at;
        let is_reported = |window: &Window| limits.windows.iter().any(|reported| reported.name == window.name);
        self.windows.retain(|window| is_reported(window) || !window.is_over(response.at));
        for (reported, reset) in limits.windows.iter().zip(resets) {
            if reported.remaining.is_none() {
                continue;
            }
            let at = self.windows.iter().position(|window| window.name == reported.name).unwrap_or_else(|| {
                self.windows.push(Window::named(&reported.name));
                self.windows.len() - 1
            });
            self.windows[at].observe(reported, *reset, response);
        }
        self.windows.truncate(MAX_WINDOWS);
        if !self.windows.is_empty() {
            self.response_times.add(response.at);
        }
    }

    /// Records a response that was not rate-limited.
    pub(super) fn on_success(&mut self, now: Timestamp) {
        self.aimd.on_success(now);
    }

    /// Records that the limit refused the request with tick `sent`, and pauses the bucket for `wait`.
    pub(super) fn on_limited(&mut self, sent: u64, wait: Duration, now: Timestamp) {
        self.aimd.on_limited(sent, self.last_sent, wait, now);
        self.paused_until = self.paused_until.max(now + wait);
    }

    /// Returns the number of requests in flight.
    #[cfg(test)]
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Returns whether the bucket still has useful state and must not be evicted.
    pub(super) fn is_in_use(&self, now: Timestamp) -> bool {
        self.in_flight > 0 || self.paused_until > now || now < self.last_used_at + MAX_IDLE
    }
}
