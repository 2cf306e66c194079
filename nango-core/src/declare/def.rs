//! Descriptors of syncs, actions, event functions and webhook handlers.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

use serde_json::Value;

use super::{Deletes, ErrorAt, Frequency, ListRequest, Paginate, ValueType};
use crate::{
    error::Result,
    model::{MappedBatch, ModelInfo, SchemaFn},
};

/// A boxed future, the return type of the function pointers in descriptors.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Type-erased context of a call: descriptors cannot name the types of the runtime, which depends on them.
#[derive(Clone)]
pub struct Handle(Arc<dyn Any + Send + Sync>);

impl Handle {
    /// Wraps the context of a call.
    pub fn new<C: Any + Send + Sync>(context: Arc<C>) -> Self {
        Self(context)
    }

    /// Returns the context if it has the type `C`.
    pub fn open<C: Any + Send + Sync>(self) -> Option<Arc<C>> {
        self.0.downcast().ok()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

/// Source location of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Path of the file as passed to the compiler.
    pub file: &'static str,
    /// Line of the attribute, counted from 1.
    pub line: u32,
    /// Path of the function in its crate, such as `integrations::github::repo_issues::repo_issues`.
    pub function: &'static str,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Descriptor of a `#[sync]` function.
#[derive(Debug)]
pub struct SyncDef {
    /// Location of the attribute.
    pub at: Location,
    /// Integration as declared: the name of a module or `integration = "…"`. See [`super::Entry::integration`].
    pub integration: &'static str,
    /// Name of the sync, in kebab-case unless declared otherwise.
    pub name: &'static str,
    /// First paragraph of the doc comment.
    pub description: &'static str,
    /// `version = "…"`; the default is `0.0.1`.
    pub version: &'static str,
    /// Interval between runs; `None` if the sync runs only when triggered.
    pub frequency: Option<Frequency>,
    /// Whether a new connection starts the sync.
    pub auto_start: bool,
    /// Whether a mapper's complete walk marks the records it did not see as deleted.
    pub track_deletes: bool,
    /// Conditions under which a record that a complete walk did not see becomes a tombstone.
    pub deletes: Deletes,
    /// Conflict resolution if another run wrote a record meanwhile.
    pub merging: Merging,
    /// Permissions that the sync needs at the provider.
    pub scopes: &'static [&'static str],
    /// Models that the sync may write, at least one.
    pub models: &'static [&'static ModelInfo],
    /// Type of the checkpoint.
    pub checkpoint: Option<ValueType>,
    /// Type of the connection's metadata.
    pub metadata: Option<ValueType>,
    /// Implementation: a function or a mapper.
    pub run: SyncRun,
}

/// Implementation of a sync.
#[derive(Debug)]
pub enum SyncRun {
    /// The annotated async function.
    Function(fn(Handle) -> BoxFuture<Result<()>>),
    /// A walk over an endpoint; the loop is implemented once, in `run`.
    Mapper(&'static Mapper),
}

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
}

impl MapRecord {
    /// Returns the function that decodes the metadata, if the mapper takes it.
    pub(crate) const fn metadata(&self) -> Option<fn(Value) -> Result<SharedMetadata>> {
        match self {
            Self::Plain(_) | Self::Async { .. } => None,
            Self::PlainWith { metadata, .. } | Self::AsyncWith { metadata, .. } => Some(*metadata),
        }
    }
}

/// Decoded metadata of a connection, which the calls of a mapper share: the type that the attribute declares.
#[derive(Clone)]
pub struct SharedMetadata(Arc<dyn Any + Send + Sync>);

impl SharedMetadata {
    /// Wraps metadata that is already decoded.
    pub fn new<M: Any + Send + Sync>(metadata: M) -> Self {
        Self(Arc::new(metadata))
    }

    /// Returns the metadata if it has the type `M`.
    pub fn get<M: Any>(&self) -> Option<&M> {
        self.0.downcast_ref()
    }

    /// Converts to the metadata if it has the type `M`.
    pub fn into_arc<M: Any + Send + Sync>(self) -> Option<Arc<M>> {
        self.0.downcast().ok()
    }
}

impl std::fmt::Debug for SharedMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedMetadata")
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

