//! The definitions of one integration: every type that its functions name, in each of its shapes, under one name each.
//!
//! Each schema function is run on a generator of its own, so that a type always gets its own name first; what two of
//! them call by one name must be one type. (A single generator would number the second one, `Issue2`, by the order of
//! encounter, and adding a function would rename a type.)

use std::collections::{BTreeMap, BTreeSet, btree_map};

use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{declare::Entry, model::SchemaFn};

/// How a reference begins before it gets its place.
pub(super) const DEFS_PREFIX: &str = "#/$defs/";

/// Two types of one name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{integration}` has two types named `{name}`: the one of {first} and the one of {second}. Give one another name: \
     `#[model(name = \"…\")]`"
)]
#[non_exhaustive]
pub struct ExportError {
    /// The integration.
    pub integration: String,
    /// The name.
    pub name: String,
    /// The function that names the first type.
    pub first: String,
    /// The function that names the second type.
    pub second: String,
}

/// The definitions of an integration; [`Definitions::settle`] gives each shape its name.
pub(super) struct Definitions {
    integration: String,
    serialized: BTreeMap<String, Definition>,
    deserialized: BTreeMap<String, Definition>,
    records: BTreeSet<String>,
    /// What functions refer to themselves, by contract.
    used_serialized: BTreeSet<String>,
    used_deserialized: BTreeSet<String>,
    errors: Vec<ExportError>,
    /// What a reference to a name becomes, by contract.
    serialized_names: BTreeMap<String, String>,
    deserialized_names: BTreeMap<String, String>,
    resolved: BTreeMap<String, Value>,
}

struct Definition {
    schema: Value,
    /// The function that named it first.
    declared_by: String,
}

impl Definitions {
    pub(super) fn new(integration: &str) -> Self {
        Self {
            integration: integration.to_owned(),
            serialized: BTreeMap::new(),
            deserialized: BTreeMap::new(),
            records: BTreeSet::new(),
            used_serialized: BTreeSet::new(),
            used_deserialized: BTreeSet::new(),
            errors: Vec::new(),
            serialized_names: BTreeMap::new(),
            deserialized_names: BTreeMap::new(),
            resolved: BTreeMap::new(),
        }
    }

    pub(super) fn settings(contract: Contract) -> SchemaSettings {
        SchemaSettings::draft2020_12().with(|settings| settings.contract = contract)
    }

    /// Takes in a type that a function reads or writes, and all that it holds.
    pub(super) fn add(&mut self, entry: &Entry, schema: SchemaFn, contract: &Contract) {
        let named = references(&self.insert_schema(entry, schema, contract));
        if contract.is_serialize() { &mut self.used_serialized } else { &mut self.used_deserialized }.extend(named);
    }

    /// Takes in a type whose values are records of the cache.
    pub(super) fn add_record(&mut self, entry: &Entry, schema: SchemaFn) {
        let reference = self.insert_schema(entry, schema, &Contract::Serialize);
        self.records.extend(references(&reference));
    }

    fn insert_schema(&mut self, entry: &Entry, schema: SchemaFn, contract: &Contract) -> Value {
        let mut generator = Self::settings(contract.clone()).into_generator();
        let reference = schema(&mut generator).to_value();
        let by = format!("{} `{}`, {}", entry.kind().name(), entry.name(), entry.at());
        for (name, schema) in generator.take_definitions(true) {
            let known = if contract.is_serialize() { &mut self.serialized } else { &mut self.deserialized };
            match known.entry(name) {
                btree_map::Entry::Vacant(free) => {
                    free.insert(Definition { schema, declared_by: by.clone() });
                }
                btree_map::Entry::Occupied(old) if old.get().schema == schema => {}
                btree_map::Entry::Occupied(old) => {
                    let (name, first) = (old.key().clone(), old.get().declared_by.clone());
                    self.report_conflict(name, first, by.clone());
                }
            }
        }
        reference
    }

