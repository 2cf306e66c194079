//! The descriptors.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

use serde_json::Value;

use super::{Deletes, Frequency, Paginate};
use crate::{
    error::Result,
    model::{Batch, ModelInfo, SchemaFn},
};

/// A future on the heap, as descriptors hold it.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a function is called with: the handle of a floor above, carried unopened.
#[derive(Clone)]
pub struct Handle(Arc<dyn Any + Send + Sync>);

impl Handle {
    /// Wraps a context.
    pub fn new<C: Any + Send + Sync>(context: Arc<C>) -> Self {
        Self(context)
    }

    /// The context, if it is of type `C`.
    pub fn open<C: Any + Send + Sync>(self) -> Option<Arc<C>> {
        self.0.downcast().ok()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The path of the file as the compiler was given it.
    pub file: &'static str,
    /// The line of the attribute.
    pub line: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A `#[sync]` function.
#[derive(Debug)]
pub struct SyncDef {
    /// Where it is declared.
    pub at: Location,
    /// The integration as declared: a module's name or `integration = "…"`. See [`super::Entry::integration`].
    pub integration: &'static str,
    /// Its name, in kebab-case unless declared otherwise.
    pub name: &'static str,
    /// The first paragraph of its doc comment.
    pub description: &'static str,
    /// `version = "…"`, `0.0.1` without it.
    pub version: &'static str,
    /// How often it runs; `None`: when triggered.
    pub frequency: Option<Frequency>,
    /// Whether a new connection starts it.
    pub auto_start: bool,
    /// Whether a mapper's complete walk marks the records it did not see as deleted.
    pub track_deletes: bool,
    /// When a record that a complete walk did not see becomes a tombstone.
    pub deletes: Deletes,
    /// Who wins when another run wrote a record meanwhile.
    pub merging: Merging,
    /// The permissions it needs at the provider.
    pub scopes: &'static [&'static str],
    /// The models it may write, at least one.
    pub models: &'static [&'static ModelInfo],
    /// The schema of its checkpoint.
    pub checkpoint: Option<SchemaFn>,
    /// The schema of its connection's metadata.
    pub metadata: Option<SchemaFn>,
    /// What it does.
    pub run: SyncRun,
}

/// What a sync does.
#[derive(Debug)]
pub enum SyncRun {
    /// The annotated async function.
    Function(fn(Handle) -> BoxFuture<Result<()>>),
    /// A walk over an endpoint whose loop is written once, in `run`.
    Mapper(&'static Mapper),
}

/// A mapper sync: data, and one shim.
#[derive(Debug)]
pub struct Mapper {
    /// Where it reads.
    pub endpoint: Endpoint,
    /// How it goes from page to page; `None`: a single request.
    pub paginate: Option<Paginate>,
    /// How often a request is tried again.
    pub retries: u32,
    /// What makes it incremental.
    pub since: Option<Since>,
    /// What becomes of a record that does not fit.
    pub on_invalid: OnInvalid,
    /// The annotated function.
    pub map: MapRecord,
}

/// The endpoint of a mapper.
#[derive(Debug)]
pub enum Endpoint {
    /// As written.
    Fixed(&'static str),
    /// Filled from the connection's metadata: each value is percent-encoded as one path segment.
    Metadata(fn(Value) -> Result<String>),
}

/// The shim of a mapper: one raw record in, its model's records into the batch.
#[derive(Debug)]
pub enum MapRecord {
    /// `fn(Raw) -> Mapped`.
    Plain(fn(&str, &mut Batch) -> Result<()>),
    /// `async fn(NangoSync, Raw) -> Result<Mapped>`.
    Async(fn(Handle, Box<str>) -> BoxFuture<Result<Batch>>),
}

/// `since(…)`: what a mapper asks for, so that it reads only what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The query parameter.
    pub param: &'static str,
    /// How the moment is written.
    pub format: SinceFormat,
    /// Where the moment of the next run comes from.
    pub from: SinceFrom,
    /// What is taken off the stored moment, in seconds.
    pub overlap: u32,
    /// After how many seconds a run goes without the parameter.
    pub full_every: Option<u32>,
}

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinceFormat {
    /// `2026-11-22T12:00:00Z`
    Rfc3339,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// Where the moment of the next run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinceFrom {
    /// The provider's `Date` at the first answer of the logical run's first attempt.
    RunStart,
    /// The greatest value of this path in the raw records of the whole run.
    Field(&'static str),
}

/// What becomes of a raw record that does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInvalid {
    /// The run fails, and nothing of the page is saved.
    #[default]
    Fail,
    /// It is logged, counted and left out; the walk then deletes nothing.
    Skip,
}

/// Who wins when another run wrote a record after this run's page was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merging {
    /// The newer write stays, and the page's is counted as `skipped_newer`.
    #[default]
    Newer,
    /// The page's write replaces it, as in Nango.
    Override,
}

