//! JSON Schema export for clients, generated from the registered functions.
//!
//! One bundle in JSON Schema (draft 2020-12): for each integration its models, and its functions with references to
//! them. Every reference is a path inside the bundle, and each integration has its own names, so adding an integration
//! never renames a type of an existing one.
//!
//! A type has up to three shapes, and a definition for each shape that differs:
//! - `Issue`: the shape of outputs. For a type that a sync saves, the record as clients read it: its `id` is text, as
//!   on the wire, even if the ids of the model are integers.
//! - `IssueInput`: the shape of inputs. Serde's rules for deserialization make an `Option` optional, those for
//!   serialization do not.
//! - `IssueOutput`: the type itself, if an action returns it and the `id` of its records differs.
//!
//! Invariant: two exports of the same program are equal byte by byte. Outer maps are sorted by name, properties keep
//! the order of the struct, and nothing depends on the order in which functions were linked.

mod definitions;
mod references;
mod text;
mod typescript;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub(crate) use definitions::ExportError;
#[cfg(feature = "server")]
pub(crate) use references::{for_each_reference, rename_references, types_with_distinct_input};
pub(crate) use schemars::generate::Contract;
pub(crate) use text::{schema_text, type_text};
pub(crate) use typescript::typescript;

use crate::{
    declare::{Entry, Item, Registry, ValueType},
    model::SchemaFn,
};
use definitions::{DIALECT, Definitions};

/// Returns the bundle of all integrations, or of one.
///
/// ```json
/// { "$schema": "…", "integrations": { "github": {
///     "models": { "Issue": { … } },
///     "syncs": { "issues": { "description", "version", "frequency", "models", "checkpoint", "metadata",
///                            "webhook_subscriptions", "webhook_payload" } },
///     "actions": { "create-issue": { "description", "version", "checkpoint", "metadata", "input", "output" } },
///     "events": { "check": { "description", "event", "metadata" } } } } }
/// ```
///
/// # Errors
///
/// Returns one error for each name that two types of an integration share.
pub(crate) fn bundle(registry: &Registry, integration: Option<&str>) -> Result<Value, Vec<ExportError>> {
    let mut integrations = Map::new();
    let mut errors = Vec::new();
    for name in registry.integrations().into_iter().filter(|name| integration.is_none_or(|only| only == *name)) {
        match IntegrationSchemas::from_registry(registry, name) {
            Ok(integration) => {
                integrations.insert(name.to_owned(), integration.into_json());
            }
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(json!({ "$schema": DIALECT, "integrations": integrations })) } else { Err(errors) }
}

/// Returns the standalone schema of one model, with the types that it refers to in `$defs`, or `None` if there is no
/// such model.
///
/// # Errors
///
/// Returns one error for each name that two types of the integration share.
pub fn model(registry: &Registry, integration: &str, model: &str) -> Result<Option<Value>, Vec<ExportError>> {
    let integration = IntegrationSchemas::from_registry(registry, integration)?;
    Ok(integration.definitions.standalone(model))
}

/// Returns the names of all definitions of an integration: models, inputs, outputs, checkpoints and their types.
///
/// # Errors
///
/// Returns one error for each name that two types of the integration share.
pub(crate) fn names(registry: &Registry, integration: &str) -> Result<Vec<String>, Vec<ExportError>> {
    Ok(IntegrationSchemas::from_registry(registry, integration)?.definitions.names())
}

/// Returns the standalone schema of a type, such as an action's input.
pub(crate) fn standalone(schema: SchemaFn, contract: Contract) -> Value {
    let mut root = Definitions::settings(contract).into_generator();
    let mut value = schema(&mut root).to_value();
    let definitions = root.take_definitions(true);
    let root_name = value.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(definitions::DEFS_PREFIX));
    if let Some(name) = root_name.map(str::to_owned) {
        return definitions::standalone_of(&definitions.into_iter().collect(), &name).unwrap_or(value);
    }
    if let Some(object) = value.as_object_mut().filter(|_| !definitions.is_empty()) {
        object.insert("$defs".into(), definitions.into());
    }
    value
}

