//! Descriptors of syncs, actions, event functions and webhook handlers.

use serde_json::Value;

use super::{BoxFuture, Deletes, Frequency, Handle, Mapper, ValueType};
use crate::{
    error::Result,
    model::{ModelInfo, SchemaFn},
};

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