    fn report_conflict(&mut self, name: String, first: String, second: String) {
        let error = ExportError { integration: self.integration.clone(), name, first, second };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Gives each shape its name.
    pub(super) fn resolve_names(&mut self) -> Result<(), Vec<ExportError>> {
        if !self.errors.is_empty() {
            return Err(std::mem::take(&mut self.errors));
        }
        let mut used_names: BTreeSet<String> =
            self.serialized.keys().chain(self.deserialized.keys()).cloned().collect();
        let records: BTreeMap<String, Value> = self
            .records
            .iter()
            .filter_map(|name| {
                let plain = &self.serialized.get(name)?.schema;
                let record = as_record(plain);
                (record != *plain).then(|| (name.clone(), record))
            })
            .collect();
        for name in records.keys() {
            let output = unused_name(name, "Output", &mut used_names);
            self.serialized_names.insert(name.clone(), output.clone());
            self.deserialized_names.insert(name.clone(), output);
        }
        for name in self.types_with_distinct_input() {
            let input = unused_name(&name, "Input", &mut used_names);
            self.deserialized_names.insert(name, input);
        }
        for (name, definition) in &self.deserialized {
            let name = self.deserialized_names.get(name).unwrap_or(name);
            self.resolved.insert(name.clone(), rename_references(&definition.schema, &self.deserialized_names));
        }
        // Written shapes last: where both are equal, they are the same.
        for (name, definition) in &self.serialized {
            let name = self.serialized_names.get(name).unwrap_or(name);
            self.resolved.insert(name.clone(), rename_references(&definition.schema, &self.serialized_names));
        }
        for (name, record) in &records {
            self.resolved.insert(name.clone(), rename_references(record, &self.serialized_names));
        }
        self.retain_reachable();
        Ok(())
    }

    /// Keeps what functions and records reach: the plain shape of a record, say, may have no use.
    fn retain_reachable(&mut self) {
        let written = self.used_serialized.iter().map(|name| self.serialized_names.get(name).unwrap_or(name));
        let read = self.used_deserialized.iter().map(|name| self.deserialized_names.get(name).unwrap_or(name));
        let used = reachable(&self.resolved, written.chain(read).chain(&self.records).cloned().collect());
        self.resolved.retain(|name, _| used.contains(name));
    }

    /// The types whose shape for reading is another one than that for writing, and those that refer to such a type.
    fn types_with_distinct_input(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        loop {
            let more: Vec<String> = self
                .deserialized
                .iter()
                .filter(|(name, read)| {
                    !found.contains(*name)
                        && self.serialized.get(*name).is_some_and(|write| {
                            write.schema != read.schema || references(&read.schema).iter().any(|to| found.contains(to))
                        })
                })
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// A reference to a type that was taken in, or its schema if it has no name.
    pub(super) fn reference(&self, schema: SchemaFn, contract: Contract) -> Value {
        let names = if contract.is_serialize() { &self.serialized_names } else { &self.deserialized_names };
        rename_references(schema(&mut Self::settings(contract).into_generator()).as_value(), names)
    }

    /// A settled definition by itself.
    pub(super) fn standalone(&self, name: &str) -> Option<Value> {
        standalone_of(&self.resolved, name)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.resolved.keys().cloned().collect()
    }

    /// All definitions by name.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.resolved.into_iter().collect()
    }
}

/// The record as it is read: `id` is text and always there, and `_nango_metadata` may stand beside the fields.
fn as_record(plain: &Value) -> Value {
    let mut record = plain.clone();
    let Some(object) = record.as_object_mut() else { return record };
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return record };
    match properties.get_mut("id") {
        Some(id) if id.get("type") == Some(&json!("string")) => {}
        Some(id) => {
            let mut text = Map::new();
            text.extend(id.get("description").map(|description| ("description".to_owned(), description.clone())));
            text.insert("type".into(), "string".into());
            *id = text.into();
        }
        None => {
            let fields = std::mem::take(properties);
            properties.insert("id".into(), json!({ "description": "The id of the record.", "type": "string" }));
            properties.extend(fields);
        }
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut().filter(|names| !names.contains(&json!("id"))) {
        required.insert(0, "id".into());
    }
    for closed in ["additionalProperties", "unevaluatedProperties"] {
        if object.get(closed) == Some(&Value::Bool(false)) {
            object.shift_remove(closed);
        }
    }
    record
}

/// A definition with everything that it reaches in its `$defs`.
pub(super) fn standalone_of(definitions: &BTreeMap<String, Value>, name: &str) -> Option<Value> {
    let root = definitions.get(name)?;
    let mut reached = reachable(definitions, references(root).into_iter().collect());
    let mut schema = json!({ "$schema": super::DIALECT, "title": name });
    let object = schema.as_object_mut()?;
    object.extend(root.as_object()?.iter().map(|(key, value)| (key.clone(), value.clone())));
    reached.remove(name);
    if !reached.is_empty() {
        let defs: Map<String, Value> =
            reached.into_iter().filter_map(|name| Some((name.clone(), definitions.get(&name)?.clone()))).collect();
        object.insert("$defs".into(), defs.into());
    }
    let own_reference = format!("{DEFS_PREFIX}{name}");
    for_each_reference(&mut schema, &mut |to| {
        if *to == own_reference {
            "#".clone_into(to);
        }
    });
    Some(schema)
}

fn reachable(definitions: &BTreeMap<String, Value>, mut queue: Vec<String>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    while let Some(next) = queue.pop() {
        if let Some(definition) = definitions.get(&next)
            && reached.insert(next)
        {
            queue.extend(references(definition));
        }
    }
    reached
}

pub(super) fn unused_name(name: &str, suffix: &str, used_names: &mut BTreeSet<String>) -> String {
    let mut free = format!("{name}{suffix}");
    let mut number = 2;
    while !used_names.insert(free.clone()) {
        free = format!("{name}{suffix}{number}");
        number += 1;
    }
    free
}

fn rename_references(schema: &Value, names: &BTreeMap<String, String>) -> Value {
    let mut schema = schema.clone();
    for_each_reference(&mut schema, &mut |to| {
        if let Some(name) = to.strip_prefix(DEFS_PREFIX).and_then(|name| names.get(name)) {
            *to = format!("{DEFS_PREFIX}{name}");
        }
    });
    schema
}

fn references(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for_each_reference(&mut schema.clone(), &mut |to| {
        found.extend(to.strip_prefix(DEFS_PREFIX).map(str::to_owned));
    });
    found
}

/// Calls `change` on the target of every `$ref`. A property that is called `$ref` is not one: its value is no text.
pub(super) fn for_each_reference(schema: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(to) if key == "$ref" => change(to),
                    // These hold values and not schemas.
                    _ if matches!(key.as_str(), "const" | "enum" | "default" | "examples") => {}
                    _ => for_each_reference(value, change),
                }
            }
        }
        Value::Array(array) => array.iter_mut().for_each(|value| for_each_reference(value, change)),
        _ => {}
    }
}
