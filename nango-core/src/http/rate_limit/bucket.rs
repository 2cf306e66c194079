//! What an API counts together.

use std::time::Duration;

use super::{
    Priority,
    aimd::{AimdAdmission, AimdLimiter},
    wait_queue::WaitQueue,
    window::{Capacity, ResponseEvent, ResponseTimes, Window},
};
use crate::http::rate_limit_headers::{MAX_WINDOWS, RateLimitHeaders};

/// A bucket that nobody used for so long is forgotten, in microseconds.
const MAX_IDLE_MICROS: i64 = 3_600_000_000;

/// A bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// The API's name for it, once an answer told.
    pub(super) name: Option<String>,
    pub(super) queue: WaitQueue,
    windows: Vec<Window>,
    aimd: AimdLimiter,
    response_times: ResponseTimes,
    /// Requests that were sent and not answered.
    in_flight: u64,
    /// The request that looks into windows that have ended, if one is under way.
    probe: Option<u64>,
    /// Whether there was an answer.
    has_response: bool,
    /// Nothing leaves before.
    paused_until: i64,
    /// The last request that left, in ticks.
    last_sent: u64,
    last_used_at: i64,
}

/// Whether a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Now; with whether it looks into windows that have ended.
    Open { is_probe: bool },
    /// At that moment; `None`: with the next answer.
    Closed(Option<i64>),
}

impl Bucket {
    pub(super) fn named(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    /// Whether a request of a lane may leave.
    pub(super) fn admission(&mut self, lane: Priority, processes: u64, now: i64) -> Admission {
        if self.paused_until > now {
            return Admission::Closed(Some(self.paused_until));
        }
        if !self.has_response && self.in_flight > 0 {
            return Admission::Closed(None);
        }
        let interactive = lane == Priority::Interactive;
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

    /// A request leaves.
    pub(super) fn send(&mut self, tick: u64, is_probe: bool, now: i64) {
        self.in_flight += 1;
        self.last_sent = tick;
        self.last_used_at = now;
        if is_probe {
            self.probe = Some(tick);
        }
    }

    /// A request is no longer under way.
    pub(super) fn release(&mut self, sent: u64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.probe = self.probe.filter(|looking| *looking != sent);
    }

    /// What an answer says. `resets` are the moments of its windows, by our clock.
    pub(super) fn observe(&mut self, limits: &RateLimitHeaders, resets: &[Option<i64>], answered: ResponseEvent) {
        self.has_response = true;
        self.last_used_at = answered.at;
        let is_reported = |window: &Window| limits.windows.iter().any(|reported| reported.name == window.name);
        self.windows.retain(|window| is_reported(window) || !window.is_over(answered.at));
        for (reported, reset) in limits.windows.iter().zip(resets) {
            if reported.remaining.is_none() {
                continue;
            }
            let at = self.windows.iter().position(|window| window.name == reported.name).unwrap_or_else(|| {
                self.windows.push(Window::named(&reported.name));
                self.windows.len() - 1
            });
            self.windows[at].observe(reported, *reset, answered);
        }
        self.windows.truncate(MAX_WINDOWS);
        if !self.windows.is_empty() {
            self.response_times.add(answered.at);
        }
    }

    /// The API took a request.
    pub(super) fn on_success(&mut self, now: i64) {
        self.aimd.on_success(now);
    }

    /// The API's limit refused a request, and it wants to be left alone for `wait`.
    pub(super) fn on_limited(&mut self, sent: u64, wait: Duration, now: i64) {
        self.aimd.on_limited(sent, self.last_sent, wait, now);
        let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        self.paused_until = self.paused_until.max(now.saturating_add(micros));
    }

    /// How many requests are under way.
    #[cfg(test)]
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Whether forgetting the bucket would forget something of use.
    pub(super) fn is_in_use(&self, now: i64) -> bool {
        self.in_flight > 0 || self.paused_until > now || now.saturating_sub(self.last_used_at) < MAX_IDLE_MICROS
    }
}
