//! What waits in a dataset, and when the next full run is due because of it.

use super::{DeletePolicy, HeldBy};

/// When the next full run is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NextFullRun {
    /// As declared: no candidate brings it forward.
    #[default]
    Regular,
    /// The next run is full.
    NextRun,
    /// The first run that starts at this time or later is full, microseconds since 1970.
    NotBefore(i64),
}

/// What the end of a scan did, and what waits after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanOutcome {
    /// Live records that are deleted now.
    pub deleted: u64,
    /// Candidates that are held.
    pub held: u64,
    /// Candidates that are not confirmed yet. One that is held may be among them.
    pub unconfirmed: u64,
    /// Why candidates are held.
    pub held_by: Option<HeldBy>,
    /// When the next full run is due.
    pub next_full: NextFullRun,
}

/// The deletes of a dataset that wait for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PendingDeletes {
    /// Candidates that are held.
    pub held: u64,
    /// Candidates that are not confirmed yet. One that is held may be among them.
    pub unconfirmed: u64,
    /// Why candidates are held.
    pub held_by: Option<HeldBy>,
    /// When the next full run is due.
    pub next_full: NextFullRun,
    /// The end of the walk that first missed the candidate that waits longest, microseconds since 1970.
    pub first_missed_at: Option<i64>,
}

/// The states of a dataset, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::store) struct CandidateTotals {
    /// How many there are.
    pub states: u64,
    /// How many are held.
    pub held: u64,
    /// The greatest stored reason of those that are held.
    pub held_by: i64,
    /// How many are not confirmed.
    pub unconfirmed: u64,
    /// The earliest time at which a record was first missed.
    pub first_missed_at: Option<i64>,
    /// The same of those that were first missed in a run that was not brought forward: only they bring one forward.
    pub triggering_since: Option<i64>,
    /// The most confirmations that one of them needs.
    pub triggering_needed: i64,
    /// How many of them are not held.
    pub triggering_unheld: u64,
    /// The runs that were brought forward since the last regular full run.
    pub brought_forward: i64,
}

impl CandidateTotals {
    /// When the next full run is due.
    fn next_full(&self, policy: &DeletePolicy) -> NextFullRun {
        if policy.every_run_full {
            return if self.states > 0 { NextFullRun::NextRun } else { NextFullRun::Regular };
        }
        let Some(since) = self.triggering_since else { return NextFullRun::Regular };
        let most = policy.confirmations.map_or(self.triggering_needed, i64::from).max(1);
        if self.brought_forward >= most {
            NextFullRun::Regular
        } else if self.triggering_unheld > 0 {
            NextFullRun::NextRun
        } else {
            NextFullRun::NotBefore(since.saturating_add(policy.hold))
        }
    }

    /// What waits for a decision.
    pub(in crate::store) fn outlook(&self, policy: &DeletePolicy) -> PendingDeletes {
        PendingDeletes {
            held: self.held,
            unconfirmed: self.unconfirmed,
            held_by: HeldBy::from_stored(self.held_by),
            next_full: self.next_full(policy),
            first_missed_at: self.first_missed_at,
        }
    }

    /// The end of a scan that deleted so many.
    pub(in crate::store) fn scan_outcome(&self, policy: &DeletePolicy, deleted: u64) -> ScanOutcome {
        let PendingDeletes { held, unconfirmed, held_by, next_full, .. } = self.outlook(policy);
        ScanOutcome { deleted, held, unconfirmed, held_by, next_full }
    }
}
