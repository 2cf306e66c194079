//! One rate-limit window of an API, with a remainder that responses report.
//!
//! Responses arrive in any order, and a response may report a remainder from before another request was counted. The
//! remainder is therefore the minimum over all responses that may be the newest: those that arrived after the newest
//! completed request was sent. Every request that such a response did not count is still in flight. The result is exact
//! when no request is in flight. It is valid for fixed and for sliding windows and does not depend on which one it is.

use std::{collections::VecDeque, time::Duration};

use crate::{http::rate_limit_headers, time::Timestamp};

/// Wait for a window without a reported end or length.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);
/// Longer windows are not tracked by response times: the log would be too long.
const MAX_TRACKED: Duration = Duration::from_mins(5);
/// One part in this number of parts of a window is reserved for interactive work (5 %).
const RESERVE_DIVISOR: u64 = 20;

/// State of a window.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) name: String,
    limit: u64,
    /// Length, if the API reports it.
    length: Option<Duration>,
    /// Time of the reset.
    reset: Option<Timestamp>,
    /// Tick of the newest request with a response.
    newest_sent: u64,
    /// The responses of which any may be the newest.
    observations: VecDeque<Observation>,
}

#[derive(Debug)]
struct Observation {
    tick: u64,
    at: Timestamp,
    remaining: u64,
}

/// Response times of a bucket, oldest first. The API counted each request by then.
#[derive(Debug, Default)]
pub(super) struct ResponseTimes(VecDeque<Timestamp>);

/// Times of a response.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseEvent {
    /// Tick at which its request was sent.
    pub(super) sent: u64,
    /// Tick at which the response arrived.
    pub(super) tick: u64,
    /// Time of arrival.
    pub(super) at: Timestamp,
}

/// Capacity of a window for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capacity {
    /// The request fits.
    Available,
    /// The window has ended and its new remainder is unknown: one request may probe it.
    Ended,
    /// No request fits before this time.
    Full(Timestamp),
}

impl ResponseTimes {
    const MAX_ENTRIES: usize = 4096;

    pub(super) fn add(&mut self, at: Timestamp) {
        if self.0.len() == Self::MAX_ENTRIES {
            self.0.pop_front();
        }
        self.0.push_back(self.0.back().map_or(at, |last| at.max(*last)));
    }

    /// Returns the number of responses after `from`, up to and including `to`.
    fn between(&self, from: Timestamp, to: Timestamp) -> u64 {
        let before = |time: Timestamp| self.0.partition_point(|at| *at <= time);
        before(to).saturating_sub(before(from)) as u64
    }

    /// Returns the time of the `count`th response after a time.
    fn nth_after(&self, time: Timestamp, count: u64) -> Option<Timestamp> {
        let first = self.0.partition_point(|at| *at <= time);
        self.0.get(first + usize::try_from(count.saturating_sub(1)).ok()?).copied()
    }
}

impl Window {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Records what a response reports about the window. `reset` is the reset time by the local clock.
    pub(super) fn observe(
        &mut self,
        reported: &rate_limit_headers::Window,
        reset: Option<Timestamp>,
        response: ResponseEvent,
    ) {
        let Some(remaining) = reported.remaining else { return };
        self.limit = reported.limit.unwrap_or(self.limit).max(remaining);
        self.length = reported.length.or(self.length).filter(|length| !length.is_zero() && *length <= MAX_TRACKED);
        if response.sent >= self.newest_sent {
            self.newest_sent = response.sent;
            self.reset = match reset {
                // A past reset is useless (it may be truncated to seconds): use the length, or wait a second.
                Some(reset) if reset <= response.at && self.length.is_some() => None,
                Some(reset) if reset <= response.at && remaining == 0 => Some(response.at + DEFAULT_WAIT),
                reset => reset,
            };
        }
        self.observations.retain(|observation| observation.tick >= self.newest_sent);
        self.observations.push_back(Observation { tick: response.tick, at: response.at, remaining });
    }

    /// Returns the capacity for another request in addition to those in flight.
    pub(super) fn capacity(
        &self,
        in_flight: u64,
        interactive: bool,
        processes: u64,
        log: &ResponseTimes,
        now: Timestamp,
    ) -> Capacity {
        let reserve = if interactive { 0 } else { self.reserve() };
        let free = |observation: &Observation| {
            observation.remaining.saturating_add(self.expired_count(observation, log, now)).min(self.limit)
        };
        let Some((least, observation)) =
            self.observations.iter().map(|observation| (free(observation), observation)).min_by_key(|(free, _)| *free)
        else {
            return Capacity::Available;
        };
        let needed = (in_flight + 1).saturating_mul(processes).saturating_add(reserve);
        if least >= needed {
            return Capacity::Available;
        }
        let by_log = self.length.and_then(|length| {
            let recent = log.between(now - length, now).saturating_sub(self.limit - observation.remaining);
            Some(log.nth_after(now - length, recent.saturating_add(needed - least))? + length)
        });
        let until = [self.reset, by_log].into_iter().flatten().min();
        match until.unwrap_or(observation.at + self.length.unwrap_or(DEFAULT_WAIT)) {
            until if until > now => Capacity::Full(until),
            // Requests in flight may use the whole new window; the wait for them is bounded.
            until if in_flight > 0 && now < until + DEFAULT_WAIT => Capacity::Full(until + DEFAULT_WAIT),
            _ => Capacity::Ended,
        }
    }

