//! A place in a bucket: how it is waited for, and how it is given back.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    LimiterState, Priority, RateLimiter,
    bucket::{Admission, Bucket},
    wait_queue::Waiter,
    window::ResponseEvent,
};
use crate::http::{Clock, rate_limit_headers::RateLimitHeaders, time_spec::TimeSpec};

/// More buckets than APIs have; their names come from answers.
const MAX_BUCKETS: usize = 32;
/// How long one sleep lasts where the next answer is waited for, in microseconds.
const MAX_SLEEP_MICROS: i64 = 30_000_000;

/// The right to send one request. Given back when it is answered, or dropped.
pub(in crate::http) struct Permit {
    limiter: Arc<RateLimiter>,
    bucket: usize,
    /// In ticks, and in microseconds.
    sequence: u64,
    sent_at: i64,
    /// Whether it is still to be given back.
    needs_release: bool,
}

/// Who asks for a place.
pub(in crate::http) struct PermitRequest<'a> {
    pub(in crate::http) path: &'a str,
    pub(in crate::http) priority: Priority,
    pub(in crate::http) connection: &'a str,
    /// What waits.
    pub(in crate::http) clock: &'a dyn Clock,
    /// The longest wait that is worth it.
    pub(in crate::http) max_wait: Duration,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum AcquireError {
    /// The run was asked to stop.
    Cancelled,
    /// There is one only after this time.
    WaitTooLong(Duration),
}

/// What an answer says about a place that was used.
#[derive(Debug)]
pub(in crate::http) struct Outcome<'a> {
    pub(in crate::http) path: &'a str,
    pub(in crate::http) limits: &'a RateLimitHeaders,
    /// The server's own time, where it tells.
    pub(in crate::http) server_date: Option<i64>,
    /// For how long the API wants to be left alone, if its limit refused the request.
    pub(in crate::http) limited_for: Option<Duration>,
}

impl RateLimiter {
    /// Waits for a place. `tell` is told of a wait before it begins.
    pub(in crate::http) async fn acquire(
        self: &Arc<Self>,
        request: PermitRequest<'_>,
        mut on_wait: impl FnMut(Duration),
    ) -> Result<Permit, AcquireError> {
        let (index, mut permit_receiver, mut until) = {
            let mut state = self.state();
            let now = self.clock.now();
            let index = state.routes.bucket_of(request.path);
            let bucket = &mut state.buckets[index];
            if !bucket.queue.has_waiters(request.priority)
                && let Admission::Open { is_probe } = bucket.admission(request.priority, self.processes(), now)
            {
                return Ok(self.grant(&mut state, index, is_probe, now));
            }
            let (sender, place) = oneshot::channel();
            let connection = request.connection.to_owned();
            bucket.queue.enqueue(Waiter { priority: request.priority, connection, permit: sender });
            (index, place, self.grant_waiting(&mut state, index))
        };
        loop {
            // Before the sleep: on some clocks to begin one is to have slept.
            if let Ok(permit) = permit_receiver.try_recv() {
                return Ok(permit);
            }
            let now = self.clock.now();
            let left = Duration::from_micros(
                u64::try_from(until.unwrap_or(now + MAX_SLEEP_MICROS).saturating_sub(now)).unwrap_or(0),
            );
            if until.is_some() && left > request.max_wait {
                return Err(AcquireError::WaitTooLong(left));
            }
            if until.is_some() {
                on_wait(left);
            }
            tokio::select! {
                biased;
                // The line is only ever served by sending, so that its end cannot be dropped before.
                permit = &mut permit_receiver => return permit.map_err(|_| AcquireError::Cancelled),
                () = request.clock.sleep(left) => {}
            }
            // A clock on which waiting takes no time must not keep those from running who have the places.
            tokio::task::yield_now().await;
            if request.clock.is_cancelled() {
                return Err(AcquireError::Cancelled);
            }
            until = self.grant_waiting(&mut self.state(), index);
        }
    }

    fn grant(self: &Arc<Self>, state: &mut LimiterState, bucket: usize, is_probe: bool, now: i64) -> Permit {
        let sent = state.next_sequence();
        state.buckets[bucket].send(sent, is_probe, now);
        Permit { limiter: self.clone(), bucket, sequence: sent, sent_at: now, needs_release: true }
    }

    /// Lets those go that can. Gives the moment at which the next may, if that is known.
    fn grant_waiting(self: &Arc<Self>, state: &mut LimiterState, index: usize) -> Option<i64> {
        let now = self.clock.now();
        while let Some(lane) = state.buckets[index].queue.next_priority() {
            let is_probe = match state.buckets[index].admission(lane, self.processes(), now) {
                Admission::Open { is_probe } => is_probe,
                Admission::Closed(until) => return until,
            };
            let Some(waiter) = state.buckets[index].queue.dequeue() else { break };
            let permit = self.grant(state, index, is_probe, now);
            if let Err(mut permit) = waiter.permit.send(permit) {
                // Whoever it was went away at this moment. The lock is held, so it is given back by hand.
                permit.needs_release = false;
                state.buckets[index].release(permit.sequence);
            }
        }
        None
    }
}

impl Permit {
    /// Gives the place back with what the answer says.
    pub(in crate::http) fn complete(mut self, outcome: &Outcome<'_>) {
        let budget = self.limiter.clone();
        let mut state = budget.state();
        let now = budget.clock.now();
        self.needs_release = false;
        state.buckets[self.bucket].release(self.sequence);
        if let Some(date) = outcome.server_date {
            state.skew.observe(date, self.sent_at, now);
        }
        let to_local = |reset: TimeSpec| match reset {
            TimeSpec::After(span) => now.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
            TimeSpec::At(server) => state.skew.to_local(server),
        };
        let resets: Vec<_> = outcome.limits.windows.iter().map(|window| window.reset.map(to_local)).collect();
        let index = self.counting_bucket(&mut state, outcome);
        let answered = ResponseEvent { sent: self.sequence, tick: state.next_sequence(), at: now };
        let bucket = &mut state.buckets[index];
        bucket.observe(outcome.limits, &resets, answered);
        match outcome.limited_for {
            Some(wait) => bucket.on_limited(self.sequence, wait, now),
            None => bucket.on_success(now),
        }
        budget.grant_waiting(&mut state, self.bucket);
        if index != self.bucket {
            budget.grant_waiting(&mut state, index);
        }
    }

    /// The bucket that the answer names; the one that was guessed where it names none.
    fn counting_bucket(&self, state: &mut LimiterState, outcome: &Outcome<'_>) -> usize {
        let Some(name) = &outcome.limits.bucket else { return self.bucket };
        let guessed = &mut state.buckets[self.bucket];
        if guessed.name.is_none() {
            guessed.name = Some(name.clone());
        }
        let found = state.buckets.iter().position(|bucket| bucket.name.as_ref() == Some(name));
        let index = found.unwrap_or_else(|| {
            if state.buckets.len() < MAX_BUCKETS {
                state.buckets.push(Bucket::named(name));
            }
            state.buckets.len() - 1
        });
        state.routes.learn(outcome.path, index);
        index
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.needs_release {
            let mut state = self.limiter.state();
            state.buckets[self.bucket].release(self.sequence);
            self.limiter.grant_waiting(&mut state, self.bucket);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("sent", &self.sequence).finish_non_exhaustive()
    }
}
