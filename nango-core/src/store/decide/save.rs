//! Saves of whole records.
//!
//! | stored | content | decision |
//! | --- | --- | --- |
//! | nothing | | insert: added |
//! | active | same | update time only, or restore: unchanged |
//! | active | other | skipped as newer or older, or replace: updated |
//! | tombstone | any | skipped as newer or older, or replace: added again |

use std::borrow::Cow;

use super::{ByKey, ByRow, Content, Effect, LastChange, RowWrite, StoredKey, Verdict, WriteContext};
use crate::{
    model::BatchItem,
    store::{
        RowOutcome,
        hash::Hash,
        merge,
        row_flags::{ADDED_ACTION, MERGED_FLAG, UPDATED_ACTION},
        update_times::Age,
    },
};

/// A record to save.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct SaveRow<'a> {
    /// The record as it was given to the store.
    pub item: BatchItem<'a>,
    /// The hash of its payload, in the version of the transaction.
    pub hash: &'a Hash,
}

impl<'a> SaveRow<'a> {
    /// Returns the content to store.
    pub(in crate::store) fn content(&self) -> Content<'a> {
        Content { payload: Cow::Borrowed(self.item.payload), hash: *self.hash, updated: self.item.updated }
    }

    fn bytes(&self) -> i64 {
        i64::try_from(self.item.payload.len()).unwrap_or(i64::MAX)
    }

    fn has_hash_of(&self, context: &WriteContext<'_>, key: &StoredKey) -> bool {
        key.hash == *self.hash && key.hash_version == context.hasher.version()
    }
}

/// Decides about a record that is not stored: it is inserted.
pub(in crate::store) fn insert(row: &SaveRow<'_>) -> Effect {
    Effect { outcome: RowOutcome::Added, seen: true, changes: true, live: 1, bytes: row.bytes() }
}

/// Decides by the key row: an active record with the same hash is unchanged.
pub(in crate::store) fn by_key<'a>(context: &WriteContext<'_>, row: &SaveRow<'a>, key: &StoredKey) -> ByKey<'a> {
    if key.state == 0 && row.has_hash_of(context, key) {
        let times = key.times.after_unchanged_save(row.item.updated);
        ByKey::Decided(Verdict::times(times, RowOutcome::Unchanged, true))
    } else {
        ByKey::NeedRow
    }
}

/// Decides by the key row and the last change. Hashes are compared in the version of the row. If that version is
/// unknown, or a patch left the keys in another order, the payloads must be compared.
pub(in crate::store) fn by_row<'a>(
    context: &WriteContext<'_>,
    row: &SaveRow<'a>,
    key: &StoredKey,
    last: LastChange,
) -> ByRow<'a> {
    if key.is_deleted() {
        return ByRow::Decided(by_content(context, row, key, last, false));
    }
    let given = if key.hash_version == context.hasher.version() {
        Some(*row.hash)
    } else {
        context.hasher.hash_record_as(key.hash_version, row.item.payload)
    };
    let same = match given {
        Some(given) if given == key.hash => true,
        Some(_) if !key.has_flags(MERGED_FLAG) => false,
        _ if !key.has_payload() => false,
        _ => return ByRow::NeedPayload,
    };
    ByRow::Decided(by_content(context, row, key, last, same))
}

/// Decides when it is known whether the stored content is the same.
pub(in crate::store) fn by_content<'a>(
    context: &WriteContext<'_>,
    row: &SaveRow<'a>,
    key: &StoredKey,
    last: LastChange,
    same: bool,
) -> Verdict<'a> {
    let deleted = key.is_deleted();
    if !deleted && same {
        // Same content with another order of keys, another hash version, or without its payload: no change for readers.
        let payload = !(key.state == MERGED_FLAG && row.has_hash_of(context, key));
        let effect = Effect { bytes: row.bytes() - last.bytes, ..Effect::unchanged(RowOutcome::Unchanged, true) };
        return Verdict { write: RowWrite::Restore { content: row.content(), payload }, effect };
    }
    if context.is_newer(last) {
        return Verdict::nothing(RowOutcome::SkippedNewer, true);
    }
    if let Age::Older(times) = key.times.compare(row.item.updated, context.source()) {
        return Verdict::times(times, RowOutcome::SkippedOlder, true);
    }
    let (action, outcome, live, replaced) = if deleted {
        (ADDED_ACTION, RowOutcome::Added, 1, 0)
    } else {
        (UPDATED_ACTION, RowOutcome::Updated, 0, last.bytes)
    };
    Verdict {
        write: RowWrite::Replace { content: row.content(), action, state: 0 },
        effect: Effect { outcome, seen: true, changes: true, live, bytes: row.bytes() - replaced },
    }
}

