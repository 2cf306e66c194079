//! Purpose of a walk, and its state that is stored when it is interrupted.

use serde::{Deserialize, Serialize};

use super::{delta::FeedPosition, end::Gap};

/// Effects that depend on a complete walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// Whether records that are missing from the walk are deleted.
    pub deletes: bool,
    /// Whether the next run reads only changes since this walk, by `since` or `delta`.
    pub since: bool,
}

/// State of a walk after a page, stored when the walk is interrupted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WalkState {
    /// Number of requested pages.
    pub pages: u64,
    /// Size of their bodies in bytes.
    pub bytes: u64,
    /// Number of their records.
    pub records: u64,
    /// Whether a cursor or link contained a counted position.
    #[serde(rename = "numbers")]
    pub position_based: bool,
    /// Whether records moved between pages.
    pub shifted: bool,
    /// First reason that makes the walk incomplete, with the values of its message.
    pub gap: Option<StoredGap>,
    /// Last position of the incremental feed that a page contained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<FeedPosition>,
}

/// [`Gap`] in its stored form, for interrupted walks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredGap {
    /// Stored form of [`Gap::NullList`].
    NullList,
    /// Stored form of [`Gap::ErrorInBody`] without a text, of earlier versions.
    ErrorInBody,
    /// Stored form of [`Gap::ErrorInBody`] with the text of the provider.
    ErrorText(String),
    /// Stored form of [`Gap::DeclaredError`].
    DeclaredError(String),
    /// Stored form of [`Gap::OtherOrigin`]: the own and the other origin.
    OtherOrigin(String, String),
    /// Stored form of [`Gap::PageSize`].
    PageSize,
    /// Stored form of [`Gap::RecordWithoutId`].
    RecordWithoutId,
}

impl From<&StoredGap> for Gap {
    fn from(stored: &StoredGap) -> Self {
        match stored {
            StoredGap::NullList => Self::NullList,
            StoredGap::ErrorInBody => Self::ErrorInBody(None),
            StoredGap::ErrorText(message) => Self::ErrorInBody(Some(message.clone())),
            StoredGap::DeclaredError(message) => Self::DeclaredError(message.clone()),
            StoredGap::OtherOrigin(own, other) => Self::OtherOrigin { own: own.clone(), other: other.clone() },
            StoredGap::PageSize => Self::PageSize,
            StoredGap::RecordWithoutId => Self::RecordWithoutId,
        }
    }
}
