//! One window in which an API counts requests, and says what remains.
//!
//! Answers overtake each other, and what one says may have been true before another was counted. So what remains is the
//! least that is said by the answers of which any may be the newest: those that came after the youngest answered request
//! was sent. All that such an answer did not count is still under way. This is exact once nothing is under way, holds
//! for windows that begin anew and for those that slide, and needs no knowledge of which it is.

use std::{collections::VecDeque, time::Duration};

use crate::http::rate_limit_headers;

/// How long to wait for a window that says neither when it ends nor how long it is.
const DEFAULT_WAIT_MICROS: i64 = 1_000_000;
/// Above it the log is of no use: nobody sleeps that long, and there would be too much to remember.
const MAX_TRACKED_MICROS: i64 = 300_000_000;
/// One part of so many is kept for interactive work.
const RESERVE_DIVISOR: u64 = 20;

/// What is known of a window.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) name: String,
    limit: u64,
    /// Microseconds, where the API tells.
    length: Option<i64>,
    /// When there is more.
    reset: Option<i64>,
    /// The youngest request that was answered.
    newest_sent: u64,
    /// The answers of which any may be the newest.
    observations: VecDeque<Observation>,
}

#[derive(Debug)]
struct Observation {
    tick: u64,
    at: i64,
    remaining: u64,
}

/// When requests of the bucket were answered, oldest first: by then at the latest they were counted.
#[derive(Debug, Default)]
pub(super) struct ResponseTimes(VecDeque<i64>);

/// An answer, as a window sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseEvent {
    /// When its request was sent, in ticks.
    pub(super) sent: u64,
    /// When it came, in ticks and in microseconds.
    pub(super) tick: u64,
    pub(super) at: i64,
}

/// Whether a request fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capacity {
    Available,
    /// Nothing is known to be free, but the window has ended: one request may look.
    Ended,
    /// Until then.
    Full(i64),
}

impl ResponseTimes {
    const MAX_ENTRIES: usize = 4096;

    pub(super) fn add(&mut self, at: i64) {
        if self.0.len() == Self::MAX_ENTRIES {
            self.0.pop_front();
        }
        self.0.push_back(self.0.back().map_or(at, |last| at.max(*last)));
    }

    /// How many were answered after `from`, up to and at `to`.
    fn between(&self, from: i64, to: i64) -> u64 {
        let before = |time: i64| self.0.partition_point(|at| *at <= time);
        before(to).saturating_sub(before(from)) as u64
    }

    /// The `count`th answer after a moment.
    fn nth_after(&self, time: i64, count: u64) -> Option<i64> {
        let first = self.0.partition_point(|at| *at <= time);
        self.0.get(first + usize::try_from(count.saturating_sub(1)).ok()?).copied()
    }
}

impl Window {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes what an answer says of the window. `reset` is the moment by our clock.
    pub(super) fn observe(
        &mut self,
        reported: &rate_limit_headers::Window,
        reset: Option<i64>,
        answered: ResponseEvent,
    ) {
        let Some(remaining) = reported.remaining else { return };
        self.limit = reported.limit.unwrap_or(self.limit).max(remaining);
        let micros = |length: Duration| i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        self.length =
            reported.length.map(micros).or(self.length).filter(|length| (1..=MAX_TRACKED_MICROS).contains(length));
        if answered.sent >= self.newest_sent {
            self.newest_sent = answered.sent;
            self.reset = match reset {
                // It tells nothing; seconds may have been cut off. The length does, or the second that is to come.
                Some(reset) if reset <= answered.at && self.length.is_some() => None,
                Some(reset) if reset <= answered.at && remaining == 0 => Some(answered.at + DEFAULT_WAIT_MICROS),
                reset => reset,
            };
        }
        self.observations.retain(|said| said.tick >= self.newest_sent);
        self.observations.push_back(Observation { tick: answered.tick, at: answered.at, remaining });
    }

    /// Whether a request of a lane fits, beside those under way.
    pub(super) fn capacity(
        &self,
        under_way: u64,
        interactive: bool,
        processes: u64,
        log: &ResponseTimes,
        now: i64,
    ) -> Capacity {
        let reserve = if interactive { 0 } else { self.reserve() };
        let free = |observation: &Observation| {
            observation.remaining.saturating_add(self.expired_count(observation, log, now)).min(self.limit)
        };
        let Some((least, observation)) =
            self.observations.iter().map(|said| (free(said), said)).min_by_key(|(free, _)| *free)
        else {
            return Capacity::Available;
        };
        let taken = (under_way + 1).saturating_mul(processes).saturating_add(reserve);
        if least >= taken {
            return Capacity::Available;
        }
        let by_log = self.length.and_then(|length| {
            let young = log.between(now - length, now).saturating_sub(self.limit - observation.remaining);
            Some(log.nth_after(now - length, young.saturating_add(taken - least))? + length)
        });
        let until = [self.reset, by_log].into_iter().flatten().min();
        match until.unwrap_or(observation.at + self.length.unwrap_or(DEFAULT_WAIT_MICROS)) {
            until if until > now => Capacity::Full(until),
            // What is under way may take all that there is; but not for ever.
            until if under_way > 0 && now < until + DEFAULT_WAIT_MICROS => Capacity::Full(until + DEFAULT_WAIT_MICROS),
            _ => Capacity::Ended,
        }
    }