    /// Returns the number of requests that a response counted and that have left the window since. A request leaves the
    /// window one length after it was counted, in fixed and in sliding windows. It is unknown which requests were
    /// counted; the newest ones, and only our own, are assumed.
    fn expired_count(&self, observation: &Observation, log: &ResponseTimes, now: Timestamp) -> u64 {
        let Some(length) = self.length else { return 0 };
        let counted = self.limit - observation.remaining;
        let recent = log.between(now - length, now);
        counted.saturating_sub(recent).min(log.between(observation.at - length, now - length))
    }

    /// Returns the number of requests that are reserved for interactive work.
    fn reserve(&self) -> u64 {
        (self.limit / RESERVE_DIVISOR).max(u64::from(self.limit >= RESERVE_DIVISOR / 2))
    }

    /// Returns whether the window has ended, so that a response that no longer reports it removes it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.reset.is_none_or(|reset| reset <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::saturating_micros;

    /// An API with one window; requests and their responses arrive in any order.
    struct Api {
        limit: u64,
        length: Duration,
        sliding: bool,
        counted: Vec<Timestamp>,
    }

    impl Api {
        /// Counts a request; returns the remainder, or `None` if it was over the limit.
        fn count(&mut self, now: Timestamp) -> Option<u64> {
            let begin = if self.sliding { now - self.length + Duration::from_micros(1) } else { self.start(now) };
            self.counted.retain(|at| *at >= begin);
            self.counted.push(now);
            self.limit.checked_sub(self.counted.len() as u64)
        }

        /// Returns the start of the fixed window.
        fn start(&self, now: Timestamp) -> Timestamp {
            now.saturating_add_micros(-(now.as_micros() % saturating_micros(self.length)))
        }

        fn report(&self, remaining: u64, reports_length: bool) -> rate_limit_headers::Window {
            rate_limit_headers::Window {
                limit: Some(self.limit),
                remaining: Some(remaining),
                length: reports_length.then_some(self.length),
                ..rate_limit_headers::Window::default()
            }
        }

        /// Returns the time of the reset: the next window, or the next expired request of a sliding one.
        fn reset(&self, now: Timestamp) -> Timestamp {
            if self.sliding { self.counted[0] + self.length } else { self.start(now) + self.length }
        }
    }

    /// A request in flight: sent with a tick, then counted with a remainder and a reset time.
    struct InFlight {
        sent: u64,
        seen: Option<(u64, Timestamp)>,
        is_probe: bool,
    }

    proptest! {
        /// In any order of arrival, no admitted request is over the limit, and waiting requests get capacity in the
        /// end.
        #[test]
        fn admitted_requests_never_exceed_the_limit(
            sliding: bool,
            reports_length: bool,
            limit in 1_u64..30,
            steps in prop::collection::vec((0_u8..8, any::<prop::sample::Index>(), 0_u64..400), 1..600),
        ) {
            let mut api = Api { limit, length: Duration::from_millis(10), sliding, counted: Vec::new() };
            let (mut window, mut log) = (Window::default(), ResponseTimes::default());
            let mut flights = Vec::<InFlight>::new();
            let (mut now, mut tick, mut known) = (Timestamp::from_micros(1_000_000), 0, false);
            for (action, which, elapsed) in steps {
                now += Duration::from_micros(elapsed);
                tick += 1;
                let in_flight = flights.len() as u64;
                match action {
                    // A request is to be sent.
                    0..=3 => {
                        let capacity = window.capacity(in_flight, true, 1, &log, now);
                        let is_probing = flights.iter().any(|flight| flight.is_probe);
                        let is_probe = capacity == Capacity::Ended;
                        if (known || in_flight == 0) && (capacity == Capacity::Available || (is_probe && !is_probing)) {
                            flights.push(InFlight { sent: tick, seen: None, is_probe });
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
                    // A response arrives here.
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
            // When all responses have arrived, there is capacity after some windows.
            if flights.is_empty() {
                let capacity = window.capacity(0, true, 1, &log, now + api.length * 3 + DEFAULT_WAIT);
                prop_assert!(matches!(capacity, Capacity::Available | Capacity::Ended), "{capacity:?}");
            }
        }

        #[test]
        fn arbitrary_headers_never_overflow(
            reports in prop::collection::vec(any::<(u64, Option<u64>, Option<u64>, i64)>(), 1..20),
            in_flight in 0_u64..1_000_000,
        ) {
            let (mut window, mut log) = (Window::default(), ResponseTimes::default());
            for (tick, (remaining, limit, length, reset)) in (0_u64..).zip(reports) {
                let now = Timestamp::from_micros(1_000_000_000_000_000 + tick.cast_signed());
                let length = length.map(Duration::from_secs);
                let reported = rate_limit_headers::Window {
                    limit,
                    remaining: Some(remaining),
                    length,
                    ..rate_limit_headers::Window::default()
                };
                let reset = Timestamp::from_micros(reset);
                window.observe(&reported, Some(reset), ResponseEvent { sent: tick, tick, at: now });
                log.add(now);
                for interactive in [true, false] {
                    let _ = window.capacity(in_flight, interactive, u64::from(u32::MAX), &log, now);
                }
            }
        }
    }
}
