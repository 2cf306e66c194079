//! What happens to a function's places and records before it is called.
//!
//! Must stay true: it is a part of the run. The key is in hand, so that no other run of it is pulled the rug from under its
//! feet, the heart beats, and an error ends the run like one of the function.

use serde_json::Value;

use super::Job;
use crate::{
    error::Result,
    nango::{Context, store_error},
    store::empty_dataset,
};

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct RunSetup {
    /// Drop the checkpoint and the resume state.
    pub(super) reset: bool,
    /// Take out all records of the sync's models.
    pub(super) empty_cache: bool,
    /// Store this checkpoint.
    pub(super) checkpoint: Option<Value>,
}

impl RunSetup {
    /// Does it. The place goes before the records: if it stops in between, the next run brings everything.
    pub(super) async fn apply(self, context: &Context, job: &Job) -> Result<()> {
        let store = context.store();
        if self.reset {
            store.reset(context.key()).await.map_err(store_error)?;
        }
        if let (true, Job::Sync(def)) = (self.empty_cache, job) {
            for model in def.models {
                let dataset = context.dataset(model.name);
                // Whoever took the key over may be filling it again.
                empty_dataset(store, &dataset, |_| context.check().is_ok()).await.map_err(store_error)?;
                context.check()?;
            }
        }
        if let Some(checkpoint) = self.checkpoint {
            store.set_checkpoint(context.key(), Some(checkpoint)).await.map_err(store_error)?;
        }
        Ok(())
    }
}
