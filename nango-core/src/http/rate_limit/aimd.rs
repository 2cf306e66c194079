//! Estimated quota (additive increase, multiplicative decrease), for APIs that limit without reporting a remainder.
//!
//! There is no estimate until the first rate-limited response. The number of requests before it and its wait give a
//! first estimate of the quota and of its window. Up to the estimate, requests are sent without waiting; above it one
//! at a time, so that a smaller quota refuses one request and not all in flight. Successful windows raise the estimate,
//! first by [`INCREASE`], then by twice as much with each window. A rate-limited response lowers it, and it stays
//! constant for [`HOLD_WINDOWS`] windows.

use std::{collections::VecDeque, time::Duration};

use crate::time::{Timestamp, saturating_micros};

/// Factor of the estimate after a refusal near it: the observed quota, less a margin.
const DECREASE_FACTOR: f64 = 0.95;
/// The largest decrease of an estimate at once, before [`DECREASE_FACTOR`].
const COLLAPSE_FACTOR: f64 = 0.5;
/// A refusal at this fraction of the estimate or above confirms the estimated window.
const NEAR: f64 = 0.8;
/// Fraction by which the estimate may rise in the first window of an increase, and the maximum per window.
const INCREASE: f64 = 0.01;
const MAX_INCREASE: f64 = 0.16;
/// Number of windows without an increase after a refusal.
const HOLD_WINDOWS: u32 = 4;
/// Usual lengths of windows, in seconds.
const ROUND_LENGTHS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 300.0, 600.0, 900.0, 3600.0];
/// A pause of this length starts a new measurement.
const MAX_IDLE: Duration = Duration::from_secs(10);

/// Estimator of a quota that the API does not report.
#[derive(Debug, Default)]
pub(super) struct AimdLimiter {
    estimate: Option<Estimate>,
    history: ResponseHistory,
    /// Time of the first response after the last refusal or pause.
    active_since: Option<Timestamp>,
    /// The last request sent before the last refusal; refusals of requests up to it are ignored.
    last_decrease: u64,
}

#[derive(Debug)]
struct Estimate {
    quota: f64,
    /// The window's length.
    length: Duration,
    /// Fraction by which the quota may rise in this window.
    increase: f64,
    /// Remaining windows without an increase.
    hold_windows: u32,
    /// Start of this window.
    started_at: Timestamp,
    /// Maximum number of requests within one window's length since then.
    peak: u64,
    /// Whether the estimate delayed a request since then.
    was_limiting: bool,
}

/// Decision whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AimdAdmission {
    Now,
    /// After the next response.
    AfterResponse,
    /// At this time.
    At(Timestamp),
}

impl AimdLimiter {
    /// Decides whether a request may be sent in addition to those in flight.
    pub(super) fn admission(&mut self, in_flight: u64, now: Timestamp) -> AimdAdmission {
        let Some(estimate) = &mut self.estimate else { return AimdAdmission::Now };
        let counted = self.history.count_after(now - estimate.length) + in_flight;
        let (safe, most) = (to_count(estimate.quota), to_count(estimate.quota * (1.0 + estimate.increase)));
        if counted < safe {
            return AimdAdmission::Now;
        }
        estimate.was_limiting = true;
        let most = if estimate.hold_windows > 0 { safe } else { most.max(safe + 1) };
        if counted < most {
            return if in_flight == 0 { AimdAdmission::Now } else { AimdAdmission::AfterResponse };
        }
        match self.history.nth_after(now - estimate.length, counted + 1 - most) {
            Some(at) => AimdAdmission::At(at + estimate.length),
            None => AimdAdmission::AfterResponse,
        }
    }

    /// Records a response that was not rate-limited.
    pub(super) fn on_success(&mut self, now: Timestamp) {
        let length = self.estimate.as_ref().map_or(Duration::ZERO, |estimate| estimate.length);
        if self.history.last().is_none_or(|last| now.saturating_duration_since(last) > MAX_IDLE.max(length)) {
            self.active_since = None;
        }
        self.active_since.get_or_insert(now);
        self.history.add(now, length);
        let Some(estimate) = &mut self.estimate else { return };
        estimate.peak = estimate.peak.max(self.history.count_after(now - estimate.length));
        if now >= estimate.started_at + estimate.length {
            estimate.end_window(now);
        }
    }

