//! Maintenance of datasets that syncs write: emptying, and retention by age.
//!
//! Invariants: a sync whose records are removed starts from the first page afterwards, because a sync that resumes
//! would not save them again; and both happen under the lease of the sync's key, so that no run of it interferes.
//! Meanwhile the key is leased like by a run, and the list of runs shows a run without requests.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{lease, runtime::Runtime};
use crate::{
    config::Retention,
    declare::FunctionKind,
    error::{Chain, Result},
    store::{
        DatasetKey, DatasetUsage, FunctionKey, Level, LogLine, NewRun, PruneUntil, Pruned, RunEnd, RunStatus, RunToken,
        StoreError, empty_dataset, prune_all,
    },
    time::Timestamp,
};

/// Result of a retention pass; for a dry run, what the pass would remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RetentionReport {
    /// Datasets that were emptied, because their syncs have not run within the limit.
    pub emptied: Vec<RetainedDataset>,
    /// Datasets whose payloads were pruned.
    pub pruned: Vec<RetainedDataset>,
    /// Datasets that were skipped, because one of their syncs is running.
    pub busy: Vec<DatasetKey>,
}

/// Dataset that was emptied or pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetainedDataset {
    /// Key of the dataset.
    pub dataset: DatasetKey,
    /// Number of removed rows, or of records whose payload was pruned.
    pub records: u64,
    /// Size of the removed payloads in bytes.
    pub bytes: u64,
    /// Time of the last run of the dataset's syncs or of the last change.
    pub last_used_at: Timestamp,
}

/// Removes all records of a dataset, and deletes the checkpoints and resume states of the syncs that write it. Returns
/// the number of removed rows, including tombstones. Readers of the feed are not notified: see
/// [`crate::store::Maintenance`].
///
/// # Errors
///
/// Fails if one of its syncs is running or the database fails.
pub(crate) async fn empty(runtime: &Runtime, dataset: &DatasetKey) -> Result<u64> {
    empty_under_leases(runtime, dataset).await.map_err(StoreError::into_error)
}

/// Prunes and empties datasets that are older than the limits, in small transactions. With `dry`, only reports what
/// would be done.
///
/// # Errors
///
/// Fails if the database fails. Completed transactions are kept, and another call continues.
pub(crate) async fn retain(runtime: &Runtime, limits: Retention, dry: bool) -> Result<RetentionReport> {
    let mut done = RetentionReport::default();
    let now = runtime.store.now();
    for usage in runtime.store.dataset_usage().await.map_err(StoreError::into_error)? {
        let used_at = last_used_at(runtime, &usage).await.map_err(StoreError::into_error)?;
        let is_old = |limit: Option<Duration>| limit.is_some_and(|limit| used_at < now - limit);
        let DatasetUsage { dataset, rows, bytes, .. } = usage;
        if is_old(limits.delete_after) {
            let records = if dry { Ok(rows) } else { empty_under_leases(runtime, &dataset).await };
            match records {
                Ok(records) => done.emptied.push(RetainedDataset { dataset, records, bytes, last_used_at: used_at }),
                Err(StoreError::Busy { .. }) => done.busy.push(dataset),
                Err(error) => return Err(error.into_error()),
            }
        } else if let Some(limit) = limits.prune_after {
            let until = PruneUntil::Before(now - limit);
            let store = &runtime.store;
            let pruned =
                if dry { store.count_prunable(&dataset, until).await } else { prune_all(store, &dataset, until).await };
            let Pruned { count: records, bytes, .. } = pruned.map_err(StoreError::into_error)?;
            if records > 0 {
                done.pruned.push(RetainedDataset { dataset, records, bytes, last_used_at: used_at });
            }
        }
    }
    Ok(done)
}

/// Returns the time of the last run of a sync that writes the dataset, or of the last change of the dataset. The latter
/// is the only source if its sync is no longer declared.
async fn last_used_at(runtime: &Runtime, usage: &DatasetUsage) -> Result<Timestamp, StoreError> {
    let mut latest = usage.changed_at;
    for key in syncs_of(runtime, &usage.dataset) {
        let last = runtime.store.runs_of(&key, 1).await?;
        latest = last.first().map_or(latest, |run| latest.max(run.finished_at.unwrap_or(run.started_at)));
    }
    Ok(latest)
}

/// Returns the syncs that write a dataset. They are sorted, so that concurrent callers acquire their leases in the same
/// order.
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

/// Empties a dataset while it has the leases of all its syncs.
async fn empty_under_leases(runtime: &Runtime, dataset: &DatasetKey) -> Result<u64, StoreError> {
    let store = &runtime.store;
    let cancellation = CancellationToken::new();
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
                format!("`{}` was emptied of {count} records; the next run starts from the beginning", dataset.model)
            }
            Err(error) => format!("`{}` was not emptied: {}", dataset.model, Chain(error)),
        };
        let line = LogLine { timestamp: store.now(), level: Level::Info, message, fields: serde_json::Value::Null };
        let end = RunEnd { logs: vec![line], ..RunEnd::new(status) };
        match store.end_run(&token, end).await {
            Ok(_) | Err(StoreError::LeaseLost) => {}
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome
}
