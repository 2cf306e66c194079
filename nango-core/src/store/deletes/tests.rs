//! Tests of the delete decisions without a database: the histories, and single rules.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    delete_histories::{Case, Expect, Run, cases, next_run_name, seconds},
    *,
};
use crate::{
    declare::FunctionKind,
    store::{DatasetKey, FunctionKey, RunToken},
    time::Timestamp,
};

/// The candidates of a dataset.
#[derive(Default)]
struct DatasetState {
    states: BTreeMap<String, CandidateState>,
    early_full_runs: i64,
    next: NextFullRun,
}

fn finish(walk: ScanWalk, policy: DeletePolicy, confirmations: Vec<Confirmation>) -> FinishScan {
    let [integration, connection, variant] = ["github", "acme", "base"].map(str::to_owned);
    let dataset = DatasetKey {
        integration: integration.clone(),
        connection: connection.clone(),
        model: "Doc".to_owned(),
        variant: variant.clone(),
    };
    let function =
        FunctionKey { kind: FunctionKind::Sync, integration, connection, function: "docs".to_owned(), variant };
    let run = RunToken { id: uuid::Uuid::nil(), row: 1, fence: 1 };
    let scan = Scan { number: 1, resumed: false };
    FinishScan { run, function, dataset, scan, walk, policy, confirmations, resume: None, by_parent: false }
}

impl DatasetState {
    fn candidate_totals(&self) -> CandidateTotals {
        let count =
            |counts: fn(&CandidateState) -> bool| self.states.values().filter(|state| counts(state)).count() as u64;
        let triggering = || self.states.values().filter(|state| !state.is_early);
        CandidateTotals {
            states: count(|_| true),
            held: count(|state| state.held != 0),
            held_by: self.states.values().map(|state| state.held).max().unwrap_or(0),
            unconfirmed: count(|state| !state.confirmed),
            first_missed_at: self.states.values().map(|state| state.first_missed_at).min(),
            triggering_since: triggering().map(|state| state.first_missed_at).min(),
            triggering_needed: triggering().map(|state| state.needed).max().unwrap_or(0),
            triggering_unheld: triggering().filter(|state| state.held == 0).count() as u64,
            early_full_runs: self.early_full_runs,
        }
    }

    fn run(&mut self, case: &Case, run: &Run) -> Expect {
        let policy = case.policy(run);
        let is_early = run.full && run.forwarded.unwrap_or(self.next != NextFullRun::Regular);
        if run.full {
            self.early_full_runs = if is_early { self.early_full_runs + 1 } else { 0 };
        }
        let present: BTreeSet<&String> = run.seen.iter().chain(&run.written).collect();
        self.states.retain(|id, _| run.live_before.contains(id) && !present.contains(id));
        let mut tombstones = Vec::new();
        let walk = run.walk();
        if run.full && walk.complete {
            let mut candidates: Vec<String> =
                run.live_before.iter().filter(|id| !present.contains(id)).cloned().collect();
            let results = if policy.by_request {
                run.request_confirmations(&self.candidates_to_request(&candidates))
            } else {
                delete_histories::ConfirmationResults::default()
            };
            for id in &results.returned {
                self.states.remove(id);
            }
            candidates.retain(|id| !results.returned.contains(id));
            let end = finish(walk, policy.clone(), results.confirmations);
            let live = run.live_before.len() as u64;
            let [began_at, ended_at] = [run.began_at, run.ended_at].map(|at| Timestamp::UNIX_EPOCH + seconds(at));
            let scan_start = ScanStart { began_at, live, is_early };
            let evaluator = CandidateEvaluator::new(&end, scan_start, ended_at, candidates.len() as u64);
            for id in candidates {
                let stored = self.states.remove(&id);
                if results.unmapped.contains(&id)
                    || evaluator.evaluate(evaluator.all(), &id, stored.clone()) == Decision::Delete
                {
                    tombstones.push(id);
                } else if let Decision::Wait(state) = evaluator.evaluate(evaluator.all(), &id, stored) {
                    self.states.insert(id, state);
                }
            }
        }
        tombstones.sort();
        let pending = self.candidate_totals().pending_deletes(&policy);
        self.next = pending.next_full;
        let ids = |counts: fn(&CandidateState) -> bool| {
            self.states.iter().filter(|(_, state)| counts(state)).map(|(id, _)| id.clone()).collect::<Vec<_>>()
        };
        let (held, unconfirmed) = (ids(|state| state.held != 0), ids(|state| !state.confirmed));
        assert_eq!((pending.held, pending.unconfirmed), (held.len() as u64, unconfirmed.len() as u64));
        assert_eq!(pending.held_by.is_some(), !held.is_empty());
        Expect { tombstones, held, unconfirmed, next_run_full: next_run_name(pending.next_full).to_owned() }
    }