    /// Records that the limit refused the request with tick `sent` and that the API requires a pause of `wait`. `last`
    /// is the tick of the last sent request.
    pub(super) fn on_limited(&mut self, sent: u64, last: u64, wait: Duration, now: Timestamp) {
        if sent <= self.last_decrease {
            return;
        }
        self.last_decrease = last;
        let wait = wait.as_secs_f64().min(86400.0);
        let active = self.active_since.map_or(0.0, |since| now.saturating_duration_since(since).as_secs_f64());
        let (length, granted) = if let Some(length) = likely_window(active, wait) {
            (length, self.history.count_after(self.active_since.map_or(now, |since| since.saturating_add_micros(-1))))
        } else {
            // The measurement covers several windows; only the last one counts.
            let length = next_round_length(wait);
            (length, self.history.count_after(now - span(length - wait)))
        };
        let (length, quota) = match &self.estimate {
            None => (span(length), to_f64(granted) * DECREASE_FACTOR),
            Some(estimate) => {
                let within = to_f64(self.history.count_after(now - estimate.length));
                if within >= estimate.quota * NEAR {
                    (estimate.length, within * DECREASE_FACTOR)
                } else if span(length) > estimate.length {
                    (span(length), to_f64(granted) * DECREASE_FACTOR)
                } else {
                    (estimate.length, within.max(estimate.quota * COLLAPSE_FACTOR) * DECREASE_FACTOR)
                }
            }
        };
        let began = now + span(wait);
        let quota = quota.max(1.0);
        self.estimate = Some(Estimate {
            quota,
            length,
            increase: INCREASE,
            hold_windows: HOLD_WINDOWS,
            started_at: began,
            peak: 0,
            was_limiting: false,
        });
        self.active_since = None;
    }
}

impl Estimate {
    /// Ends a window and raises the quota if requests were delayed in it.
    fn end_window(&mut self, now: Timestamp) {
        if self.hold_windows > 0 {
            self.hold_windows -= 1;
        } else if self.was_limiting {
            self.quota = to_f64(self.peak).clamp(self.quota, self.quota * (1.0 + self.increase) + 1.0);
            self.increase = (self.increase * 2.0).min(MAX_INCREASE);
        }
        (self.started_at, self.peak, self.was_limiting) = (now, 0, false);
    }
}

/// Times and counts of responses, oldest first. Responses within one part of a window share an entry, at the last time.
#[derive(Debug, Default)]
struct ResponseHistory(VecDeque<(Timestamp, u64)>);

impl ResponseHistory {
    /// Maximum number of entries.
    const MAX_ENTRIES: usize = 4096;
    /// Resolution: number of parts of a window that are distinguished.
    const PARTS: i64 = 1024;

    fn add(&mut self, at: Timestamp, length: Duration) {
        let resolution = (saturating_micros(length) / Self::PARTS).max(1000);
        let part = |at: Timestamp| at.as_micros() / resolution;
        // An entry moves to the latest time in its part, so that a response counts too long by at most one part.
        if let Some((last, count)) = self.0.back_mut()
            && part(at) <= part(*last)
        {
            (*last, *count) = (at.max(*last), *count + 1);
            return;
        }
        if self.0.len() == Self::MAX_ENTRIES {
            self.0.pop_front();
        }
        self.0.push_back((at, 1));
    }

    fn last(&self) -> Option<Timestamp> {
        self.0.back().map(|(at, _)| *at)
    }

    /// Returns the number of responses after a time.
    fn count_after(&self, time: Timestamp) -> u64 {
        self.0.range(self.0.partition_point(|(at, _)| *at <= time)..).map(|(_, count)| count).sum()
    }

    /// Returns the time of the `nth` response after a time.
    fn nth_after(&self, time: Timestamp, nth: u64) -> Option<Timestamp> {
        let mut left = nth;
        for (at, count) in self.0.range(self.0.partition_point(|(at, _)| *at <= time)..) {
            if *count >= left {
                return Some(*at);
            }
            left -= count;
        }
        None
    }
}

/// Returns the likely length of a window, in seconds, that accepted requests for `active` seconds and then required a
/// wait; `None` if this was more than one window. A wait in whole seconds may be up to a second too long, and windows
/// usually have round lengths.
fn likely_window(active: f64, wait: f64) -> Option<f64> {
    let most = (active + wait).max(0.001);
    let least = if wait.fract() == 0.0 { (most - 1.0).max(active) } else { most };
    let one = most <= next_round_length(wait) * 2.0;
    one.then(|| ROUND_LENGTHS.into_iter().find(|round| (least..=most).contains(round)).unwrap_or(most))
}

/// Returns the next round length above a wait, in seconds.
fn next_round_length(wait: f64) -> f64 {
    ROUND_LENGTHS.into_iter().find(|round| *round > wait).unwrap_or(wait * 2.0)
}

