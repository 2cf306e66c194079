//! Shared schemas of the document, of responses and of request bodies.

use std::collections::BTreeMap;

use schemars::{
    SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value};

use crate::{
    export::{rename_references, types_with_distinct_input},
    model::SchemaFn,
};

/// Prefix of references to shared schemas.
pub(super) const PREFIX: &str = "#/components/schemas/";

/// Generators of the schemas of responses, and of those of request bodies.
pub(super) struct Components {
    written: SchemaGenerator,
    read: SchemaGenerator,
}

impl Components {
    pub(super) fn new() -> Self {
        let generator = |contract: Contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.contract = contract;
                settings.meta_schema = None;
                settings.definitions_path = "/components/schemas".into();
            });
            settings.into_generator()
        };
        Self { written: generator(Contract::Serialize), read: generator(Contract::Deserialize) }
    }

    /// Returns the schema of a response.
    pub(super) fn written(&mut self, schema: SchemaFn) -> Value {
        schema(&mut self.written).to_value()
    }

    /// Returns the schema of a request body.
    pub(super) fn read(&mut self, schema: SchemaFn) -> Value {
        schema(&mut self.read).to_value()
    }

    /// Returns whether the schema of a request body, or the shared schema that it refers to, has a required field.
    pub(super) fn has_required_field(&self, schema: &Value) -> bool {
        let shared = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix(PREFIX));
        let schema = shared.and_then(|name| self.read.definitions().get(name)).unwrap_or(schema);
        schema["required"].as_array().is_some_and(|fields| !fields.is_empty())
    }

    /// Returns all shared schemas, and the new names of those of request bodies that differ from the schema of the same
    /// name of responses.
    pub(super) fn into_schemas(mut self) -> (Map<String, Value>, BTreeMap<String, String>) {
        let mut schemas = self.written.take_definitions(true);
        let read = self.read.take_definitions(true);
        let differing = types_with_distinct_input(&read.iter(), |name| schemas.get(name), PREFIX);
        let renamed: BTreeMap<String, String> = differing
            .into_iter()
            .map(|name| {
                let input = format!("{name}Input");
                (name, input)
            })
            .collect();
        for (name, mut schema) in read {
            rename(&mut schema, &renamed);
            let name = renamed.get(&name).cloned().unwrap_or(name);
            schemas.insert(name, schema);
        }
        (schemas, renamed)
    }
}

/// Changes references to renamed schemas.
pub(super) fn rename(schema: &mut Value, renamed: &BTreeMap<String, String>) {
    rename_references(schema, PREFIX, renamed);
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::server::route::schema_of;

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Inner {
        #[serde(default)]
        size: u8,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Outer {
        inner: Inner,
    }

    #[test]
    fn schema_of_a_body_is_renamed_if_it_differs_from_that_of_a_response() {
        let mut components = Components::new();
        let written = components.written(schema_of::<Outer>);
        let mut read = components.read(schema_of::<Outer>);
        assert_eq!(written, read);
        let (schemas, renamed) = components.into_schemas();
        let names: Vec<&str> = schemas.keys().map(String::as_str).collect();
        assert_eq!(names, ["Outer", "Inner", "OuterInput", "InnerInput"]);
        rename(&mut read, &renamed);
        assert_eq!(read["$ref"], "#/components/schemas/OuterInput");
        assert_eq!(schemas["OuterInput"]["properties"]["inner"]["$ref"], "#/components/schemas/InnerInput");
        assert_eq!(schemas["Outer"]["properties"]["inner"]["$ref"], "#/components/schemas/Inner");
    }
}
