//! Parents of saved and seen records.

use super::{StoredKey, WriteContext};
use crate::store::{ParentKey, RowOutcome};

/// Returns the parent to store for a record that has a row, or `None` if the stored one stays. A write that was skipped
/// as newer or older changes no parent either.
pub(in crate::store) fn changed(context: &WriteContext<'_>, key: &StoredKey, outcome: RowOutcome) -> Option<ParentKey> {
    let applies = matches!(outcome, RowOutcome::Added | RowOutcome::Updated | RowOutcome::Unchanged | RowOutcome::Seen);
    context.parent.filter(|parent| applies && key.parent != Some(*parent))
}

#[cfg(test)]
mod tests {
    use super::{
        super::context::tests::{context, key},
        *,
    };
    use crate::store::hash::Hasher;

    #[test]
    fn parent_changes_only_if_the_write_applies_and_has_another() {
        use RowOutcome::{Added, Missing, Seen, SkippedNewer, SkippedOlder, Unchanged, Updated};
        let hasher = Hasher::new(&[1; 32]);
        let [one, two] = ["1", "2"].map(ParentKey::of);
        let with = |parent| WriteContext { parent, ..context(&hasher) };
        let stored = |parent| StoredKey { parent, ..key(0, None) };
        for outcome in [Added, Updated, Unchanged, Seen] {
            assert_eq!(changed(&with(Some(one)), &stored(None), outcome), Some(one), "{outcome:?}");
            assert_eq!(changed(&with(Some(one)), &stored(Some(two)), outcome), Some(one), "{outcome:?}");
            assert_eq!(changed(&with(Some(one)), &stored(Some(one)), outcome), None, "{outcome:?}");
            assert_eq!(changed(&with(None), &stored(Some(one)), outcome), None, "{outcome:?}");
        }
        for outcome in [SkippedNewer, SkippedOlder, Missing] {
            assert_eq!(changed(&with(Some(one)), &stored(Some(two)), outcome), None, "{outcome:?}");
        }
    }
}
