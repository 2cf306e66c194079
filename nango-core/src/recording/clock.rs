//! Clocks of a recorded run and of its replay.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    format::{Line, Random},
    journal::Journal,
};
use crate::{
    http::{BoxFuture, Clock},
    time::{Entropy, SystemClock, Timestamp, saturating_micros},
};

/// Clock that records the random values that a run uses.
#[derive(Debug)]
pub(super) struct RecordingClock {
    pub(super) inner: Arc<dyn Clock>,
    pub(super) journal: Arc<Journal>,
}

impl Clock for RecordingClock {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn instant(&self) -> Instant {
        self.inner.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }
}

impl Entropy for RecordingClock {
    fn random(&self) -> u128 {
        let bits = self.inner.random();
        self.journal.write(&Line::Random(Random::Bits(format!("{bits:032x}"))));
        bits
    }

    fn uuid(&self) -> Uuid {
        let id = self.inner.uuid();
        self.journal.write(&Line::Random(Random::Id(id)));
        id
    }

    fn jitter(&self) -> f64 {
        let jitter = self.inner.jitter();
        self.journal.write(&Line::Random(Random::Jitter(jitter)));
        jitter
    }
}

/// Clock of a replay: it begins at the time of the recorded run, advances with the answers, and waits take no time. The
/// random values are those of the recording, in order.
#[derive(Debug)]
pub(crate) struct ReplayClock {
    started_at: Timestamp,
    started: Instant,
    /// Time since the start, in microseconds.
    elapsed: AtomicI64,
    random: Mutex<RandomValues>,
}

/// Recorded random values that were not used yet.
#[derive(Debug, Default)]
struct RandomValues {
    jitter: Vec<f64>,
    ids: Vec<Uuid>,
    bits: Vec<u128>,
    /// Number of values that the recording did not have.
    missing: u128,
}

impl ReplayClock {
    /// Creates the clock of a replay.
    pub(super) fn new(started_at: Timestamp, values: &[Random]) -> Self {
        let mut random = RandomValues::default();
        // Taken from the end.
        for value in values.iter().rev() {
            match value {
                Random::Jitter(jitter) => random.jitter.push(*jitter),
                Random::Id(id) => random.ids.push(*id),
                Random::Bits(bits) => random.bits.extend(u128::from_str_radix(bits, 16).ok()),
            }
        }
        Self { started_at, started: SystemClock.instant(), elapsed: AtomicI64::new(0), random: Mutex::new(random) }
    }

    /// Advances the clock to a time, unless it is later already.
    pub(super) fn advance_to(&self, at: Timestamp) {
        self.elapsed.fetch_max(at.micros_since(self.started_at), Ordering::AcqRel);
    }

    fn take<T>(&self, take: impl FnOnce(&mut RandomValues) -> T) -> T {
        take(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RandomValues {
    /// Returns a value that is the same in each replay.
    fn next_missing(&mut self) -> u128 {
        self.missing += 1;
        self.missing
    }
}

impl Clock for ReplayClock {
    fn now(&self) -> Timestamp {
        self.started_at.saturating_add_micros(self.elapsed.load(Ordering::Acquire))
    }

    fn instant(&self) -> Instant {
        let elapsed = Duration::from_micros(self.elapsed.load(Ordering::Acquire).unsigned_abs());
        self.started.checked_add(elapsed).unwrap_or(self.started)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.elapsed.fetch_add(saturating_micros(duration), Ordering::AcqRel);
        Box::pin(std::future::ready(()))
    }
}

impl Entropy for ReplayClock {
    fn random(&self) -> u128 {
        self.take(|values| values.bits.pop().unwrap_or_else(|| values.next_missing()))
    }

    fn uuid(&self) -> Uuid {
        self.take(|values| {
            let id = values.ids.pop();
            id.unwrap_or_else(|| uuid::Builder::from_random_bytes(values.next_missing().to_be_bytes()).into_uuid())
        })
    }

    fn jitter(&self) -> f64 {
        self.take(|values| values.jitter.pop().unwrap_or(0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn replay_has_the_recorded_times_and_random_values() {
        let at = Timestamp::from_micros;
        let values = [Random::Jitter(0.25), Random::Id(Uuid::nil()), Random::Bits("ff".into()), Random::Jitter(0.75)];
        let clock = ReplayClock::new(at(1_000_000), &values);
        let started = clock.instant();
        assert_eq!((clock.now(), clock.jitter(), clock.jitter(), clock.jitter()), (at(1_000_000), 0.25, 0.75, 0.5));
        assert_eq!((clock.random(), clock.random(), clock.uuid()), (255, 1, Uuid::nil()));
        assert_ne!(clock.uuid(), clock.uuid());
        clock.sleep(Duration::from_secs(1)).await;
        clock.advance_to(at(1_500_000));
        assert_eq!((clock.now(), clock.instant() - started), (at(2_000_000), Duration::from_secs(1)));
        clock.advance_to(at(9_000_000));
        assert_eq!(clock.now(), at(9_000_000));
    }
}
