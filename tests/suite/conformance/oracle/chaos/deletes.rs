//! Ends of scans: random walk results and policies, and random responses of the provider.

use std::time::Duration;

use nango_tests::internal::store::{
    Confirmation, DeletePolicy, FinishScan, FullRuns, NextFullRun, PendingDeletes, ScanOutcome, ScanWalk, StoreError,
};

use super::{
    super::expected::{Due, ExpectedPendingDeletes},
    ACTORS, Chaos, MODELS, parents, random_ids,
};

/// A hold that never ends within a test.
const UNREACHABLE_HOLD: Duration = Duration::from_hours(24 * 365 * 1_000);

impl Chaos<'_> {
    /// Ends the scan of one dataset, or the scans of both in one transaction: all of them end, or none does.
    pub(super) async fn finish_scans(&mut self, actor: usize) {
        let mut datasets: Vec<usize> = (0..MODELS.len()).filter(|of| self.actors[actor].scans[*of].is_some()).collect();
        if datasets.is_empty() {
            return;
        }
        if self.rng.one_in(2) {
            datasets.rotate_left(1);
        }
        if self.rng.one_in(3) {
            datasets.truncate(1);
        }
        let (mut ends, mut are_open) = (Vec::new(), true);
        for dataset in &datasets {
            let Some(scan) = self.actors[actor].scans[*dataset].take() else { continue };
            let (walk, policy) = (self.random_walk(), self.random_policy());
            let mut end = self.sync(actor, *dataset).finish_as(scan, walk, policy);
            end.by_parent = self.rng.one_in(2);
            let is_open = self.expected[*dataset].scan.as_ref().is_some_and(|open| open.number == scan.number);
            if end.policy.by_request {
                end.confirmations = self.draw_confirmations(actor, *dataset, &end, is_open).await;
            }
            are_open &= is_open;
            ends.push(end);
        }
        let finished = self.store.finish_scans(ends.clone()).await;
        self.step_log.note(&format!("{} ends scans: {ends:?}: {finished:?}", ACTORS[actor]));
        if !are_open {
            assert!(matches!(finished, Err(StoreError::ScanClosed(_))), "{finished:?}");
            return;
        }
        let at = self.write_context(actor);
        let scans: Vec<i64> = ends.iter().map(|end| end.scan.number).collect();
        for ((dataset, end), outcome) in datasets.iter().zip(&ends).zip(finished.unwrap()) {
            let deleted = self.expected[*dataset].finish(at, end, &scans);
            let ScanOutcome { deleted: found, held, unconfirmed, held_by, next_full } = outcome;
            let next_full = self.due_step(next_full, end.policy.hold);
            assert_eq!(
                (found, ExpectedPendingDeletes { held, unconfirmed, held_by, next_full }),
                (deleted, self.expected[*dataset].pending_deletes(&end.policy)),
                "{}",
                MODELS[*dataset]
            );
            self.actors[actor].counts[*dataset].deleted += deleted;
        }
        if ends.iter().any(|end| end.by_parent) {
            // A parent is removed if it has no active child in any of the datasets.
            let mut gone = self.expected[datasets[0]].gone_without_children(actor, &scans);
            for dataset in &datasets[1..] {
                let also = self.expected[*dataset].gone_without_children(actor, &scans);
                gone.retain(|parent| also.contains(parent));
            }
            self.expected.iter_mut().for_each(|expected| expected.remove_parents(actor, &gone));
        }
    }

    /// Requests candidates from the store and returns random confirmations.
    async fn draw_confirmations(
        &mut self,
        actor: usize,
        dataset: usize,
        end: &FinishScan,
        is_open: bool,
    ) -> Vec<Confirmation> {
        let limit = 1 + self.rng.index(12);
        let (sync, fingerprint) = (self.sync(actor, dataset), end.policy.fingerprint);
        let most = u32::try_from(limit).unwrap();
        let candidates =
            self.store.delete_candidates(&sync.run, &sync.dataset, end.scan, fingerprint, end.by_parent, most).await;
        if !is_open {
            assert!(matches!(candidates, Err(StoreError::ScanClosed(_))), "{candidates:?}");
            return Vec::new();
        }
        let ids: Vec<String> = candidates.unwrap().into_iter().map(|row| row.id).collect();
        let open_scans = self.expected.iter().filter_map(|expected| expected.scan.as_ref());
        let open_scans: Vec<i64> = open_scans.filter(|scan| scan.owner == actor).map(|scan| scan.number).collect();
        let mut expected = self.expected[dataset].next_to_confirm(fingerprint, end.by_parent, &open_scans);
        expected.truncate(limit);
        assert_eq!(ids, expected);
        // Also returns ids for which no request was made.
        let others = random_ids(&mut self.rng);
        let mut confirmation = |id| Confirmation { id, deleted: self.rng.one_in(2) };
        ids.into_iter().chain(others).map(&mut confirmation).collect()
    }

    pub(super) fn random_walk(&mut self) -> ScanWalk {
        ScanWalk {
            complete: !self.rng.one_in(5),
            position_based: self.rng.one_in(2),
            requests: [1, 2, 51][self.rng.index(3)],
            shifted: self.rng.one_in(4),
            list_empty: self.rng.one_in(6),
        }
    }

    fn random_policy(&mut self) -> DeletePolicy {
        let declared = u32::try_from(1 + self.rng.below(3)).unwrap();
        DeletePolicy {
            confirmations: self.rng.one_in(2).then_some(declared),
            by_request: self.rng.one_in(4),
            hold: if self.rng.one_in(2) { Duration::ZERO } else { UNREACHABLE_HOLD },
            max_deletes: self.rng.one_in(4).then_some(20),
            allow: self.rng.one_in(3),
            fingerprint: [u8::from(self.rng.one_in(9)); 16],
            full_runs: if self.rng.one_in(4) { FullRuns::Every } else { FullRuns::Regular },
        }
    }

    /// Checks the pending deletes without a scan.
    pub(super) async fn check_pending_deletes(&mut self, dataset: usize) {
        let (policy, key) = (self.random_policy(), self.dataset(dataset));
        let pending = self.store.pending_deletes(&key, &policy).await.unwrap();
        let PendingDeletes { held, unconfirmed, held_by, next_full, first_missed_at } = pending;
        let expected = self.expected[dataset].pending_deletes(&policy);
        let next_full = self.due_step(next_full, policy.hold);
        assert_eq!(ExpectedPendingDeletes { held, unconfirmed, held_by, next_full }, expected);
        assert_eq!(first_missed_at.is_some(), held + unconfirmed > 0);
        for (owner, actor) in self.actors.iter().enumerate() {
            let found = self.store.parents_needing_full(&actor.sync.key, &key, &policy).await.unwrap();
            let step = |(key, next)| (parents::index(key), self.due_step(next, policy.hold));
            let mut found: Vec<_> = found.into_iter().map(step).collect();
            found.sort_by_key(|(parent, _)| *parent);
            assert_eq!(found, self.expected[dataset].parents_needing_full(owner, &policy));
        }
    }

    /// Converts the time of the next full run to a step.
    fn due_step(&self, next: NextFullRun, hold: Duration) -> Due {
        match next {
            NextFullRun::Regular => Due::Regular,
            NextFullRun::NextRun => Due::Next,
            NextFullRun::NotBefore(at) => {
                let after = self.step_times.partition_point(|start| *start <= at - hold);
                Due::HoldAfter(after - 1)
            }
        }
    }
}
