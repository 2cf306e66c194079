//! Request to run a function: the function with its input, the connection and the options.

use serde_json::{Map, Value};

use crate::store::{BASE_VARIANT, ConnectionKey};

/// Request to run a function for a connection.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "the options are independent of each other")]
pub struct RunRequest {
    /// Name of the integration.
    pub integration: String,
    /// Function to run, with its input.
    pub function: Target,
    /// Id of the connection.
    pub connection: String,
    /// Variant of a sync. Default: `base`.
    pub variant: String,
    /// Metadata that replaces the connection's metadata for this run.
    pub metadata: Option<Map<String, Value>>,
    /// Checkpoint that is stored before the function is called.
    pub checkpoint: Option<Value>,
    /// Deletes the checkpoint and the resume state before the function is called.
    pub reset: bool,
    /// Removes all records of this variant of a sync's models before the function is called. Has no effect without
    /// `reset`, because a sync that resumes would not save them again. Readers of the feed are not notified: see
    /// `Maintenance` of the store.
    pub empty_cache: bool,
    /// Reads the complete list, even if `since` would limit the walk to changes.
    pub full: bool,
    /// Disables the delete guard, `hold` and `max_deletes` for this run: confirmed deletes are applied at once.
    pub allow_deletes: bool,
    /// Whether the run and its log may be written to the database after it has ended, if it writes nothing else. This
    /// has no effect without a task that writes such runs, and for a function whose runs exclude each other.
    pub write_later: bool,
    /// Runs on a copy in memory: stores nothing, and reports the records that would have been saved.
    pub dry_run: bool,
}

impl RunRequest {
    /// Returns the connection of the run.
    pub(crate) fn connection_key(&self) -> ConnectionKey {
        ConnectionKey::new(&self.integration, &self.connection)
    }

    /// Creates a request for the base variant, with the stored metadata and checkpoint and without options.
    pub fn new(integration: impl Into<String>, function: Target, connection: impl Into<String>) -> Self {
        Self {
            integration: integration.into(),
            function,
            connection: connection.into(),
            variant: BASE_VARIANT.to_owned(),
            metadata: None,
            checkpoint: None,
            reset: false,
            empty_cache: false,
            full: false,
            allow_deletes: false,
            write_later: false,
            dry_run: false,
        }
    }
}

/// Function of an integration, with its input.
#[derive(Debug, Clone)]
pub enum Target {
    /// A sync.
    Sync(String),
    /// An action and its input.
    Action {
        /// Name of the action.
        name: String,
        /// Input of the action, `null` if there is none.
        input: Value,
    },
    /// The webhook handler of a sync.
    Webhook {
        /// Name of the sync.
        sync: String,
        /// Type of the webhook.
        r#type: String,
        /// Received payload.
        payload: Value,
    },
    /// A function that runs on an event of a connection.
    Event(String),
}
