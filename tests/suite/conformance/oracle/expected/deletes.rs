//! Model of delete decisions: section 4 of the specification of walks, counted in steps.

use std::collections::BTreeMap;

use nango_tests::internal::store::{DeletePolicy, FinishScan, FullRuns, HeldBy, ParentEnd, ScanWalk};

use super::{Expected, Row, WriteContext};

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
    /// The parent on whose walk the state depends.
    pub(super) parent: Option<usize>,
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
    /// Returns the ids of the candidates of the open scan, which ends together with these scans.
    fn candidates(&self, by_parent: bool, scans: &[i64]) -> Vec<String> {
        let kept = |id: &String| self.scan.as_ref().is_some_and(|scan| scan.seen_or_written.contains(id));
        let decided = |row: &Row| {
            !by_parent || self.scan.as_ref().is_some_and(|scan| self.decided_end(scan, scans, row.parent).is_some())
        };
        let is_candidate = |(id, row): &(&String, &Row)| row.live && !kept(id) && decided(row);
        self.rows.iter().filter(is_candidate).map(|(id, _)| id.clone()).collect()
    }

    /// Returns the ids that a scan requests from the provider: first those that were never requested, then the others,
    /// oldest request first. `scans` are the open scans of its function.
    pub(in super::super) fn next_to_confirm(
        &self,
        fingerprint: [u8; 16],
        by_parent: bool,
        scans: &[i64],
    ) -> Vec<String> {
        let known = |id: &String| self.rows[id].missed.as_ref().filter(|missed| missed.fingerprint == fingerprint);
        let mut ids = self.candidates(by_parent, scans);
        ids.retain(|id| known(id).is_none_or(|missed| !missed.by_request));
        ids.sort_by_key(|id| known(id).and_then(|missed| missed.last_requested_at));
        ids
    }

    /// Finishes the open scan, together with these scans, and returns the number of deleted records. `hold` is either
    /// zero or endless.
    pub(in super::super) fn finish(&mut self, at: WriteContext, end: &FinishScan, scans: &[i64]) -> u64 {
        let (candidates, Some(scan)) = (self.candidates(end.by_parent, scans), self.scan.take()) else {
            panic!("no scan is open")
        };
        let FinishScan { walk, policy, confirmations, .. } = end;
        if !walk.complete && !end.by_parent {
            return 0;
        }
        let deleted = |id: &String| {
            let row = self.rows.get(id).filter(|row| !row.live && row.step > scan.began);
            row.filter(|row| !end.by_parent || row.parent.is_some()).map(|row| (id.clone(), row.parent))
        };
        let found = confirmations.iter().filter(|result| policy.by_request && result.deleted);
        let deleted_before: BTreeMap<String, Option<usize>> = found.filter_map(|result| deleted(&result.id)).collect();
        let share = (candidates.len() + deleted_before.len()) as u64;
        let guarded = |list_empty: bool, share: u64, live: u64| {
            !policy.allow && live > 0 && (list_empty || (share > 10 && 2 * share > live))
        };
        let guard = guarded(walk.list_empty && !end.by_parent, share, scan.live_count);
        let over = !policy.allow
            && policy.max_deletes.is_some_and(|most| share * 100 > u64::from(most) * scan.live_count.max(1));
        // What decides about each group of candidates: all of them, or the children of one parent.
        let mut groups: BTreeMap<Option<usize>, Group> = BTreeMap::new();
        if end.by_parent {
            for parent in candidates.iter().filter_map(|id| self.rows[id].parent) {
                let share = candidates.iter().filter(|id| self.rows[*id].parent == Some(parent)).count()
                    + deleted_before.values().filter(|of| **of == Some(parent)).count();
                let own = match self.decided_end(&scan, scans, Some(parent)) {
                    Some(ParentEnd::Ended(walk)) => walk.clone(),
                    _ => ScanWalk {
                        complete: true,
                        position_based: false,
                        requests: 1,
                        shifted: false,
                        list_empty: false,
                    },
                };
                // Ten candidates are never held for their share.
                let live = if share > 10 { self.children_at_start(&scan, parent) } else { 1 };
                let guard = guard || guarded(own.list_empty, share as u64, live);
                let is_early = self.is_early(&scan, parent);
                groups.insert(Some(parent), Group { walk: own, guard, is_early });
            }
        } else {
            groups.insert(None, Group { walk: walk.clone(), guard, is_early: scan.is_early });
        }
        let mut deleted = 0;
        for id in &candidates {
            let parent = self.rows[id].parent.filter(|_| end.by_parent);
            let Group { walk, guard, is_early } = &groups[&parent];
            let Some(row) = self.rows.get_mut(id) else { continue };
            let needed = policy.confirmations.unwrap_or(match (walk.position_based, walk.requests) {
                (true, 51..) => 3,
                (true, 2..) => 2,
                _ => 1,
            });
            let mut missed =
                row.missed.take().filter(|missed| missed.fingerprint == policy.fingerprint).unwrap_or(Missed {
                    first_missed_at: at.step,
                    times: 0,
                    needed: 1,
                    shifted: false,
                    last_requested_at: None,
                    by_request: false,
                    is_early: *is_early,
                    fingerprint: policy.fingerprint,
                    held: None,
                    confirmed: false,
                    parent: None,
                });
            missed.parent = parent;
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
        let next_full = next_full(&missed, self.early_full_runs, policy);
        ExpectedPendingDeletes {
            held: missed.iter().filter(|missed| missed.held.is_some()).count() as u64,
            unconfirmed: missed.iter().filter(|missed| !missed.confirmed).count() as u64,
            held_by: missed.iter().find_map(|missed| missed.held),
            next_full,
        }
    }
}

/// The evidence about a group of candidates.
struct Group {
    walk: ScanWalk,
    guard: bool,
    is_early: bool,
}

/// Returns when these candidates make a run full, after this number of runs that were brought forward.
pub(super) fn next_full(missed: &[&Missed], early_full_runs: u32, policy: &DeletePolicy) -> Due {
    let triggering: Vec<&&Missed> = missed.iter().filter(|missed| !missed.is_early).collect();
    let needed = policy.confirmations.or(triggering.iter().map(|missed| missed.needed).max()).unwrap_or(1);
    let since = triggering.iter().map(|missed| missed.first_missed_at).min();
    match since {
        _ if policy.full_runs == FullRuns::Every => {
            if missed.is_empty() {
                Due::Regular
            } else {
                Due::Next
            }
        }
        Some(since) if early_full_runs < needed => {
            if triggering.iter().any(|missed| missed.held.is_none()) {
                Due::Next
            } else {
                Due::HoldAfter(since)
            }
        }
        _ => Due::Regular,
    }
}