/// Converts seconds, of which there are at most two days.
fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
fn to_f64(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
fn to_count(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the timestamp of a number of milliseconds.
    fn at(ms: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_millis(ms)
    }

    /// Sends requests one after another, each taking a millisecond; returns their send times.
    fn drive(limiter: &mut AimdLimiter, from: u64, to: u64) -> Vec<Timestamp> {
        let (mut now, mut sent) = (at(from), Vec::new());
        while now < at(to) {
            match limiter.admission(0, now) {
                AimdAdmission::Now => {
                    sent.push(now);
                    now += Duration::from_millis(1);
                    limiter.on_success(now);
                }
                AimdAdmission::At(until) => now = until.max(now.saturating_add_micros(1)),
                AimdAdmission::AfterResponse => panic!("no request is in flight"),
            }
        }
        sent
    }

    /// Returns a limiter that was refused after 100 requests in 100 ms, for the rest of a second.
    fn limited_once() -> AimdLimiter {
        let mut limiter = AimdLimiter::default();
        assert_eq!(drive(&mut limiter, 0, 100).len(), 100);
        limiter.on_limited(101, 105, Duration::from_millis(900), at(100));
        limiter
    }

    #[test]
    fn window_lengths_are_rounded() {
        let cases = [
            (0.5, 1.0, Some(1.0)),
            (0.1, 0.9, Some(1.0)),
            (0.5, 1.2, Some(1.7)),
            (5.3, 55.0, Some(60.0)),
            (5.0, 20.0, Some(25.0)),
            (0.0, 0.0, Some(0.001)),
            (3600.0, 30.0, None),
        ];
        for (active, wait, expect) in cases {
            assert_eq!(likely_window(active, wait), expect, "{active} {wait}");
        }
    }

    #[test]
    fn refusal_yields_the_estimate() {
        let mut limiter = limited_once();
        let left = drive(&mut limiter, 1000, 5000);
        let within = |from: u64| left.iter().filter(|sent| (at(from)..at(from + 1000)).contains(*sent)).count();
        assert_eq!([1000, 2000, 3000, 4000].map(within), [95; 4]);
        // Refusals of requests that were in flight together with the refused one are ignored.
        let quota = limiter.estimate.as_ref().unwrap().quota;
        limiter.on_limited(104, 500, Duration::from_secs(1), at(5000));
        assert!(limiter.estimate.as_ref().unwrap().quota >= quota);
        limiter.on_limited(500, 501, Duration::from_secs(1), at(5000));
        assert!(limiter.estimate.as_ref().unwrap().quota < quota);
    }

    #[test]
    fn low_estimate_rises_with_successes() {
        let mut limiter = limited_once();
        let left = drive(&mut limiter, 1000, 30_000);
        let last = left.iter().filter(|sent| **sent >= at(29_000)).count();
        assert!(last > 400, "{last}");
        // Fewer requests than the estimate do not raise it.
        let mut limiter = limited_once();
        for second in 1..30 {
            drive(&mut limiter, second * 1000, second * 1000 + 50);
        }
        assert!(limiter.estimate.unwrap().quota < 96.0);
    }

    #[test]
    fn requests_above_the_estimate_are_sent_one_at_a_time() {
        let mut limiter = limited_once();
        drive(&mut limiter, 1000, 5500);
        let estimate = limiter.estimate.as_ref().unwrap();
        assert_eq!(estimate.hold_windows, 0);
        let (mut limiter, now) = (limiter, at(7000));
        (0..95).for_each(|_| limiter.on_success(now));
        assert_eq!(limiter.admission(0, now + Duration::from_millis(1)), AimdAdmission::Now);
        assert_eq!(limiter.admission(1, now + Duration::from_millis(1)), AimdAdmission::AfterResponse);
    }

    #[test]
    fn longer_window_replaces_the_estimate() {
        // 50 requests in 5 s, and a wait of 20 s: a window of 25 s.
        let mut limiter = AimdLimiter::default();
        (0..50).for_each(|number| limiter.on_success(at(number * 100)));
        limiter.on_limited(51, 51, Duration::from_secs(20), at(5000));
        assert_eq!(limiter.estimate.as_ref().unwrap().length, Duration::from_secs(25));
        // After the estimated window, requests are accepted and then refused again for the rest of a minute.
        (0..47).for_each(|number| limiter.on_success(at(25_000 + number * 100)));
        (0..12).for_each(|number| limiter.on_success(at(51_000 + number * 100)));
        limiter.on_limited(200, 200, Duration::from_millis(32_700), at(52_300));
        let estimate = limiter.estimate.as_ref().unwrap();
        assert_eq!((estimate.length, estimate.quota), (Duration::from_mins(1), 59.0 * DECREASE_FACTOR));
    }
}
