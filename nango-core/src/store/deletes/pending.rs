//! Pending deletes of a dataset, and when they make the next run a full one.

use super::{DeletePolicy, FullRuns, HeldBy};
use crate::time::Timestamp;

/// The time of the next full run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NextFullRun {
    /// As declared: no candidate brings the full run forward.
    #[default]
    Regular,
    /// The next run is full.
    NextRun,
    /// The first run that starts at or after this time is full.
    NotBefore(Timestamp),
}

/// The result of a finished scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanOutcome {
    /// The number of records that were deleted.
    pub deleted: u64,
    /// The number of held candidates.
    pub held: u64,
    /// The number of unconfirmed candidates. Held candidates may be among them.
    pub unconfirmed: u64,
    /// The reason why candidates are held.
    pub held_by: Option<HeldBy>,
    /// The time of the next full run.
    pub next_full: NextFullRun,
}

/// The deletes of a dataset that await a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PendingDeletes {
    /// The number of held candidates.
    pub held: u64,
    /// The number of unconfirmed candidates. Held candidates may be among them.
    pub unconfirmed: u64,
    /// The reason why candidates are held.
    pub held_by: Option<HeldBy>,
    /// The time of the next full run.
    pub next_full: NextFullRun,
    /// The end of the walk that first missed the oldest candidate.
    pub first_missed_at: Option<Timestamp>,
}

/// The candidate states of a dataset, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::store) struct CandidateTotals {
    /// The number of candidates.
    pub states: u64,
    /// The number of held candidates.
    pub held: u64,
    /// The greatest stored reason of the held candidates.
    pub held_by: i64,
    /// The number of unconfirmed candidates.
    pub unconfirmed: u64,
    /// The earliest time at which a record was first missed.
    pub first_missed_at: Option<Timestamp>,
    /// The same for candidates that were first missed in a run that was not brought forward: only they bring a run
    /// forward.
    pub triggering_since: Option<Timestamp>,
    /// The maximum of the confirmations that one of them needs.
    pub triggering_needed: i64,
    /// The number of them that are not held.
    pub triggering_unheld: u64,
    /// The number of runs that were brought forward since the last regular full run.
    pub early_full_runs: i64,
}

impl CandidateTotals {
    /// Returns the time of the next full run.
    pub(in crate::store) fn next_full(&self, policy: &DeletePolicy) -> NextFullRun {
        if policy.full_runs == FullRuns::Every {
            return if self.states > 0 { NextFullRun::NextRun } else { NextFullRun::Regular };
        }
        let Some(since) = self.triggering_since else { return NextFullRun::Regular };
        let most = policy.confirmations.map_or(self.triggering_needed, i64::from).max(1);
        // Confirmations by request and `max_deletes` can remain undecided, whatever the number of complete walks.
        let is_decided_by_walks = !policy.by_request && HeldBy::from_stored(self.held_by) != Some(HeldBy::MaxDeletes);
        let is_limited = !(policy.full_runs == FullRuns::OnDemand && is_decided_by_walks);
        if is_limited && self.early_full_runs >= most {
            NextFullRun::Regular
        } else if self.triggering_unheld > 0 {
            NextFullRun::NextRun
        } else {
            NextFullRun::NotBefore(since + policy.hold)
        }
    }

    /// Returns the pending deletes under a policy.
    pub(in crate::store) fn pending_deletes(&self, policy: &DeletePolicy) -> PendingDeletes {
        PendingDeletes {
            held: self.held,
            unconfirmed: self.unconfirmed,
            held_by: HeldBy::from_stored(self.held_by),
            next_full: self.next_full(policy),
            first_missed_at: self.first_missed_at,
        }
    }

    /// Returns the result of a scan that deleted this number of records.
    pub(in crate::store) fn scan_outcome(&self, policy: &DeletePolicy, deleted: u64) -> ScanOutcome {
        let PendingDeletes { held, unconfirmed, held_by, next_full, .. } = self.pending_deletes(policy);
        ScanOutcome { deleted, held, unconfirmed, held_by, next_full }
    }
}
