//! Maintenance operations and their effect on readers: prunes in batches, erased rows, an emptied dataset.

use nango_tests::internal::store::{Prune, PruneUntil, Pruned};

use super::{Chaos, Replica, random_ids};

impl Chaos<'_> {
    /// Prunes payloads up to a cursor or a time, in batches.
    pub(super) async fn prune(&mut self, of: usize) {
        let dataset = self.dataset(of);
        let feed = super::read_feed(self.store, &dataset).await;
        if feed.is_empty() {
            return;
        }
        let (until, ids): (_, Vec<_>) = if self.rng.one_in(2) {
            let last = self.rng.index(feed.len());
            let ids = feed[..=last].iter().map(|row| row.id.clone()).collect();
            (PruneUntil::Cursor(feed[last].cursor.clone()), ids)
        } else {
            // Mostly a recent time: older payloads were pruned before.
            let step = self.step_log.step - self.rng.index(self.step_log.step.min(100) + 1);
            let ids = self.expected[of].written_before(step);
            (PruneUntil::Before(self.step_times[step]), ids)
        };
        let expected = self.expected[of].prune(&ids);
        let all = self.store.count_prunable(&dataset, until.clone()).await.unwrap();
        let mut sum = Pruned::default();
        loop {
            let limit = u32::try_from(1 + self.rng.below(9)).unwrap();
            let prune = Prune { until: until.clone(), after: sum.next.take(), limit };
            let step = self.store.prune(&dataset, prune).await.unwrap();
            assert!(step.count <= limit.into(), "{step:?}");
            sum = Pruned { count: sum.count + step.count, bytes: sum.bytes + step.bytes, next: step.next };
            if sum.next.is_none() {
                break;
            }
        }
        self.step_log.note(&format!("a prune until {until:?}: {sum:?}"));
        assert_eq!((sum.count, sum.bytes), expected);
        assert_eq!((all.count, all.bytes), expected);
    }

    /// Erases rows. The feed does not report this, so the readers remove the rows from their replicas.
    pub(super) async fn erase(&mut self, of: usize) {
        let mut ids = random_ids(&mut self.rng);
        ids.truncate(3);
        let erased = self.store.erase(&self.dataset(of), ids.clone()).await.unwrap();
        self.step_log.note(&format!("{ids:?} are erased: {erased}"));
        assert_eq!(erased, self.expected[of].erase(&ids));
        for (_, reader) in self.readers.iter_mut().enumerate().filter(|(n, _)| Self::dataset_of_reader(*n) == of) {
            reader.rows.retain(|id, _| !ids.contains(id));
        }
    }

    /// Empties the dataset in batches. A reader drops its replica, and restarts from the beginning or continues from
    /// its cursor.
    pub(super) async fn empty(&mut self, of: usize) {
        let (mut through, mut count) = (None, 0);
        loop {
            let limit = u32::try_from(1 + self.rng.below(20)).unwrap();
            let step = self.store.empty(&self.dataset(of), through, limit).await.unwrap();
            assert!(step.count <= limit.into(), "{step:?}");
            count += step.count;
            through = Some(step.through);
            if !step.more {
                break;
            }
        }
        self.step_log.note(&format!("the dataset is emptied: {count}"));
        assert_eq!(count, self.expected[of].empty());
        for (_, reader) in self.readers.iter_mut().enumerate().filter(|(n, _)| Self::dataset_of_reader(*n) == of) {
            reader.rows.clear();
            if self.rng.one_in(2) {
                *reader = Replica::default();
            }
        }
    }
}
