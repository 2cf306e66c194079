//! Dry runs: a run on a copy of the connection in memory.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    find_connection::find_connection,
    report::{DryRecords, RunReport},
    request::{RunRequest, Target},
    runtime::Runtime,
};
use crate::{
    declare::FunctionKind,
    error::Result,
    store::{BASE_VARIANT, FunctionKey, NewConnection, ReadQuery, SharedStore, StoreError, sqlite::Sqlite},
};

/// Creates a runtime with a database in memory, which contains one connection and its checkpoint. The writes of a dry
/// run are dropped with it.
pub(super) async fn runtime(runtime: &Runtime, request: &RunRequest) -> Result<Runtime> {
    let stored = find_connection(runtime, request.connection_key()).await?;
    let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.map_err(StoreError::into_error)?);
    let new = NewConnection {
        integration: stored.integration,
        id: stored.id,
        auth: stored.auth,
        credentials: stored.credentials,
        refresh_at: stored.refresh_at,
        config: stored.config,
        metadata: Some(stored.metadata),
    };
    store.put_connection(new).await.map_err(StoreError::into_error)?;
    if let Target::Sync(name) = &request.function {
        let key = FunctionKey {
            kind: FunctionKind::Sync,
            integration: request.integration.clone(),
            connection: request.connection.clone(),
            function: name.clone(),
            variant: if request.variant.is_empty() { BASE_VARIANT.to_owned() } else { request.variant.clone() },
        };
        let checkpoint = runtime.store.checkpoint(&key).await.map_err(StoreError::into_error)?;
        if checkpoint.value.is_some() && !request.reset {
            store.set_checkpoint(&key, checkpoint.value).await.map_err(StoreError::into_error)?;
        }
    }
    let Runtime { registry, catalogue, config, ring, transport, clock, .. } = runtime;
    let parts = (registry.clone(), catalogue.clone(), config.clone(), ring.clone(), transport.clone(), clock.clone());
    let (registry, catalogue, config, ring, transport, clock) = parts;
    Ok(Runtime {
        // Tokens and rate limits are shared with the real runtime, because a refresh token that the provider replaces
        // must not be lost.
        token_refresher: runtime.token_refresher.clone(),
        rate_limiters: runtime.rate_limiters.clone(),
        ..Runtime::new(registry, catalogue, config, store, ring, transport, clock)
    })
}

/// Returns the records that a dry run stored in its database in memory, by model.
pub(super) async fn records(runtime: &Runtime, report: &RunReport) -> Result<BTreeMap<String, DryRecords>> {
    let (integration, connection) = (Some(report.key.integration.as_str()), Some(report.key.connection.as_str()));
    let datasets = runtime.store.datasets(integration, connection).await.map_err(StoreError::into_error)?;
    let mut records = BTreeMap::new();
    for stats in datasets {
        let query = ReadQuery { limit: 100, ..ReadQuery::default() };
        let page = runtime.store.read(&stats.dataset, query).await.map_err(StoreError::into_error)?;
        records.insert(stats.dataset.model, DryRecords { total: stats.live, first: page.records });
    }
    Ok(records)
}
