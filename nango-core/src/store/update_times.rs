//! Update times: whether a write is older than the stored row, by the times that the provider returns.
//!
//! A model may declare the field with that time. The time of the stored content is in the column `updated` of the row.
//! The comparison is implemented here once for all databases.
//!
//! - A write applies unless both times are known and its own is smaller.
//! - A stored time of more than a day in the future is an error of the provider and is not compared.
//! - An older write is skipped. If it is part of a full walk, its time is stored in `older` with the walk in
//!   `older_walk`; if the next full walk returns the same time, the write applies, because the provider has reverted
//!   the record.
//! - A row that is written, deleted or saved with the same content has no older time.

use std::time::Duration;

use crate::{model::Patch, time::Timestamp};

/// The maximum distance of a stored time into the future.
const MAX_CLOCK_SKEW: Duration = Duration::from_hours(24);

/// The stored update times of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct UpdateTimes {
    /// The update time of the content, or the time of the deletion.
    pub updated: Option<Timestamp>,
    /// The older time that a full walk last returned.
    pub older: Option<Timestamp>,
    /// The number of that walk.
    pub older_walk: Option<i64>,
}

/// The properties of a write's origin on which the comparison depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    /// The full walk that the write belongs to; `None`: a webhook, an incremental run, or another partial write.
    pub full_walk: Option<i64>,
    /// The time of the commit.
    pub now: Timestamp,
}

/// The result of the comparison of a write with the stored row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// The write is not older than the stored row, or cannot be compared.
    Applies,
    /// The write is older. Contains the times to store, if they change.
    Older(Option<UpdateTimes>),
}

impl UpdateTimes {
    /// Returns the times of a row that has just been written.
    pub(super) fn written(updated: Option<Timestamp>) -> Self {
        Self { updated, ..Self::default() }
    }

    /// Compares the time of a write with the stored one.
    pub(super) fn compare(&self, given: Option<Timestamp>, source: Source) -> Age {
        let (Some(given), Some(stored)) = (given, self.updated) else { return Age::Applies };
        if given >= stored || stored > source.now + MAX_CLOCK_SKEW {
            return Age::Applies;
        }
        let Some(walk) = source.full_walk else { return Age::Older(None) };
        if self.older != Some(given) {
            return Age::Older(Some(Self { older: Some(given), older_walk: Some(walk), ..*self }));
        }
        // The same walk may return a record twice, which counts once.
        if self.older_walk == Some(walk) { Age::Older(None) } else { Age::Applies }
    }

    /// Returns the times to store after a save of unchanged content, if they change: a row that was written before its
    /// model declared the field receives its time.
    pub(super) fn after_unchanged_save(&self, given: Option<Timestamp>) -> Option<Self> {
        let times = Self::written(given);
        (given.is_some() && times != *self).then_some(times)
    }

    /// Returns the times to store after a delete of a tombstone, if they change: a later event moves the time of the
    /// deletion forward, so that an earlier event does not restore the record.
    pub(super) fn after_repeated_delete(&self, given: Option<Timestamp>, source: Source) -> Option<Self> {
        match self.compare(given, source) {
            Age::Applies if given.is_some() && given != self.updated => Some(Self::written(given)),
            _ => None,
        }
    }

    /// Returns the update time of a row after a patch.
    pub(super) fn after_patch(&self, patch: Patch<Timestamp>) -> Option<Timestamp> {
        match patch {
            Patch::Keep => self.updated,
            Patch::Null => None,
            Patch::Set(time) => Some(time),
        }
    }
}

/// Returns the time of a patch for the comparison.
pub(super) fn patch_time(patch: Patch<Timestamp>) -> Option<Timestamp> {
    match patch {
        Patch::Set(time) => Some(time),
        Patch::Keep | Patch::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 864_000_000_000;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn times(updated: Option<i64>, older: Option<(i64, i64)>) -> UpdateTimes {
        let (older, older_walk) = older.unzip();
        UpdateTimes { updated: updated.map(at), older: older.map(at), older_walk }
    }

    #[track_caller]
    fn check(stored: UpdateTimes, given: Option<i64>, full_walk: Option<i64>, expect: Age) {
        assert_eq!(stored.compare(given.map(at), Source { full_walk, now: at(NOW) }), expect);
    }

    #[test]
    fn write_applies_unless_its_time_is_smaller_than_the_stored_time() {
        for full_walk in [None, Some(1)] {
            check(times(Some(5), None), Some(6), full_walk, Age::Applies);
            check(times(Some(5), None), Some(5), full_walk, Age::Applies);
            check(times(Some(5), None), None, full_walk, Age::Applies);
            check(times(None, None), Some(5), full_walk, Age::Applies);
            check(times(None, None), None, full_walk, Age::Applies);
        }
        check(times(Some(5), None), Some(4), None, Age::Older(None));
        check(times(Some(i64::MIN + 1), None), Some(i64::MIN), None, Age::Older(None));
    }

    #[test]
    fn stored_time_is_ignored_when_more_than_a_day_in_the_future() {
        let day = 86_400_000_000;
        check(times(Some(NOW + day), None), Some(NOW), None, Age::Older(None));
        check(times(Some(NOW + day + 1), None), Some(NOW), None, Age::Applies);
        check(times(Some(i64::MAX), None), Some(NOW), None, Age::Applies);
    }

    #[test]
    fn older_time_applies_when_next_full_walk_returns_it_again() {
        let first = times(Some(5), Some((4, 1)));
        check(times(Some(5), None), Some(4), Some(1), Age::Older(Some(first)));
        // The same walk, or a part of the list, proves nothing.
        check(first, Some(4), Some(1), Age::Older(None));
        check(first, Some(4), None, Age::Older(None));
        // Another older time starts over.
        check(first, Some(3), Some(2), Age::Older(Some(times(Some(5), Some((3, 2))))));
        check(first, Some(4), Some(2), Age::Applies);
    }

    #[test]
    fn unchanged_save_stores_its_time() {
        assert_eq!(times(None, None).after_unchanged_save(Some(at(5))), Some(times(Some(5), None)));
        assert_eq!(times(Some(5), Some((4, 1))).after_unchanged_save(Some(at(5))), Some(times(Some(5), None)));
        assert_eq!(times(Some(5), None).after_unchanged_save(Some(at(5))), None);
        assert_eq!(times(Some(5), None).after_unchanged_save(None), None);
    }

    #[test]
    fn repeated_delete_only_moves_time_forward() {
        let source = Source { full_walk: None, now: at(NOW) };
        assert_eq!(times(Some(5), None).after_repeated_delete(Some(at(6)), source), Some(times(Some(6), None)));
        assert_eq!(times(None, None).after_repeated_delete(Some(at(6)), source), Some(times(Some(6), None)));
        assert_eq!(times(Some(5), None).after_repeated_delete(Some(at(5)), source), None);
        assert_eq!(times(Some(5), None).after_repeated_delete(Some(at(4)), source), None);
        assert_eq!(times(Some(5), None).after_repeated_delete(None, source), None);
    }

    #[test]
    fn patch_keeps_replaces_or_clears_the_time() {
        let stored = times(Some(5), None);
        let all = [Patch::Keep, Patch::Null, Patch::Set(at(7))];
        assert_eq!(all.map(|patch| stored.after_patch(patch)), [Some(at(5)), None, Some(at(7))]);
        assert_eq!(all.map(patch_time), [None, None, Some(at(7))]);
    }
}
