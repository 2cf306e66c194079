//! What a walk is for, and what it has to remember when it is interrupted.

use serde::{Deserialize, Serialize};

use super::end::Gap;

/// What depends on a complete walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purpose {
    /// Records that the walk does not see are deleted.
    pub deletes: bool,
    /// The next run reads only what changed since this one.
    pub since: bool,
}

/// What a walk has to remember of its pages when it is interrupted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WalkState {
    /// Pages that were requested.
    pub pages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Records on them.
    pub records: u64,
    /// Whether a cursor or link carried a number.
    #[serde(rename = "numbers")]
    pub position_based: bool,
    /// Whether records moved between pages.
    pub shifted: bool,
    /// The reason why the walk is incomplete already: a name of [`Gap`], with what its message needs.
    pub gap: Option<StoredGap>,
}

/// A [`Gap`] as it is stored with an interrupted walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredGap {
    /// [`Gap::NullList`]
    NullList,
    /// [`Gap::ErrorInBody`]
    ErrorInBody,
    /// [`Gap::OtherOrigin`]: the own origin and the other one.
    OtherOrigin(String, String),
    /// [`Gap::PageSize`]
    PageSize,
    /// [`Gap::RecordWithoutId`]
    RecordWithoutId,
}

impl From<&StoredGap> for Gap {
    fn from(stored: &StoredGap) -> Self {
        match stored {
            StoredGap::NullList => Self::NullList,
            StoredGap::ErrorInBody => Self::ErrorInBody,
            StoredGap::OtherOrigin(own, other) => Self::OtherOrigin { own: own.clone(), other: other.clone() },
            StoredGap::PageSize => Self::PageSize,
            StoredGap::RecordWithoutId => Self::RecordWithoutId,
        }
    }
}
