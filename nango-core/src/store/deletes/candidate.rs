//! What is stored of a candidate, and the verdict about it at the end of a scan.

use std::collections::{BTreeSet, HashMap};

use super::{DeletePolicy, ScanWalk};
use crate::store::FinishScan;

/// Up to so many candidates are not held for being more than half of the live records.
const GUARD_MIN_CANDIDATES: u64 = 10;

/// Why a candidate is held although it may be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldBy {
    /// The list was empty, or more than half of the live records are gone: held until a complete scan that begins `hold`
    /// after the walk that first missed the record.
    Guard,
    /// More records would go than `max_deletes` allows: held until fewer would, or until somebody allows it.
    MaxDeletes,
}

impl HeldBy {
    /// The number that is stored; 0 stands for a candidate that is not held.
    pub(in crate::store) const fn to_stored(self) -> i64 {
        match self {
            Self::Guard => 1,
            Self::MaxDeletes => 2,
        }
    }

    /// The reason of a stored number.
    pub(in crate::store) const fn from_stored(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Guard),
            2 => Some(Self::MaxDeletes),
            _ => None,
        }
    }
}

/// An answer to the request that confirms a delete.
///
/// A record that the provider returns is saved before the scan ends, so that it counts as seen. One for which the mapper
/// returns `None` is deleted by then; given here as `gone` it still counts among the candidates of the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The record's id.
    pub id: String,
    /// Whether the answer was 404 or 410. Any other answer decides nothing: the candidate keeps its state and was asked.
    pub gone: bool,
}

/// What is stored of a candidate between two scans.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub(in crate::store) struct CandidateState {
    /// The end of the walk that first missed the record.
    pub first_missed_at: i64,
    /// How many complete scans in a row missed it.
    pub confirmations: i64,
    /// How many have to: the strictest of those that count decides.
    pub needed: i64,
    /// Whether one of them had a shift, which takes one more.
    pub shifted: bool,
    /// When the provider was last asked for the record.
    pub asked_at: Option<i64>,
    /// Whether a request confirmed that it is gone.
    pub by_request: bool,
    /// Whether it was first missed in a run that was brought forward.
    pub brought_forward: bool,
    /// What was walked.
    pub fingerprint: [u8; 16],
    /// Why the last complete scan held it: 0 not, 1 by the guard, 2 by `max_deletes`.
    pub held: i64,
    /// Whether the last complete scan found it confirmed.
    pub confirmed: bool,
}

/// The number that is stored for why a candidate is held.
fn held_to_stored(held: Option<HeldBy>) -> i64 {
    held.map_or(0, HeldBy::to_stored)
}

/// How a scan began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct ScanStart {
    /// When, by the database's clock.
    pub began_at: i64,
    /// How many records were live.
    pub live: u64,
    /// Whether its run was brought forward.
    pub brought_forward: bool,
}

/// The ids that requests found to be gone. Those that were deleted since the scan began still count as its candidates.
pub(in crate::store) fn confirmed_gone(end: &FinishScan) -> BTreeSet<&str> {
    let gone = end.confirmations.iter().filter(|answer| answer.gone && end.policy.by_request);
    gone.map(|answer| answer.id.as_str()).collect()
}

/// What becomes of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Decision {
    /// It becomes a tombstone.
    Delete,
    /// It waits, and this is stored of it.
    Wait(CandidateState),
}

/// Judges the candidates of a scan that ends.
#[derive(Debug)]
pub(in crate::store) struct CandidateEvaluator<'a> {
    walk: &'a ScanWalk,
    policy: &'a DeletePolicy,
    gone_by_id: HashMap<&'a str, bool>,
    scan_start: ScanStart,
    ended_at: i64,
    guard: bool,
    over_max_deletes: bool,
}

impl<'a> CandidateEvaluator<'a> {
    /// Judges the candidates of a scan, of which there are so many.
    pub(in crate::store) fn new(end: &'a FinishScan, scan_start: ScanStart, ended_at: i64, candidates: u64) -> Self {
        let FinishScan { walk, policy, confirmations, .. } = end;
        let half = candidates > GUARD_MIN_CANDIDATES && candidates > scan_start.live / 2;
        let mut gone_by_id = HashMap::new();
        for answer in confirmations.iter().filter(|_| policy.by_request) {
            *gone_by_id.entry(answer.id.as_str()).or_default() |= answer.gone;
        }
        Self {
            walk,
            policy,
            gone_by_id,
            scan_start,
            ended_at,
            guard: scan_start.live > 0 && (walk.list_empty || half) && !policy.allow,
            over_max_deletes: policy.exceeds_max_deletes(candidates, scan_start.live) && !policy.allow,
        }
    }

    /// Judges one candidate, of which this was stored.
    pub(in crate::store) fn evaluate(&self, id: &str, stored: Option<CandidateState>) -> Decision {
        let stored = stored.filter(|state| state.fingerprint == self.policy.fingerprint);
        let mut state = stored.unwrap_or_else(|| self.first_missed());
        state.confirmations = state.confirmations.saturating_add(1);
        state.needed = state.needed.max(self.policy.required_confirmations(self.walk).into());
        state.shifted |= self.walk.shifted && self.walk.position_based;
        if let Some(gone) = self.gone_by_id.get(id) {
            state.asked_at = Some(self.ended_at);
            state.by_request |= gone;
        }
        state.confirmed = if self.policy.by_request {
            state.by_request
        } else {
            state.confirmations >= state.needed.saturating_add(state.shifted.into())
        };
        let released =
            !self.guard || self.scan_start.began_at.saturating_sub(state.first_missed_at) >= self.policy.hold;
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

    fn first_missed(&self) -> CandidateState {
        CandidateState {
            first_missed_at: self.ended_at,
            confirmations: 0,
            needed: 1,
            shifted: false,
            asked_at: None,
            by_request: false,
            brought_forward: self.scan_start.brought_forward,
            fingerprint: self.policy.fingerprint,
            held: 0,
            confirmed: false,
        }
    }
}