    fn candidates_to_request(&self, candidates: &[String]) -> Vec<String> {
        let asked_at = |id: &String| self.states.get(id).and_then(|state| state.asked_at);
        let confirmed = |id: &String| self.states.get(id).is_some_and(|state| state.by_request);
        let mut ids: Vec<String> = candidates.iter().filter(|id| !confirmed(id)).cloned().collect();
        ids.sort_by_key(|id| asked_at(id));
        ids.truncate(100);
        ids
    }
}

#[test]
fn decisions_follow_every_history_of_the_specification() {
    for case in cases() {
        let mut state = DatasetState::default();
        for (i, run) in case.runs.iter().enumerate() {
            assert_eq!(state.run(&case, run), run.expect, "{}, run {}", case.name, i + 1);
        }
    }
}

const ENDED_AT: Timestamp = Timestamp::from_micros(200);

fn walk(position: bool) -> ScanWalk {
    ScanWalk { complete: true, position_based: position, requests: 9, shifted: false, list_empty: false }
}

fn evaluate_one(end: &FinishScan, stored: Option<CandidateState>) -> Option<CandidateState> {
    let scan_start = ScanStart { began_at: Timestamp::from_micros(100), live: 1_000, is_early: false };
    let evaluator = CandidateEvaluator::new(end, scan_start, ENDED_AT, 1);
    match evaluator.evaluate(evaluator.all(), "a", stored) {
        Decision::Wait(state) => Some(state),
        Decision::Delete => None,
    }
}

#[test]
fn state_restarts_when_fingerprint_changes() {
    let first = finish(walk(true), DeletePolicy::default(), Vec::new());
    let once = evaluate_one(&first, None).unwrap();
    assert_eq!((once.confirmations, once.needed, once.first_missed_at), (1, 2, ENDED_AT));
    let other = finish(walk(true), DeletePolicy { fingerprint: [1; 16], ..DeletePolicy::default() }, Vec::new());
    let again = evaluate_one(&other, Some(once.clone())).unwrap();
    assert_eq!((again.confirmations, again.fingerprint), (1, [1; 16]));
    assert_eq!(evaluate_one(&first, Some(once)), None);
}

#[test]
fn required_confirmations_are_those_of_the_strictest_counted_walk() {
    let long = finish(ScanWalk { requests: 51, ..walk(true) }, DeletePolicy::default(), Vec::new());
    let token = finish(walk(false), DeletePolicy::default(), Vec::new());
    let once = evaluate_one(&long, None).unwrap();
    let twice = evaluate_one(&token, Some(once)).unwrap();
    assert_eq!((twice.confirmations, twice.needed, twice.confirmed), (2, 3, false));
    assert_eq!(evaluate_one(&token, Some(twice)), None);
}

#[test]
fn confirmation_counts_only_when_policy_confirms_by_request() {
    let deleted = vec![Confirmation { id: "a".to_owned(), deleted: true }];
    let ignored = evaluate_one(&finish(walk(true), DeletePolicy::default(), deleted.clone()), None).unwrap();
    assert_eq!((ignored.asked_at, ignored.by_request), (None, false));
    let policy = DeletePolicy { by_request: true, ..DeletePolicy::default() };
    assert_eq!(evaluate_one(&finish(walk(true), policy.clone(), deleted), None), None);
    let undecided = vec![Confirmation { id: "a".to_owned(), deleted: false }];
    let requested = evaluate_one(&finish(walk(true), policy, undecided), None).unwrap();
    assert_eq!((requested.asked_at, requested.by_request, requested.confirmed), (Some(ENDED_AT), false, false));
}

