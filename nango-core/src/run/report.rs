//! Report of a run: status, counts, findings and output.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use uuid::Uuid;

use crate::time::Timestamp;
use crate::{
    error::{Error, Result},
    nango::RunFindings,
    store::{FeedRow, FunctionKey, RunStatus, Totals},
};

/// Result of a run.
#[derive(Debug)]
pub struct RunReport {
    /// Public id of the run.
    pub run: Uuid,
    /// Integration, function, connection and variant that ran.
    pub key: FunctionKey,
    /// Final status of the run.
    pub status: RunStatus,
    /// Counts of written records and sent requests.
    pub totals: Totals,
    /// Ends of its walks, and deletes that await confirmation.
    pub findings: RunFindings,
    /// Stored checkpoint after the run.
    pub checkpoint: Option<Value>,
    /// Whether the next run resumes where this one stopped.
    pub resumable: bool,
    /// Output of an action.
    pub output: Option<Value>,
    /// Error of a run that did not succeed.
    pub error: Option<Error>,
    /// Start time of the run.
    pub started_at: Timestamp,
    /// Duration of the run.
    pub duration: Duration,
    /// Part of the duration that the run waited for rate limits.
    pub waited: Duration,
    /// Records of a dry run by model; `None` for other runs.
    pub dry_records: Option<BTreeMap<String, DryRecords>>,
    /// Syncs that the function requested with `trigger_sync`, in order.
    pub triggered: Vec<TriggeredSync>,
}

/// Records that a run would change, as a dry run found.
#[derive(Debug, Clone)]
pub struct DryRecords {
    /// Number of records that would be added, updated or deleted.
    pub total: u64,
    /// First records, at most 100.
    pub first: Vec<FeedRow>,
}

/// Sync that a function requested with `trigger_sync`.
#[derive(Debug)]
pub struct TriggeredSync {
    /// Name of the sync.
    pub sync: String,
    /// Report of its run, or the error that prevented the start.
    pub outcome: Result<RunReport>,
}
