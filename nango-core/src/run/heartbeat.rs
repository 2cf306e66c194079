//! Heartbeat of this process. Rate limits of APIs are divided by the number of active processes. The heartbeat of a
//! process that runs the schedules extends its mark.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use crate::{http::RateLimiters, store::SharedStore, time::Entropy};

/// Interval between two heartbeats.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// Duration after which a process without heartbeat is no longer counted.
const HEARTBEAT_LEASE: Duration = Duration::from_secs(15);

/// Heartbeat of this process in the process registry of the database.
#[derive(Debug, Default)]
pub(super) struct ProcessHeartbeat {
    /// Id of the process, once the heartbeat was started.
    process: OnceLock<Uuid>,
    /// Whether this process runs the schedules.
    is_serving: Arc<AtomicBool>,
}

impl ProcessHeartbeat {
    /// Starts the heartbeat, which runs until the database is dropped. Further calls have no effect. Returns the id.
    pub(super) fn start(&self, store: &SharedStore, rate_limiters: &Arc<RateLimiters>, entropy: &dyn Entropy) -> Uuid {
        let mut first = false;
        let process = *self.process.get_or_init(|| {
            first = true;
            entropy.uuid()
        });
        if !first {
            return process;
        }
        let (store, rate_limiters, is_serving) =
            (Arc::downgrade(store), rate_limiters.clone(), Arc::clone(&self.is_serving));
        tokio::spawn(async move {
            while let Some(store) = store.upgrade() {
                // If the database does not respond, the last count remains valid.
                let is_serving = is_serving.load(Ordering::Relaxed);
                if let Ok(count) = store.process_heartbeat(process, HEARTBEAT_LEASE, is_serving).await {
                    rate_limiters.set_process_count(count);
                }
                drop(store);
                tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            }
        });
        process
    }

    /// Sets whether this process runs the schedules.
    #[cfg(feature = "server")]
    pub(super) fn set_serving(&self, is_serving: bool) {
        self.is_serving.store(is_serving, Ordering::Relaxed);
    }

    /// Removes this process from the process registry.
    pub(super) async fn stop(&self, store: &SharedStore) {
        if let Some(process) = self.process.get() {
            // After an error, the entry expires with its last heartbeat.
            let _ = store.remove_process(*process).await;
        }
    }
}
