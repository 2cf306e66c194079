//! Keeping house where syncs are concerned: emptying a dataset, and retention by age.
//!
//! Must stay true: a sync whose records are taken out begins at the beginning afterwards, because one that goes on from its
//! place would never bring them back; and both happen under the sync's key, so that no run of it is in between. For the
//! length of it the key is held like by a run, and stands in the list of runs as one that sent no request.

use std::time::Duration;

use super::{Instance, Stop, lease};
use crate::{
    config::Retention,
    declare::Kind,
    error::Result,
    nango::store_error,
    store::{
        DatasetExtent, DatasetKey, FunctionKey, Level, LogLine, NewRun, PruneUntil, Pruned, RunEnd, RunStatus,
        RunToken, StoreError, empty_dataset, prune_all,
    },
};

/// What retention did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retained {
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
    pub used_at: i64,
}

/// Takes out all records of a dataset, and drops the places of the syncs that write it. Gives how many rows there were,
/// tombstones included. Readers of the feed are not told: see [`crate::store::Upkeep`].
///
/// # Errors
///
/// A sync of it is running; the database failed.
pub async fn empty(instance: &Instance, dataset: &DatasetKey) -> Result<u64> {
    under_keys(instance, dataset).await.map_err(store_error)
}

/// Prunes and empties what is older than the limits, in small transactions; `dry`: only says what it would do.
///
/// # Errors
///
/// The database failed: what was done before is done, and calling again goes on.
pub async fn retain(instance: &Instance, limits: Retention, dry: bool) -> Result<Retained> {
    let mut done = Retained::default();
    let now = instance.store.now();
    for extent in instance.store.extents().await.map_err(store_error)? {
        let used_at = used_at(instance, &extent).await.map_err(store_error)?;
        let is_old = |limit: Option<Duration>| limit.is_some_and(|limit| used_at < before(now, limit));
        let DatasetExtent { dataset, rows, bytes, .. } = extent;
        if is_old(limits.delete_after) {
            let records = if dry { Ok(rows) } else { under_keys(instance, &dataset).await };
            match records {
                Ok(records) => done.emptied.push(RetainedDataset { dataset, records, bytes, used_at }),
                Err(StoreError::Busy { .. }) => done.busy.push(dataset),
                Err(error) => return Err(store_error(error)),
            }
        } else if let Some(limit) = limits.prune_after {
            let until = PruneUntil::Before(before(now, limit));
            let store = &instance.store;
            let pruned =
                if dry { store.prunable(&dataset, until).await } else { prune_all(store, &dataset, until).await };
            let Pruned { count: records, bytes, .. } = pruned.map_err(store_error)?;
            if records > 0 {
                done.pruned.push(RetainedDataset { dataset, records, bytes, used_at });
            }
        }
    }
    Ok(done)
}

fn before(now: i64, limit: Duration) -> i64 {
    now.saturating_sub(i64::try_from(limit.as_micros()).unwrap_or(i64::MAX))
}

/// When a sync that writes the dataset last began, or the dataset last changed: of one whose sync is no longer declared,
/// that is all there is to know.
async fn used_at(instance: &Instance, extent: &DatasetExtent) -> Result<i64, StoreError> {
    let mut latest = extent.changed_at;
    for key in syncs_of(instance, &extent.dataset) {
        let last = instance.store.runs_of(&key, 1).await?;
        latest = last.first().map_or(latest, |run| latest.max(run.finished_at.unwrap_or(run.started_at)));
    }
    Ok(latest)
}

/// The syncs that write a dataset, in the order of their names, so that two who need the same keys do not cross.
fn syncs_of(instance: &Instance, dataset: &DatasetKey) -> Vec<FunctionKey> {
    let DatasetKey { integration, connection, model, variant } = dataset;
    let writes = instance
        .registry
        .syncs()
        .filter(|(entry, sync)| entry.integration() == integration && sync.models.iter().any(|m| m.name == model));
    let mut keys: Vec<FunctionKey> = writes
        .map(|(_, sync)| FunctionKey {
            kind: Kind::Sync,
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
async fn under_keys(instance: &Instance, dataset: &DatasetKey) -> Result<u64, StoreError> {
    let store = &instance.store;
    let stop = Stop::default();
    let keys = syncs_of(instance, dataset);
    let mut held: Vec<(RunToken, lease::Heart)> = Vec::with_capacity(keys.len());
    let mut outcome = Ok(0);
    for key in &keys {
        let lease = instance.config.lease;
        let new = NewRun { key: key.clone(), connection: None, exclusive: true, lease };
        match store.start_run(new).await {
            Ok(token) => held.push((token, lease::Heart::beat(store.clone(), token, lease, stop.clone()))),
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
            let count = empty_dataset(store, dataset, |_| !stop.is_stopped()).await?;
            if stop.is_stopped() { Err(StoreError::LeaseLost) } else { Ok(count) }
        }
        .await;
    }
    let status = if outcome.is_ok() { RunStatus::Success } else { RunStatus::Cancelled };
    for (token, heart) in held {
        heart.rest();
        let message = match &outcome {
            Ok(count) => {
                format!("`{}` was emptied of {count} records; the next run begins at the beginning", dataset.model)
            }
            Err(error) => format!("`{}` was not emptied: {error}", dataset.model),
        };
        let line = LogLine { at: store.now(), level: Level::Info, message, fields: serde_json::Value::Null };
        let end = RunEnd { status, error: None, requests: 0, logs: vec![line], checkpoint: None, resume: None };
        match store.end_run(&token, end).await {
            Ok(_) | Err(StoreError::LeaseLost) => {}
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome
}
