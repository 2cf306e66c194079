//! A place in a bucket: how it is waited for, and how it is given back.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    Budget, Lane, State,
    bucket::{Bucket, Gate},
    line::Waiter,
    window::Answered,
};
use crate::http::{Clock, limits::Limits, moment::Moment};

/// More buckets than APIs have; their names come from answers.
const MOST_BUCKETS: usize = 32;
/// How long one sleep lasts where the next answer is waited for, in microseconds.
const NAP: i64 = 30_000_000;

/// The right to send one request. Given back when it is answered, or dropped.
pub(in crate::http) struct Permit {
    budget: Arc<Budget>,
    bucket: usize,
    /// In ticks, and in microseconds.
    sent: u64,
    sent_at: i64,
    /// Whether it is still to be given back.
    held: bool,
}

/// Who asks for a place.
pub(in crate::http) struct Asked<'a> {
    pub(in crate::http) path: &'a str,
    pub(in crate::http) lane: Lane,
    pub(in crate::http) connection: &'a str,
    /// What waits.
    pub(in crate::http) clock: &'a dyn Clock,
    /// The longest wait that is worth it.
    pub(in crate::http) longest: Duration,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Refused {
    /// The run was asked to stop.
    Stopped,
    /// There is one only after this time.
    TooLong(Duration),
}

/// What an answer says about a place that was used.
#[derive(Debug)]
pub(in crate::http) struct Outcome<'a> {
    pub(in crate::http) path: &'a str,
    pub(in crate::http) limits: &'a Limits,
    /// The server's own time, where it tells.
    pub(in crate::http) date: Option<i64>,
    /// For how long the API wants to be left alone, if its limit refused the request.
    pub(in crate::http) refused: Option<Duration>,
}

impl Budget {
    /// Waits for a place. `tell` is told of a wait before it begins.
    pub(in crate::http) async fn admit(
        self: &Arc<Self>,
        asked: Asked<'_>,
        mut tell: impl FnMut(Duration),
    ) -> Result<Permit, Refused> {
        let (index, mut place, mut until) = {
            let mut state = self.state();
            let now = self.clock.now();
            let index = state.routes.find(asked.path);
            let bucket = &mut state.buckets[index];
            if !bucket.line.is_behind(asked.lane)
                && let Gate::Open { looks } = bucket.gate(asked.lane, self.processes(), now)
            {
                return Ok(self.give(&mut state, index, looks, now));
            }
            let (sender, place) = oneshot::channel();
            let connection = asked.connection.to_owned();
            bucket.line.stand(Waiter { lane: asked.lane, connection, place: sender });
            (index, place, self.serve(&mut state, index))
        };
        loop {
            // Before the sleep: on some clocks to begin one is to have slept.
            if let Ok(permit) = place.try_recv() {
                return Ok(permit);
            }
            let now = self.clock.now();
            let left =
                Duration::from_micros(u64::try_from(until.unwrap_or(now + NAP).saturating_sub(now)).unwrap_or(0));
            if until.is_some() && left > asked.longest {
                return Err(Refused::TooLong(left));
            }
            if until.is_some() {
                tell(left);
            }
            tokio::select! {
                biased;
                // The line is only ever served by sending, so that its end cannot be dropped before.
                permit = &mut place => return permit.map_err(|_| Refused::Stopped),
                () = asked.clock.sleep(left) => {}
            }
            // A clock on which waiting takes no time must not keep those from running who have the places.
            tokio::task::yield_now().await;
            if asked.clock.stopped() {
                return Err(Refused::Stopped);
            }
            until = self.serve(&mut self.state(), index);
        }
    }

    fn give(self: &Arc<Self>, state: &mut State, bucket: usize, looks: bool, now: i64) -> Permit {
        let sent = state.next_tick();
        state.buckets[bucket].send(sent, looks, now);
        Permit { budget: self.clone(), bucket, sent, sent_at: now, held: true }
    }

    /// Lets those go that can. Gives the moment at which the next may, if that is known.
    fn serve(self: &Arc<Self>, state: &mut State, index: usize) -> Option<i64> {
        let now = self.clock.now();
        while let Some(lane) = state.buckets[index].line.next_lane() {
            let looks = match state.buckets[index].gate(lane, self.processes(), now) {
                Gate::Open { looks } => looks,
                Gate::Closed(until) => return until,
            };
            let Some(waiter) = state.buckets[index].line.take() else { break };
            let permit = self.give(state, index, looks, now);
            if let Err(mut permit) = waiter.place.send(permit) {
                // Whoever it was went away at this moment. The lock is held, so it is given back by hand.
                permit.held = false;
                state.buckets[index].release(permit.sent);
            }
        }
        None
    }
}

impl Permit {
    /// Gives the place back with what the answer says.
    pub(in crate::http) fn answered(mut self, outcome: &Outcome<'_>) {
        let budget = self.budget.clone();
        let mut state = budget.state();
        let now = budget.clock.now();
        self.held = false;
        state.buckets[self.bucket].release(self.sent);
        if let Some(date) = outcome.date {
            state.skew.learn(date, self.sent_at, now);
        }
        let here = |reset: Moment| match reset {
            Moment::In(span) => now.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
            Moment::At(server) => state.skew.here(server),
        };
        let resets: Vec<_> = outcome.limits.windows.iter().map(|window| window.reset.map(here)).collect();
        let index = self.counted_in(&mut state, outcome);
        let answered = Answered { sent: self.sent, tick: state.next_tick(), at: now };
        let bucket = &mut state.buckets[index];
        bucket.learn(outcome.limits, &resets, answered);
        match outcome.refused {
            Some(wait) => bucket.refused(self.sent, wait, now),
            None => bucket.passed(now),
        }
        budget.serve(&mut state, self.bucket);
        if index != self.bucket {
            budget.serve(&mut state, index);
        }
    }

    /// The bucket that the answer names; the one that was guessed where it names none.
    fn counted_in(&self, state: &mut State, outcome: &Outcome<'_>) -> usize {
        let Some(name) = &outcome.limits.bucket else { return self.bucket };
        let guessed = &mut state.buckets[self.bucket];
        if guessed.name.is_none() {
            guessed.name = Some(name.clone());
        }
        let found = state.buckets.iter().position(|bucket| bucket.name.as_ref() == Some(name));
        let index = found.unwrap_or_else(|| {
            if state.buckets.len() < MOST_BUCKETS {
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
        if self.held {
            let mut state = self.budget.state();
            state.buckets[self.bucket].release(self.sent);
            self.budget.serve(&mut state, self.bucket);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("sent", &self.sent).finish_non_exhaustive()
    }
}
