//! Delete histories of `testdata/walk-vectors.json`, which are independent of the programming language. They test the
//! decisions alone, and every database.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use nango_core::internal::store::{
    Confirmation, DEFAULT_HOLD, DeletePolicy, FullRuns, NextFullRun, ScanWalk, WalkKind, WalkResult,
};

const FILE: &str = include_str!("../../../nango-core/testdata/walk-vectors.json");

#[derive(Debug, Deserialize)]
struct File {
    deletes: Vec<Case>,
}

/// A history of the runs of one sync.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub name: String,
    settings: Settings,
    pub runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    confirm_deletes: Option<u32>,
    max_deletes: Option<f64>,
    #[serde(default)]
    get: bool,
}

/// A run of a history. Times are in seconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    pub began_at: u64,
    pub ended_at: u64,
    end: String,
    kind: String,
    requests: u64,
    shifted: bool,
    walks: Option<Vec<Walk>>,
    pub live_before: Vec<String>,
    pub seen: Vec<String>,
    #[serde(default)]
    pub written: Vec<String>,
    #[serde(default = "yes")]
    pub full: bool,
    /// Whether the run was brought forward; if absent, the previous run decides.
    pub forwarded: Option<bool>,
    #[serde(default)]
    allow: bool,
    /// The provider's responses to requests for single records, by id.
    #[serde(default)]
    answers: BTreeMap<String, Value>,
    pub expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Walk {
    end: String,
    kind: String,
    requests: u64,
    #[serde(default)]
    shifted: bool,
}

/// The expected state after a run.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub tombstones: Vec<String>,
    pub held: Vec<String>,
    pub unconfirmed: Vec<String>,
    pub next_run_full: String,
}

/// Returns a span of the histories, whose unit of time is a second.
pub(super) fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn yes() -> bool {
    true
}

/// Returns all delete histories of the file.
pub(super) fn cases() -> Vec<Case> {
    let file: File = serde_json::from_str(FILE).unwrap();
    assert_eq!(file.deletes.len(), 39);
    file.deletes
}

impl Case {
    /// Returns the delete policy of the sync for a run.
    pub(super) fn policy(&self, run: &Run) -> DeletePolicy {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share between 0 and 1")]
        let percent = |share: f64| (share * 100.0).round() as u32;
        DeletePolicy {
            confirmations: self.settings.confirm_deletes,
            by_request: self.settings.get,
            hold: DEFAULT_HOLD,
            max_deletes: self.settings.max_deletes.map(percent),
            allow: run.allow,
            fingerprint: [7; 16],
            full_runs: FullRuns::Regular,
        }
    }
}

/// The results of the requests for single records in a run.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ConfirmationResults {
    /// The confirmations that are passed to the end of the scan.
    pub confirmations: Vec<Confirmation>,
    /// Records that the provider still returns.
    pub returned: Vec<String>,
    /// Records for which the mapper returns `None`.
    pub unmapped: Vec<String>,
}

impl Run {
    /// Returns the combined result of the run's walks.
    pub(super) fn walk(&self) -> ScanWalk {
        let one = |end: &str, kind: &str, requests, shifted| {
            let kind = match kind {
                "token" => WalkKind::Token,
                "position" => WalkKind::Position,
                _ => WalkKind::Plain,
            };
            WalkResult { complete: end == "complete", kind, requests, shifted }
        };
        let ends: Vec<WalkResult> = match &self.walks {
            Some(walks) => walks.iter().map(|walk| one(&walk.end, &walk.kind, walk.requests, walk.shifted)).collect(),
            None => vec![one(&self.end, &self.kind, self.requests, self.shifted)],
        };
        ScanWalk::combined(&ends, self.seen.is_empty())
    }

    /// Requests records from the provider in this order, until a response forbids further requests.
    pub(super) fn request_confirmations(&self, ids: &[String]) -> ConfirmationResults {
        let mut results = ConfirmationResults::default();
        for id in ids {
            let response = self.answers.get(id).cloned().unwrap_or_else(|| 500.into());
            let deleted = matches!(response.as_u64(), Some(404 | 410));
            match response.as_str() {
                Some("record") => results.returned.push(id.clone()),
                Some("none") => {
                    results.unmapped.push(id.clone());
                    results.confirmations.push(Confirmation { id: id.clone(), deleted: true });
                }
                _ => results.confirmations.push(Confirmation { id: id.clone(), deleted }),
            }
            if matches!(response.as_u64(), Some(401 | 403 | 429 | 500..)) {
                break;
            }
        }
        results
    }
}

/// Returns the name that the histories use for the time of the next full run.
pub(super) fn next_run_name(next: NextFullRun) -> &'static str {
    match next {
        NextFullRun::Regular => "no",
        NextFullRun::NextRun => "next_run",
        NextFullRun::NotBefore(_) => "after_hold",
    }
}
