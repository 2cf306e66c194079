//! The OpenAPI document, made of the table of routes and the schemas of the registered functions.

mod components;
mod operation;
mod registry_schemas;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::routes;
use crate::{declare::Registry, export::ExportError};
use components::Components;
use operation::operation;
use registry_schemas::RegistrySchemas;

/// Version of the OpenAPI specification.
const OPENAPI: &str = "3.1.0";

/// Returns the document as JSON, with the schemas of the `allowed` integrations or of all.
///
/// # Errors
///
/// Fails with the names that two types of an integration share.
pub(super) fn document_json(
    registry: &Registry,
    public_url: &str,
    allowed: Option<&[String]>,
) -> Result<Bytes, String> {
    match document(registry, public_url, allowed) {
        Ok(document) => Ok(document.to_string().into()),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}

/// Returns the document of the API of a registry.
///
/// # Errors
///
/// Returns one error for each name that two types of an integration share.
fn document(registry: &Registry, public_url: &str, allowed: Option<&[String]>) -> Result<Value, Vec<ExportError>> {
    let registered = RegistrySchemas::new(registry, allowed)?;
    let mut components = Components::new();
    let mut paths = Map::new();
    for route in routes::all() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route, &mut components));
        }
    }
    let (mut schemas, renamed) = components.into_schemas();
    let mut paths = Value::Object(paths);
    operation::rename_inputs(&mut paths, &renamed);
    registered.insert_into(&mut schemas);
    Ok(json!({
        "openapi": OPENAPI,
        "info": {
            "title": "nango",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Connections, records, syncs and actions of the registered integrations.",
        },
        "servers": [{ "url": public_url }],
        "security": [{ "apiKey": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "apiKey": {
                "type": "http",
                "scheme": "bearer",
                "description": "API key of the server.",
            } },
            "schemas": schemas,
        },
        "x-nango-models": registered.models(),
        "x-nango-actions": registered.actions(),
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(to)) = object.get("$ref") {
                    found.insert(to.clone());
                }
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn each_route_is_described_and_each_reference_resolves() {
        let document = document(&Registry::load().unwrap(), "http://127.0.0.1:3003", None).unwrap();
        for route in routes::all() {
            let described = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
            assert_eq!(described["operationId"], route.id);
            assert!(described["responses"].as_object().is_some_and(|responses| responses.len() > 1), "{described}");
        }
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} does not resolve");
        }
    }
}