/// An `#[action]` function.
#[derive(Debug)]
pub struct ActionDef {
    /// Where it is declared.
    pub at: Location,
    /// The integration as declared.
    pub integration: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The first paragraph of its doc comment.
    pub description: &'static str,
    /// `version = "…"`, `0.0.1` without it.
    pub version: &'static str,
    /// The permissions it needs at the provider.
    pub scopes: &'static [&'static str],
    /// The schema of its input; `None` without a parameter.
    pub input: Option<SchemaFn>,
    /// The schema of its output.
    pub output: SchemaFn,
    /// The schema of its checkpoint.
    pub checkpoint: Option<SchemaFn>,
    /// The schema of its connection's metadata.
    pub metadata: Option<SchemaFn>,
    /// Reads the input, calls the function, writes the output.
    pub run: fn(Handle, Value) -> BoxFuture<Result<Value>>,
}

/// When an `#[on_event]` function runs.
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
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PostConnectionCreation => "post-connection-creation",
            Self::PreConnectionDeletion => "pre-connection-deletion",
            Self::ValidateConnection => "validate-connection",
        }
    }
}

/// An `#[on_event]` function.
#[derive(Debug)]
pub struct EventDef {
    /// Where it is declared.
    pub at: Location,
    /// The integration as declared.
    pub integration: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The first paragraph of its doc comment.
    pub description: &'static str,
    /// When it runs.
    pub event: Event,
    /// The schema of its connection's metadata.
    pub metadata: Option<SchemaFn>,
    /// The annotated function.
    pub run: fn(Handle) -> BoxFuture<Result<()>>,
}

/// An `#[on_webhook]` function: it belongs to a sync and may write what the sync may write.
#[derive(Debug)]
pub struct WebhookDef {
    /// Where it is declared.
    pub at: Location,
    /// Its name.
    pub name: &'static str,
    /// The first paragraph of its doc comment.
    pub description: &'static str,
    /// Whose records it writes.
    pub sync: &'static SyncDef,
    /// The webhook types it takes; `*` is every one.
    pub subscriptions: &'static [&'static str],
    /// The schema of its payload.
    pub payload: SchemaFn,
    /// Reads the payload and calls the function.
    pub run: fn(Handle, Value) -> BoxFuture<Result<()>>,
}

/// What `inventory` collects: the only global.
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

/// The integration of a module path, its second segment: `integrations::github::issues` is of `github`.
///
/// A function outside a module has none, which is a compile error in the descriptor's constant.
#[doc(hidden)]
pub const fn integration_of(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut start = 0;
    while start + 1 < bytes.len() && !(bytes[start] == b':' && bytes[start + 1] == b':') {
        start += 1;
    }
    assert!(
        start + 1 < bytes.len(),
        "which integration? Put the function in a module named after it (`github.rs`), or write `integration = \"github\"`"
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
    fn the_first_module_is_the_integration() {
        assert_eq!(integration_of("integrations::github"), "github");
        assert_eq!(integration_of("integrations::google_drive::files::list"), "google_drive");
    }
}
