//! Declarations in TypeScript, printed from the bundle of JSON Schemas.
//!
//! One module: a namespace per integration, so that types of two integrations may have the same name, with its models,
//! inputs and outputs, and the interfaces `Syncs`, `Actions` and `Events` that map the names of functions to their
//! types; and the interface `Integrations`, which maps the names of integrations to these.
//!
//! - A field that may be missing is optional (`a?: T`), one that may be null is `T | null`; the two differ.
//! - An integer of 64 bits is `Int64`, an alias of `number`, so that its fields can be found: `JSON.parse`
//!   rounds values beyond ±(2^53 − 1). The JSON itself is exact.
//! - A map is an index signature, `{ [key: string]: T }`, not `Record<string, T>`: a recursive type may contain itself
//!   in it, and a model named `Record` does not change its meaning.
//! - An object with declared and further fields has the index signature `[key: string]: unknown`.
//!
//! Invariant: two exports of the same program are equal byte by byte.

mod names;
mod types;

use std::fmt::Write as _;

use serde_json::{Map, Value};

use names::Names;
use types::{Printer, property_name};

const HEADER: &str = "\
// Types of the models, inputs, outputs and metadata of this program's integrations.
// Generated from the declarations of its functions; changes in this file are lost.

/**
 * An integer of 64 bits. The JSON contains it exactly, but `JSON.parse` rounds a value beyond ±(2^53 - 1): if such
 * values occur, parse the response with a library that keeps them.
 */
export type Int64 = number;
";

/// Returns the declarations of a bundle of [`bundle`](super::bundle), a TypeScript module.
pub(crate) fn typescript(bundle: &Value) -> String {
    let mut text = HEADER.to_owned();
    let no_integrations = Map::new();
    let integrations = bundle.get("integrations").and_then(Value::as_object).unwrap_or(&no_integrations);
    let mut namespaces = Names::new(&["Int64", "Integrations"]);
    let mut index = String::new();
    for (name, integration) in integrations {
        let namespace = namespaces.add_namespace(name);
        let _ = write!(text, "\n/** Integration `{name}`. */\nexport namespace {namespace} {{\n");
        text.push_str(&integration_text(integration));
        text.push_str("}\n");
        let _ = writeln!(
            index,
            "  {}: {{ syncs: {namespace}.Syncs; actions: {namespace}.Actions; events: {namespace}.Events }};",
            property_name(name)
        );
    }
    let _ = write!(text, "\n/** Integrations by name. */\nexport interface Integrations {{\n{index}}}\n");
    text
}

/// Returns the body of a namespace, indented.
fn integration_text(integration: &Value) -> String {
    let no_members = Map::new();
    let members = |key: &str| integration.get(key).and_then(Value::as_object).unwrap_or(&no_members);
    let mut names = Names::new(&["Int64", "Syncs", "Actions", "Events"]);
    for model in members("models").keys() {
        names.add_type(model);
    }
    let printer = Printer::new(&names);
    let mut text = String::new();
    for (model, schema) in members("models") {
        text.push_str(&printer.declaration(names.type_name(model), schema));
        text.push('\n');
    }
    let models = |sync: &Value| {
        let saved = sync.get("models").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let fields: Vec<String> =
            saved.map(|model| format!("{}: {}", property_name(model), names.type_name(model))).collect();
        format!("{{ {} }}", fields.join("; "))
    };
    let type_of = |function: &Value, key: &str| match function.get(key) {
        None | Some(Value::Null) => "null".to_owned(),
        Some(schema) => printer.expression(schema, 2),
    };
    text.push_str(&functions(
        "Syncs",
        "Syncs by name: their models and the types of their values.",
        members("syncs"),
        |sync| {
            vec![
                ("models", models(sync)),
                ("checkpoint", type_of(sync, "checkpoint")),
                ("metadata", type_of(sync, "metadata")),
                ("webhook", type_of(sync, "webhook_payload")),
            ]
        },
    ));
    text.push('\n');
    text.push_str(&functions("Actions", "Actions by name.", members("actions"), |action| {
        ["input", "output", "checkpoint", "metadata"].map(|key| (key, type_of(action, key))).to_vec()
    }));
    text.push('\n');
    text.push_str(&functions("Events", "Functions on events of a connection, by name.", members("events"), |event| {
        vec![("metadata", type_of(event, "metadata"))]
    }));
    text
}

/// Returns an interface with one member per function; a type that a function does not declare is `null`.
fn functions(
    interface: &str,
    doc: &str,
    functions: &Map<String, Value>,
    types: impl Fn(&Value) -> Vec<(&'static str, String)>,
) -> String {
    let mut text = format!("  /** {doc} */\n  export interface {interface} {{\n");
    for (name, function) in functions {
        text.push_str(&types::doc_comment(function, 2));
        let _ = writeln!(text, "    {}: {{", property_name(name));
        for (key, of) in types(function) {
            let _ = writeln!(text, "      {key}: {of};");
        }
        text.push_str("    };\n");
    }
    text.push_str("  }\n");
    text
}

#[cfg(test)]
mod tests;
