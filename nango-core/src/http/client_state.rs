//! State that the clones of a client share.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::{ClientParts, limit_wait::WaitTimer};
use crate::time::Timestamp;

/// Parts of a client, and what it counts while it sends requests.
#[derive(Debug)]
pub(super) struct ClientState {
    pub(super) parts: ClientParts,
    pub(super) wait_timer: WaitTimer,
    request_count: AtomicU64,
    /// Send time of the oldest request with a response since the last [`ClientState::take_oldest_sent_at`].
    oldest_sent_at: Mutex<Option<Timestamp>>,
}

impl ClientState {
    pub(super) fn new(parts: ClientParts) -> Self {
        Self {
            parts,
            wait_timer: WaitTimer::default(),
            request_count: AtomicU64::new(0),
            oldest_sent_at: Mutex::default(),
        }
    }

    pub(super) fn count_request(&self) {
        self.request_count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn requests_sent(&self) -> u64 {
        self.request_count.load(Ordering::Relaxed)
    }

    /// Records the send time of a request that has a response.
    pub(super) fn record_sent_at(&self, sent_at: Timestamp) {
        let mut oldest = self.lock_oldest_sent_at();
        *oldest = Some(oldest.map_or(sent_at, |oldest| oldest.min(sent_at)));
    }

    /// Returns and resets the oldest recorded send time.
    pub(super) fn take_oldest_sent_at(&self) -> Option<Timestamp> {
        self.lock_oldest_sent_at().take()
    }

    fn lock_oldest_sent_at(&self) -> MutexGuard<'_, Option<Timestamp>> {
        // The value is a plain timestamp, so a panic cannot leave it inconsistent.
        self.oldest_sent_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
