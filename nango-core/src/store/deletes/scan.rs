//! Scans of a dataset, and the request to finish one.

use std::collections::BTreeSet;

use super::{DeletePolicy, ScanWalk};
use crate::store::{DatasetKey, FunctionKey, ResumeWrite, RunToken};

/// A scan: one or more walks over all records of a dataset, after which unseen records are delete candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scan {
    /// The number of the scan, unique in the database.
    pub number: i64,
    /// Whether the scan resumes one of an interrupted run.
    pub resumed: bool,
}

/// The scan that a walk resumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanFrom {
    /// Start a new scan at the first record.
    Start,
    /// Resume the scan that the same function left unfinished, or start a new one.
    Unfinished,
    /// Resume the scan of this number if it is open and belongs to the same function, or start a new one.
    Number(i64),
}

impl ScanFrom {
    /// Returns whether the open scan with this number is selected. It is resumed if it belongs to the same function.
    pub(in crate::store) fn selects(self, open: i64) -> bool {
        match self {
            Self::Start => false,
            Self::Unfinished => true,
            Self::Number(number) => number == open,
        }
    }
}

/// The request to finish a scan.
#[derive(Debug, Clone)]
pub struct FinishScan {
    /// The run that writes, with its fence.
    pub run: RunToken,
    /// The function whose resume state changes.
    pub function: FunctionKey,
    /// The dataset that was walked.
    pub dataset: DatasetKey,
    /// The scan to finish.
    pub scan: Scan,
    /// The results of the scan's walks.
    pub walk: ScanWalk,
    /// The delete policy that the sync declares.
    pub policy: DeletePolicy,
    /// The results of the requests for single candidates
    /// (`Records::delete_candidates`).
    pub confirmations: Vec<Confirmation>,
    /// The change of the resume state in the same transaction, if any.
    pub resume: Option<ResumeWrite>,
    /// Whether the lists of parents were walked. Candidates are then only the children of parents whose own walk in
    /// this scan was complete, or that are gone, and the evidence of that walk decides about them; `walk` is not used.
    pub by_parent: bool,
}

/// The result of a request that confirms a delete.
///
/// A record that the provider returns is saved before the scan ends, so that it counts as seen. A record for which the
/// mapper returns `None` is deleted before the scan ends; with `deleted` set it still counts as a candidate of the
/// scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The record's id.
    pub id: String,
    /// Whether the response was 404 or 410. Any other response decides nothing: the candidate keeps its state, and the
    /// request is recorded.
    pub deleted: bool,
}

/// Returns the ids that requests found to be deleted. Records that were deleted since the scan began still count as its
/// candidates.
pub(in crate::store) fn confirmed_deleted(end: &FinishScan) -> BTreeSet<&str> {
    let deleted = end.confirmations.iter().filter(|confirmation| confirmation.deleted && end.policy.by_request);
    deleted.map(|confirmation| confirmation.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_selects_no_open_scan_and_number_only_its_own() {
        for (from, expect) in [
            (ScanFrom::Start, false),
            (ScanFrom::Unfinished, true),
            (ScanFrom::Number(7), true),
            (ScanFrom::Number(8), false),
        ] {
            assert_eq!(from.selects(7), expect, "{from:?}");
        }
    }
}
