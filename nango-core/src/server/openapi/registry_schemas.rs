//! Schemas of the registered functions in the document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::components::PREFIX;
use crate::{
    declare::Registry,
    export::{self, ExportError, for_each_reference},
    wire::{RegistryInput, RegistryOutput, RegistryRecord},
};

/// Schemas of the models, inputs and outputs of all integrations.
pub(super) struct RegistrySchemas {
    schemas: Map<String, Value>,
    models: Vec<Value>,
    actions: Vec<Value>,
}

impl RegistrySchemas {
    /// Collects the schemas of a registry, of the `allowed` integrations or of all. Each has the name of its
    /// integration in front, such as `github.Issue`.
    ///
    /// # Errors
    ///
    /// Returns one error for each name that two types of an integration share.
    pub(super) fn new(registry: &Registry, allowed: Option<&[String]>) -> Result<Self, Vec<ExportError>> {
        let mut bundle = export::bundle(registry, None)?;
        if let (Some(allowed), Some(integrations)) = (allowed, bundle["integrations"].as_object_mut()) {
            integrations.retain(|name, _| allowed.contains(name));
        }
        let names = component_names(&bundle);
        for_each_reference(&mut bundle, &mut |to| {
            if let Some(name) = names.get(to.as_str()) {
                *to = format!("{PREFIX}{name}");
            }
        });
        let mut this = Self { schemas: Map::new(), models: Vec::new(), actions: Vec::new() };
        for (integration, exported) in objects(&bundle["integrations"]) {
            for (model, schema) in objects(&exported["models"]) {
                if let Some(name) = names.get(&pointer(integration, model)) {
                    this.schemas.insert(name.clone(), schema.clone());
                }
            }
            this.add_models(integration, exported, &names);
            for (action, described) in objects(&exported["actions"]) {
                this.actions.push(json!({
                    "integration": integration,
                    "name": action,
                    "input": described["input"],
                    "output": described["output"],
                }));
            }
        }
        Ok(this)
    }

    fn add_models(&mut self, integration: &str, exported: &Value, names: &BTreeMap<String, String>) {
        let mut saved: Vec<&str> = Vec::new();
        for (_, sync) in objects(&exported["syncs"]) {
            saved.extend(sync["models"].as_array().into_iter().flatten().filter_map(Value::as_str));
        }
        saved.sort_unstable();
        saved.dedup();
        for model in saved {
            let Some(name) = names.get(&pointer(integration, model)) else { continue };
            let schema = json!({ "$ref": format!("{PREFIX}{name}") });
            self.models.push(json!({ "integration": integration, "name": model, "schema": schema }));
        }
    }

    /// Adds the schemas to those of the document, and replaces the ones that stand for them.
    pub(super) fn insert_into(&self, schemas: &mut Map<String, Value>) {
        // A record without its content has only its id and its metadata.
        let mut records: Vec<Value> = self.models.iter().map(|model| model["schema"].clone()).collect();
        records.push(json!({ "type": "object", "maxProperties": 2 }));
        let of_actions = |part: &str| {
            let schemas: Vec<Value> =
                self.actions.iter().map(|action| action[part].clone()).filter(|schema| !schema.is_null()).collect();
            if schemas.is_empty() { json!(true) } else { json!({ "anyOf": schemas }) }
        };
        let replaced = [
            (RegistryRecord::NAME, json!({ "anyOf": records })),
            (RegistryInput::NAME, of_actions("input")),
            (RegistryOutput::NAME, of_actions("output")),
        ];
        for (name, schema) in replaced {
            if let Some(placeholder) = schemas.get_mut(name) {
                *placeholder = schema;
            }
        }
        schemas.extend(self.schemas.clone());
    }

    /// Returns the models that syncs save: integration, name and schema.
    pub(super) fn models(&self) -> &[Value] {
        &self.models
    }

    /// Returns the actions: integration, name, and the schemas of input and output.
    pub(super) fn actions(&self) -> &[Value] {
        &self.actions
    }
}

/// Returns the name in the document of each definition of the bundle, by its reference.
fn component_names(bundle: &Value) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (integration, exported) in objects(&bundle["integrations"]) {
        for (model, _) in objects(&exported["models"]) {
            let plain: String = format!("{integration}.{model}")
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' })
                .collect();
            let mut name = plain.clone();
            let mut number = 2;
            while names.values().any(|used| *used == name) {
                name = format!("{plain}-{number}");
                number += 1;
            }
            names.insert(pointer(integration, model), name);
        }
    }
    names
}

/// Returns the reference of a definition of the bundle.
fn pointer(integration: &str, model: &str) -> String {
    format!("#/integrations/{}/models/{model}", integration.replace('~', "~0").replace('/', "~1"))
}

fn objects(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_the_registry_replace_those_that_stand_for_them() {
        let registered = RegistrySchemas {
            schemas: Map::from_iter([("shop.Order".to_owned(), json!({ "type": "object" }))]),
            models: vec![json!({ "schema": { "$ref": "#/components/schemas/shop.Order" } })],
            actions: vec![json!({ "input": null, "output": { "type": "integer" } })],
        };
        let mut schemas = Map::new();
        for name in [RegistryRecord::NAME, RegistryInput::NAME] {
            schemas.insert(name.to_owned(), json!(true));
        }
        registered.insert_into(&mut schemas);
        assert_eq!(schemas[RegistryRecord::NAME]["anyOf"][0]["$ref"], "#/components/schemas/shop.Order");
        assert_eq!(schemas[RegistryInput::NAME], true);
        assert!(schemas.contains_key("shop.Order") && !schemas.contains_key(RegistryOutput::NAME));
    }

    #[test]
    fn names_have_only_characters_of_components() {
        let bundle = json!({ "integrations": {
            "a b": { "models": { "X": {} } },
            "a_b": { "models": { "X": {} } },
        } });
        let names = component_names(&bundle);
        let names: Vec<&str> = names.values().map(String::as_str).collect();
        assert_eq!(names, ["a_b.X", "a_b.X-2"]);
    }
}
