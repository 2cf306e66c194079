//! Sequence number and sizes of a dataset during a transaction.

use super::Effect;

/// The counters in the row of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct DatasetCounters {
    /// The last sequence number that was assigned.
    pub seq: i64,
    /// The number of active records.
    pub live: i64,
    /// The size of their payloads in bytes.
    pub bytes: i64,
    /// The stored sequence number and size.
    stored: (i64, i64),
}

impl DatasetCounters {
    /// Creates the counters from their stored values.
    pub(in crate::store) fn new(seq: i64, live: i64, bytes: i64) -> Self {
        Self { seq, live, bytes, stored: (seq, bytes) }
    }

    /// Counts the effect of a decision. Returns the last assigned sequence number: the one of the record, if readers
    /// see a change of it.
    pub(in crate::store) fn apply(&mut self, effect: &Effect) -> i64 {
        self.seq += i64::from(effect.changes);
        self.live += effect.live;
        self.bytes += effect.bytes;
        self.seq
    }

    /// Returns whether the row of the dataset must be written.
    pub(in crate::store) fn is_changed(&self) -> bool {
        (self.seq, self.bytes) != self.stored
    }

    /// Returns whether a sequence number was assigned, so that the commit time of the dataset changes too.
    pub(in crate::store) fn is_advanced(&self) -> bool {
        self.seq != self.stored.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RowOutcome;

    #[test]
    fn counters_follow_effects() {
        let effect = |changes, live, bytes| Effect { outcome: RowOutcome::Unchanged, seen: true, changes, live, bytes };
        let mut counters = DatasetCounters::new(7, 2, 100);
        assert_eq!(counters.apply(&effect(false, 0, 0)), 7);
        assert!(!counters.is_changed() && !counters.is_advanced());
        assert_eq!(counters.apply(&effect(false, 0, 5)), 7);
        assert!(counters.is_changed() && !counters.is_advanced());
        assert_eq!(counters.apply(&effect(true, 1, 10)), 8);
        assert_eq!(counters.apply(&effect(true, -1, -15)), 9);
        assert_eq!((counters.seq, counters.live, counters.bytes), (9, 2, 100));
        assert!(counters.is_changed() && counters.is_advanced());
    }
}
