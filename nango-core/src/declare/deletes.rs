//! What a sync declares about deletes.

use serde_json::Value;

use crate::error::Result;

/// When a record that a complete walk did not see becomes a tombstone.
#[derive(Debug, Clone, Copy)]
pub struct Deletes {
    /// `confirm_deletes = n`: how many complete walks in a row must miss a record; `None`: 1 for token pagination and walks
    /// of one request, 2 for position-based pagination, 3 from 51 pages on.
    pub confirm: Option<u32>,
    /// `confirm_deletes(get = "…")`: only the provider's answer to this request confirms.
    pub request: Option<&'static ConfirmRequest>,
    /// `hold = "1h"`, in seconds: how long the guard holds deletes that look like a fault of the API.
    pub hold: u32,
    /// `max_deletes = "20%"`: a walk that missed a greater share of the live records deletes none of them.
    pub max_percent: Option<u8>,
}

impl Deletes {
    /// One hour, in seconds.
    pub const DEFAULT_HOLD: u32 = 3_600;

    /// The settings of a sync that declares none.
    pub const fn standard() -> Self {
        Self { confirm: None, request: None, hold: Self::DEFAULT_HOLD, max_percent: None }
    }
}

/// Reads the values of fields, in order, from a connection's metadata.
pub type MetadataValues = fn(Value) -> Result<Vec<String>>;

/// The request that confirms a delete: its path in pieces, and where its answer holds the record.
#[derive(Debug)]
pub struct ConfirmRequest {
    /// The text between the fields; one more than there are fields.
    pub literals: &'static [&'static str],
    /// What stands between the literals, in order.
    pub fields: &'static [ConfirmField],
    /// Reads the values of the [`ConfirmField::Metadata`] fields, in order, from the connection's metadata.
    pub metadata: Option<MetadataValues>,
    /// Path of the record in the answer; `None`: the whole body.
    pub response_path: Option<&'static str>,
}

/// A field in the path of a [`ConfirmRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmField {
    /// `{owner}`: a field of the connection's metadata, by its name in Rust.
    Metadata(&'static str),
    /// `{record.number}`: a path in the stored record. `id` is the record's id, which is always there.
    Record(&'static str),
}
