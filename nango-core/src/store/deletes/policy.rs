//! Delete policy of a sync.

use std::time::Duration;

use super::ScanWalk;
use crate::declare::{Deletes, SyncRun};

/// The default of `hold`: one hour.
pub const DEFAULT_HOLD: Duration = Duration::from_hours(1);
/// Position-based walks of more requests than this need one more confirmation: long lists shift more often.
const LONG_WALK_REQUESTS: u64 = 50;

/// When runs of a sync read the complete list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FullRuns {
    /// Every run does, so that no full run has to be brought forward.
    Every,
    /// A full run follows from time to time.
    Regular,
    /// No regular full run follows, as for a feed with positions: candidates bring full runs forward until complete
    /// walks have decided about them.
    OnDemand,
}

impl FullRuns {
    /// Returns when runs of this implementation read the complete list.
    pub(crate) const fn of(run: &SyncRun) -> Self {
        match run {
            SyncRun::Mapper(mapper) if mapper.delta.is_some() => Self::OnDemand,
            SyncRun::Mapper(mapper) if mapper.since.is_some() => Self::Regular,
            SyncRun::Mapper(_) | SyncRun::Function(_) => Self::Every,
        }
    }
}

/// The delete policy that a sync declares, and the permission of a user for one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletePolicy {
    /// The number of consecutive complete scans that must miss a record, at least 1. `None`: depends on the pagination.
    pub confirmations: Option<u32>,
    /// Whether only a request for the record confirms its deletion.
    pub by_request: bool,
    /// The minimum duration for which the guard holds a candidate.
    pub hold: Duration,
    /// The maximum share of the active records that one scan may delete, in percent.
    pub max_deletes: Option<u32>,
    /// Disables guard, hold and `max_deletes` for this scan.
    pub allow: bool,
    /// The fingerprint of the walked list and its parameters: if it changes, the state of a candidate restarts.
    pub fingerprint: [u8; 16],
    /// When runs of the sync read the complete list.
    pub full_runs: FullRuns,
}

impl Default for DeletePolicy {
    fn default() -> Self {
        Self {
            confirmations: None,
            by_request: false,
            hold: DEFAULT_HOLD,
            max_deletes: None,
            allow: false,
            fingerprint: [0; 16],
            full_runs: FullRuns::Regular,
        }
    }
}

impl DeletePolicy {
    /// Returns the policy that a sync declares, without a fingerprint.
    pub(crate) fn of(deletes: &Deletes, full_runs: FullRuns) -> Self {
        Self {
            confirmations: deletes.confirm,
            by_request: deletes.request.is_some(),
            hold: Duration::from_secs(deletes.hold.into()),
            max_deletes: deletes.max_percent.map(u32::from),
            full_runs,
            ..Self::default()
        }
    }

    /// Returns the number of consecutive complete scans of this type that must miss a record.
    pub(super) fn required_confirmations(&self, walk: &ScanWalk) -> u32 {
        match self.confirmations {
            Some(declared) => declared.max(1),
            None if walk.position_based && walk.requests > LONG_WALK_REQUESTS => 3,
            None if walk.position_based && walk.requests > 1 => 2,
            None => 1,
        }
    }

    /// Returns whether this number of candidates exceeds `max_deletes` of the `live` records at the start of the scan.
    pub(super) fn exceeds_max_deletes(&self, candidates: u64, live: u64) -> bool {
        self.max_deletes
            .is_some_and(|percent| u128::from(candidates) * 100 > u128::from(percent) * u128::from(live.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_depend_on_pagination_unless_declared() {
        let walk = |position, requests| ScanWalk {
            complete: true,
            position_based: position,
            requests,
            shifted: false,
            list_empty: false,
        };
        let undeclared = DeletePolicy::default();
        for (position, requests, expect) in
            [(false, 500, 1), (true, 1, 1), (true, 2, 2), (true, 50, 2), (true, 51, 3), (true, 5_000, 3)]
        {
            assert_eq!(undeclared.required_confirmations(&walk(position, requests)), expect, "{position} {requests}");
        }
        let declared = DeletePolicy { confirmations: Some(4), ..DeletePolicy::default() };
        assert_eq!(declared.required_confirmations(&walk(false, 1)), 4);
        assert_eq!(DeletePolicy { confirmations: Some(0), ..declared }.required_confirmations(&walk(true, 99)), 1);
    }

    #[test]
    fn max_deletes_is_exceeded_only_above_its_share() {
        let policy = DeletePolicy { max_deletes: Some(20), ..DeletePolicy::default() };
        assert!(!policy.exceeds_max_deletes(4, 20) && policy.exceeds_max_deletes(5, 20));
        assert!(!policy.exceeds_max_deletes(0, 0) && policy.exceeds_max_deletes(1, 0));
        assert!(!DeletePolicy::default().exceeds_max_deletes(20, 20));
        assert!(policy.exceeds_max_deletes(u64::MAX, u64::MAX));
    }
}
