//! The sign of life of this process: what an API allows is divided by the processes that live.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use uuid::Uuid;

use super::Runtime;

/// How often a sign of life is given.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// How long one holds.
const HEARTBEAT_LEASE: Duration = Duration::from_secs(15);

/// Whether this process is known to the database.
#[derive(Debug, Default)]
pub(super) struct ProcessHeartbeat(OnceLock<Uuid>);

impl ProcessHeartbeat {
    /// Begins to give signs of life, until the installation is gone. Does nothing the second time.
    pub(super) fn start(&self, runtime: &Arc<Runtime>) {
        let mut first = false;
        let process = *self.0.get_or_init(|| {
            first = true;
            Uuid::now_v7()
        });
        if !first {
            return;
        }
        let runtime = Arc::downgrade(runtime);
        tokio::spawn(async move {
            while let Some(runtime) = runtime.upgrade() {
                // A database that does not answer now says nothing about the others: the last count stands.
                if let Ok(count) = runtime.store.process_heartbeat(process, HEARTBEAT_LEASE).await {
                    runtime.rate_limiters.set_process_count(count);
                }
                drop(runtime);
                tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            }
        });
    }

    /// Says that the process ends.
    pub(super) async fn end(&self, runtime: &Runtime) {
        if let Some(process) = self.0.get() {
            // Whoever does not say it is forgotten when its last sign of life has ended.
            let _ = runtime.store.remove_process(*process).await;
        }
    }
}
