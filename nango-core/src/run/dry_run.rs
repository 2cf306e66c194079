//! Dry runs: a run on a copy, in memory, of the connection, of the position of the function and of its datasets.
//!
//! The run starts where a real run would start, requests what it would request, and counts what it would change.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    find_connection::find_connection,
    report::{DryRecords, RunReport},
    request::{RunRequest, Target},
    runtime::Runtime,
};
use crate::{
    declare::{Each, Mapper, ParentSource, SyncDef, SyncRun},
    error::Result,
    store::{BASE_VARIANT, CopyScope, ReadQuery, StoreError, copy_part},
};

/// Creates a runtime with a database in memory, which contains one connection, the checkpoints and resume states of its
/// functions, and the datasets that the function may write. The writes of a dry run are dropped with it.
pub(super) async fn runtime(runtime: &Runtime, request: &RunRequest) -> Result<Runtime> {
    find_connection(runtime, request.connection_key()).await?;
    let sync = match &request.function {
        Target::Sync(sync) | Target::Webhook { sync, .. } => runtime.registry.sync(&request.integration, sync),
        // Syncs that an action or event triggers are counted against an empty cache: they are not known in advance.
        Target::Action { .. } | Target::Event(_) => None,
    };
    let scope = CopyScope {
        integration: &request.integration,
        connection: &request.connection,
        variant: if request.variant.is_empty() { BASE_VARIANT } else { &request.variant },
        models: sync.into_iter().flat_map(|sync| sync.models).map(|model| model.name).collect(),
        parents: sync.and_then(walked_parents),
    };
    let store = copy_part(&runtime.store, &scope).await.map_err(StoreError::into_error)?;
    store.use_keys(Arc::new(runtime.ring.clone()), false).await.map_err(StoreError::into_error)?;
    Ok(runtime.with_store(store))
}

/// Returns the model and the variant of the records that a sync walks as parents.
pub(super) fn walked_parents(sync: &SyncDef) -> Option<(&'static str, &'static str)> {
    match &sync.run {
        SyncRun::Mapper(Mapper {
            each: Some(Each { parents: ParentSource::Model { model, variant, .. }, .. }),
            ..
        }) => Some((model.name, variant.unwrap_or(BASE_VARIANT))),
        _ => None,
    }
}

/// Returns the records that a dry run changed in its database in memory, by model.
pub(super) async fn records(runtime: &Runtime, report: &RunReport) -> Result<BTreeMap<String, DryRecords>> {
    let (integration, connection) = (Some(report.key.integration.as_str()), Some(report.key.connection.as_str()));
    let datasets = runtime.store.datasets(integration, connection).await.map_err(StoreError::into_error)?;
    let walked = runtime.registry.sync(&report.key.integration, &report.key.function).and_then(walked_parents);
    let mut records = BTreeMap::new();
    for stats in datasets {
        if walked == Some((stats.dataset.model.as_str(), stats.dataset.variant.as_str())) {
            continue;
        }
        let query = ReadQuery { limit: 100, modified_after: Some(report.started_at), ..ReadQuery::default() };
        let page = runtime.store.read(&stats.dataset, query).await.map_err(StoreError::into_error)?;
        let counts = report.totals.models.get(&stats.dataset.model);
        let total = counts.map_or(0, |counts| counts.added + counts.updated + counts.deleted);
        records.insert(stats.dataset.model, DryRecords { total, first: page.records });
    }
    Ok(records)
}
