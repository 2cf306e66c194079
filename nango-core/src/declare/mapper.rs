//! Descriptor of a mapper: the walk of a list, and the function that maps its records.

use serde_json::Value;

use super::{BoxFuture, Delta, Each, EachScope, ErrorAt, Handle, ListRequest, Paginate, SharedMetadata};
use crate::{error::Result, model::MappedBatch};

/// A mapper sync: settings of the walk, and the function that maps a record.
#[derive(Debug)]
pub struct Mapper {
    /// Endpoint of the list.
    pub endpoint: Endpoint,
    /// Method, query, headers and body of the requests.
    pub request: ListRequest,
    /// Pagination; `None` for a single request.
    pub paginate: Option<Paginate>,
    /// Maximum number of retries of a request.
    pub retries: u32,
    /// Parameter that makes the sync incremental.
    pub since: Option<Since>,
    /// Errors in successful responses, in place of those of the provider's entry.
    pub errors: &'static [ErrorAt],
    /// Handling of raw records that do not fit their type.
    pub on_invalid: OnInvalid,
    /// Parents whose lists are walked; `None` for one list.
    pub each: Option<&'static Each>,
    /// Position that the API returns at the end of a walk, and from which the next run continues.
    pub delta: Option<&'static Delta>,
    /// The annotated function.
    pub map: MapRecord,
}

/// The endpoint of a mapper.
#[derive(Debug)]
pub enum Endpoint {
    /// The endpoint as declared.
    Fixed(&'static str),
    /// An endpoint with values from the connection's metadata, each percent-encoded as one path segment, and the
    /// endpoint as declared.
    Metadata(fn(Value) -> Result<String>, &'static str),
    /// An endpoint with values from the parent or from the metadata, for a mapper with `each`, and the endpoint as
    /// declared.
    Each(fn(&EachScope) -> Result<String>, &'static str),
}

/// Adapter around the function of a mapper: converts one raw record and adds the resulting records to a batch.
#[derive(Debug)]
pub enum MapRecord {
    /// `fn(Raw) -> Mapped`.
    Plain(fn(&str, &mut MappedBatch) -> Result<()>),
    /// `fn(Raw, &Metadata) -> Mapped`.
    PlainWith {
        /// Decodes the metadata, once per run.
        metadata: fn(Value) -> Result<SharedMetadata>,
        /// Maps a record.
        map: fn(&SharedMetadata, &str, &mut MappedBatch) -> Result<()>,
    },
    /// `async fn(NangoSync, Raw) -> Result<Mapped>`.
    Async {
        /// Number of records of a page that are mapped at the same time.
        records_at_once: usize,
        /// Maps a record.
        map: fn(Handle, Box<str>) -> BoxFuture<Result<MappedBatch>>,
    },
    /// `async fn(NangoSync, Raw, &Metadata) -> Result<Mapped>`.
    AsyncWith {
        /// Number of records of a page that are mapped at the same time.
        records_at_once: usize,
        /// Decodes the metadata, once per run.
        metadata: fn(Value) -> Result<SharedMetadata>,
        /// Maps a record.
        map: fn(SharedMetadata, Handle, Box<str>) -> BoxFuture<Result<MappedBatch>>,
    },
    /// `fn(&Parent, Raw [, &Metadata]) -> Mapped`, of a mapper with `each`.
    PlainEach(fn(&EachScope, &str, &mut MappedBatch) -> Result<()>),
    /// `async fn(NangoSync, &Parent, Raw [, &Metadata]) -> Result<Mapped>`, of a mapper with `each`.
    AsyncEach {
        /// Number of records of a page that are mapped at the same time.
        records_at_once: usize,
        /// Maps a record.
        map: fn(EachScope, Handle, Box<str>) -> BoxFuture<Result<MappedBatch>>,
    },
}

impl MapRecord {
    /// Returns the function that decodes the metadata, if a mapper without `each` takes it. With `each`, it is
    /// [`Each::metadata`].
    pub(crate) const fn metadata(&self) -> Option<fn(Value) -> Result<SharedMetadata>> {
        match self {
            Self::Plain(_) | Self::Async { .. } | Self::PlainEach(_) | Self::AsyncEach { .. } => None,
            Self::PlainWith { metadata, .. } | Self::AsyncWith { metadata, .. } => Some(*metadata),
        }
    }
}

/// `since(…)`: the parameter by which a mapper requests only changed records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Name of the query parameter; for a method with a body, the dotted name of the field in the body.
    pub param: &'static str,
    /// Format of the time.
    pub format: SinceFormat,
    /// Source of the time for the next run.
    pub from: SinceFrom,
    /// Number of seconds that is subtracted from the stored time.
    pub overlap: u32,
    /// Number of seconds after which a run omits the parameter and reads everything; `None` means never.
    pub full_every: Option<u32>,
}

/// Format of a time in a query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinceFormat {
    /// RFC 3339 in UTC, such as `2026-11-22T12:00:00Z`.
    Rfc3339,
    /// Seconds since 1970 (UTC).
    Unix,
    /// Milliseconds since 1970 (UTC).
    UnixMs,
}

/// Source of the time for the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinceFrom {
    /// The provider's `Date` header of the first response in the first attempt of the logical run.
    RunStart,
    /// The greatest value at this path in the raw records of the whole run.
    Field(&'static str),
}

/// Handling of a raw record that does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInvalid {
    /// The run fails, and nothing of the page is saved.
    #[default]
    Fail,
    /// The record is logged, counted and skipped. If its id cannot be read, the walk is incomplete and deletes nothing.
    Skip,
}
