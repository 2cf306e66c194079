//! Changes of checkpoint and records before a function is called.
//!
//! They are applied as part of the run, after the lease is acquired and while it is renewed, so that no other run of
//! the key is affected; an error fails the run.

use serde_json::Value;

use super::job::Job;
use crate::{
    error::Result,
    nango::Context,
    store::{StoreError, empty_dataset},
};

/// Changes that a caller requested with a run.
#[derive(Debug, Default)]
pub(super) struct RunSetup {
    /// Whether the checkpoint and the resume state are deleted.
    pub(super) reset: bool,
    /// Whether all records of the sync's models are removed.
    pub(super) empty_cache: bool,
    /// Checkpoint to store.
    pub(super) checkpoint: Option<Value>,
}

impl RunSetup {
    /// Applies the changes. The checkpoint is deleted before the records: if the process stops in between, the next run
    /// saves all records again.
    pub(super) async fn apply(self, context: &Context, job: &Job) -> Result<()> {
        let store = context.store();
        if self.reset {
            store.reset(context.key()).await.map_err(StoreError::into_error)?;
        }
        if let (true, Job::Sync(def)) = (self.empty_cache, job) {
            for model in def.models {
                let dataset = context.dataset(model.name);
                // After the lease is lost, another run may already save records again.
                empty_dataset(store, &dataset, |_| context.check_cancelled().is_ok())
                    .await
                    .map_err(StoreError::into_error)?;
                context.check_cancelled()?;
            }
        }
        if let Some(checkpoint) = self.checkpoint {
            store.set_checkpoint(context.key(), Some(checkpoint)).await.map_err(StoreError::into_error)?;
        }
        Ok(())
    }
}
