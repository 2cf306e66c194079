//! JSON of functions: one row per function that an attribute registered.

use serde::Serialize;

use crate::{
    declare::{Entry, Item},
    export::{Contract, type_text},
};

/// Function as an entry of a list.
#[derive(Debug, Serialize)]
pub(crate) struct FunctionRow {
    /// `sync`, `action`, `on-event` or `on-webhook`.
    pub r#type: &'static str,
    /// Integration of the function.
    pub integration: String,
    /// Name of the function.
    pub name: &'static str,
    /// Description from the attribute, or else the first paragraph of the doc comment.
    pub description: &'static str,
    /// Version of the function; a webhook handler has that of its sync, an event function has none.
    pub version: Option<&'static str>,
    /// Names of the models that it may write.
    pub models: Vec<&'static str>,
    /// Frequency of its runs; `None` if it runs only when triggered.
    pub frequency: Option<&'static str>,
    /// Whether a new connection starts the sync.
    pub auto_start: bool,
    /// Whether records that a complete walk did not see are deleted.
    pub track_deletes: bool,
    /// Permissions that it needs at the provider.
    pub scopes: &'static [&'static str],
    /// Type of its input: the input of an action, the metadata of a sync or event function, the payload of a webhook.
    pub input: Option<String>,
    /// Type of its output, for an action with one.
    pub output: Option<String>,
    /// Source location of its declaration.
    pub at: String,
    /// Sync that a webhook handler belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<&'static str>,
    /// Webhook types that a handler subscribes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<&'static [&'static str]>,
    /// Event that an event function runs for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'static str>,
}

impl FunctionRow {
    /// Creates the row of a registered function.
    pub(crate) fn new(entry: &Entry) -> Self {
        let mut row = Self {
            r#type: entry.kind().name(),
            integration: entry.integration().to_owned(),
            name: entry.name(),
            description: "",
            version: None,
            models: Vec::new(),
            frequency: None,
            auto_start: false,
            track_deletes: false,
            scopes: &[],
            input: None,
            output: None,
            at: entry.at().to_string(),
            sync: None,
            subscriptions: None,
            event: None,
        };
        match entry.item() {
            Item::Sync(def) => {
                row.description = def.description;
                row.version = Some(def.version);
                row.models = def.models.iter().map(|model| model.name).collect();
                row.frequency = def.frequency.as_ref().map(crate::declare::Frequency::text);
                row.auto_start = def.auto_start;
                row.track_deletes = def.track_deletes;
                row.scopes = def.scopes;
                row.input = def.metadata.and_then(|of| type_text(of.schema, Contract::Deserialize));
            }
            Item::Action(def) => {
                row.description = def.description;
                row.version = Some(def.version);
                row.scopes = def.scopes;
                row.input = def.input.and_then(|of| type_text(of.schema, Contract::Deserialize));
                row.output = type_text(def.output, Contract::Serialize);
            }
            Item::Event(def) => {
                row.description = def.description;
                row.event = Some(def.event.name());
                row.input = def.metadata.and_then(|of| type_text(of.schema, Contract::Deserialize));
            }
            Item::Webhook(def) => {
                row.description = def.description;
                row.version = Some(def.sync.version);
                row.models = def.sync.models.iter().map(|model| model.name).collect();
                row.sync = Some(def.sync.name);
                row.subscriptions = Some(def.subscriptions);
                row.input = type_text(def.payload.schema, Contract::Deserialize);
            }
        }
        row
    }
}
