//! What is stored of a candidate, and the verdict about it at the end of a scan.

use std::collections::{BTreeSet, HashMap};

use super::{DeletePolicy, ScanWalk};
use crate::store::FinishScan;

/// Up to so many candidates are not held for being more than half of the live records.
const FEW: u64 = 10;

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
    pub(in crate::store) const fn stored(self) -> i64 {
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
pub(in crate::store) struct State {
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
fn stored_held(held: Option<HeldBy>) -> i64 {
    held.map_or(0, HeldBy::stored)
}

/// How a scan began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Begun {
    /// When, by the database's clock.
    pub at: i64,
    /// How many records were live.
    pub live: u64,
    /// Whether its run was brought forward.
    pub brought_forward: bool,
}

/// The ids that requests found to be gone. Those that were deleted since the scan began still count as its candidates.
pub(in crate::store) fn found_gone(end: &FinishScan) -> BTreeSet<&str> {
    let gone = end.confirmations.iter().filter(|answer| answer.gone && end.policy.by_request);
    gone.map(|answer| answer.id.as_str()).collect()
}

/// What becomes of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Verdict {
    /// It becomes a tombstone.
    Delete,
    /// It waits, and this is stored of it.
    Keep(State),
}

/// Judges the candidates of a scan that ends.
#[derive(Debug)]
pub(in crate::store) struct Judge<'a> {
    walk: &'a ScanWalk,
    policy: &'a DeletePolicy,
    answers: HashMap<&'a str, bool>,
    begun: Begun,
    ended_at: i64,
    guard: bool,
    over: bool,
}

impl<'a> Judge<'a> {
    /// Judges the candidates of a scan, of which there are so many.
    pub(in crate::store) fn new(end: &'a FinishScan, begun: Begun, ended_at: i64, candidates: u64) -> Self {
        let FinishScan { walk, policy, confirmations, .. } = end;
        let half = candidates > FEW && candidates > begun.live / 2;
        let mut answers = HashMap::new();
        for answer in confirmations.iter().filter(|_| policy.by_request) {
            *answers.entry(answer.id.as_str()).or_default() |= answer.gone;
        }
        Self {
            walk,
            policy,
            answers,
            begun,
            ended_at,
            guard: begun.live > 0 && (walk.list_empty || half) && !policy.allow,
            over: policy.exceeds(candidates, begun.live) && !policy.allow,
        }
    }

    /// Judges one candidate, of which this was stored.
    pub(in crate::store) fn judge(&self, id: &str, stored: Option<State>) -> Verdict {
        let stored = stored.filter(|state| state.fingerprint == self.policy.fingerprint);
        let mut state = stored.unwrap_or_else(|| self.first_missed());
        state.confirmations = state.confirmations.saturating_add(1);
        state.needed = state.needed.max(self.policy.needed(self.walk).into());
        state.shifted |= self.walk.shifted && self.walk.position;
        if let Some(gone) = self.answers.get(id) {
            state.asked_at = Some(self.ended_at);
            state.by_request |= gone;
        }
        state.confirmed = if self.policy.by_request {
            state.by_request
        } else {
            state.confirmations >= state.needed.saturating_add(state.shifted.into())
        };
        let released = !self.guard || self.begun.at.saturating_sub(state.first_missed_at) >= self.policy.hold;
        if state.confirmed && released && !self.over {
            return Verdict::Delete;
        }
        state.held = stored_held(match (self.over, released) {
            (true, _) => Some(HeldBy::MaxDeletes),
            (false, false) => Some(HeldBy::Guard),
            (false, true) => None,
        });
        Verdict::Keep(state)
    }

    fn first_missed(&self) -> State {
        State {
            first_missed_at: self.ended_at,
            confirmations: 0,
            needed: 1,
            shifted: false,
            asked_at: None,
            by_request: false,
            brought_forward: self.begun.brought_forward,
            fingerprint: self.policy.fingerprint,
            held: 0,
            confirmed: false,
        }
    }
}