#[test]
fn candidates_bring_full_runs_forward_until_decided_when_no_regular_one_follows() {
    let missed_at = Timestamp::from_micros(9);
    let totals = CandidateTotals {
        states: 2,
        triggering_since: Some(missed_at),
        triggering_needed: 2,
        triggering_unheld: 2,
        early_full_runs: 2,
        ..CandidateTotals::default()
    };
    let next = |totals: CandidateTotals, policy: DeletePolicy| totals.pending_deletes(&policy).next_full;
    let feed = DeletePolicy { full_runs: FullRuns::OnDemand, ..DeletePolicy::default() };
    assert_eq!(next(totals, DeletePolicy::default()), NextFullRun::Regular);
    assert_eq!(next(totals, feed.clone()), NextFullRun::NextRun);
    let held = CandidateTotals { triggering_unheld: 0, held: 2, held_by: 1, ..totals };
    assert_eq!(next(held, feed.clone()), NextFullRun::NotBefore(missed_at + feed.hold));
    assert_eq!(next(CandidateTotals { held_by: 2, ..held }, feed.clone()), NextFullRun::Regular);
    assert_eq!(next(totals, DeletePolicy { by_request: true, ..feed.clone() }), NextFullRun::Regular);

    let early = ScanStart { began_at: Timestamp::from_micros(100), live: 1_000, is_early: true };
    let is_early = |policy: DeletePolicy| {
        let end = finish(walk(true), policy, Vec::new());
        let evaluator = CandidateEvaluator::new(&end, early, ENDED_AT, 1);
        match evaluator.evaluate(evaluator.all(), "a", None) {
            Decision::Wait(state) => state.is_early,
            Decision::Delete => panic!("one walk does not confirm"),
        }
    };
    assert!(is_early(DeletePolicy::default()) && !is_early(feed));
}

#[test]
fn next_run_is_full_when_every_run_is_full() {
    let policy = DeletePolicy { full_runs: FullRuns::Every, ..DeletePolicy::default() };
    let totals = CandidateTotals { states: 1, held: 1, early_full_runs: 9, ..CandidateTotals::default() };
    assert_eq!(totals.pending_deletes(&policy).next_full, NextFullRun::NextRun);
    assert_eq!(CandidateTotals::default().pending_deletes(&policy).next_full, NextFullRun::Regular);
}

#[test]
fn guard_of_a_parent_depends_on_its_own_children() {
    let end = FinishScan { by_parent: true, ..finish(walk(true), DeletePolicy::default(), Vec::new()) };
    let scan_start = ScanStart { began_at: Timestamp::from_micros(100), live: 1_000, is_early: false };
    let evaluate = |total: u64, parent: &ParentEvidence, candidates, live| {
        let evaluator = CandidateEvaluator::new(&end, scan_start, ENDED_AT, total);
        match evaluator.evaluate(evaluator.children(parent, candidates, live), "a", None) {
            Decision::Wait(state) => (HeldBy::from_stored(state.held), state.is_early),
            Decision::Delete => (None, true),
        }
    };
    let token = ParentEvidence { walk: walk(false), is_early: false };
    // All but one of the children are missing, but not more than ten.
    assert_eq!(evaluate(10, &token, 10, 11), (None, true));
    assert_eq!(evaluate(11, &token, 11, 21), (Some(HeldBy::Guard), false));
    assert_eq!(evaluate(11, &token, 11, 22), (None, true));
    let empty = ParentEvidence { walk: ScanWalk { list_empty: true, ..walk(false) }, is_early: true };
    assert_eq!(evaluate(1, &empty, 1, 1), (Some(HeldBy::Guard), true));
    // The share of all candidates holds each of them.
    assert_eq!(evaluate(501, &token, 1, 100), (Some(HeldBy::Guard), false));
    let gone = ParentColumns::of(&crate::store::ParentEnd::Gone).evidence(false);
    assert_eq!(evaluate(1, &gone, 1, 1), (None, true));
}
