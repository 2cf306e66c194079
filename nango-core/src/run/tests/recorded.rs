//! Recordings of the runs of a fixture, and their replays.

use serde_json::{Value, json};

use super::*;
use crate::{
    declare::Registry,
    recording::{RecordedRun, Recorder},
    run::{Replay, execute_recorded},
};

impl Fixture {
    /// Runs a sync and returns its report with the lines of its recording.
    pub(super) async fn record(&self, name: &str) -> (RunReport, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let recorder = Arc::new(Recorder::create(&path).unwrap());
        let request = Self::request(Target::Sync(name.into()));
        let cancellation = CancellationToken::new();
        let executed =
            execute_recorded(&self.runtime, request, recorder.clone(), cancellation, Arc::new(NoopObserver)).await;
        let report = executed.unwrap();
        recorder.end(json!({ "status": report.status.name() })).unwrap();
        (report, std::fs::read_to_string(path).unwrap())
    }
}

/// Replays a recording, and returns the report of the run with the differences of its requests.
pub(super) async fn replay(recording: &str, registry: Registry) -> (RunReport, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    std::fs::write(&path, recording).unwrap();
    let recorded = RecordedRun::open(&path).unwrap();
    let replay = Replay::new(&recorded, registry, Catalogue::builtin()).await.unwrap();
    let report = replay.run(Arc::new(NoopObserver)).await.unwrap();
    (report, replay.differences())
}

/// Checks that a replay asks the same as the recorded run, and has the same result.
pub(super) async fn check_replay(recording: &str, recorded: &RunReport, registry: Registry) {
    let (report, differences) = replay(recording, registry).await;
    assert_eq!(differences, Vec::<String>::new());
    assert_eq!(outcome(&report), outcome(recorded));
}

/// Returns what the reports of a run and of its replay have in common.
fn outcome(report: &RunReport) -> Value {
    let findings = &report.findings;
    json!({
        "status": report.status.name(),
        "totals": format!("{:?}", report.totals),
        "parents": format!("{:?}", findings.parents),
        "walk": findings.walk.as_ref().map(|end| end.outcome.reason()),
        "resumable": report.resumable,
        "error": report.error.as_ref().map(ToString::to_string),
    })
}

/// Returns a recording whose exchanges are in the opposite order, as if the requests had been answered so.
pub(super) fn reversed(recording: &str) -> String {
    let is_exchange = |line: &&str| line.starts_with("{\"line\":\"exchange\"");
    let mut exchanges: Vec<&str> = recording.lines().filter(is_exchange).collect();
    let mut lines: Vec<String> = Vec::new();
    for line in recording.lines() {
        if !is_exchange(&line) {
            lines.push(line.to_owned());
            continue;
        }
        let mut exchange: Value = serde_json::from_str(exchanges.pop().unwrap()).unwrap();
        exchange["n"] = json!(lines.len());
        lines.push(exchange.to_string());
    }
    lines.join("\n") + "\n"
}
