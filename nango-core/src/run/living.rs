//! The sign of life of this process: what an API allows is divided by the processes that live.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use uuid::Uuid;

use super::Instance;

/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(5);
/// How long one holds.
const LEASE: Duration = Duration::from_secs(15);

/// Whether this process is known to the database.
#[derive(Debug, Default)]
pub(super) struct Living(OnceLock<Uuid>);

impl Living {
    /// Begins to give signs of life, until the installation is gone. Does nothing the second time.
    pub(super) fn begin(&self, instance: &Arc<Instance>) {
        let mut first = false;
        let process = *self.0.get_or_init(|| {
            first = true;
            Uuid::now_v7()
        });
        if !first {
            return;
        }
        let instance = Arc::downgrade(instance);
        tokio::spawn(async move {
            while let Some(instance) = instance.upgrade() {
                // A database that does not answer now says nothing about the others: the last count stands.
                if let Ok(count) = instance.store.beat(process, LEASE).await {
                    instance.budgets.set_processes(count);
                }
                drop(instance);
                tokio::time::sleep(BEAT).await;
            }
        });
    }

    /// Says that the process ends.
    pub(super) async fn end(&self, instance: &Instance) {
        if let Some(process) = self.0.get() {
            // Whoever does not say it is forgotten when its last sign of life has ended.
            let _ = instance.store.leave(*process).await;
        }
    }
}
