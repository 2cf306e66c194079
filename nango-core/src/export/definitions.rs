//! Definitions of one integration: every type of its functions, in each of its shapes, with a unique name.
//!
//! Each schema function is run with a separate generator, so that a type always gets its own name; types with the same
//! name must be equal. A shared generator would number the second of them, `Issue2`, in the order of occurrence, and
//! adding a function would then rename a type.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use super::references::{self, for_each_reference, types_with_distinct_input};
use crate::{declare::Entry, model::SchemaFn};

/// The dialect of all exported schemas.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Prefix of references, before they are changed to paths inside the bundle.
pub(super) const DEFS_PREFIX: &str = "#/$defs/";

/// Two types of an integration share a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "two types of `{integration}` are named `{name}`: one of {first}, one of {second}; rename one of them with \
     `#[model(name = \"…\")]`"
)]
#[non_exhaustive]
pub struct ExportError {
    /// Name of the integration.
    pub integration: String,
    /// Name of both types.
    pub name: String,
    /// Function that uses the first type, with its source location.
    pub first: String,
    /// Function that uses the second type, with its source location.
    pub second: String,
}

/// Definitions of an integration; [`Definitions::resolve_names`] names each shape.
pub(super) struct Definitions {
    integration: String,
    serialized: BTreeMap<String, Definition>,
    deserialized: BTreeMap<String, Definition>,
    records: BTreeSet<String>,
    /// Names that functions refer to directly, by contract.
    used_serialized: BTreeSet<String>,
    used_deserialized: BTreeSet<String>,
    errors: Vec<ExportError>,
    /// New name of each renamed type, by contract.
    serialized_names: BTreeMap<String, String>,
    deserialized_names: BTreeMap<String, String>,
    resolved: BTreeMap<String, Value>,
}

struct Definition {
    schema: Value,
    /// First function that uses the type, with its source location.
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

    /// Adds a type that a function reads or writes, with all types that it refers to.
    pub(super) fn add(&mut self, entry: &Entry, schema: SchemaFn, contract: &Contract) {
        let named = references(&self.insert_schema(entry, schema, contract));
        if contract.is_serialize() { &mut self.used_serialized } else { &mut self.used_deserialized }.extend(named);
    }

    /// Adds a type whose values are records of the cache.
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

    /// Names each shape, and removes those that are not used.
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
        // Serialized shapes last: they replace deserialized ones of the same name, which are equal.
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

    /// Keeps the definitions that functions and records reach; for example, the plain shape of a record may be unused.
    fn retain_reachable(&mut self) {
        let written = self.used_serialized.iter().map(|name| self.serialized_names.get(name).unwrap_or(name));
        let read = self.used_deserialized.iter().map(|name| self.deserialized_names.get(name).unwrap_or(name));
        let used = reachable(&self.resolved, written.chain(read).chain(&self.records).cloned().collect());
        self.resolved.retain(|name, _| used.contains(name));
    }

    /// Returns the types whose deserialized shape differs from the serialized one, and those that refer to such a type.
    fn types_with_distinct_input(&self) -> BTreeSet<String> {
        let inputs = self.deserialized.iter().map(|(name, read)| (name, &read.schema));
        types_with_distinct_input(&inputs, |name| Some(&self.serialized.get(name)?.schema), DEFS_PREFIX)
    }

    /// Returns a reference to a type that was added, or its schema if it has no name.
    pub(super) fn reference(&self, schema: SchemaFn, contract: Contract) -> Value {
        let names = if contract.is_serialize() { &self.serialized_names } else { &self.deserialized_names };
        rename_references(schema(&mut Self::settings(contract).into_generator()).as_value(), names)
    }

    /// Returns a definition as a standalone schema.
    pub(super) fn standalone(&self, name: &str) -> Option<Value> {
        standalone_of(&self.resolved, name)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.resolved.keys().cloned().collect()
    }

    /// Returns all definitions by name.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.resolved.into_iter().collect()
    }
}

/// Returns the schema of a record as clients read it: `id` is required text, and further fields such as
/// `_nango_metadata` are allowed.
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

/// Returns a definition with everything that it reaches in `$defs`.
pub(super) fn standalone_of(definitions: &BTreeMap<String, Value>, name: &str) -> Option<Value> {
    let root = definitions.get(name)?;
    let mut reached = reachable(definitions, references(root).into_iter().collect());
    let mut schema = json!({ "$schema": DIALECT, "title": name });
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

/// Returns the name with the suffix, and a number if that is used already; marks it as used.
pub(super) fn unused_name(name: &str, suffix: &str, used_names: &mut BTreeSet<String>) -> String {
    let mut unused = format!("{name}{suffix}");
    let mut number = 2;
    while !used_names.insert(unused.clone()) {
        unused = format!("{name}{suffix}{number}");
        number += 1;
    }
    unused
}

fn rename_references(schema: &Value, names: &BTreeMap<String, String>) -> Value {
    let mut schema = schema.clone();
    references::rename_references(&mut schema, DEFS_PREFIX, names);
    schema
}

fn references(schema: &Value) -> BTreeSet<String> {
    references::references(schema, DEFS_PREFIX)
}
