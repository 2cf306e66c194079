//! Functions of all integrations in one document: `GET /scripts/config`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::functions::{action_schemas, function_id, sync_schemas};
use crate::{
    declare::{ActionDef, Entry, Frequency, Item, Registry, SyncDef, SyncRun, ValueType},
    export::{Contract, standalone, type_text},
    time::Timestamp,
    wire::time::millis_utc,
};

/// Query of the functions of all integrations.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ScriptsQuery {
    /// Format of the response: `openai`, or `nango` for every other text.
    #[serde(default)]
    format: Option<String>,
}

impl ScriptsQuery {
    /// Returns whether the tools of language models are requested.
    pub(crate) fn is_openai(&self) -> bool {
        self.format.as_deref() == Some("openai")
    }
}

/// Functions of one integration.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IntegrationScripts<'a> {
    #[serde(rename = "providerConfigKey")]
    provider_config_key: &'a str,
    provider: &'a str,
    syncs: Vec<Script<'a>>,
    actions: Vec<Script<'a>>,
    #[serde(rename = "on-events")]
    on_events: Vec<Script<'a>>,
}

/// Functions in one of the formats.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ScriptsConfig<'a> {
    /// Nango's format: one element per integration.
    Nango(Vec<IntegrationScripts<'a>>),
    /// Tools of language models.
    OpenAi(OpenAiTools<'a>),
}

/// Function in Nango's format.
#[derive(Debug, Serialize, JsonSchema)]
struct Script<'a> {
    id: String,
    name: &'a str,
    r#type: &'static str,
    returns: Vec<String>,
    description: &'a str,
    attributes: Map<String, Value>,
    scopes: Vec<&'static str>,
    version: Option<&'static str>,
    source: &'static str,
    endpoints: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    enabled: bool,
    last_deployed: String,
    #[serde(rename = "webhookSubscriptions")]
    webhook_subscriptions: Vec<&'static str>,
    json_schema: Option<Map<String, Value>>,
    sdk_version: Option<String>,
    models: Vec<ScriptModel>,
    features: Vec<&'static str>,
    #[serde(flatten)]
    sync: Option<ScriptSync>,
}

/// Model of a function. Its fields are in `json_schema`.
#[derive(Debug, Serialize, JsonSchema)]
struct ScriptModel {
    name: String,
    fields: Vec<Value>,
}

/// Settings of a sync.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ScriptSync {
    /// `full` or `incremental`.
    sync_type: &'static str,
    auto_start: bool,
    runs: Option<String>,
    track_deletes: bool,
}

/// Returns the functions of all integrations, one element per integration with functions. `may_use` selects the
/// integrations of the caller, `provider_of` returns the provider of an integration.
pub(crate) fn scripts_config<'a>(
    registry: &'a Registry,
    may_use: impl Fn(&str) -> bool,
    provider_of: impl Fn(&'a str) -> &'a str,
    declared_at: Timestamp,
) -> ScriptsConfig<'a> {
    let integrations = registry.integrations().into_iter().filter(|name| may_use(name));
    let to_json = |name: &'a str| {
        let mut scripts = IntegrationScripts {
            provider_config_key: name,
            provider: provider_of(name),
            syncs: Vec::new(),
            actions: Vec::new(),
            on_events: Vec::new(),
        };
        for entry in registry.entries().iter().filter(|entry| entry.integration() == name) {
            let script = || Script::new(entry, declared_at);
            match entry.item() {
                Item::Sync(def) => scripts.syncs.push(script().sync(registry, entry, def)),
                Item::Action(def) => scripts.actions.push(script().action(def)),
                Item::Event(_) => scripts.on_events.push(script()),
                Item::Webhook(_) => {}
            }
        }
        scripts
    };
    ScriptsConfig::Nango(integrations.map(to_json).collect())
}

impl<'a> Script<'a> {
    fn new(entry: &'a Entry, declared_at: Timestamp) -> Self {
        Self {
            id: function_id(entry),
            name: entry.name(),
            r#type: entry.kind().name(),
            returns: Vec::new(),
            description: "",
            attributes: Map::new(),
            scopes: Vec::new(),
            version: None,
            source: "repo",
            endpoints: Vec::new(),
            input: None,
            enabled: true,
            last_deployed: millis_utc(declared_at),
            webhook_subscriptions: Vec::new(),
            json_schema: None,
            sdk_version: None,
            models: Vec::new(),
            features: Vec::new(),
            sync: None,
        }
    }

