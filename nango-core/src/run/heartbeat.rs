//! Heartbeat of this process. Rate limits of APIs are divided by the number of active processes.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use uuid::Uuid;

use crate::{http::RateLimiters, store::SharedStore, time::Entropy};

/// Interval between two heartbeats.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// Duration after which a process without heartbeat is no longer counted.
const HEARTBEAT_LEASE: Duration = Duration::from_secs(15);

/// Id of this process in the process registry of the database, once the heartbeat was started.
#[derive(Debug, Default)]
pub(super) struct ProcessHeartbeat(OnceLock<Uuid>);

impl ProcessHeartbeat {
    /// Starts the heartbeat, which runs until the database is dropped. Further calls have no effect. Returns the id.
    pub(super) fn start(&self, store: &SharedStore, rate_limiters: &Arc<RateLimiters>, entropy: &dyn Entropy) -> Uuid {
        let mut first = false;
        let process = *self.0.get_or_init(|| {
            first = true;
            entropy.uuid()
        });
        if !first {
            return process;
        }
        let (store, rate_limiters) = (Arc::downgrade(store), rate_limiters.clone());
        tokio::spawn(async move {
            while let Some(store) = store.upgrade() {
                // If the database does not respond, the last count remains valid.
                if let Ok(count) = store.process_heartbeat(process, HEARTBEAT_LEASE).await {
                    rate_limiters.set_process_count(count);
                }
                drop(store);
                tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            }
        });
        process
    }

    /// Removes this process from the process registry.
    pub(super) async fn stop(&self, store: &SharedStore) {
        if let Some(process) = self.0.get() {
            // After an error, the entry expires with its last heartbeat.
            let _ = store.remove_process(*process).await;
        }
    }
}
