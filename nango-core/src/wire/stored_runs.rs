//! JSON of runs as they are stored, and of their logs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    errors::WireError,
    run_key::RunKeyJson,
    runs::{CountsJson, is_zero, millis},
    time::micros,
};
use crate::{
    error::Error,
    store::{DueRun, LogLine, Run},
};

/// Run of a list.
#[derive(Debug, Serialize)]
pub(crate) struct RunRow<'a> {
    #[serde(flatten)]
    key: RunKeyJson<'a>,
    models: BTreeMap<&'a str, CountsJson>,
    pages: u64,
    requests: u64,
    #[serde(rename = "left_out", skip_serializing_if = "is_zero")]
    skipped_invalid: u64,
    started_at: String,
    finished_at: Option<String>,
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<WireError>,
}

/// Run with its log.
#[derive(Debug, Serialize)]
pub(crate) struct RunDetail<'a> {
    #[serde(flatten)]
    run: RunRow<'a>,
    log: Vec<LogLineJson<'a>>,
}

/// Line of the log of a run.
#[derive(Debug, Serialize)]
struct LogLineJson<'a> {
    timestamp: String,
    level: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Value::is_null")]
    fields: &'a Value,
}

/// Run that has not started.
#[derive(Debug, Serialize)]
pub(crate) struct DueRunJson<'a> {
    #[serde(flatten)]
    key: RunKeyJson<'a>,
    due_at: String,
}

impl<'a> RunRow<'a> {
    /// Creates the JSON of a run. `finished_at` and `duration_ms` are `null` while it is active; `left_out` and `error`
    /// are omitted if there is none.
    pub(crate) fn new(run: &'a Run) -> Self {
        let Run { id, key, status, started_at, finished_at, totals, error } = run;
        Self {
            key: RunKeyJson::new(*id, key, status.name()),
            models: CountsJson::of_models(totals),
            pages: totals.pages,
            requests: totals.requests,
            skipped_invalid: totals.skipped_invalid,
            started_at: micros(*started_at),
            finished_at: finished_at.map(micros),
            duration_ms: run.duration().map(millis),
            error: error.as_ref().map(|error| WireError::of(&Error::from_stored(error))),
        }
    }
}

impl<'a> RunDetail<'a> {
    /// Creates the JSON of a run with these lines of its log.
    pub(crate) fn new(run: &'a Run, log: &'a [LogLine]) -> Self {
        let line = |line: &'a LogLine| LogLineJson {
            timestamp: micros(line.timestamp),
            level: line.level.name(),
            message: &line.message,
            fields: &line.fields,
        };
        Self { run: RunRow::new(run), log: log.iter().map(line).collect() }
    }
}

impl<'a> DueRunJson<'a> {
    /// Creates the JSON of a due run. Its status is `due`.
    pub(crate) fn new(due: &'a DueRun) -> Self {
        let DueRun { id, key, due_at, .. } = due;
        Self { key: RunKeyJson::new(*id, key, "due"), due_at: micros(*due_at) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        declare::FunctionKind,
        store::{FunctionKey, Level, ModelCounts, RunStatus, Totals},
        time::Timestamp,
    };

    fn key() -> FunctionKey {
        FunctionKey {
            kind: FunctionKind::Sync,
            integration: "github".into(),
            connection: "acme".into(),
            function: "issues".into(),
            variant: "base".into(),
        }
    }

    #[test]
    fn run_has_counts_times_error_and_log() {
        let counts = ModelCounts { added: 2, ..ModelCounts::default() };
        let totals =
            Totals { models: [("Issue".to_owned(), counts)].into(), pages: 1, requests: 3, skipped_invalid: 4 };
        let run = Run {
            id: Uuid::nil(),
            key: key(),
            status: RunStatus::Error,
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Some(Timestamp::from_micros(1_500_000)),
            totals,
            error: Some(json!({ "kind": "Http", "message": "GET /x: status 502" })),
        };
        let fields = json!({ "page": 1 });
        let line = |fields| LogLine {
            timestamp: Timestamp::UNIX_EPOCH,
            level: Level::Warn,
            message: "slow".to_owned(),
            fields,
        };
        let shown = serde_json::to_value(RunDetail::new(&run, &[line(fields.clone()), line(Value::Null)])).unwrap();
        let epoch = "1970-01-01T00:00:00.000000+00:00";
        let expect = json!({
            "run_id": "00000000-0000-0000-0000-000000000000",
            "integration": "github", "function": "issues", "type": "sync", "connection": "acme", "variant": "base",
            "status": "error",
            "models": { "Issue": { "added": 2, "updated": 0, "deleted": 0, "unchanged": 0 } },
            "pages": 1, "requests": 3, "left_out": 4,
            "started_at": epoch, "finished_at": "1970-01-01T00:00:01.500000+00:00", "duration_ms": 1500,
            "error": { "type": "script_http_error", "message": "GET /x: status 502" },
            "log": [
                { "timestamp": epoch, "level": "warn", "message": "slow", "fields": fields },
                { "timestamp": epoch, "level": "warn", "message": "slow" },
            ],
        });
        assert_eq!(shown, expect);
        let active = Run { status: RunStatus::Running, finished_at: None, error: None, ..run };
        let shown = serde_json::to_value(RunRow::new(&active)).unwrap();
        assert_eq!((&shown["finished_at"], &shown["duration_ms"]), (&Value::Null, &Value::Null));
        assert!(shown.get("error").is_none());
    }

    #[test]
    fn due_run_has_status_due() {
        let due = DueRun { id: Uuid::nil(), key: key(), due_at: Timestamp::UNIX_EPOCH, is_blocked: false };
        let shown = serde_json::to_value(DueRunJson::new(&due)).unwrap();
        assert_eq!((&shown["status"], &shown["due_at"]), (&json!("due"), &json!("1970-01-01T00:00:00.000000+00:00")));
    }
}
