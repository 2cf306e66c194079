//! JSON of database maintenance. `count` and `has_more` of a prune are Nango's names; the rest has no counterpart
//! there.

use std::path::Path;

use serde::Serialize;

use super::time::micros;
use crate::{
    error::Remedy,
    run::{RetainedDataset, RetentionReport},
    store::{Backup, CheckReport, CopySummary, DatasetKey, Pruned, Vacuumed},
};

/// Key of a dataset: `{ "provider_config_key", "connection_id", "model", "variant" }`.
#[derive(Debug, Serialize)]
struct DatasetJson<'a> {
    provider_config_key: &'a str,
    connection_id: &'a str,
    model: &'a str,
    variant: &'a str,
}

impl<'a> DatasetJson<'a> {
    fn new(key: &'a DatasetKey) -> Self {
        let DatasetKey { integration, connection, model, variant } = key;
        Self { provider_config_key: integration, connection_id: connection, model, variant }
    }
}

/// Result of a prune: `{ "count", "has_more", "bytes" }`, the number of records that lost their payload and the size of
/// these payloads.
#[derive(Debug, Serialize)]
pub(crate) struct PrunedJson {
    count: u64,
    has_more: bool,
    bytes: u64,
}

impl PrunedJson {
    /// Creates the JSON of a prune.
    pub(crate) fn new(pruned: &Pruned) -> Self {
        Self { count: pruned.count, has_more: pruned.next.is_some(), bytes: pruned.bytes }
    }
}

/// Key of a dataset, and `"count"`, the number of rows that were removed from it, tombstones included.
#[derive(Debug, Serialize)]
pub(crate) struct RemovedRowsJson<'a> {
    #[serde(flatten)]
    dataset: DatasetJson<'a>,
    count: u64,
}

impl<'a> RemovedRowsJson<'a> {
    /// Creates the JSON of an erase or empty operation.
    pub(crate) fn new(dataset: &'a DatasetKey, count: u64) -> Self {
        Self { dataset: DatasetJson::new(dataset), count }
    }
}

/// Result of a check: `{ "sound", "datasets", "records", "bytes", "closed": [{ "key", "payloads" }], "findings":
/// [{ "problem", "where", "count", "repaired", "example", "repair", "advice" }] }`.
///
/// `closed` counts payloads per key that were not checked, because the key ring does not contain the key. `repair`
/// describes what was repaired, and `advice` what the user can do about the remaining problems.
#[derive(Debug, Serialize)]
pub(crate) struct CheckJson<'a> {
    sound: bool,
    datasets: u64,
    records: u64,
    bytes: u64,
    closed: Vec<UnopenedJson>,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Debug, Serialize)]
struct UnopenedJson {
    key: String,
    payloads: u64,
}

#[derive(Debug, Serialize)]
struct FindingJson<'a> {
    problem: &'static str,
    r#where: &'a str,
    count: u64,
    repaired: u64,
    example: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl<'a> CheckJson<'a> {
    /// Creates the JSON of a check. `advice` puts a remedy into words.
    pub(crate) fn new(report: &'a CheckReport, advice: impl Fn(&Remedy) -> String) -> Self {
        let findings = report.findings.iter().map(|finding| FindingJson {
            problem: finding.problem.name(),
            r#where: &finding.location,
            count: finding.count,
            repaired: finding.repaired,
            example: &finding.example,
            repair: finding.problem.repair().filter(|_| finding.repaired > 0),
            advice: (finding.repaired < finding.count).then(|| advice(&finding.problem.remedy())),
        });
        Self {
            sound: report.is_sound(),
            datasets: report.datasets,
            records: report.records,
            bytes: report.bytes,
            closed: report
                .undecrypted
                .iter()
                .map(|(key, payloads)| UnopenedJson { key: key.to_string(), payloads: *payloads })
                .collect(),
            findings: findings.collect(),
        }
    }
}

/// Result of a backup: `{ "file", "records", "bytes" }`.
#[derive(Debug, Serialize)]
pub(crate) struct BackupJson<'a> {
    file: std::borrow::Cow<'a, str>,
    records: u64,
    bytes: u64,
}

impl<'a> BackupJson<'a> {
    /// Creates the JSON of a backup.
    pub(crate) fn new(file: &'a Path, backup: &Backup) -> Self {
        Self { file: file.to_string_lossy(), records: backup.records, bytes: backup.bytes }
    }
}

/// Result of a vacuum: the size of the database before and after it, `{ "bytes_before", "bytes" }`.
#[derive(Debug, Serialize)]
pub(crate) struct VacuumedJson {
    bytes_before: u64,
    bytes: u64,
}

impl VacuumedJson {
    /// Creates the JSON of a vacuum.
    pub(crate) fn new(vacuumed: &Vacuumed) -> Self {
        Self { bytes_before: vacuumed.before, bytes: vacuumed.after }
    }
}

/// Result of a copy: `{ "rows": { name: count }, "hash" }`, the number of rows by table and a hash of all rows.
#[derive(Debug, Serialize)]
pub(crate) struct CopiedJson<'a> {
    rows: serde_json::Map<String, serde_json::Value>,
    hash: &'a str,
}

impl<'a> CopiedJson<'a> {
    /// Creates the JSON of a copy.
    pub(crate) fn new(copied: &'a CopySummary) -> Self {
        let rows = copied.tables.iter().map(|(name, rows)| (name.replace(' ', "_"), (*rows).into()));
        Self { rows: rows.collect(), hash: &copied.hash }
    }
}

/// Result of retention: `{ "dry_run", "emptied": […], "pruned": […], "busy": [dataset] }`; an entry is the key of a
/// dataset with `count`, `bytes` and `last_used_at`. `busy` lists datasets that were skipped because a sync is running.
#[derive(Debug, Serialize)]
pub(crate) struct RetainedJson<'a> {
    dry_run: bool,
    emptied: Vec<RetainedEntry<'a>>,
    pruned: Vec<RetainedEntry<'a>>,
    busy: Vec<DatasetJson<'a>>,
}

#[derive(Debug, Serialize)]
struct RetainedEntry<'a> {
    #[serde(flatten)]
    dataset: DatasetJson<'a>,
    count: u64,
    bytes: u64,
    last_used_at: String,
}

impl<'a> RetainedJson<'a> {
    /// Creates the JSON of a retention report.
    pub(crate) fn new(retained: &'a RetentionReport, dry_run: bool) -> Self {
        let entries = |list: &'a [RetainedDataset]| {
            let entry = |retained: &'a RetainedDataset| RetainedEntry {
                dataset: DatasetJson::new(&retained.dataset),
                count: retained.records,
                bytes: retained.bytes,
                last_used_at: micros(retained.last_used_at),
            };
            list.iter().map(entry).collect()
        };
        Self {
            dry_run,
            emptied: entries(&retained.emptied),
            pruned: entries(&retained.pruned),
            busy: retained.busy.iter().map(DatasetJson::new).collect(),
        }
    }
}
