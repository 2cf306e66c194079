//! Run of a mapper: what the walks of its lists share.

use std::sync::Arc;

use crate::{
    declare::{Mapper, SharedMetadata, SyncDef},
    error::Result,
    nango::{Context, PageCommit},
    run::{resume::SyncState, runtime::Runtime},
    store::DatasetKey,
};

/// Returns whether an interrupted walk may only be resumed at an opaque position. At a counted position a record may be
/// skipped: a scan would delete it, and an incremental run would never read it again.
pub(in crate::run) fn requires_token(def: &SyncDef, mapper: &Mapper) -> bool {
    def.track_deletes || is_incremental(mapper)
}

/// Returns whether a run of a mapper may read only changes.
pub(super) fn is_incremental(mapper: &Mapper) -> bool {
    mapper.since.is_some() || mapper.delta.is_some()
}

/// Run of a mapper: what all walks of its lists share.
pub(super) struct MapperRun<'a> {
    pub(super) runtime: &'a Arc<Runtime>,
    pub(super) context: Arc<Context>,
    pub(super) def: &'static SyncDef,
    pub(super) mapper: &'static Mapper,
    /// Metadata that the mapper takes, as it was when the run started.
    pub(super) metadata: Option<SharedMetadata>,
    /// Fingerprint of the model's schema and the version of the sync.
    pub(super) schema: String,
}

impl MapperRun<'_> {
    /// Returns whether the schema or version changed since the last run, so that a walk must read the complete list.
    pub(super) fn is_changed(&self, state: &SyncState) -> bool {
        state.schema.as_deref().is_some_and(|last| last != self.schema)
    }

    /// Returns the dataset of a model, by its index in the declaration.
    pub(super) fn dataset(&self, model: usize) -> DatasetKey {
        self.context.dataset(self.def.models[model].name)
    }

    /// Commits a change outside of pages.
    pub(super) async fn commit(&self, page: PageCommit) -> Result<()> {
        self.context.commit(page).await.map(drop)
    }
}
