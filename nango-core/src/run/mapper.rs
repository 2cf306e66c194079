//! Execution of mapper syncs.
//!
//! [`MapperRun`] is the run of the function, and [`ListWalk`] is one walk of one list with its own request and state. A
//! page of a list is mapped and committed while the next pages are fetched. Only a complete walk advances the `since`
//! value and deletes records that it did not see.

mod confirm;
mod fingerprint;
mod finish;
mod list_walk;
mod map;
mod progress;
mod request;
mod scan;

use std::sync::Arc;

use serde_json::Value;

use self::list_walk::ListWalk;
use super::{
    resume::{self, SyncState},
    runtime::Runtime,
};
use crate::{
    declare::{Mapper, SharedMetadata, SyncDef},
    error::Result,
    nango::{Context, PageCommit},
    store::{DatasetKey, Level, StoreError},
};

/// Walks the endpoint of a mapper from the first page, or from the resume point of an interrupted run.
pub(super) async fn walk(
    runtime: &Arc<Runtime>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
) -> Result<()> {
    context.set_sync(def);
    let sealed = runtime.store.resume_state(context.key()).await.map_err(StoreError::into_error)?;
    let has_stored_state = sealed.is_some();
    let state = resume::open(runtime, &context, sealed);
    let (list, metadata) = request::build(&context, mapper).await?;
    let schema = fingerprint::of_schema(def);
    let run = MapperRun { runtime, context, def, mapper, metadata, schema };
    let mut walk = ListWalk::new(&run, list, state);
    let ended = walk.run().await?;
    walk.finish(ended, has_stored_state).await
}

/// Returns whether an interrupted walk may only be resumed at an opaque position. At a counted position a record may be
/// skipped: a scan would delete it, and an incremental run would never read it again.
pub(super) fn requires_token(def: &SyncDef, mapper: &Mapper) -> bool {
    def.track_deletes || is_incremental(mapper)
}

/// Returns whether a run of a mapper may read only changes.
fn is_incremental(mapper: &Mapper) -> bool {
    mapper.since.is_some() || mapper.delta.is_some()
}

/// Run of a mapper: what all walks of its lists share.
struct MapperRun<'a> {
    runtime: &'a Arc<Runtime>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
    /// Metadata that the mapper takes, as it was when the run started.
    metadata: Option<SharedMetadata>,
    /// Fingerprint of the model's schema and the version of the sync.
    schema: String,
}

impl MapperRun<'_> {
    /// Returns whether the schema or version changed since the last run, so that a walk must read the complete list.
    fn is_changed(&self, state: &SyncState) -> bool {
        let changed = state.schema.as_deref().is_some_and(|last| last != self.schema);
        if changed && (self.mapper.since.is_some() && state.since.is_some() || state.delta.is_some()) {
            let message = "the model's schema or the version of the sync has changed: this run reads the complete list";
            self.context.log(Level::Info, message, Value::Null);
        }
        changed
    }

    /// Returns the dataset of the model.
    fn dataset(&self) -> DatasetKey {
        self.context.dataset(self.def.models[0].name)
    }

    /// Commits a change outside of pages.
    async fn commit(&self, page: PageCommit) -> Result<()> {
        self.context.commit(page).await.map(drop)
    }
}