/// Schemas of an integration, with references to its own definitions.
struct IntegrationSchemas<'a> {
    name: &'a str,
    syncs: BTreeMap<&'static str, Value>,
    actions: BTreeMap<&'static str, Value>,
    events: BTreeMap<&'static str, Value>,
    definitions: Definitions,
}

impl<'a> IntegrationSchemas<'a> {
    fn from_registry(registry: &'a Registry, name: &'a str) -> Result<Self, Vec<ExportError>> {
        let mut definitions = Definitions::new(name);
        for entry in registry.of(name) {
            for (schema, contract) in function_schemas(entry) {
                definitions.add(entry, schema, &contract);
            }
            if let Item::Sync(def) = entry.item() {
                for model in def.models {
                    definitions.add_record(entry, model.schema);
                }
            }
        }
        definitions.resolve_names()?;
        let mut this =
            Self { name, syncs: BTreeMap::new(), actions: BTreeMap::new(), events: BTreeMap::new(), definitions };
        for entry in registry.of(name) {
            this.add_function(registry, entry);
        }
        Ok(this)
    }

    fn add_function(&mut self, registry: &Registry, entry: &Entry) {
        let reads = |declared: Option<ValueType>| {
            declared.map(|of| self.definitions.reference(of.schema, Contract::Deserialize))
        };
        let writes = |schema: Option<SchemaFn>| schema.map(|s| self.definitions.reference(s, Contract::Serialize));
        let schema = |declared: Option<ValueType>| declared.map(|of| of.schema);
        match entry.item() {
            Item::Sync(def) => {
                let webhook = registry.webhook(self.name, def.name);
                let sync = json!({
                    "description": def.description,
                    "version": def.version,
                    "frequency": def.frequency.as_ref().map(crate::declare::Frequency::text),
                    "models": def.models.iter().map(|model| model.name).collect::<Vec<_>>(),
                    "checkpoint": writes(schema(def.checkpoint)),
                    "metadata": reads(def.metadata),
                    "webhook_subscriptions": webhook.map_or(&[][..], |webhook| webhook.subscriptions),
                    "webhook_payload": reads(webhook.map(|webhook| webhook.payload)),
                });
                self.syncs.insert(def.name, sync);
            }
            Item::Action(def) => {
                let action = json!({
                    "description": def.description,
                    "version": def.version,
                    "checkpoint": writes(schema(def.checkpoint)),
                    "metadata": reads(def.metadata),
                    "input": reads(def.input),
                    "output": writes(Some(def.output)),
                });
                self.actions.insert(def.name, action);
            }
            Item::Event(def) => {
                let event = json!({
                    "description": def.description,
                    "event": def.event.name(),
                    "metadata": reads(def.metadata),
                });
                self.events.insert(def.name, event);
            }
            // Part of the schema of its sync.
            Item::Webhook(_) => {}
        }
    }

    fn into_json(self) -> Value {
        let path = format!("#/integrations/{}/models/", self.name.replace('~', "~0").replace('/', "~1"));
        let mut value = json!({
            "models": self.definitions.into_map(),
            "syncs": self.syncs,
            "actions": self.actions,
            "events": self.events,
        });
        references::for_each_reference(&mut value, &mut |to| {
            if let Some(name) = to.strip_prefix(definitions::DEFS_PREFIX) {
                *to = format!("{path}{name}");
            }
        });
        value
    }
}

/// Returns the schemas of a function, except for the records of a sync.
fn function_schemas(entry: &Entry) -> Vec<(SchemaFn, Contract)> {
    let schema = |declared: Option<ValueType>| declared.map(|of| of.schema);
    let (reads, writes) = match entry.item() {
        Item::Sync(def) => ([def.metadata, None], [schema(def.checkpoint), None]),
        Item::Action(def) => ([def.input, def.metadata], [Some(def.output), schema(def.checkpoint)]),
        Item::Event(def) => ([def.metadata, None], [None, None]),
        Item::Webhook(def) => ([Some(def.payload), None], [None, None]),
    };
    let reads = reads.into_iter().flatten().map(|of| (of.schema, Contract::Deserialize));
    reads.chain(writes.into_iter().flatten().map(|schema| (schema, Contract::Serialize))).collect()
}

#[cfg(test)]
mod tests;
