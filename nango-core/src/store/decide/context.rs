//! Parameters that the rows of a write have in common.

use super::LastChange;
use crate::{
    declare::Merging,
    store::{Change, Page, ParentKey, hash::Hasher, update_times::Source},
    time::Timestamp,
};

/// The context of the decisions about one write.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct WriteContext<'a> {
    /// Computes content hashes by the encryption policy of the transaction.
    pub hasher: &'a Hasher,
    /// The row number of the run that writes.
    pub run: i64,
    /// The time of the commit.
    pub committed_at: Timestamp,
    /// Records that another run wrote after this time are skipped; `None` skips none.
    pub skip_newer_than: Option<Timestamp>,
    /// The number of the full walk that the write belongs to.
    pub full_walk: Option<i64>,
    /// The parent of the records that the write saves or sees.
    pub parent: Option<ParentKey>,
}

impl<'a> WriteContext<'a> {
    /// Returns the context of a change of a page.
    pub(in crate::store) fn new(page: &Page, change: &Change, hasher: &'a Hasher, committed_at: Timestamp) -> Self {
        Self {
            hasher,
            run: page.run.row,
            committed_at,
            skip_newer_than: (change.merging == Merging::Newer).then_some(page.requested_at),
            full_walk: change.full_walk,
            parent: change.parent,
        }
    }

    /// Returns whether another run changed the record after the page was requested.
    pub(super) fn is_newer(&self, last: LastChange) -> bool {
        self.skip_newer_than.is_some_and(|requested_at| last.run != self.run && last.modified_at > requested_at)
    }

    /// Returns the source of the write, on which its age depends.
    pub(super) fn source(&self) -> Source {
        Source { full_walk: self.full_walk, now: self.committed_at }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::{decide::stored::StoredKey, update_times::UpdateTimes};

    pub(in crate::store::decide) fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    /// Returns the key of a record with these flags and this update time.
    pub(in crate::store::decide) fn key(state: i64, updated: Option<i64>) -> StoredKey {
        let times = UpdateTimes { updated: updated.map(at), ..UpdateTimes::default() };
        StoredKey { state, hash: [0; 16], hash_version: 1, times, parent: None }
    }

    /// Returns a context of run 1 at the time 1000 that skips what another run wrote after the time 500.
    pub(in crate::store::decide) fn context(hasher: &Hasher) -> WriteContext<'_> {
        let [requested_at, committed_at] = [500, 1000].map(at);
        WriteContext {
            hasher,
            run: 1,
            committed_at,
            skip_newer_than: Some(requested_at),
            full_walk: None,
            parent: None,
        }
    }

    #[test]
    fn change_is_newer_when_another_run_made_it_after_the_request() {
        let hasher = Hasher::new(&[1; 32]);
        let context = context(&hasher);
        for (run, modified_at, expect) in [(2, 501, true), (2, 500, false), (2, 499, false), (1, 501, false)] {
            let last = LastChange { modified_at: at(modified_at), run, bytes: 2 };
            assert_eq!(context.is_newer(last), expect, "run {run} at {modified_at}");
            assert!(!WriteContext { skip_newer_than: None, ..context }.is_newer(last));
        }
    }
}
