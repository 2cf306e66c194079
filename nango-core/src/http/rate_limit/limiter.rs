//! Rate limiter of one connection: acquiring the right to send a request, and releasing it with the response.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    bucket::{Admission, Bucket},
    permit::{AcquireError, Outcome, PermitRequest},
    routes::Routes,
    skew::Skew,
    wait_queue::{WaitQueue, Waiter},
    window::ResponseEvent,
};
use crate::{
    http::Clock,
    time::{TimeSpec, Timestamp},
};

/// Maximum number of buckets of a rate limiter: more than APIs have. Bounded, because their names come from responses.
const MAX_BUCKETS: usize = 32;
/// Maximum duration of a single sleep while waiting for the next response.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// Rate limiter of one connection, or of all connections of an integration that share a quota.
pub struct RateLimiter {
    clock: Arc<dyn Clock>,
    processes: Arc<AtomicU32>,
    state: Mutex<LimiterState>,
}

/// A bucket, and the requests that wait for its permits.
#[derive(Debug, Default)]
struct QueuedBucket {
    bucket: Bucket,
    queue: WaitQueue<Permit>,
}

/// State of a rate limiter. Times are those of the limiter's clock.
struct LimiterState {
    buckets: Vec<QueuedBucket>,
    routes: Routes,
    skew: Skew,
    /// Counter that orders sent requests and responses, in ticks.
    sequence: u64,
}

/// The right to send one request. Released with [`Permit::complete`], or on drop.
pub(in crate::http) struct Permit {
    limiter: Arc<RateLimiter>,
    bucket: usize,
    /// Tick of the request.
    sequence: u64,
    /// Send time.
    sent_at: Timestamp,
    /// Whether `Drop` releases the permit.
    needs_release: bool,
}

