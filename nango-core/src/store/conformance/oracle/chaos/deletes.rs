//! The ends of scans: walks that ended in any way, by the rules of any policy, with answers of the provider.

use super::{ACTORS, Chaos};
use crate::store::{
    Confirmation, DeleteOutlook, DeletePolicy, FinishScan, NextFullRun, ScanFinished, ScanWalk, StoreError,
    conformance::oracle::expected::{Due, Waits},
};

/// A hold that no test waits for, in microseconds.
const FOR_EVER: i64 = i64::MAX / 4;

impl Chaos<'_> {
    pub(super) async fn finish_scan(&mut self, actor: usize) {
        let Some(scan) = self.actors[actor].scan.take() else { return };
        let (walk, policy) = (self.some_walk(), self.some_policy());
        let mut end = self.actors[actor].sync.finish_as(scan, walk, policy);
        let is_open = self.expected.scan.as_ref().is_some_and(|open| open.number == scan.number);
        if end.policy.by_request {
            end.confirmations = self.ask(actor, &end, is_open).await;
        }
        let finished = self.store.finish_scan(end.clone()).await;
        let FinishScan { walk, policy, confirmations, .. } = &end;
        self.trail.note(&format!(
            "{} ends scan {} ({walk:?}, {policy:?}, {confirmations:?}): {finished:?}",
            ACTORS[actor], scan.number
        ));
        if !is_open {
            assert!(matches!(finished, Err(StoreError::ScanClosed(_))), "{finished:?}");
            return;
        }
        let at = self.writing(actor);
        let deleted = self.expected.finish(at, &end);
        let ScanFinished { deleted: found, held, unconfirmed, held_by, next_full } = finished.unwrap();
        let next_full = self.due(next_full, policy.hold);
        assert_eq!((found, Waits { held, unconfirmed, held_by, next_full }), (deleted, self.expected.waits(policy)));
        self.actors[actor].counts.deleted += deleted;
    }

    /// Asks for candidates, and draws the answers.
    async fn ask(&mut self, actor: usize, end: &FinishScan, is_open: bool) -> Vec<Confirmation> {
        let limit = 1 + self.dice.at(12);
        let (sync, fingerprint) = (&self.actors[actor].sync, end.policy.fingerprint);
        let most = u32::try_from(limit).unwrap();
        let asked = self.store.delete_candidates(&sync.run, &sync.dataset, end.scan, fingerprint, most).await;
        if !is_open {
            assert!(matches!(asked, Err(StoreError::ScanClosed(_))), "{asked:?}");
            return Vec::new();
        }
        let ids: Vec<String> = asked.unwrap().into_iter().map(|row| row.id).collect();
        let mut expected = self.expected.to_ask(fingerprint);
        expected.truncate(limit);
        assert_eq!(ids, expected);
        // Also ids that no request was made for.
        let others = self.dice.ids();
        let mut answer = |id| Confirmation { id, gone: self.dice.once_in(2) };
        ids.into_iter().chain(others).map(&mut answer).collect()
    }

    fn some_walk(&mut self) -> ScanWalk {
        ScanWalk {
            complete: !self.dice.once_in(5),
            position: self.dice.once_in(2),
            requests: [1, 2, 51][self.dice.at(3)],
            shifted: self.dice.once_in(4),
            list_empty: self.dice.once_in(6),
        }
    }

    fn some_policy(&mut self) -> DeletePolicy {
        let declared = u32::try_from(1 + self.dice.roll(3)).unwrap();
        DeletePolicy {
            confirmations: self.dice.once_in(2).then_some(declared),
            by_request: self.dice.once_in(4),
            hold: if self.dice.once_in(2) { 0 } else { FOR_EVER },
            max_deletes: self.dice.once_in(4).then_some(20),
            allow: self.dice.once_in(3),
            fingerprint: [u8::from(self.dice.once_in(9)); 16],
            every_run_full: self.dice.once_in(4),
        }
    }

    /// What waits is known without a scan, too.
    pub(super) async fn look_at_what_waits(&mut self) {
        let policy = self.some_policy();
        let outlook = self.store.delete_outlook(&self.dataset(), &policy).await.unwrap();
        let DeleteOutlook { held, unconfirmed, held_by, next_full, first_missed_at } = outlook;
        let expected = self.expected.waits(&policy);
        let next_full = self.due(next_full, policy.hold);
        assert_eq!(Waits { held, unconfirmed, held_by, next_full }, expected);
        assert_eq!(first_missed_at.is_some(), held + unconfirmed > 0);
    }

    /// The step that a time stands for.
    fn due(&self, next: NextFullRun, hold: i64) -> Due {
        match next {
            NextFullRun::Regular => Due::Regular,
            NextFullRun::NextRun => Due::Next,
            NextFullRun::NotBefore(at) => {
                let after = self.moments.partition_point(|start| *start <= at - hold);
                Due::HoldAfter(after - 1)
            }
        }
    }
}
