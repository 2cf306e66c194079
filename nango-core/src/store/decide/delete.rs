//! Deletes of records.
//!
//! A delete by id is never part of a full walk, so an older one does not win when it is repeated. It does not show that
//! the record exists, so an open scan never counts it as seen.

use super::{ByKey, Effect, LastChange, RowWrite, StoredKey, Verdict, WriteContext};
use crate::store::{
    DeleteRow, RowOutcome,
    update_times::{Age, Source, UpdateTimes},
};

/// Decides by the key row: a tombstone counts as missing, and a later event moves its time forward.
pub(in crate::store) fn by_key(context: &WriteContext<'_>, row: &DeleteRow, key: &StoredKey) -> ByKey<'static> {
    if key.is_deleted() {
        let times = key.times.after_repeated_delete(row.deleted_at, source(context));
        ByKey::Decided(Verdict::times(times, RowOutcome::Missing, false))
    } else {
        ByKey::NeedRow
    }
}

/// Decides about an active record by its last change.
pub(in crate::store) fn by_row(
    context: &WriteContext<'_>,
    row: &DeleteRow,
    key: &StoredKey,
    last: LastChange,
) -> Verdict<'static> {
    if context.is_newer(last) {
        Verdict::nothing(RowOutcome::SkippedNewer, false)
    } else if key.times.compare(row.deleted_at, source(context)) == Age::Applies {
        let times = row.deleted_at.map(|time| UpdateTimes::written(Some(time)));
        Verdict { write: RowWrite::Tombstone { times }, effect: tombstone(last.bytes) }
    } else {
        Verdict::nothing(RowOutcome::SkippedOlder, false)
    }
}

/// Returns the effect of turning an active record with a payload of this size into a tombstone.
pub(in crate::store) fn tombstone(bytes: i64) -> Effect {
    Effect { outcome: RowOutcome::Deleted, seen: false, changes: true, live: -1, bytes: -bytes }
}

fn source(context: &WriteContext<'_>) -> Source {
    Source { full_walk: None, ..context.source() }
}

#[cfg(test)]
mod tests {
    use super::{
        super::context::tests::{at, context, key},
        *,
    };
    use crate::store::{
        hash::Hasher,
        row_flags::{DELETED_FLAG, MERGED_FLAG, PRUNED_FLAG},
    };

    fn row(deleted_at: Option<i64>) -> DeleteRow {
        DeleteRow { id: "1".to_owned(), deleted_at: deleted_at.map(at) }
    }

    #[test]
    fn tombstone_is_missing_and_keeps_the_later_time() {
        let hasher = Hasher::new(&[1; 32]);
        let context = context(&hasher);
        let missing = |times| ByKey::Decided(Verdict::times(times, RowOutcome::Missing, false));
        for (stored, given, moved) in
            [(None, None, None), (Some(5), None, None), (Some(5), Some(4), None), (Some(5), Some(6), Some(6))]
        {
            let expect = missing(moved.map(|time| UpdateTimes::written(Some(at(time)))));
            assert_eq!(by_key(&context, &row(given), &key(DELETED_FLAG, stored)), expect, "{stored:?} {given:?}");
        }
        for state in [0, MERGED_FLAG, PRUNED_FLAG] {
            assert_eq!(by_key(&context, &row(None), &key(state, None)), ByKey::NeedRow, "{state}");
        }
    }

    #[test]
    fn active_record_is_deleted_unless_newer_or_older() {
        use RowOutcome::{Deleted, SkippedNewer, SkippedOlder};
        let hasher = Hasher::new(&[1; 32]);
        // An older delete loses in a full walk too, however often it is repeated.
        let context = WriteContext { full_walk: Some(3), ..context(&hasher) };
        for (stored, modified_at, given, outcome) in [
            (None, 400, None, Deleted),
            (Some(9), 400, None, Deleted),
            (Some(9), 400, Some(9), Deleted),
            (Some(9), 400, Some(8), SkippedOlder),
            (None, 501, None, SkippedNewer),
            (Some(9), 501, Some(8), SkippedNewer),
        ] {
            let mut key = key(0, stored);
            (key.times.older, key.times.older_walk) = (Some(at(8)), Some(2));
            let last = LastChange { modified_at: at(modified_at), run: 2, bytes: 5 };
            let Verdict { write, effect } = by_row(&context, &row(given), &key, last);
            assert_eq!(effect.outcome, outcome, "{stored:?} {modified_at} {given:?}");
            if outcome == Deleted {
                let times = given.map(|time| UpdateTimes::written(Some(at(time))));
                assert_eq!((write, effect), (RowWrite::Tombstone { times }, tombstone(5)));
                assert_eq!((effect.live, effect.bytes, effect.changes), (-1, -5, true));
            } else {
                assert_eq!((write, effect.changes, effect.seen), (RowWrite::Nothing, false, false));
            }
        }
    }
}