    /// How many of the requests that an answer counted have left the window since. One is free a window's length after
    /// it was counted, whether windows slide or begin anew. Which were counted is not known, so it is taken to be the
    /// youngest, and ours alone.
    fn expired_count(&self, observation: &Observation, log: &ResponseTimes, now: i64) -> u64 {
        let Some(length) = self.length else { return 0 };
        let counted = self.limit - observation.remaining;
        let young = log.between(now - length, now);
        counted.saturating_sub(young).min(log.between(observation.at - length, now - length))
    }

    /// What interactive work alone may use.
    fn reserve(&self) -> u64 {
        (self.limit / RESERVE_DIVISOR).max(u64::from(self.limit >= RESERVE_DIVISOR / 2))
    }

    /// Whether the API would have told of the window by now, if it still had it.
    pub(super) fn is_over(&self, now: i64) -> bool {
        self.reset.is_none_or(|reset| reset <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An API of one window, and requests that arrive and are answered in any order.
    struct Api {
        limit: u64,
        length: i64,
        sliding: bool,
        counted: Vec<i64>,
    }

    impl Api {
        /// Counts a request; what remains, or `None` if it was over the limit.
        fn count(&mut self, now: i64) -> Option<u64> {
            let begin = if self.sliding { now - self.length + 1 } else { now - now % self.length };
            self.counted.retain(|at| *at >= begin);
            self.counted.push(now);
            self.limit.checked_sub(self.counted.len() as u64)
        }

        fn report(&self, remaining: u64, reports_length: bool) -> rate_limit_headers::Window {
            rate_limit_headers::Window {
                limit: Some(self.limit),
                remaining: Some(remaining),
                length: reports_length.then(|| Duration::from_micros(self.length.cast_unsigned())),
                ..rate_limit_headers::Window::default()
            }
        }

        /// When there is more: the next window, or the next place.
        fn reset(&self, now: i64) -> i64 {
            if self.sliding { self.counted[0] + self.length } else { now - now % self.length + self.length }
        }
    }

    /// A request under way: sent with a tick, then counted with what remains and when there is more.
    struct InFlight {
        sent: u64,
        seen: Option<(u64, i64)>,
        looks: bool,
    }

    proptest! {
        /// Whatever overtakes whatever: nothing that the window lets leave is over the limit, and what waits gets through.
        #[test]
        fn admitted_requests_never_exceed_the_limit(
            sliding: bool,
            reports_length: bool,
            limit in 1_u64..30,
            steps in prop::collection::vec((0_u8..8, any::<prop::sample::Index>(), 0_i64..400), 1..600),
        ) {
            let mut api = Api { limit, length: 10_000, sliding, counted: Vec::new() };
            let (mut window, mut log, mut flights) = (Window::default(), ResponseTimes::default(), Vec::<InFlight>::new());
            let (mut now, mut tick, mut known) = (1_000_000_i64, 0, false);
            for (what, which, passes) in steps {
                now += passes;
                tick += 1;
                let under_way = flights.len() as u64;
                match what {
                    // Somebody wants to send.
                    0..=3 => {
                        let capacity = window.capacity(under_way, true, 1, &log, now);
                        let looking = flights.iter().any(|flight| flight.looks);
                        let looks = capacity == Capacity::Ended;
                        if (known || under_way == 0) && (capacity == Capacity::Available || (looks && !looking)) {
                            flights.push(InFlight { sent: tick, seen: None, looks });
                        }
                    }
                    // A request arrives at the API.
                    4 | 5 if !flights.is_empty() => {
                        let flight = which.get(&flights).sent;
                        let flight = flights.iter_mut().find(|other| other.sent == flight).unwrap();
                        if flight.seen.is_none() {
                            let remaining = api.count(now);
                            prop_assert!(remaining.is_some(), "over the limit of {limit} at {now}");
                            flight.seen = Some((remaining.unwrap_or(0), api.reset(now)));
                        }
                    }
                    // An answer arrives here.
                    _ if !flights.is_empty() => {
                        let at = which.index(flights.len());
                        if let Some((remaining, reset)) = flights[at].seen {
                            let flight = flights.remove(at);
                            let reported = api.report(remaining, reports_length);
                            window.observe(&reported, Some(reset), ResponseEvent { sent: flight.sent, tick, at: now });
                            log.add(now);
                            known = true;
                        }
                    }
                    _ => {}
                }
            }
            // In the end all arrive, and after some windows there is room again.
            if flights.is_empty() {
                let capacity = window.capacity(0, true, 1, &log, now + 3 * api.length + DEFAULT_WAIT_MICROS);
                prop_assert!(matches!(capacity, Capacity::Available | Capacity::Ended), "{capacity:?}");
            }
        }

        #[test]
        fn arbitrary_headers_never_overflow(
            told in prop::collection::vec((any::<u64>(), any::<Option<u64>>(), any::<Option<u64>>(), any::<i64>()), 1..20),
            under_way in 0_u64..1_000_000,
        ) {
            let (mut window, mut log) = (Window::default(), ResponseTimes::default());
            for (tick, (remaining, limit, length, reset)) in (0_u64..).zip(told) {
                let now = 1_000_000_000_000_000 + tick.cast_signed();
                let length = length.map(Duration::from_secs);
                let reported = rate_limit_headers::Window { limit, remaining: Some(remaining), length, ..rate_limit_headers::Window::default() };
                window.observe(&reported, Some(reset), ResponseEvent { sent: tick, tick, at: now });
                log.add(now);
                for interactive in [true, false] {
                    let _ = window.capacity(under_way, interactive, u64::from(u32::MAX), &log, now);
                }
            }
        }
    }
}
