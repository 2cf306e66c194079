//! Clock of one run: the time of the database, so that the request time of a page can be compared with the timestamps
//! of records.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::{
    http::{BoxFuture, Clock},
    store::SharedStore,
    time::{Entropy, Timestamp},
};

/// Clock with the time of the database, and the waits and randomness of the runtime's clock.
#[derive(Debug)]
pub(super) struct RunClock {
    pub(super) store: SharedStore,
    pub(super) inner: Arc<dyn Clock>,
}

impl Clock for RunClock {
    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn instant(&self) -> Instant {
        self.inner.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }
}

impl Entropy for RunClock {
    fn random(&self) -> u128 {
        self.inner.random()
    }

    fn uuid(&self) -> Uuid {
        self.inner.uuid()
    }

    fn jitter(&self) -> f64 {
        self.inner.jitter()
    }
}
