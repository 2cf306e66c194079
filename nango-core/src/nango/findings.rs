//! Findings of a run about its walks and about deletes that await confirmation.

use std::collections::BTreeMap;

use crate::{
    declare::Pagination,
    paginate::{Completion, Gap, WalkEnd, WalkOutcome},
    store::{HeldBy, NextFullRun, ScanWalk, WalkKind, WalkResult},
};

/// Walks of a run, and deletes that await confirmation at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFindings {
    /// Combined end of the walks of the run, determined by the least complete walk. `None` if there was no walk.
    pub walk: Option<WalkEnd>,
    /// Deletes that await confirmation, by model.
    pub deferred_deletes: BTreeMap<String, DeferredDeletes>,
    /// Parents of a mapper with `each`. `None` if the function has no parents.
    pub parents: Option<ParentCounts>,
}

/// Numbers of the parents in a run of a mapper with `each`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParentCounts {
    /// Number of parents whose lists were walked to their ends.
    pub walked: u64,
    /// Number of parents that were skipped.
    pub skipped: u64,
}

/// Numbers of records that were missing from a complete walk and are not deleted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeferredDeletes {
    /// Number of deletes that are held by the delete guard or by `max_deletes`.
    pub held: u64,
    /// Number of deletes that await confirmation by another walk or by a request.
    pub unconfirmed: u64,
    /// Reason for the held deletes.
    pub held_by: Option<HeldBy>,
    /// Time when the next run reads the complete list.
    pub next_full: NextFullRun,
}

/// Walks of the handles of a run, in the order of their start.
#[derive(Debug, Default)]
pub(super) struct WalkTracker {
    /// End of each walk, `None` while it is running.
    pub(super) ends: Vec<Option<WalkEnd>>,
    /// Number of requests outside of walks.
    single_requests: u64,
}

/// State of a [`WalkTracker`] at the start of a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct WalkMark {
    walks: usize,
    single_requests: u64,
}

impl WalkTracker {
    pub(super) fn mark(&self) -> WalkMark {
        WalkMark { walks: self.ends.len(), single_requests: self.single_requests }
    }

    /// Records a request outside of walks. A response that contains only a part of a list makes a scan incomplete.
    pub(super) fn note_request(&mut self, gap: Option<Gap>) {
        self.single_requests += 1;
        self.ends.extend(gap.map(|gap| Some(WalkEnd { outcome: WalkOutcome::Incomplete(gap), ..WalkEnd::stopped() })));
    }

    fn ends_since(&self, mark: WalkMark) -> impl Iterator<Item = WalkEnd> + '_ {
        self.ends[mark.walks.min(self.ends.len())..].iter().map(|end| end.clone().unwrap_or_else(WalkEnd::stopped))
    }

    /// Combines the walks and single requests since a mark; the least complete walk determines the outcome.
    pub(super) fn combined(&self, mark: WalkMark) -> (ScanWalk, WalkOutcome) {
        let plain = self.single_requests - mark.single_requests;
        let ends: Vec<WalkEnd> = self.ends_since(mark).collect();
        let outcome = if ends.is_empty() && plain == 0 {
            WalkOutcome::Incomplete(Gap::NoWalk)
        } else {
            let gap = ends.iter().find(|end| !end.outcome.is_complete()).or(ends.first());
            gap.map_or(WalkOutcome::Complete(Completion::SingleRequest), |end| end.outcome.clone())
        };
        let mut parts: Vec<WalkResult> = ends.iter().map(scan_part).collect();
        if plain > 0 {
            parts.push(WalkResult { complete: true, kind: WalkKind::Plain, requests: plain, shifted: false });
        }
        (ScanWalk::combined(&parts, false), outcome)
    }
}

/// Returns the properties of a walk on which deletes depend.
fn scan_part(end: &WalkEnd) -> WalkResult {
    let kind = if end.pagination == Pagination::Position { WalkKind::Position } else { WalkKind::Token };
    WalkResult { complete: end.outcome.is_complete(), kind, requests: end.pages, shifted: end.shifted }
}