impl RateLimiter {
    pub(super) fn new(clock: Arc<dyn Clock>, processes: Arc<AtomicU32>) -> Self {
        let state = LimiterState {
            buckets: vec![QueuedBucket::default()],
            routes: Routes::default(),
            skew: Skew::default(),
            sequence: 0,
        };
        Self { clock, processes, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, LimiterState> {
        // A panic can at most leave a count of requests in flight that is too high, which costs one permit.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn processes(&self) -> u64 {
        u64::from(self.processes.load(Ordering::Relaxed).max(1))
    }

    /// Returns the number of requests in flight that the first bucket counts.
    #[cfg(test)]
    pub(super) fn in_flight(&self) -> u64 {
        self.state().buckets[0].bucket.in_flight()
    }

    /// Returns whether the limiter still has useful state and must not be evicted.
    pub(super) fn is_in_use(&self, now: Timestamp) -> bool {
        self.state().is_in_use(now)
    }

    /// Waits for a permit. `on_wait` is called with the expected wait before each sleep.
    pub(in crate::http) async fn acquire(
        self: &Arc<Self>,
        request: PermitRequest<'_>,
        mut on_wait: impl FnMut(Duration),
    ) -> Result<Permit, AcquireError> {
        let (index, mut permit_receiver, mut until) = {
            let mut state = self.state();
            let now = self.clock.now();
            let index = state.routes.bucket_of(request.path);
            let QueuedBucket { bucket, queue } = &mut state.buckets[index];
            if !queue.has_waiters(request.priority)
                && let Admission::Open { is_probe } = bucket.admission(request.priority, self.processes(), now)
            {
                return Ok(self.grant(&mut state, index, is_probe, now));
            }
            let (sender, receiver) = oneshot::channel();
            let connection = request.connection.to_owned();
            state.buckets[index].queue.enqueue(Waiter { priority: request.priority, connection, sender });
            (index, receiver, self.grant_waiting(&mut state, index))
        };
        loop {
            // Checked before the sleep: a test clock advances as soon as a sleep begins.
            if let Ok(permit) = permit_receiver.try_recv() {
                return Ok(permit);
            }
            let now = self.clock.now();
            let left = until.map_or(MAX_SLEEP, |until| until.saturating_duration_since(now));
            if until.is_some() && left > request.max_wait {
                return Err(AcquireError::WaitTooLong(left));
            }
            if until.is_some() {
                on_wait(left);
            }
            tokio::select! {
                biased;
                // A waiter leaves the queue only by receiving its permit, so that its sender is not dropped before.
                permit = &mut permit_receiver => return permit.map_err(|_| AcquireError::Closed),
                () = request.clock.sleep(left) => {}
            }
            // With a test clock, a sleep takes no time: let the tasks run that have permits.
            tokio::task::yield_now().await;
            until = self.grant_waiting(&mut self.state(), index);
        }
    }

    fn grant(self: &Arc<Self>, state: &mut LimiterState, bucket: usize, is_probe: bool, now: Timestamp) -> Permit {
        let sequence = state.next_sequence();
        state.buckets[bucket].bucket.send(sequence, is_probe, now);
        Permit { limiter: self.clone(), bucket, sequence, sent_at: now, needs_release: true }
    }

    /// Grants permits to the waiters that may send now. Returns the time at which the next one may, if it is known.
    fn grant_waiting(self: &Arc<Self>, state: &mut LimiterState, index: usize) -> Option<Timestamp> {
        let now = self.clock.now();
        while let Some(priority) = state.buckets[index].queue.next_priority() {
            let is_probe = match state.buckets[index].bucket.admission(priority, self.processes(), now) {
                Admission::Open { is_probe } => is_probe,
                Admission::Closed(until) => return until,
            };
            let Some(waiter) = state.buckets[index].queue.dequeue() else { break };
            let permit = self.grant(state, index, is_probe, now);
            if let Err(mut permit) = waiter.sender.send(permit) {
                // The waiter was dropped. The permit is released here, because `Drop` would deadlock on the held lock.
                permit.needs_release = false;
                state.buckets[index].bucket.release(permit.sequence);
            }
        }
        None
    }
}

impl LimiterState {
    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn is_in_use(&self, now: Timestamp) -> bool {
        self.buckets.iter().any(|queued| queued.bucket.is_in_use(now))
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

impl Permit {
    /// Releases the permit and records what the response reports.
    pub(in crate::http) fn complete(mut self, outcome: &Outcome<'_>) {
        let limiter = self.limiter.clone();
        let mut state = limiter.state();
        let now = limiter.clock.now();
        self.needs_release = false;
        state.buckets[self.bucket].bucket.release(self.sequence);
        if let Some(date) = outcome.server_date {
            state.skew.observe(date, self.sent_at, now);
        }
        let to_local = |reset: TimeSpec| match reset {
            TimeSpec::After(wait) => now + wait,
            TimeSpec::At(server) => state.skew.to_local(server),
        };
        let resets: Vec<_> = outcome.limits.windows.iter().map(|window| window.reset.map(to_local)).collect();
        let index = self.counting_bucket(&mut state, outcome);
        let response = ResponseEvent { sent: self.sequence, tick: state.next_sequence(), at: now };
        let bucket = &mut state.buckets[index].bucket;
        bucket.observe(outcome.limits, &resets, response);
        match outcome.limited_for {
            Some(wait) => bucket.on_limited(self.sequence, wait, now),
            None => bucket.on_success(now),
        }
        limiter.grant_waiting(&mut state, self.bucket);
        if index != self.bucket {
            limiter.grant_waiting(&mut state, index);
        }
    }

    /// Returns the bucket that the response names; the assumed one if it names none.
    fn counting_bucket(&self, state: &mut LimiterState, outcome: &Outcome<'_>) -> usize {
        let Some(name) = &outcome.limits.bucket else { return self.bucket };
        let assumed = &mut state.buckets[self.bucket].bucket;
        if assumed.name.is_none() {
            assumed.name = Some(name.clone());
        }
        let found = state.buckets.iter().position(|queued| queued.bucket.name.as_ref() == Some(name));
        let index = found.unwrap_or_else(|| {
            if state.buckets.len() < MAX_BUCKETS {
                state.buckets.push(QueuedBucket { bucket: Bucket::named(name), queue: WaitQueue::default() });
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
            state.buckets[self.bucket].bucket.release(self.sequence);
            self.limiter.grant_waiting(&mut state, self.bucket);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("sent", &self.sequence).finish_non_exhaustive()
    }
}