    fn sync(mut self, registry: &Registry, entry: &Entry, def: &'static SyncDef) -> Self {
        let webhook = registry.webhook(entry.integration(), def.name);
        self.returns = def.models.iter().map(|model| model.name.to_owned()).collect();
        self.models = self.returns.iter().map(|name| ScriptModel { name: name.clone(), fields: Vec::new() }).collect();
        self.input = input_text(def.metadata);
        self.webhook_subscriptions = webhook.map(|webhook| webhook.subscriptions.to_vec()).unwrap_or_default();
        self.features = features(def.checkpoint);
        self.json_schema = Some(sync_schemas(def));
        self.sync = Some(ScriptSync {
            sync_type: if is_incremental(def) { "incremental" } else { "full" },
            auto_start: def.auto_start,
            runs: def.frequency.as_ref().map(|frequency| Frequency::text(frequency).to_owned()),
            track_deletes: def.track_deletes,
        });
        Self { description: def.description, version: Some(def.version), scopes: def.scopes.to_vec(), ..self }
    }

    fn action(mut self, def: &'static ActionDef) -> Self {
        self.returns = type_text(def.output, Contract::Serialize).into_iter().collect();
        self.input = input_text(def.input);
        self.features = features(def.checkpoint);
        self.json_schema = Some(action_schemas(def));
        Self { description: def.description, version: Some(def.version), scopes: def.scopes.to_vec(), ..self }
    }
}

/// Returns whether a sync reads only changes after its first run.
pub(crate) fn is_incremental(def: &SyncDef) -> bool {
    match &def.run {
        SyncRun::Mapper(mapper) => mapper.since.is_some() || mapper.delta.is_some(),
        SyncRun::Function(_) => def.checkpoint.is_some(),
    }
}

fn input_text(input: Option<ValueType>) -> Option<String> {
    input.and_then(|of| type_text(of.schema, Contract::Deserialize))
}

fn features(checkpoint: Option<ValueType>) -> Vec<&'static str> {
    checkpoint.map(|_| "checkpoints").into_iter().collect()
}

/// Functions as tools of language models.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OpenAiTools<'a> {
    data: Vec<Tool<'a>>,
}

/// Function as a tool of a language model.
#[derive(Debug, Serialize, JsonSchema)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    parameters: Value,
}

impl<'a> OpenAiTools<'a> {
    /// Creates the tools of the integrations that the caller may use.
    pub(crate) fn new(registry: &'a Registry, may_use: impl Fn(&str) -> bool) -> Self {
        let tool = |entry: &'a Entry| match entry.item() {
            Item::Sync(def) => {
                Some(Tool { name: def.name, description: def.description, parameters: parameters(None) })
            }
            Item::Action(def) => Some(Tool {
                name: def.name,
                description: def.description,
                parameters: parameters(def.input.map(|of| standalone(of.schema, Contract::Deserialize))),
            }),
            Item::Event(_) | Item::Webhook(_) => None,
        };
        Self { data: registry.entries().iter().filter(|entry| may_use(entry.integration())).filter_map(tool).collect() }
    }
}

/// Returns the parameters of a tool: the properties of an input that is an object, or one property `input`.
fn parameters(schema: Option<Value>) -> Value {
    let Some(schema) = schema else { return json!({ "type": "object", "properties": {}, "required": [] }) };
    let Some(properties) = schema.get("properties").filter(|_| schema["type"] == "object") else {
        return json!({ "type": "object", "properties": { "input": schema }, "required": ["input"] });
    };
    let required = schema.get("required").cloned().unwrap_or_else(|| json!([]));
    let mut parameters = json!({ "type": "object", "properties": properties, "required": required });
    if let (Some(definitions), Some(object)) = (schema.get("$defs"), parameters.as_object_mut()) {
        object.insert("$defs".to_owned(), definitions.clone());
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_the_properties_of_the_input() {
        let none = json!({ "type": "object", "properties": {}, "required": [] });
        assert_eq!(parameters(None), none);
        let object = json!({
            "title": "Input", "type": "object", "properties": { "a": { "$ref": "#/$defs/A" } }, "required": ["a"],
            "$defs": { "A": { "type": "string" } },
        });
        assert_eq!(
            parameters(Some(object)),
            json!({
                "type": "object", "properties": { "a": { "$ref": "#/$defs/A" } }, "required": ["a"],
                "$defs": { "A": { "type": "string" } },
            })
        );
        let text = json!({ "type": "string" });
        assert_eq!(
            parameters(Some(text.clone())),
            json!({ "type": "object", "properties": { "input": text }, "required": ["input"] })
        );
    }
}
