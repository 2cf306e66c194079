//! Delete settings of a sync.

use serde_json::Value;

use crate::error::Result;

/// Conditions under which a record that a complete walk did not see becomes a tombstone.
#[derive(Debug, Clone, Copy)]
pub struct Deletes {
    /// `confirm_deletes = n`: number of consecutive complete walks that must miss a record. `None` means 1 for token
    /// pagination and walks of one request, 2 for position-based pagination, 3 from 51 pages on.
    pub confirm: Option<u32>,
    /// `confirm_deletes(get = "…")`: deletes are confirmed only by the provider's response to this request.
    pub request: Option<&'static ConfirmRequest>,
    /// `hold = "1h"`, in seconds: how long the guard holds deletes that look like a fault of the API. Default: 1 hour.
    pub hold: u32,
    /// `max_deletes = "20%"`: a walk that missed a greater share of the active records deletes none of them. `None`
    /// sets no limit.
    pub max_percent: Option<u8>,
}

impl Deletes {
    /// Default of [`Self::hold`]: one hour, in seconds.
    pub const DEFAULT_HOLD: u32 = 3_600;

    /// Returns the settings of a sync that declares none.
    pub const fn standard() -> Self {
        Self { confirm: None, request: None, hold: Self::DEFAULT_HOLD, max_percent: None }
    }
}

/// Returns the values of fields, in order, from the metadata of a connection.
pub(crate) type MetadataValues = fn(Value) -> Result<Vec<String>>;

/// The request that confirms a delete: its path in parts, and the path of the record in the response.
#[derive(Debug)]
pub struct ConfirmRequest {
    /// Text between the fields; one element more than `fields`.
    pub literals: &'static [&'static str],
    /// Fields between the literals, in order.
    pub fields: &'static [ConfirmField],
    /// Returns the values of the [`ConfirmField::Metadata`] fields, in order, from the metadata of the connection.
    pub metadata: Option<MetadataValues>,
    /// Path of the record in the response; `None` means the whole body.
    pub response_path: Option<&'static str>,
}

/// A field in the path of a [`ConfirmRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmField {
    /// `{owner}`: a field of the connection's metadata, by its Rust name.
    Metadata(&'static str),
    /// `{record.number}`: a path in the stored record. `id` is the record's id, which always exists.
    Record(&'static str),
}
