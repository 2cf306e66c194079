use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    declare::Pagination,
    error::Error,
    nango::{ParentCounts, RunFindings},
    paginate::{Gap, WalkOutcome},
    store::{FunctionKey, Totals},
    time::Timestamp,
};

fn report(kind: FunctionKind, status: RunStatus) -> RunReport {
    let counts = ModelCounts { added: 2, unchanged: 1, ..ModelCounts::default() };
    RunReport {
        run: Uuid::nil(),
        key: FunctionKey {
            kind,
            integration: "github".into(),
            connection: "acme".into(),
            function: "issues-demo".into(),
            variant: "base".into(),
        },
        status,
        totals: Totals {
            models: BTreeMap::from([("Issue".into(), counts)]),
            pages: 3,
            requests: 4,
            skipped_invalid: 0,
        },
        findings: RunFindings::default(),
        checkpoint: Some(json!({ "page": 3 })),
        resumable: false,
        output: None,
        error: None,
        started_at: Timestamp::from_micros(1_795_348_800_000_000),
        duration: Duration::from_millis(12),
        waited: Duration::ZERO,
        dry_records: None,
        triggered: Vec::new(),
    }
}

#[test]
fn sync_json_has_counts_and_no_output() {
    let report = report(FunctionKind::Sync, RunStatus::Success);
    assert_eq!(
        serde_json::to_value(RunJson::new(&report)).unwrap(),
        json!({
            "run_id": "00000000-0000-0000-0000-000000000000", "integration": "github", "function": "issues-demo",
            "type": "sync", "connection": "acme", "variant": "base", "status": "success",
            "models": { "Issue": { "added": 2, "updated": 0, "deleted": 0, "unchanged": 1 } },
            "pages": 3, "requests": 4, "checkpoint": { "page": 3 }, "resumable": false,
            "started_at": "2026-11-22T12:00:00.000000+00:00", "duration_ms": 12,
        })
    );
}

#[test]
fn sync_json_has_walk_outcome_and_waiting_deletes() {
    let waiting = |held, next_full| DeferredDeletes { held, unconfirmed: 1, held_by: Some(HeldBy::Guard), next_full };
    let end = WalkEnd::of(WalkOutcome::Incomplete(Gap::NullList), 3, true, Pagination::Position);
    let findings = RunFindings {
        walk: Some(end),
        deferred_deletes: BTreeMap::from([
            ("A".into(), waiting(12, NextFullRun::NextRun)),
            ("B".into(), waiting(0, NextFullRun::NotBefore(Timestamp::UNIX_EPOCH))),
        ]),
        parents: Some(ParentCounts { walked: 7, skipped: 2 }),
    };
    let json = RunReport { findings, ..report(FunctionKind::Sync, RunStatus::Success) };
    let json = serde_json::to_value(RunJson::new(&json)).unwrap();
    let message = "incomplete: the list is null on the first page; if that means an empty list, declare \
                   `null_is_empty = true`";
    assert_eq!(
        json["walk"],
        json!({
            "complete": false, "reason": "null_list", "message": message, "pages": 3, "shifted": true,
            "pagination": "position",
        })
    );
    assert_eq!((&json["parents"], &json["parents_skipped"]), (&json!(7), &json!(2)));
    assert_eq!(
        json["waiting_deletes"],
        json!({
            "A": { "deletes_held": 12, "deletes_unconfirmed": 1, "held_by": "guard", "next_full_run": "next_run" },
            "B": {
                "deletes_held": 0, "deletes_unconfirmed": 1, "held_by": "guard", "next_full_run": "after_hold",
                "not_before": "1970-01-01T00:00:00.000000+00:00",
            },
        })
    );
}

#[test]
fn run_json_has_wait_time_when_run_waited() {
    let slow = RunReport { waited: Duration::from_millis(7), ..report(FunctionKind::Sync, RunStatus::Success) };
    assert_eq!(serde_json::to_value(RunJson::new(&slow)).unwrap()["waited_for_limits_ms"], 7);
}

#[test]
fn action_json_has_output_unless_failed() {
    let done = report(FunctionKind::Action, RunStatus::Success);
    let json = serde_json::to_value(RunJson::new(&done)).unwrap();
    assert_eq!(json.get("output"), Some(&Value::Null));
    let failed = RunReport { error: Some(Error::msg("broken")), ..report(FunctionKind::Action, RunStatus::Error) };
    let json = serde_json::to_value(RunJson::new(&failed)).unwrap();
    assert_eq!(json.get("output"), None);
    assert_eq!(json["error"], json!({ "type": "script_internal_error", "message": "broken" }));
}

#[test]
fn dry_run_json_has_records() {
    let row = FeedRow {
        id: "1".into(),
        payload: Some("{\"id\":1}".into()),
        first_seen_at: Timestamp::UNIX_EPOCH,
        last_modified_at: Timestamp::UNIX_EPOCH,
        deleted_at: None,
        pruned_at: None,
        last_action: crate::store::LastAction::Added,
        cursor: "c".into(),
    };
    let dry = RunReport {
        dry_records: Some(BTreeMap::from([("Issue".into(), DryRecords { total: 13_000, first: vec![row] })])),
        ..report(FunctionKind::Sync, RunStatus::Success)
    };
    let json = serde_json::to_value(RunJson::new(&dry)).unwrap();
    assert_eq!(json["dry_run"]["Issue"]["total"], 13_000);
    assert_eq!(json["dry_run"]["Issue"]["records"][0]["id"], "1");
}

#[test]
fn triggered_run_json_is_a_report_or_an_error() {
    let outcomes = [Ok(report(FunctionKind::Sync, RunStatus::Success)), Err(Error::msg("no such sync"))];
    let triggered = outcomes.map(|outcome| TriggeredSync { sync: "issues".into(), outcome }).into();
    let mut action_report = RunReport { triggered, ..report(FunctionKind::Action, RunStatus::Success) };
    action_report.totals.skipped_invalid = 2;
    let json = serde_json::to_value(RunJson::new(&action_report)).unwrap();
    assert_eq!(json["triggered"][0]["run_id"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(
        json["triggered"][1],
        json!({
            "function": "issues", "status": "error",
            "error": { "type": "script_internal_error", "message": "no such sync" },
        })
    );
    assert_eq!((&json["left_out"], json["triggered"][0].get("left_out")), (&json!(2), None));
}
