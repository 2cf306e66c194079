//! Keeping house where syncs are concerned: emptying a dataset, and retention by age.
//!
//! Must stay true: a sync whose records are taken out begins at the beginning afterwards, because one that goes on from its
//! place would never bring them back; and both happen under the sync's key, so that no run of it is in between. For the
//! length of it the key is held like by a run, and stands in the list of runs as one that sent no request.

use std::time::Duration;

use super::{Cancellation, Runtime, lease};
use crate::{
    config::Retention,
    declare::FunctionKind,
    error::Result,
    nango::store_error,
    store::{
        DatasetKey, DatasetUsage, FunctionKey, Level, LogLine, NewRun, PruneUntil, Pruned, RunEnd, RunStatus, RunToken,
        StoreError, empty_dataset, prune_all,
    },
};

/// What retention did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionReport {
    /// Datasets that were emptied, because their syncs did not run for too long.
    pub emptied: Vec<RetainedDataset>,
    /// Datasets of which payloads were pruned.
    pub pruned: Vec<RetainedDataset>,
    /// Datasets that were left, because a sync of them is running after all.
    pub busy: Vec<DatasetKey>,
}

/// What became of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedDataset {
    /// Which.
    pub dataset: DatasetKey,
    /// Rows that were taken out, or records that lost their payload.
    pub records: u64,
    /// The size of the payloads that are gone, in bytes.
    pub bytes: u64,
    /// When the dataset's syncs last ran or it last changed, microseconds since 1970.
    pub last_used_at: i64,
}

/// Takes out all records of a dataset, and drops the places of the syncs that write it. Gives how many rows there were,
/// tombstones included. Readers of the feed are not told: see [`crate::store::Upkeep`].
///
/// # Errors
///
/// A sync of it is running; the database failed.
pub async fn empty(runtime: &Runtime, dataset: &DatasetKey) -> Result<u64> {
    empty_under_leases(runtime, dataset).await.map_err(store_error)
}

/// Prunes and empties what is older than the limits, in small transactions; `dry`: only says what it would do.
///
/// # Errors
///
/// The database failed: what was done before is done, and calling again goes on.
pub async fn retain(runtime: &Runtime, limits: Retention, dry: bool) -> Result<RetentionReport> {
    let mut done = RetentionReport::default();
    let now = runtime.store.now();
    for extent in runtime.store.dataset_usage().await.map_err(store_error)? {
        let used_at = last_used_at(runtime, &extent).await.map_err(store_error)?;
        let is_old = |limit: Option<Duration>| limit.is_some_and(|limit| used_at < cutoff(now, limit));
        let DatasetUsage { dataset, rows, bytes, .. } = extent;
        if is_old(limits.delete_after) {
            let records = if dry { Ok(rows) } else { empty_under_leases(runtime, &dataset).await };
            match records {
                Ok(records) => done.emptied.push(RetainedDataset { dataset, records, bytes, last_used_at: used_at }),
                Err(StoreError::Busy { .. }) => done.busy.push(dataset),
                Err(error) => return Err(store_error(error)),
            }
        } else if let Some(limit) = limits.prune_after {
            let until = PruneUntil::Before(cutoff(now, limit));
            let store = &runtime.store;
            let pruned =
                if dry { store.count_prunable(&dataset, until).await } else { prune_all(store, &dataset, until).await };
            let Pruned { count: records, bytes, .. } = pruned.map_err(store_error)?;
            if records > 0 {
                done.pruned.push(RetainedDataset { dataset, records, bytes, last_used_at: used_at });
            }
        }
    }
    Ok(done)
}

fn cutoff(now: i64, limit: Duration) -> i64 {
    now.saturating_sub(i64::try_from(limit.as_micros()).unwrap_or(i64::MAX))
}

/// When a sync that writes the dataset last began, or the dataset last changed: of one whose sync is no longer declared,
/// that is all there is to know.
async fn last_used_at(runtime: &Runtime, extent: &DatasetUsage) -> Result<i64, StoreError> {
    let mut latest = extent.changed_at;
    for key in syncs_of(runtime, &extent.dataset) {
        let last = runtime.store.runs_of(&key, 1).await?;
        latest = last.first().map_or(latest, |run| latest.max(run.finished_at.unwrap_or(run.started_at)));
    }
    Ok(latest)
}

/// The syncs that write a dataset, in the order of their names, so that two who need the same keys do not cross.
fn syncs_of(runtime: &Runtime, dataset: &DatasetKey) -> Vec<FunctionKey> {
    let DatasetKey { integration, connection, model, variant } = dataset;
    let writes = runtime
        .registry
        .syncs()
        .filter(|(entry, sync)| entry.integration() == integration && sync.models.iter().any(|m| m.name == model));
    let mut keys: Vec<FunctionKey> = writes
        .map(|(_, sync)| FunctionKey {
            kind: FunctionKind::Sync,
            integration: integration.clone(),
            connection: connection.clone(),
            function: sync.name.to_owned(),
            variant: variant.clone(),
        })
        .collect();
    keys.sort();
    keys
}

/// Empties a dataset while nobody else has the keys of its syncs.
async fn empty_under_leases(runtime: &Runtime, dataset: &DatasetKey) -> Result<u64, StoreError> {
    let store = &runtime.store;
    let cancellation = Cancellation::default();
    let keys = syncs_of(runtime, dataset);
    let mut leases: Vec<(RunToken, lease::LeaseRenewer)> = Vec::with_capacity(keys.len());
    let mut outcome = Ok(0);
    for key in &keys {
        let lease = runtime.config.lease;
        let new = NewRun { key: key.clone(), connection: None, exclusive: true, lease };
        match store.start_run(new).await {
            Ok(token) => {
                leases.push((token, lease::LeaseRenewer::spawn(store.clone(), token, lease, cancellation.clone())));
            }
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    if outcome.is_ok() {
        outcome = async {
            for key in &keys {
                store.reset(key).await?;
            }
            let count = empty_dataset(store, dataset, |_| !cancellation.is_cancelled()).await?;
            if cancellation.is_cancelled() { Err(StoreError::LeaseLost) } else { Ok(count) }
        }
        .await;
    }
    let status = if outcome.is_ok() { RunStatus::Success } else { RunStatus::Cancelled };
    for (token, renewer) in leases {
        renewer.stop();
        let message = match &outcome {
            Ok(count) => {
                format!("`{}` was emptied of {count} records; the next run begins at the beginning", dataset.model)
            }
            Err(error) => format!("`{}` was not emptied: {error}", dataset.model),
        };
        let line = LogLine { timestamp: store.now(), level: Level::Info, message, fields: serde_json::Value::Null };
        let end = RunEnd { status, error: None, requests: 0, logs: vec![line], checkpoint: None, resume: None };
        match store.end_run(&token, end).await {
            Ok(_) | Err(StoreError::LeaseLost) => {}
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome
}
