//! Ends of scans: random walk results and policies, and random responses of the provider.

use std::time::Duration;

use nango_tests::internal::store::{
    Confirmation, DeletePolicy, FinishScan, FullRuns, NextFullRun, PendingDeletes, ScanOutcome, ScanWalk, StoreError,
};

use super::{
    super::expected::{Due, ExpectedPendingDeletes},
    ACTORS, Chaos, parents, random_ids,
};

/// A hold that never ends within a test.
const UNREACHABLE_HOLD: Duration = Duration::from_hours(24 * 365 * 1_000);

impl Chaos<'_> {
    pub(super) async fn finish_scan(&mut self, actor: usize) {
        let Some(scan) = self.actors[actor].scan.take() else { return };
        let (walk, policy) = (self.random_walk(), self.random_policy());
        let mut end = self.actors[actor].sync.finish_as(scan, walk, policy);
        end.by_parent = self.rng.one_in(2);
        let is_open = self.expected.scan.as_ref().is_some_and(|open| open.number == scan.number);
        if end.policy.by_request {
            end.confirmations = self.draw_confirmations(actor, &end, is_open).await;
        }
        let finished = self.store.finish_scan(end.clone()).await;
        let FinishScan { walk, policy, confirmations, by_parent, .. } = &end;
        self.step_log.note(&format!(
            "{} ends scan {} ({walk:?}, {policy:?}, {confirmations:?}, by parent: {by_parent}): {finished:?}",
            ACTORS[actor], scan.number
        ));
        if !is_open {
            assert!(matches!(finished, Err(StoreError::ScanClosed(_))), "{finished:?}");
            return;
        }
        let at = self.write_context(actor);
        let deleted = self.expected.finish(at, &end);
        let ScanOutcome { deleted: found, held, unconfirmed, held_by, next_full } = finished.unwrap();
        let next_full = self.due_step(next_full, policy.hold);
        assert_eq!(
            (found, ExpectedPendingDeletes { held, unconfirmed, held_by, next_full }),
            (deleted, self.expected.pending_deletes(policy))
        );
        self.actors[actor].counts.deleted += deleted;
    }

    /// Requests candidates from the store and returns random confirmations.
    async fn draw_confirmations(&mut self, actor: usize, end: &FinishScan, is_open: bool) -> Vec<Confirmation> {
        let limit = 1 + self.rng.index(12);
        let (sync, fingerprint) = (&self.actors[actor].sync, end.policy.fingerprint);
        let most = u32::try_from(limit).unwrap();
        let candidates =
            self.store.delete_candidates(&sync.run, &sync.dataset, end.scan, fingerprint, end.by_parent, most).await;
        if !is_open {
            assert!(matches!(candidates, Err(StoreError::ScanClosed(_))), "{candidates:?}");
            return Vec::new();
        }
        let ids: Vec<String> = candidates.unwrap().into_iter().map(|row| row.id).collect();
        let mut expected = self.expected.next_to_confirm(fingerprint, end.by_parent);
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
    pub(super) async fn check_pending_deletes(&mut self) {
        let policy = self.random_policy();
        let pending = self.store.pending_deletes(&self.dataset(), &policy).await.unwrap();
        let PendingDeletes { held, unconfirmed, held_by, next_full, first_missed_at } = pending;
        let expected = self.expected.pending_deletes(&policy);
        let next_full = self.due_step(next_full, policy.hold);
        assert_eq!(ExpectedPendingDeletes { held, unconfirmed, held_by, next_full }, expected);
        assert_eq!(first_missed_at.is_some(), held + unconfirmed > 0);
        for (owner, actor) in self.actors.iter().enumerate() {
            let found = self.store.parents_needing_full(&actor.sync.key, &self.dataset(), &policy).await.unwrap();
            let step = |(key, next)| (parents::index(key), self.due_step(next, policy.hold));
            let mut found: Vec<_> = found.into_iter().map(step).collect();
            found.sort_by_key(|(parent, _)| *parent);
            assert_eq!(found, self.expected.parents_needing_full(owner, &policy));
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
