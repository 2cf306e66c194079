//! Virtual time: a clock that jumps to the next timer as soon as no future can proceed, so that minutes of waiting take
//! milliseconds, and runs are reproducible.
//!
//! [`VirtualTime`] is a [`Clock`] of the product and runs the futures that use it, all on the calling thread. They may
//! wait only for each other and for this clock, not for tokio timers or sockets.

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use nango_core::{
    Timestamp,
    internal::http::{BoxFuture, Clock, Entropy},
};

use crate::rng::Rng;

/// 2027-01-15T08:00:00.3Z in microseconds since 1970: not at the start of a second.
const START: i64 = 1_800_000_000_300_000;

/// A clock that only [`VirtualTime::run`] advances. Clones share it.
#[derive(Clone)]
pub struct VirtualTime(Arc<Mutex<State>>);

struct State {
    /// The monotonic time that stands for [`START`].
    began: Instant,
    /// Microseconds since 1970.
    now: i64,
    /// Wakers by deadline, then by the order of their first poll.
    timers: BTreeMap<(i64, u64), Waker>,
    timer: u64,
    rng: Rng,
    spawned: Vec<BoxFuture<'static, ()>>,
}

/// Set when a future requests another poll.
struct WakeFlag(AtomicBool);

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl VirtualTime {
    /// Creates a clock whose jitter is reproducible from the seed.
    pub fn new(seed: u64) -> Self {
        let (timers, spawned) = (BTreeMap::new(), Vec::new());
        Self(Arc::new(Mutex::new(State {
            began: Instant::now(),
            now: START,
            timers,
            timer: 0,
            rng: Rng::new(seed),
            spawned,
        })))
    }

    /// Adds a future to those that [`run`](Self::run) polls.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.state().spawned.push(Box::pin(task));
    }

    /// Runs a future to completion, together with the spawned ones; those that are not complete then are dropped.
    ///
    /// # Panics
    ///
    /// Panics if all of them wait, and none of them for this clock.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let woken = Arc::new(WakeFlag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut tasks: Vec<BoxFuture<'static, ()>> = Vec::new();
        loop {
            while woken.0.swap(false, Ordering::Relaxed) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return output;
                }
                tasks.append(&mut self.state().spawned);
                tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
            }
            self.advance();
        }
    }

    /// Advances to the next deadline, and wakes the future that waits for it.
    fn advance(&self) {
        let mut state = self.state();
        let ((deadline, _), waker) = state.timers.pop_first().expect("a future that waits for the clock");
        state.now = state.now.max(deadline);
        drop(state);
        waker.wake();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualTime").field("now", &self.state().now).finish_non_exhaustive()
    }
}

impl Clock for VirtualTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.state().now)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let time = self.clone();
        let deadline = (self.now() + duration).as_micros();
        let mut timer = Timer { time, key: None };
        Box::pin(poll_fn(move |context| timer.poll(deadline, context.waker())))
    }

    fn instant(&self) -> Instant {
        let state = self.state();
        state.began + Timestamp::from_micros(state.now).saturating_duration_since(Timestamp::from_micros(START))
    }
}

impl Entropy for VirtualTime {
    fn random(&self) -> u128 {
        let mut state = self.state();
        (0..4).fold(0, |bits, _| bits << 32 | u128::from(state.rng.below(1 << 32)))
    }

    fn jitter(&self) -> f64 {
        let thousandths = self.state().rng.below(1000);
        f64::from(u16::try_from(thousandths).expect("a number under 1000")) / 1000.0
    }
}

/// A pending sleep. Dropping it removes its waker.
struct Timer {
    time: VirtualTime,
    key: Option<(i64, u64)>,
}

impl Timer {
    fn poll(&mut self, deadline: i64, waker: &Waker) -> Poll<()> {
        let mut state = self.time.state();
        if state.now >= deadline {
            return Poll::Ready(());
        }
        let key = *self.key.get_or_insert_with(|| {
            state.timer += 1;
            (deadline, state.timer)
        });
        state.timers.insert(key, waker.clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.time.state().timers.remove(&key);
        }
    }
}
