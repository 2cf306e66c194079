//! The stored state of a delete candidate, and the decision about it at the end of a scan.

use std::collections::HashMap;

use super::{DeletePolicy, FinishScan, FullRuns, ParentEvidence, ScanWalk};
use crate::time::Timestamp;

/// Up to this number of candidates, the guard ignores their share of the active records.
const GUARD_MIN_CANDIDATES: u64 = 10;

/// The reason why a candidate is held although it may be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldBy {
    /// The list was empty, or more than half of the active records were missing: held until a complete scan that begins
    /// `hold` after the walk that first missed the record.
    Guard,
    /// The scan would delete more records than `max_deletes` allows: held until it deletes fewer, or until a user
    /// allows it.
    MaxDeletes,
}

impl HeldBy {
    /// Returns the stored number; 0 means that a candidate is not held.
    pub(in crate::store) const fn to_stored(self) -> i64 {
        match self {
            Self::Guard => 1,
            Self::MaxDeletes => 2,
        }
    }

    /// Returns the reason of a stored number.
    pub(in crate::store) const fn from_stored(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Guard),
            2 => Some(Self::MaxDeletes),
            _ => None,
        }
    }
}

/// The stored state of a candidate between two scans.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub(in crate::store) struct CandidateState {
    /// The end time of the walk that first missed the record.
    pub first_missed_at: Timestamp,
    /// The number of consecutive complete scans that missed the record.
    pub confirmations: i64,
    /// The number of scans that must miss it: the maximum over the counted scans.
    pub needed: i64,
    /// Whether one of these scans had a shift, which requires one more scan.
    pub shifted: bool,
    /// The time of the last request for the record to the provider.
    pub asked_at: Option<Timestamp>,
    /// Whether a request confirmed that the record does not exist.
    pub by_request: bool,
    /// Whether the record was first missed in a run that was brought forward.
    pub is_early: bool,
    /// The fingerprint of the walked list and its parameters.
    pub fingerprint: [u8; 16],
    /// The reason why the last complete scan held the candidate: 0 none, 1 the guard, 2 `max_deletes`.
    pub held: i64,
    /// Whether the last complete scan considered the candidate confirmed.
    pub confirmed: bool,
}

/// Returns the stored number of a reason.
fn held_to_stored(held: Option<HeldBy>) -> i64 {
    held.map_or(0, HeldBy::to_stored)
}

/// The start of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct ScanStart {
    /// The start time, by the database's clock.
    pub began_at: Timestamp,
    /// The number of active records at that time.
    pub live: u64,
    /// Whether the run was brought forward.
    pub is_early: bool,
}

/// The decision about a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Decision {
    /// The record becomes a tombstone.
    Delete,
    /// The candidate is pending, with this state.
    Wait(CandidateState),
}

/// Evaluates the candidates of a scan that is being finished.
#[derive(Debug)]
pub(in crate::store) struct CandidateEvaluator<'a> {
    walk: &'a ScanWalk,
    policy: &'a DeletePolicy,
    deleted_by_id: HashMap<&'a str, bool>,
    scan_start: ScanStart,
    ended_at: Timestamp,
    guard: bool,
    over_max_deletes: bool,
}

/// Candidates of one scan on which the same evidence decides: all of them, or the children of one parent.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct CandidateGroup<'a> {
    walk: &'a ScanWalk,
    guard: bool,
    is_early: bool,
}

impl<'a> CandidateEvaluator<'a> {
    /// Creates the evaluator of a scan with this number of candidates.
    pub(in crate::store) fn new(
        end: &'a FinishScan,
        scan_start: ScanStart,
        ended_at: Timestamp,
        candidates: u64,
    ) -> Self {
        let FinishScan { walk, policy, confirmations, .. } = end;
        let mut deleted_by_id = HashMap::new();
        for confirmation in confirmations.iter().filter(|_| policy.by_request) {
            *deleted_by_id.entry(confirmation.id.as_str()).or_default() |= confirmation.deleted;
        }
        // The lists of parents are compared with their own children.
        let list_empty = walk.list_empty && !end.by_parent;
        Self {
            walk,
            policy,
            deleted_by_id,
            scan_start,
            ended_at,
            guard: is_guarded(policy, list_empty, candidates, scan_start.live),
            over_max_deletes: policy.exceeds_max_deletes(candidates, scan_start.live) && !policy.allow,
        }
    }

    /// Returns the group of all candidates of a scan without parents.
    pub(in crate::store) fn all(&self) -> CandidateGroup<'a> {
        CandidateGroup { walk: self.walk, guard: self.guard, is_early: self.scan_start.is_early }
    }

    /// Returns whether the guard depends on the share of a parent's children that are candidates, so that their number
    /// at the start of the scan must be known.
    pub(in crate::store) fn compares_share(&self, candidates: u64) -> bool {
        candidates > GUARD_MIN_CANDIDATES && !self.guard && !self.policy.allow
    }

    /// Returns the group of the children of a parent: the number of its candidates, and the number of its active
    /// children at the start of the scan. The guard of all candidates holds them too.
    pub(in crate::store) fn children<'p>(
        &self,
        parent: &'p ParentEvidence,
        candidates: u64,
        live: u64,
    ) -> CandidateGroup<'p> {
        let ParentEvidence { walk, is_early } = parent;
        let guard = self.guard || is_guarded(self.policy, walk.list_empty, candidates, live);
        CandidateGroup { walk, guard, is_early: *is_early }
    }

    /// Evaluates one candidate with its stored state.
    pub(in crate::store) fn evaluate(
        &self,
        group: CandidateGroup<'_>,
        id: &str,
        stored: Option<CandidateState>,
    ) -> Decision {
        let CandidateGroup { walk, guard, is_early } = group;
        let stored = stored.filter(|state| state.fingerprint == self.policy.fingerprint);
        let mut state = stored.unwrap_or_else(|| self.first_missed(is_early));
        state.confirmations = state.confirmations.saturating_add(1);
        state.needed = state.needed.max(self.policy.required_confirmations(walk).into());
        state.shifted |= walk.shifted && walk.position_based;
        if let Some(deleted) = self.deleted_by_id.get(id) {
            state.asked_at = Some(self.ended_at);
            state.by_request |= deleted;
        }
        state.confirmed = if self.policy.by_request {
            state.by_request
        } else {
            state.confirmations >= state.needed.saturating_add(state.shifted.into())
        };
        let released = !guard || self.scan_start.began_at >= state.first_missed_at + self.policy.hold;
        if state.confirmed && released && !self.over_max_deletes {
            return Decision::Delete;
        }
        state.held = held_to_stored(match (self.over_max_deletes, released) {
            (true, _) => Some(HeldBy::MaxDeletes),
            (false, false) => Some(HeldBy::Guard),
            (false, true) => None,
        });
        Decision::Wait(state)
    }

    fn first_missed(&self, is_early: bool) -> CandidateState {
        CandidateState {
            first_missed_at: self.ended_at,
            confirmations: 0,
            needed: 1,
            shifted: false,
            asked_at: None,
            by_request: false,
            // Without regular full runs, this candidate must bring one forward as well.
            is_early: is_early && self.policy.full_runs != FullRuns::OnDemand,
            fingerprint: self.policy.fingerprint,
            held: 0,
            confirmed: false,
        }
    }
}

/// Returns whether the guard holds this number of candidates of a list with this number of active records.
fn is_guarded(policy: &DeletePolicy, list_empty: bool, candidates: u64, live: u64) -> bool {
    let half = candidates > GUARD_MIN_CANDIDATES && candidates > live / 2;
    live > 0 && (list_empty || half) && !policy.allow
}
