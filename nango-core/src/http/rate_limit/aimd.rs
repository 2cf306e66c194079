//! A quota that is guessed, for APIs that refuse without telling before: additive increase, multiplicative decrease.
//!
//! There is none until the first refusal. That one shows how much went through and how long the API wants to be left
//! alone, which together are a first guess of a quota and of its window. A little below it requests leave as they come;
//! above it one at a time, so that a quota that turns out smaller refuses one request and not all that are under way.
//! What went well raises the guess, first a little, then twice as much with each window; a refusal lowers it, and then
//! it rests for some windows.

use std::{collections::VecDeque, time::Duration};

/// What is left of a quota that showed itself.
const DECREASE_FACTOR: f64 = 0.95;
/// What is left of a guess that was wrong altogether.
const COLLAPSE_FACTOR: f64 = 0.5;
/// From which part of the guess on a refusal says that its window was right.
const NEAR: f64 = 0.8;
/// By how much of itself the guess may rise in the first window that looks for more, and at most in one.
const INCREASE: f64 = 0.01;
const MAX_INCREASE: f64 = 0.16;
/// For how many windows the guess rests after a refusal.
const HOLD_WINDOWS: u32 = 4;
/// The lengths of windows that APIs choose, in seconds.
const ROUND_LENGTHS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 300.0, 600.0, 900.0, 3600.0];
/// A silence of this length ends what is measured together, in microseconds.
const MAX_IDLE_MICROS: i64 = 10_000_000;
const SECOND: f64 = 1e6;

/// What is known of a quota that nobody tells.
#[derive(Debug, Default)]
pub(super) struct AimdLimiter {
    estimate: Option<Estimate>,
    history: ResponseHistory,
    /// When the first request was answered after the last pause, or silence.
    active_since: Option<i64>,
    /// The last request that had left at the last refusal: what is refused of those is no news.
    last_decrease: u64,
}

#[derive(Debug)]
struct Estimate {
    quota: f64,
    /// The window's length, in microseconds.
    length: i64,
    /// By how much of itself the quota may rise in this window.
    increase: f64,
    hold_windows: u32,
    /// When this window began.
    started_at: i64,
    /// The most that was within a window's length since.
    peak: u64,
    /// Whether the guess held a request back since.
    was_limiting: bool,
}

/// Whether a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AimdAdmission {
    Now,
    /// With the next answer.
    AfterResponse,
    /// At that moment.
    At(i64),
}

impl AimdLimiter {
    /// Whether a request may leave beside those under way.
    pub(super) fn admission(&mut self, under_way: u64, now: i64) -> AimdAdmission {
        let Some(guess) = &mut self.estimate else { return AimdAdmission::Now };
        let counted = self.history.count_after(now - guess.length) + under_way;
        let (safe, most) = (to_count(guess.quota), to_count(guess.quota * (1.0 + guess.increase)));
        if counted < safe {
            return AimdAdmission::Now;
        }
        guess.was_limiting = true;
        let most = if guess.hold_windows > 0 { safe } else { most.max(safe + 1) };
        if counted < most {
            return if under_way == 0 { AimdAdmission::Now } else { AimdAdmission::AfterResponse };
        }
        match self.history.nth_after(now - guess.length, counted + 1 - most) {
            Some(at) => AimdAdmission::At(at + guess.length),
            None => AimdAdmission::AfterResponse,
        }
    }

    /// A request was answered and not refused.
    pub(super) fn on_success(&mut self, now: i64) {
        let length = self.estimate.as_ref().map_or(0, |guess| guess.length);
        if self.history.last().is_none_or(|last| now - last > MAX_IDLE_MICROS.max(length)) {
            self.active_since = None;
        }
        self.active_since.get_or_insert(now);
        self.history.add(now, length);
        let Some(guess) = &mut self.estimate else { return };
        guess.peak = guess.peak.max(self.history.count_after(now - guess.length));
        if now - guess.started_at >= guess.length {
            guess.end_window(now);
        }
    }

