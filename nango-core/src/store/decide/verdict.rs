//! Results of decisions.

use std::borrow::Cow;

use crate::{
    store::{RowOutcome, hash::Hash, update_times::UpdateTimes},
    time::Timestamp,
};

/// The decision about a record that has a row.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Verdict<'a> {
    /// The change to write.
    pub write: RowWrite<'a>,
    /// The effect on the dataset and on the result of the write.
    pub effect: Effect,
}

/// The change of the rows of a record.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum RowWrite<'a> {
    /// Nothing is written.
    Nothing,
    /// Only the update times are written.
    Times(UpdateTimes),
    /// Without a change for readers, hash and update time are stored again, and the state is cleared.
    Restore {
        /// The content in its present form.
        content: Content<'a>,
        /// Whether the payload is written too, because it was pruned or has another form.
        payload: bool,
    },
    /// The content is replaced, under the next sequence number. A tombstone becomes active.
    Replace {
        /// The new content.
        content: Content<'a>,
        /// The last action to store.
        action: i64,
        /// The state flags to store.
        state: i64,
    },
    /// The record becomes a tombstone under the next sequence number; its payload stays.
    Tombstone {
        /// The update times to store; `None`: the time of the content stays.
        times: Option<UpdateTimes>,
    },
}

/// The content of a record.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Content<'a> {
    /// The payload as plaintext.
    pub payload: Cow<'a, [u8]>,
    /// The hash of the payload, in the version of the transaction.
    pub hash: Hash,
    /// The update time at the provider.
    pub updated: Option<Timestamp>,
}

/// The effect of a decision on the dataset and on the result of the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Effect {
    /// The outcome of the row.
    pub outcome: RowOutcome,
    /// Whether an open scan counts the record as seen.
    pub seen: bool,
    /// Whether readers see a change, so that the record gets the next sequence number and the commit time.
    pub changes: bool,
    /// The change of the number of active records.
    pub live: i64,
    /// The change of the size of their payloads in bytes.
    pub bytes: i64,
}

impl Effect {
    /// The effect of a delete, a patch or a sighting of an id that is not stored.
    pub(in crate::store) const MISSING: Self =
        Self { outcome: RowOutcome::Missing, seen: false, changes: false, live: 0, bytes: 0 };

    /// Creates the effect of a row whose record readers see unchanged.
    pub(super) fn unchanged(outcome: RowOutcome, seen: bool) -> Self {
        Self { outcome, seen, changes: false, live: 0, bytes: 0 }
    }
}

impl Verdict<'_> {
    /// Creates the verdict that a row has this outcome and is not written.
    pub(super) fn nothing(outcome: RowOutcome, seen: bool) -> Self {
        Self::times(None, outcome, seen)
    }

    /// Creates the verdict that only the update times are written, if they change.
    pub(super) fn times(times: Option<UpdateTimes>, outcome: RowOutcome, seen: bool) -> Self {
        let write = times.map_or(RowWrite::Nothing, RowWrite::Times);
        Self { write, effect: Effect::unchanged(outcome, seen) }
    }
}

/// The result of a decision by the key row of a record.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum ByKey<'a> {
    /// The key row suffices.
    Decided(Verdict<'a>),
    /// The last change of the record must be known.
    NeedRow,
}

/// The result of a decision by the key row and the last change of a record.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum ByRow<'a> {
    /// Both suffice.
    Decided(Verdict<'a>),
    /// The stored payload must be compared.
    NeedPayload,
}
