//! Patches: merging partial records into stored ones.
//!
//! A record that is unknown, deleted or without payload is missing. A patch that changes nothing only stores its update
//! time; otherwise it is skipped as newer or older, or replaces the content. A patch that is older than its record
//! shows that the record exists, so that an open scan counts it as seen.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{ByKey, Content, Effect, LastChange, RowWrite, StoredKey, Verdict, WriteContext};
use crate::store::{
    PatchRow, RowOutcome, StoreError, merge,
    row_flags::{MERGED_FLAG, UPDATED_ACTION},
    update_times::{Age, patch_time},
};

/// Decides by the key row: without a payload, there is nothing to merge with.
pub(in crate::store) fn by_key(key: &StoredKey) -> ByKey<'static> {
    if key.has_payload() {
        ByKey::NeedRow
    } else {
        ByKey::Decided(Verdict { write: RowWrite::Nothing, effect: Effect::MISSING })
    }
}

/// Appends the stored payload with `fields` merged in to `merged`. Returns whether that changes nothing.
///
/// # Errors
///
/// Fails if the stored payload is not a JSON object.
pub(in crate::store) fn merge(
    stored: &[u8],
    fields: &Map<String, Value>,
    merged: &mut Vec<u8>,
) -> Result<bool, StoreError> {
    let unchanged = std::str::from_utf8(stored).ok().and_then(|stored| {
        merge::merge(stored, fields, merged).ok()?;
        Some(merge::same_json(stored, std::str::from_utf8(merged).ok()?))
    });
    unchanged.ok_or_else(|| StoreError::Damaged("a record".to_owned()))
}

/// Decides by the result of [`merge`].
pub(in crate::store) fn by_content<'a>(
    context: &WriteContext<'_>,
    row: &PatchRow,
    key: &StoredKey,
    last: LastChange,
    unchanged: bool,
    merged: Cow<'a, [u8]>,
) -> Verdict<'a> {
    let given = patch_time(row.updated);
    if unchanged {
        return Verdict::times(key.times.after_unchanged_save(given), RowOutcome::Unchanged, false);
    }
    if context.is_newer(last) {
        return Verdict::nothing(RowOutcome::SkippedNewer, false);
    }
    if let Age::Older(times) = key.times.compare(given, context.source()) {
        return Verdict::times(times, RowOutcome::SkippedOlder, true);
    }
    let bytes = i64::try_from(merged.len()).unwrap_or(i64::MAX) - last.bytes;
    let (hash, updated) = (context.hasher.hash_record(&merged), key.times.after_patch(row.updated));
    let replaced = Content { payload: merged, hash, updated };
    Verdict {
        write: RowWrite::Replace { content: replaced, action: UPDATED_ACTION, state: MERGED_FLAG },
        effect: Effect { outcome: RowOutcome::Updated, seen: false, changes: true, live: 0, bytes },
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::context::tests::{at, context, key},
        *,
    };
    use crate::{
        model::Patch,
        store::{
            hash::Hasher,
            row_flags::{DELETED_FLAG, PRUNED_FLAG},
        },
    };

    #[test]
    fn record_without_payload_is_missing() {
        let missing = || ByKey::Decided(Verdict::nothing(RowOutcome::Missing, false));
        for (state, found) in [
            (0, true),
            (MERGED_FLAG, true),
            (DELETED_FLAG, false),
            (PRUNED_FLAG, false),
            (PRUNED_FLAG | MERGED_FLAG, false),
        ] {
            let decided = by_key(&key(state, None));
            assert_eq!(decided, if found { ByKey::NeedRow } else { missing() }, "{state}");
        }
    }

    #[test]
    fn merge_reports_unchanged_and_damaged_payloads() {
        let fields = Map::from_iter([("n".to_owned(), Value::from(1))]);
        for (stored, unchanged) in [(r#"{"n":1}"#, true), (r#"{"n":2}"#, false), ("{}", false)] {
            let mut merged = Vec::new();
            assert_eq!(merge(stored.as_bytes(), &fields, &mut merged).unwrap(), unchanged, "{stored}");
            assert_eq!(merged, br#"{"n":1}"#);
        }
        for damaged in [&b"[1]"[..], b"", b"\xff"] {
            assert!(matches!(merge(damaged, &fields, &mut Vec::new()), Err(StoreError::Damaged(_))));
        }
    }

    #[test]
    fn patch_replaces_unless_unchanged_newer_or_older() {
        use RowOutcome::{SkippedNewer, SkippedOlder, Unchanged, Updated};
        let hasher = Hasher::new(&[1; 32]);
        let decide = |stored, modified_at, given, unchanged| {
            let updated = match given {
                Some(time) => Patch::Set(at(time)),
                None => Patch::Keep,
            };
            let row = PatchRow { id: "1".to_owned(), fields: Map::new(), updated };
            let last = LastChange { modified_at: at(modified_at), run: 2, bytes: 5 };
            let key = key(0, stored);
            by_content(&context(&hasher), &row, &key, last, unchanged, Cow::Borrowed(br#"{"n":1}"#))
        };
        for (stored, modified_at, given, unchanged, outcome, seen) in [
            (None, 400, None, false, Updated, false),
            (None, 400, None, true, Unchanged, false),
            (Some(9), 900, Some(8), true, Unchanged, false),
            (None, 501, None, false, SkippedNewer, false),
            (Some(9), 501, Some(8), false, SkippedNewer, false),
            (Some(9), 400, Some(8), false, SkippedOlder, true),
            (Some(9), 400, Some(9), false, Updated, false),
        ] {
            let Verdict { write, effect } = decide(stored, modified_at, given, unchanged);
            assert_eq!(
                (effect.outcome, effect.seen),
                (outcome, seen),
                "{stored:?} {modified_at} {given:?} {unchanged}"
            );
            assert_eq!(effect.changes, outcome == Updated);
            assert_eq!(matches!(write, RowWrite::Replace { action: 1, state: 4, .. }), outcome == Updated, "{write:?}");
            assert_eq!(effect.bytes, if outcome == Updated { 2 } else { 0 });
        }
        let RowWrite::Replace { content, .. } = decide(Some(9), 400, None, false).write else { panic!("it changed") };
        assert_eq!((content.updated, content.hash), (Some(at(9)), hasher.hash_record(br#"{"n":1}"#)));
        assert!(
            matches!(decide(None, 400, Some(7), true).write, RowWrite::Times(times) if times.updated == Some(at(7)))
        );
    }
}
