//! Model of delete decisions: section 4 of the specification of walks, counted in steps.

use std::collections::BTreeSet;

use nango_tests::internal::store::{DeletePolicy, FinishScan, HeldBy};

use super::{Expected, WriteContext};

/// The state of a pending candidate, which complete scans did not see.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Missed {
    first_missed_at: usize,
    times: u32,
    needed: u32,
    shifted: bool,
    last_requested_at: Option<usize>,
    by_request: bool,
    is_early: bool,
    fingerprint: [u8; 16],
    held: Option<HeldBy>,
    confirmed: bool,
}

/// The expected pending deletes of the dataset.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct ExpectedPendingDeletes {
    pub(in super::super) held: u64,
    pub(in super::super) unconfirmed: u64,
    pub(in super::super) held_by: Option<HeldBy>,
    pub(in super::super) next_full: Due,
}

/// The time of the next full run, in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Due {
    Regular,
    Next,
    /// The `hold` period after the step in which a record was first missed.
    HoldAfter(usize),
}

impl Expected {
    /// Returns the ids of the candidates of the open scan.
    fn candidates(&self) -> Vec<String> {
        let kept = |id: &String| self.scan.as_ref().is_some_and(|scan| scan.seen_or_written.contains(id));
        self.rows.iter().filter(|(id, row)| row.live && !kept(id)).map(|(id, _)| id.clone()).collect()
    }

    /// Returns the ids that a scan requests from the provider: first those that were never requested, then the others,
    /// oldest request first.
    pub(in super::super) fn next_to_confirm(&self, fingerprint: [u8; 16]) -> Vec<String> {
        let known = |id: &String| self.rows[id].missed.as_ref().filter(|missed| missed.fingerprint == fingerprint);
        let mut ids = self.candidates();
        ids.retain(|id| known(id).is_none_or(|missed| !missed.by_request));
        ids.sort_by_key(|id| known(id).and_then(|missed| missed.last_requested_at));
        ids
    }

    /// Finishes the open scan and returns the number of deleted records. `hold` is either zero or endless.
    pub(in super::super) fn finish(&mut self, at: WriteContext, end: &FinishScan) -> u64 {
        let (candidates, Some(scan)) = (self.candidates(), self.scan.take()) else { panic!("no scan is open") };
        let FinishScan { walk, policy, confirmations, .. } = end;
        if !walk.complete {
            return 0;
        }
        let deleted = |id: &String| self.rows.get(id).is_some_and(|row| !row.live && row.step > scan.began);
        let found = confirmations.iter().filter(|result| policy.by_request && result.deleted && deleted(&result.id));
        let deleted_before = found.map(|result| &result.id).collect::<BTreeSet<_>>().len();
        let share = (candidates.len() + deleted_before) as u64;
        let most = share > 10 && 2 * share > scan.live_count;
        let guard = !policy.allow && scan.live_count > 0 && (walk.list_empty || most);
        let over = !policy.allow
            && policy.max_deletes.is_some_and(|most| share * 100 > u64::from(most) * scan.live_count.max(1));
        let needed = policy.confirmations.unwrap_or(match (walk.position_based, walk.requests) {
            (true, 51..) => 3,
            (true, 2..) => 2,
            _ => 1,
        });
        let mut deleted = 0;
        for id in &candidates {
            let Some(row) = self.rows.get_mut(id) else { continue };
            let mut missed =
                row.missed.take().filter(|missed| missed.fingerprint == policy.fingerprint).unwrap_or(Missed {
                    first_missed_at: at.step,
                    times: 0,
                    needed: 1,
                    shifted: false,
                    last_requested_at: None,
                    by_request: false,
                    is_early: scan.is_early,
                    fingerprint: policy.fingerprint,
                    held: None,
                    confirmed: false,
                });
            missed.times += 1;
            missed.needed = missed.needed.max(needed);
            missed.shifted |= walk.shifted && walk.position_based;
            for result in confirmations.iter().filter(|result| policy.by_request && result.id == *id) {
                missed.last_requested_at = Some(at.step);
                missed.by_request |= result.deleted;
            }
            missed.confirmed = if policy.by_request {
                missed.by_request
            } else {
                missed.times >= missed.needed + u32::from(missed.shifted)
            };
            let released = !guard || (policy.hold.is_zero() && scan.began > missed.first_missed_at);
            missed.held = if over { Some(HeldBy::MaxDeletes) } else { (!released).then_some(HeldBy::Guard) };
            if missed.confirmed && missed.held.is_none() {
                row.tombstone(at);
                deleted += 1;
            } else {
                row.missed = Some(missed);
            }
        }
        deleted
    }

    /// Returns the pending deletes of the dataset.
    pub(in super::super) fn pending_deletes(&self, policy: &DeletePolicy) -> ExpectedPendingDeletes {
        let missed: Vec<&Missed> = self.rows.values().filter_map(|row| row.missed.as_ref()).collect();
        let triggering: Vec<&&Missed> = missed.iter().filter(|missed| !missed.is_early).collect();
        let needed = policy.confirmations.or(triggering.iter().map(|missed| missed.needed).max()).unwrap_or(1);
        let since = triggering.iter().map(|missed| missed.first_missed_at).min();
        let next_full = match since {
            _ if policy.every_run_full => {
                if missed.is_empty() {
                    Due::Regular
                } else {
                    Due::Next
                }
            }
            Some(since) if self.early_full_runs < needed => {
                if triggering.iter().any(|missed| missed.held.is_none()) {
                    Due::Next
                } else {
                    Due::HoldAfter(since)
                }
            }
            _ => Due::Regular,
        };
        ExpectedPendingDeletes {
            held: missed.iter().filter(|missed| missed.held.is_some()).count() as u64,
            unconfirmed: missed.iter().filter(|missed| !missed.confirmed).count() as u64,
            held_by: missed.iter().find_map(|missed| missed.held),
            next_full,
        }
    }
}