    /// A request that left as number `sent` was refused; the API wants to be left alone for `wait`. `last` is the number
    /// of the last that left.
    pub(super) fn on_limited(&mut self, sent: u64, last: u64, wait: Duration, now: i64) {
        if sent <= self.last_decrease {
            return;
        }
        self.last_decrease = last;
        let wait = wait.as_secs_f64().min(86400.0);
        let active = seconds(self.active_since.map_or(0, |since| now - since));
        let (length, granted) = if let Some(length) = likely_window(active, wait) {
            (length, self.history.count_after(self.active_since.map_or(now, |since| since - 1)))
        } else {
            // It went on for many windows: the last of them counts.
            let length = next_round_length(wait);
            (length, self.history.count_after(now - micros(length - wait)))
        };
        let (length, quota) = match &self.estimate {
            None => (micros(length), to_f64(granted) * DECREASE_FACTOR),
            Some(guess) => {
                let within = to_f64(self.history.count_after(now - guess.length));
                if within >= guess.quota * NEAR {
                    (guess.length, within * DECREASE_FACTOR)
                } else if micros(length) > guess.length {
                    (micros(length), to_f64(granted) * DECREASE_FACTOR)
                } else {
                    (guess.length, within.max(guess.quota * COLLAPSE_FACTOR) * DECREASE_FACTOR)
                }
            }
        };
        let began = now.saturating_add(micros(wait));
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
    /// A window is over.
    fn end_window(&mut self, now: i64) {
        if self.hold_windows > 0 {
            self.hold_windows -= 1;
        } else if self.was_limiting {
            self.quota = to_f64(self.peak).clamp(self.quota, self.quota * (1.0 + self.increase) + 1.0);
            self.increase = (self.increase * 2.0).min(MAX_INCREASE);
        }
        (self.started_at, self.peak, self.was_limiting) = (now, 0, false);
    }
}

/// When requests were answered, oldest first. Those of a moment are one entry, at the last of them.
#[derive(Debug, Default)]
struct ResponseHistory(VecDeque<(i64, u64)>);

impl ResponseHistory {
    /// The most entries.
    const MAX_ENTRIES: usize = 4096;
    /// The parts of a window that are told apart.
    const PARTS: i64 = 1024;

    fn add(&mut self, at: i64, length: i64) {
        let resolution = (length / Self::PARTS).max(1000);
        // The first of a moment may be that long ago, so that its count is late by no more.
        if let Some((last, count)) = self.0.back_mut()
            && at / resolution <= *last / resolution
        {
            (*last, *count) = (at.max(*last), *count + 1);
            return;
        }
        if self.0.len() == Self::MAX_ENTRIES {
            self.0.pop_front();
        }
        self.0.push_back((at, 1));
    }

    fn last(&self) -> Option<i64> {
        self.0.back().map(|(at, _)| *at)
    }

    /// How many were answered after a moment.
    fn count_after(&self, time: i64) -> u64 {
        self.0.range(self.0.partition_point(|(at, _)| *at <= time)..).map(|(_, count)| count).sum()
    }

