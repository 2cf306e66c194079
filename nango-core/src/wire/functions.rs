//! Functions: a row for each thing that an attribute registered.

use serde::Serialize;

use crate::{
    declare::{Entry, Item},
    export::{Contract, type_text},
};

/// A function in a list.
#[derive(Debug, Serialize)]
pub struct FunctionRow {
    /// `sync`, `action`, `on-event` or `on-webhook`.
    pub r#type: &'static str,
    /// The integration.
    pub integration: String,
    /// The function's name.
    pub name: &'static str,
    /// What its author says of it.
    pub description: &'static str,
    /// Its version; a webhook handler has its sync's, an event function none.
    pub version: Option<&'static str>,
    /// The models that it may write.
    pub models: Vec<&'static str>,
    /// How often it runs; `None`: when triggered.
    pub frequency: Option<&'static str>,
    /// Whether a new connection starts it.
    pub auto_start: bool,
    /// Whether a complete walk marks what it did not see as deleted.
    pub track_deletes: bool,
    /// The permissions it needs at the provider.
    pub scopes: &'static [&'static str],
    /// The schema of what it takes: an action's input, a sync's metadata, a webhook's payload.
    pub input: Option<String>,
    /// The schema of what it answers.
    pub output: Option<String>,
    /// Where it is declared.
    pub at: String,
    /// The sync that a webhook handler belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<&'static str>,
    /// The webhook types that a handler takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<&'static [&'static str]>,
    /// When an event function runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'static str>,
}

impl FunctionRow {
    /// The row of a registered function.
    pub fn new(entry: &Entry) -> Self {
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
                row.input = def.metadata.and_then(|schema| type_text(schema, Contract::Deserialize));
            }
            Item::Action(def) => {
                row.description = def.description;
                row.version = Some(def.version);
                row.scopes = def.scopes;
                row.input = def.input.and_then(|schema| type_text(schema, Contract::Deserialize));
                row.output = type_text(def.output, Contract::Serialize);
            }
            Item::Event(def) => {
                row.description = def.description;
                row.event = Some(def.event.name());
                row.input = def.metadata.and_then(|schema| type_text(schema, Contract::Deserialize));
            }
            Item::Webhook(def) => {
                row.description = def.description;
                row.version = Some(def.sync.version);
                row.models = def.sync.models.iter().map(|model| model.name).collect();
                row.sync = Some(def.sync.name);
                row.subscriptions = Some(def.subscriptions);
                row.input = type_text(def.payload, Contract::Deserialize);
            }
        }
        row
    }
}
