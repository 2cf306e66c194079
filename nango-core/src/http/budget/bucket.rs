//! What an API counts together.

use std::time::Duration;

use super::{
    Lane,
    line::Line,
    pace::{Pace, Paced},
    window::{Answered, Log, Room, Window},
};
use crate::http::limits::{Limits, MOST_WINDOWS};

/// A bucket that nobody used for so long is forgotten, in microseconds.
const IDLE: i64 = 3_600_000_000;

/// A bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// The API's name for it, once an answer told.
    pub(super) name: Option<String>,
    pub(super) line: Line,
    windows: Vec<Window>,
    pace: Pace,
    log: Log,
    /// Requests that were sent and not answered.
    under_way: u64,
    /// The request that looks into windows that have ended, if one is under way.
    looking: Option<u64>,
    /// Whether there was an answer.
    known: bool,
    /// Nothing leaves before.
    paused: i64,
    /// The last request that left, in ticks.
    last: u64,
    used: i64,
}

/// Whether a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Now; with whether it looks into windows that have ended.
    Open { looks: bool },
    /// At that moment; `None`: with the next answer.
    Closed(Option<i64>),
}

impl Bucket {
    pub(super) fn named(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    /// Whether a request of a lane may leave.
    pub(super) fn gate(&mut self, lane: Lane, processes: u64, now: i64) -> Gate {
        if self.paused > now {
            return Gate::Closed(Some(self.paused));
        }
        if !self.known && self.under_way > 0 {
            return Gate::Closed(None);
        }
        let interactive = lane == Lane::Interactive;
        let (mut ended, mut full) = (false, None);
        for window in &self.windows {
            match window.room(self.under_way, interactive, processes, &self.log, now) {
                Room::Free => {}
                Room::Ended => ended = true,
                Room::Full(until) => full = full.max(Some(until)),
            }
        }
        if full.is_some() {
            return Gate::Closed(full);
        }
        if ended && self.looking.is_some() {
            return Gate::Closed(None);
        }
        match self.pace.gate(self.under_way, now) {
            Paced::Go => Gate::Open { looks: ended },
            Paced::Answer => Gate::Closed(None),
            Paced::At(at) => Gate::Closed(Some(at)),
        }
    }

    /// A request leaves.
    pub(super) fn send(&mut self, tick: u64, looks: bool, now: i64) {
        self.under_way += 1;
        self.last = tick;
        self.used = now;
        if looks {
            self.looking = Some(tick);
        }
    }

    /// A request is no longer under way.
    pub(super) fn release(&mut self, sent: u64) {
        self.under_way = self.under_way.saturating_sub(1);
        self.looking = self.looking.filter(|looking| *looking != sent);
    }

    /// What an answer says. `resets` are the moments of its windows, by our clock.
    pub(super) fn learn(&mut self, limits: &Limits, resets: &[Option<i64>], answered: Answered) {
        self.known = true;
        self.used = answered.at;
        let told = |window: &Window| limits.windows.iter().any(|told| told.name == window.name);
        self.windows.retain(|window| told(window) || !window.is_over(answered.at));
        for (told, reset) in limits.windows.iter().zip(resets) {
            if told.remaining.is_none() {
                continue;
            }
            let at = self.windows.iter().position(|window| window.name == told.name).unwrap_or_else(|| {
                self.windows.push(Window::named(&told.name));
                self.windows.len() - 1
            });
            self.windows[at].learn(told, *reset, answered);
        }
        self.windows.truncate(MOST_WINDOWS);
        if !self.windows.is_empty() {
            self.log.add(answered.at);
        }
    }

    /// The API took a request.
    pub(super) fn passed(&mut self, now: i64) {
        self.pace.passed(now);
    }

    /// The API's limit refused a request, and it wants to be left alone for `wait`.
    pub(super) fn refused(&mut self, sent: u64, wait: Duration, now: i64) {
        self.pace.refused(sent, self.last, wait, now);
        let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        self.paused = self.paused.max(now.saturating_add(micros));
    }

    /// How many requests are under way.
    #[cfg(test)]
    pub(super) fn under_way(&self) -> u64 {
        self.under_way
    }

    /// Whether forgetting the bucket would forget something of use.
    pub(super) fn is_in_use(&self, now: i64) -> bool {
        self.under_way > 0 || self.paused > now || now.saturating_sub(self.used) < IDLE
    }
}