    /// When the `nth` was answered after a moment.
    fn nth_after(&self, time: i64, nth: u64) -> Option<i64> {
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

/// The likely length of a window that took requests for `active` seconds and then asked for a wait, if that was one
/// window. A wait in whole seconds may be up to one too long, and windows have round lengths.
fn likely_window(active: f64, wait: f64) -> Option<f64> {
    let most = (active + wait).max(0.001);
    let least = if wait.fract() == 0.0 { (most - 1.0).max(active) } else { most };
    let one = most <= next_round_length(wait) * 2.0;
    one.then(|| ROUND_LENGTHS.into_iter().find(|round| (least..=most).contains(round)).unwrap_or(most))
}

/// The next round length above a wait.
fn next_round_length(wait: f64) -> f64 {
    ROUND_LENGTHS.into_iter().find(|round| *round > wait).unwrap_or(wait * 2.0)
}

#[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
fn micros(seconds: f64) -> i64 {
    (seconds * SECOND) as i64
}

#[expect(clippy::cast_precision_loss, reason = "spans of hours")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / SECOND
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

    const MS: i64 = 1000;

    /// Lets requests through one after the other, each taking a millisecond; gives when they left.
    fn drive(pace: &mut AimdLimiter, from: i64, to: i64) -> Vec<i64> {
        let (mut now, mut left) = (from, Vec::new());
        while now < to {
            match pace.admission(0, now) {
                AimdAdmission::Now => {
                    left.push(now);
                    now += MS;
                    pace.on_success(now);
                }
                AimdAdmission::At(until) => now = until.max(now + 1),
                AimdAdmission::AfterResponse => panic!("nothing is under way"),
            }
        }
        left
    }

    /// A pace that was refused after 100 requests in 100 ms, for the rest of a second.
    fn limited_once() -> AimdLimiter {
        let mut pace = AimdLimiter::default();
        assert_eq!(drive(&mut pace, 0, 100 * MS).len(), 100);
        pace.on_limited(101, 105, Duration::from_millis(900), 100 * MS);
        pace
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
        let mut pace = limited_once();
        let left = drive(&mut pace, 1000 * MS, 5000 * MS);
        let within = |from: i64| left.iter().filter(|at| (from..from + 1000 * MS).contains(*at)).count();
        assert_eq!([1000, 2000, 3000, 4000].map(|ms| within(ms * MS)), [95; 4]);
        // Those that were under way with the refused one are no news.
        let quota = pace.estimate.as_ref().unwrap().quota;
        pace.on_limited(104, 500, Duration::from_secs(1), 5000 * MS);
        assert!(pace.estimate.as_ref().unwrap().quota >= quota);
        pace.on_limited(500, 501, Duration::from_secs(1), 5000 * MS);
        assert!(pace.estimate.as_ref().unwrap().quota < quota);
    }

    #[test]
    fn low_estimate_rises_with_successes() {
        let mut pace = limited_once();
        let left = drive(&mut pace, 1000 * MS, 30_000 * MS);
        let last = left.iter().filter(|at| **at >= 29_000 * MS).count();
        assert!(last > 400, "{last}");
        // Nobody who asks for less raises it.
        let mut pace = limited_once();
        for second in 1..30 {
            drive(&mut pace, second * 1000 * MS, (second * 1000 + 50) * MS);
        }
        assert!(pace.estimate.unwrap().quota < 96.0);
    }

    #[test]
    fn requests_above_the_estimate_are_sent_one_at_a_time() {
        let mut pace = limited_once();
        drive(&mut pace, 1000 * MS, 5500 * MS);
        let guess = pace.estimate.as_ref().unwrap();
        assert_eq!(guess.hold_windows, 0);
        let (mut pace, now) = (pace, 7000 * MS);
        (0..95).for_each(|_| pace.on_success(now));
        assert_eq!(pace.admission(0, now + MS), AimdAdmission::Now);
        assert_eq!(pace.admission(1, now + MS), AimdAdmission::AfterResponse);
    }

    #[test]
    fn longer_window_replaces_the_estimate() {
        // 50 in 5 s, and 20 s to go: by all that is known a window of 25 s.
        let mut pace = AimdLimiter::default();
        (0..50).for_each(|number| pace.on_success(number * 100 * MS));
        pace.on_limited(51, 51, Duration::from_secs(20), 5000 * MS);
        assert_eq!(pace.estimate.as_ref().unwrap().length, 25_000_000);
        // It begins anew, takes all at once after the guessed one, and is refused again for the rest of a minute.
        (0..47).for_each(|number| pace.on_success((25_000 + number * 100) * MS));
        (0..12).for_each(|number| pace.on_success((51_000 + number * 100) * MS));
        pace.on_limited(200, 200, Duration::from_millis(32_700), 52_300 * MS);
        let guess = pace.estimate.as_ref().unwrap();
        assert_eq!((guess.length, guess.quota), (60_000_000, 59.0 * DECREASE_FACTOR));
    }
}
