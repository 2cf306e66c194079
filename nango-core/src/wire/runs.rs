//! JSON of runs.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{errors::WireError, records::write_record, run_key::RunKeyJson, time::micros};
use crate::{
    declare::FunctionKind,
    nango::DeferredDeletes,
    paginate::WalkEnd,
    run::{DryRecords, RunReport, TriggeredSync},
    store::{FeedRow, HeldBy, ModelCounts, NextFullRun, RunStatus, Totals},
};

/// Report of a run.
#[derive(Debug, Serialize)]
pub(crate) struct RunJson<'a> {
    #[serde(flatten)]
    key: RunKeyJson<'a>,
    models: BTreeMap<&'a str, CountsJson>,
    pages: u64,
    requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    parents: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parents_skipped: Option<u64>,
    #[serde(rename = "left_out", skip_serializing_if = "is_zero")]
    skipped_invalid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    walk: Option<WalkJson>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    waiting_deletes: BTreeMap<&'a str, WaitingDeletesJson>,
    checkpoint: Option<&'a Value>,
    resumable: bool,
    started_at: String,
    duration_ms: u64,
    #[serde(skip_serializing_if = "is_zero")]
    waited_for_limits_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<WireError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<BTreeMap<&'a str, DryRunJson>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    triggered: Vec<TriggeredJson<'a>>,
}

/// Combined end of the walks of a run. It is incomplete if one of the walks is.
#[derive(Debug, Serialize)]
struct WalkJson {
    complete: bool,
    reason: &'static str,
    message: String,
    pages: u64,
    shifted: bool,
    pagination: &'static str,
}

/// Numbers of records of a model that a complete walk did not see and that are not deleted yet.
#[derive(Debug, Serialize)]
pub(crate) struct WaitingDeletesJson {
    deletes_held: u64,
    deletes_unconfirmed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<&'static str>,
    next_full_run: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
}

/// Records of a model that a run would change, as a dry run found: their number, and the first ones.
#[derive(Debug, Serialize)]
struct DryRunJson {
    total: u64,
    records: Vec<Box<RawValue>>,
}

/// Run that another run triggered, or the sync that could not be started.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TriggeredJson<'a> {
    Started(Box<RunJson<'a>>),
    NotStarted { function: &'a str, status: &'static str, error: Box<WireError> },
}

/// Counters of a model.
#[derive(Debug, Serialize)]
pub(super) struct CountsJson {
    added: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
    #[serde(skip_serializing_if = "is_zero")]
    skipped_newer: u64,
    #[serde(skip_serializing_if = "is_zero")]
    skipped_older: u64,
}

/// Returns a duration in milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl<'a> RunJson<'a> {
    /// Creates the JSON of a report. Fields without a value are omitted, except `checkpoint`, which is `null`.
    ///
    /// - `output`: the output of an action that succeeded; `error`: the error of a run that failed.
    /// - `parents`, `parents_skipped`: numbers of the parents whose lists were walked, and of those that were skipped,
    ///   of a sync with `each`.
    /// - `walk`: whether the walks saw the whole list, and why they ended.
    /// - `waiting_deletes`: by model, the number of records that a complete walk did not see and that are not deleted
    ///   yet.
    /// - `left_out`: number of invalid records that were skipped.
    /// - `waited_for_limits_ms`: time that the run waited for rate limits of the API, in milliseconds.
    /// - `dry_run`: by model, the result of a dry run: `{ "total", "records" }`, with the first records only.
    /// - `triggered`: runs that this run triggered, each in this form, or `{ "function", "status": "error", "error" }`
    ///   if it could not be started.
    pub(crate) fn new(report: &'a RunReport) -> Self {
        Self {
            key: RunKeyJson::new(report.run, &report.key, report.status.name()),
            models: CountsJson::of_models(&report.totals),
            pages: report.totals.pages,
            requests: report.totals.requests,
            parents: report.findings.parents.map(|parents| parents.walked),
            parents_skipped: report.findings.parents.map(|parents| parents.skipped),
            skipped_invalid: report.totals.skipped_invalid,
            walk: report.findings.walk.as_ref().map(WalkJson::of),
            waiting_deletes: report
                .findings
                .deferred_deletes
                .iter()
                .map(|(model, waiting)| (model.as_str(), WaitingDeletesJson::of(waiting)))
                .collect(),
            checkpoint: report.checkpoint.as_ref(),
            resumable: report.resumable,
            started_at: micros(report.started_at),
            duration_ms: millis(report.duration),
            waited_for_limits_ms: millis(report.waited),
            output: output(report),
            error: report.error.as_ref().map(WireError::of),
            dry_run: report
                .dry_records
                .as_ref()
                .map(|models| models.iter().map(|(model, dry)| (model.as_str(), DryRunJson::of(dry))).collect()),
            triggered: report.triggered.iter().map(TriggeredJson::of).collect(),
        }
    }
}

impl CountsJson {
    /// Creates the JSON of the counters of each model.
    pub(super) fn of_models(totals: &Totals) -> BTreeMap<&str, Self> {
        totals.models.iter().map(|(model, counts)| (model.as_str(), Self::of(*counts))).collect()
    }

    /// Creates the JSON of counters.
    pub(super) fn of(counts: ModelCounts) -> Self {
        let ModelCounts { added, updated, deleted, unchanged, skipped_newer, skipped_older } = counts;
        Self { added, updated, deleted, unchanged, skipped_newer, skipped_older }
    }
}

impl WalkJson {
    fn of(end: &WalkEnd) -> Self {
        Self {
            complete: end.outcome.is_complete(),
            reason: end.outcome.reason(),
            message: end.outcome.to_string(),
            pages: end.pages,
            shifted: end.shifted,
            pagination: end.pagination.name(),
        }
    }
}

impl WaitingDeletesJson {
    pub(crate) fn of(waiting: &DeferredDeletes) -> Self {
        let (next_full_run, not_before) = match waiting.next_full {
            NextFullRun::Regular => ("regular", None),
            NextFullRun::NextRun => ("next_run", None),
            NextFullRun::NotBefore(at) => ("after_hold", Some(micros(at))),
        };
        Self {
            deletes_held: waiting.held,
            deletes_unconfirmed: waiting.unconfirmed,
            held_by: waiting.held_by.map(|held_by| match held_by {
                HeldBy::Guard => "guard",
                HeldBy::MaxDeletes => "max_deletes",
            }),
            next_full_run,
            not_before,
        }
    }
}

impl DryRunJson {
    fn of(dry: &DryRecords) -> Self {
        Self { total: dry.total, records: records(&dry.first) }
    }
}

impl<'a> TriggeredJson<'a> {
    fn of(triggered: &'a TriggeredSync) -> Self {
        match &triggered.outcome {
            Ok(report) => Self::Started(Box::new(RunJson::new(report))),
            Err(error) => Self::NotStarted {
                function: &triggered.sync,
                status: RunStatus::Error.name(),
                error: Box::new(WireError::of(error)),
            },
        }
    }
}

/// Returns the output of an action that succeeded: always a value, `null` if it has none.
fn output(report: &RunReport) -> Option<Value> {
    (report.key.kind == FunctionKind::Action && report.error.is_none())
        .then(|| report.output.clone().unwrap_or(Value::Null))
}

fn records(rows: &[FeedRow]) -> Vec<Box<RawValue>> {
    rows.iter()
        .filter_map(|row| {
            let mut json = Vec::new();
            write_record(row, &mut json);
            String::from_utf8(json).ok().and_then(|json| RawValue::from_string(json).ok())
        })
        .collect()
}

#[cfg(test)]
mod tests;