/// Conflict resolution if another run wrote a record after this run's page was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merging {
    /// The newer write stays, and the write of the page is counted as `skipped_newer`.
    #[default]
    Newer,
    /// The write of the page replaces it, as in Nango.
    Override,
}

/// Descriptor of an `#[action]` function.
#[derive(Debug)]
pub struct ActionDef {
    /// Location of the attribute.
    pub at: Location,
    /// Integration as declared.
    pub integration: &'static str,
    /// Name of the action.
    pub name: &'static str,
    /// First paragraph of the doc comment.
    pub description: &'static str,
    /// `version = "…"`; the default is `0.0.1`.
    pub version: &'static str,
    /// Permissions that the action needs at the provider.
    pub scopes: &'static [&'static str],
    /// Type of the input; `None` for an action without parameters.
    pub input: Option<ValueType>,
    /// Schema of the output.
    pub output: SchemaFn,
    /// Type of the checkpoint.
    pub checkpoint: Option<ValueType>,
    /// Type of the connection's metadata.
    pub metadata: Option<ValueType>,
    /// Deserializes the input, calls the function and serializes the output.
    pub run: fn(Handle, Value) -> BoxFuture<Result<Value>>,
}

/// Event of a connection that triggers an `#[on_event]` function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// After a connection was added.
    PostConnectionCreation,
    /// Before a connection is removed.
    PreConnectionDeletion,
    /// While a connection is added: an error refuses it.
    ValidateConnection,
}

impl Event {
    /// Returns the name of the event on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PostConnectionCreation => "post-connection-creation",
            Self::PreConnectionDeletion => "pre-connection-deletion",
            Self::ValidateConnection => "validate-connection",
        }
    }
}

/// Descriptor of an `#[on_event]` function.
#[derive(Debug)]
pub struct EventDef {
    /// Location of the attribute.
    pub at: Location,
    /// Integration as declared.
    pub integration: &'static str,
    /// Name of the function.
    pub name: &'static str,
    /// First paragraph of the doc comment.
    pub description: &'static str,
    /// Event that triggers the function.
    pub event: Event,
    /// Type of the connection's metadata.
    pub metadata: Option<ValueType>,
    /// The annotated function.
    pub run: fn(Handle) -> BoxFuture<Result<()>>,
}

/// Descriptor of an `#[on_webhook]` function, which belongs to a sync and may write the models of that sync.
#[derive(Debug)]
pub struct WebhookDef {
    /// Location of the attribute.
    pub at: Location,
    /// Name of the handler.
    pub name: &'static str,
    /// First paragraph of the doc comment.
    pub description: &'static str,
    /// Sync whose models the handler writes.
    pub sync: &'static SyncDef,
    /// Webhook types that the handler receives; `*` matches every type.
    pub subscriptions: &'static [&'static str],
    /// Type of the payload.
    pub payload: ValueType,
    /// Deserializes the payload and calls the function.
    pub run: fn(Handle, Value) -> BoxFuture<Result<()>>,
}

/// A registered function. Items are collected by `inventory`, the only global state.
#[derive(Debug, Clone, Copy)]
pub enum Item {
    /// A sync.
    Sync(&'static SyncDef),
    /// An action.
    Action(&'static ActionDef),
    /// A function that runs on an event of a connection.
    Event(&'static EventDef),
    /// A webhook handler.
    Webhook(&'static WebhookDef),
}

inventory::collect!(Item);

/// Returns the integration of a module path, its second segment: `integrations::github::issues` belongs to `github`.
///
/// A function outside a module belongs to none, which is a compile error in the constant of the descriptor.
#[doc(hidden)]
pub const fn integration_of(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut start = 0;
    while start + 1 < bytes.len() && !(bytes[start] == b':' && bytes[start + 1] == b':') {
        start += 1;
    }
    assert!(
        start + 1 < bytes.len(),
        "unknown integration: put the function in a module named after it (`github.rs`), \
         or write `integration = \"github\"`"
    );
    let mut end = start + 2;
    while end < bytes.len() && bytes[end] != b':' {
        end += 1;
    }
    path.split_at(end).0.split_at(start + 2).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integration_is_the_first_module_of_the_path() {
        assert_eq!(integration_of("integrations::github"), "github");
        assert_eq!(integration_of("integrations::google_drive::files::list"), "google_drive");
    }
}
