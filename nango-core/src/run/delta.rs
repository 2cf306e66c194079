//! Incremental feeds, `delta(…)`: the position from which a run reads changes, and the position for the next run.
//!
//! A position belongs to the declaration of its list. The one that a full walk yields is stored with the end of its
//! scan; until then, the positions of pages are only resume points. A full walk beside a valid position, such as one
//! that confirms deletes, keeps that position: the deletes that the feed lists after it would be skipped otherwise.

use serde::{Deserialize, Serialize};

use crate::paginate::FeedPosition;

/// Stored position of an incremental feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DeltaState {
    /// Fingerprint of the list. A list with another fingerprint is read in full.
    #[serde(rename = "spec")]
    pub(super) fingerprint: String,
    /// Position after the last complete walk.
    pub(super) position: FeedPosition,
}

/// Result of a walk for the position.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NextPosition {
    /// This position is stored.
    Stored(DeltaState),
    /// No page had a position, and the stored one is kept: the next run requests the same changes again.
    Kept,
    /// No page had a position, and none is stored: the next run reads the complete list.
    Missing,
}

/// Returns whether a stored position belongs to another list, so that it cannot be used. The fingerprint
/// of the list is computed only for a stored position.
pub(super) fn is_of_another_list(stored: Option<&DeltaState>, fingerprint: impl FnOnce() -> String) -> bool {
    stored.is_some_and(|stored| stored.fingerprint != fingerprint())
}

/// Decides the position for the run after a complete walk.
pub(super) fn next_position(
    stored: Option<&DeltaState>,
    found: Option<FeedPosition>,
    is_full: bool,
    fingerprint: &str,
) -> NextPosition {
    match (found, stored) {
        (_, Some(stored)) if is_full => NextPosition::Stored(stored.clone()),
        (Some(position), _) => NextPosition::Stored(DeltaState { fingerprint: fingerprint.to_owned(), position }),
        (None, Some(_)) => NextPosition::Kept,
        (None, None) => NextPosition::Missing,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn position(token: &str) -> FeedPosition {
        serde_json::from_value(json!({ "cursor": token })).unwrap()
    }

    fn state(token: &str) -> DeltaState {
        DeltaState { fingerprint: "a".to_owned(), position: position(token) }
    }

    #[test]
    fn position_of_another_list_is_not_used() {
        assert!(!is_of_another_list(None, || "a".to_owned()));
        assert!(!is_of_another_list(Some(&state("x")), || "a".to_owned()));
        assert!(is_of_another_list(Some(&state("x")), || "b".to_owned()));
    }

    #[test]
    fn walk_without_a_position_keeps_the_stored_one() {
        let stored = state("x");
        let next = |stored, found| next_position(stored, found, false, "a");
        assert_eq!(next(Some(&stored), Some(position("y"))), NextPosition::Stored(state("y")));
        assert_eq!(next(Some(&stored), None), NextPosition::Kept);
    }

    #[test]
    fn full_walk_stores_its_position_only_if_none_is_stored() {
        let stored = state("x");
        let next = |stored, found| next_position(stored, found, true, "a");
        assert_eq!(next(None, Some(position("y"))), NextPosition::Stored(state("y")));
        assert_eq!(next(Some(&stored), Some(position("y"))), NextPosition::Stored(state("x")));
        assert_eq!(next(Some(&stored), None), NextPosition::Stored(state("x")));
        assert_eq!(next(None, None), NextPosition::Missing);
    }
}