/// Returns whether a stored payload has the content of a given one, whatever the order of keys.
pub(in crate::store) fn same_content(stored: &[u8], given: &[u8]) -> bool {
    match (std::str::from_utf8(stored), std::str::from_utf8(given)) {
        (Ok(stored), Ok(given)) => merge::same_json(stored, given),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::context::tests::{at, context},
        *,
    };
    use crate::{
        store::{
            hash::Hasher,
            row_flags::{DELETED_FLAG, PRUNED_FLAG},
            update_times::UpdateTimes,
        },
        time::Timestamp,
    };

    const OLD: &[u8] = br#"{"id":1,"n":1}"#;
    const NEW: &[u8] = br#"{"id":1,"n":22}"#;
    const UNKNOWN_VERSION: i64 = 99;

    /// A stored record: flags, hash version, update time, run, and time of the last change.
    #[derive(Debug, Clone, Copy)]
    struct Stored {
        state: i64,
        version: i64,
        updated: Option<i64>,
        run: i64,
        modified_at: i64,
    }

    const ACTIVE: Stored = Stored { state: 0, version: 1, updated: None, run: 2, modified_at: 400 };

    /// Decides about a save over a record with the payload [`OLD`], as a database does. Returns the verdict's write in
    /// short, its effect, and the number of stages.
    fn decide(stored: Stored, given: &[u8], updated: Option<i64>) -> (String, Effect, u32) {
        let hasher = Hasher::new(&[1; 32]);
        let context = context(&hasher);
        let hash = hasher.hash_record(given);
        let row = SaveRow { item: BatchItem { id: "1", payload: given, updated: updated.map(at) }, hash: &hash };
        let Stored { state, version, updated, run, modified_at } = stored;
        let times = UpdateTimes { updated: updated.map(at), ..UpdateTimes::default() };
        let key = StoredKey { state, hash: hasher.hash_record(OLD), hash_version: version, times, parent: None };
        let has_bytes = state & PRUNED_FLAG == 0;
        let last = LastChange { modified_at: at(modified_at), run, bytes: if has_bytes { 14 } else { 0 } };
        let (verdict, stages) = match by_key(&context, &row, &key) {
            ByKey::Decided(verdict) => (verdict, 1),
            ByKey::NeedRow => match by_row(&context, &row, &key, last) {
                ByRow::Decided(verdict) => (verdict, 2),
                ByRow::NeedPayload => (by_content(&context, &row, &key, last, same_content(OLD, given)), 3),
            },
        };
        let write = match verdict.write {
            RowWrite::Nothing => "nothing".to_owned(),
            RowWrite::Times(times) => format!("times {:?}", times.updated.map(Timestamp::as_micros)),
            RowWrite::Restore { payload, .. } => format!("restore {payload}"),
            RowWrite::Replace { action, state, .. } => format!("replace {action} {state}"),
            RowWrite::Tombstone { .. } => "tombstone".to_owned(),
        };
        (write, verdict.effect, stages)
    }

    #[track_caller]
    fn check(stored: Stored, given: &[u8], updated: Option<i64>, expect: (&str, RowOutcome, u32)) {
        let (write, effect, stages) = decide(stored, given, updated);
        assert_eq!((write.as_str(), effect.outcome, stages), expect, "{stored:?}");
        assert!(effect.seen, "a save sees its record: {stored:?}");
    }

    #[test]
    fn missing_record_is_added() {
        let row = SaveRow { item: BatchItem { id: "1", payload: NEW, updated: None }, hash: &[0; 16] };
        let effect = insert(&row);
        assert_eq!((effect.outcome, effect.changes, effect.live, effect.bytes), (RowOutcome::Added, true, 1, 15));
    }

    #[test]
    fn same_content_is_unchanged() {
        use RowOutcome::Unchanged;
        check(ACTIVE, OLD, None, ("nothing", Unchanged, 1));
        check(ACTIVE, OLD, Some(7), ("times Some(7)", Unchanged, 1));
        // Neither the run nor the age matters: the content is the same.
        check(Stored { modified_at: 900, updated: Some(9), ..ACTIVE }, OLD, Some(7), ("times Some(7)", Unchanged, 1));
        let merged = Stored { state: MERGED_FLAG, ..ACTIVE };
        check(merged, OLD, None, ("restore false", Unchanged, 2));
        check(merged, br#"{"n":1,"id":1}"#, None, ("restore true", Unchanged, 3));
        check(Stored { state: PRUNED_FLAG, ..ACTIVE }, OLD, None, ("restore true", Unchanged, 2));
        check(Stored { state: PRUNED_FLAG | MERGED_FLAG, ..ACTIVE }, OLD, None, ("restore true", Unchanged, 2));
        check(Stored { version: UNKNOWN_VERSION, ..ACTIVE }, OLD, None, ("restore true", Unchanged, 3));
    }

    #[test]
    fn other_content_is_updated_unless_newer_or_older() {
        use RowOutcome::{SkippedNewer, SkippedOlder, Updated};
        check(ACTIVE, NEW, None, ("replace 1 0", Updated, 2));
        check(Stored { state: MERGED_FLAG, ..ACTIVE }, NEW, None, ("replace 1 0", Updated, 3));
        check(Stored { version: UNKNOWN_VERSION, ..ACTIVE }, NEW, None, ("replace 1 0", Updated, 3));
        // Without its payload, a record whose hash cannot be compared counts as changed.
        let pruned = Stored { state: PRUNED_FLAG, version: UNKNOWN_VERSION, ..ACTIVE };
        check(pruned, NEW, None, ("replace 1 0", Updated, 2));
        check(Stored { state: PRUNED_FLAG | MERGED_FLAG, ..ACTIVE }, NEW, None, ("replace 1 0", Updated, 2));
        check(Stored { modified_at: 501, ..ACTIVE }, NEW, None, ("nothing", SkippedNewer, 2));
        check(Stored { modified_at: 501, run: 1, ..ACTIVE }, NEW, None, ("replace 1 0", Updated, 2));
        check(Stored { updated: Some(9), ..ACTIVE }, NEW, Some(8), ("nothing", SkippedOlder, 2));
        check(Stored { updated: Some(9), ..ACTIVE }, NEW, Some(9), ("replace 1 0", Updated, 2));
    }

    #[test]
    fn tombstone_becomes_active_unless_newer_or_older() {
        use RowOutcome::{Added, SkippedNewer, SkippedOlder};
        let deleted = Stored { state: DELETED_FLAG, ..ACTIVE };
        for given in [OLD, NEW] {
            check(deleted, given, None, ("replace 0 0", Added, 2));
            check(Stored { modified_at: 501, ..deleted }, given, None, ("nothing", SkippedNewer, 2));
            check(Stored { updated: Some(9), ..deleted }, given, Some(8), ("nothing", SkippedOlder, 2));
            check(Stored { version: UNKNOWN_VERSION, ..deleted }, given, None, ("replace 0 0", Added, 2));
        }
    }

    #[test]
    fn effect_counts_records_and_bytes() {
        let effect = |stored, given| {
            let (_, effect, _) = decide(stored, given, None);
            (effect.changes, effect.live, effect.bytes)
        };
        assert_eq!(effect(ACTIVE, OLD), (false, 0, 0));
        assert_eq!(effect(ACTIVE, NEW), (true, 0, 1));
        assert_eq!(effect(Stored { state: PRUNED_FLAG, ..ACTIVE }, OLD), (false, 0, 14));
        assert_eq!(effect(Stored { state: PRUNED_FLAG, ..ACTIVE }, NEW), (true, 0, 15));
        assert_eq!(effect(Stored { state: DELETED_FLAG, ..ACTIVE }, NEW), (true, 1, 15));
        assert_eq!(effect(Stored { modified_at: 501, ..ACTIVE }, NEW), (false, 0, 0));
    }

    #[test]
    fn earlier_hash_version_is_compared_without_the_payload() {
        let fast = Hasher::new(&[1; 32]);
        let keyed = fast.with_secret(Some(zeroize::Zeroizing::new([2; 32])), true);
        let hash = keyed.hash_record(OLD);
        let row = SaveRow { item: BatchItem { id: "1", payload: OLD, updated: None }, hash: &hash };
        let key = StoredKey {
            state: 0,
            hash: fast.hash_record(OLD),
            hash_version: 1,
            times: UpdateTimes::default(),
            parent: None,
        };
        let last = LastChange { modified_at: at(400), run: 2, bytes: 14 };
        assert_eq!(by_key(&context(&keyed), &row, &key), ByKey::NeedRow);
        let ByRow::Decided(verdict) = by_row(&context(&keyed), &row, &key, last) else { panic!("the hash suffices") };
        // The payload is written again, so that it is sealed.
        assert!(matches!(verdict.write, RowWrite::Restore { payload: true, .. }), "{verdict:?}");
    }
}
