//! Parents of a function that walks one list per parent: their stored positions, and their part in an open scan.
//!
//! A parent is a record of another model, or an element of a list in the metadata of the connection. The children that
//! its list returned carry its [`ParentKey`] in the narrow column `record_keys.parent`. A parent has a row of its own
//! with its sealed state, and with the evidence of its walk in the latest scan, on which the deletes of its children
//! depend (`deletes/parents.rs`).

use super::ScanWalk;
use crate::time::Timestamp;

/// The key of the children of a parent: the first 16 bytes of BLAKE3 of `parent`, a NUL, and the parent's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParentKey(pub [u8; 16]);

impl ParentKey {
    /// Returns the key of a parent with this id.
    pub fn of(id: &str) -> Self {
        let hash = blake3::Hasher::new().update(b"parent\0").update(id.as_bytes()).finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Self(key)
    }
}

/// A change of a parent's row. A page contains at most one for each parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentWrite {
    /// The parent's id.
    pub id: String,
    /// The time at which the parent's record was first seen; `None` for an element of a list in the metadata.
    pub first_seen_at: Option<Timestamp>,
    /// The sealed state of the parent's walk ([`super::parent_context`]); `None` removes it.
    pub state: Option<Vec<u8>>,
    /// The number of the logical run in which the parent's walk ended; `None`: it has not ended.
    pub done: Option<i64>,
    /// The progress of the parent in the open scan; `None` keeps what is stored.
    pub scan: Option<ParentScan>,
    /// Whether the parent is walked completely only because its delete candidates await a decision. The flag counts
    /// when the parent is first written in a scan. Any other first write in a scan resets the parent's count of such
    /// runs to 0.
    pub is_early: bool,
}

/// The progress of a parent in an open scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentScan {
    /// The number of the scan. If the function has several open scans, the number of any of them.
    pub number: i64,
    /// The end of the parent's walk.
    pub end: ParentEnd,
}

/// The end of a parent's walk in a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParentEnd {
    /// The walk has begun, and has not ended: the children that it did not see stay.
    Begun,
    /// The walk ended. If it was complete, the children that it did not see are delete candidates.
    Ended(ScanWalk),
    /// The parent was deleted, or left the list: all its children that no walk saw are delete candidates.
    Gone,
}

/// The stored row of a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRow {
    /// The parent's id.
    pub id: String,
    /// The time at which the parent's record was first seen.
    pub first_seen_at: Option<Timestamp>,
    /// The sealed state of the parent's walk.
    pub state: Option<Vec<u8>>,
    /// The number of the logical run in which the parent's walk ended.
    pub done: Option<i64>,
    /// The progress of the parent in the latest scan in which it was written.
    pub scan: Option<ParentScan>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_key_differs_by_id() {
        assert_eq!(ParentKey::of("C1"), ParentKey::of("C1"));
        assert_ne!(ParentKey::of("C1"), ParentKey::of("C2"));
        assert_ne!(ParentKey::of(""), ParentKey::of("\0"));
    }
}
