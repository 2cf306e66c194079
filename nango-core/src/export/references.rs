//! References between schemas: visits, new names, and the types whose inputs have another shape than their outputs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Calls `change` with the target of every `$ref`. A property named `$ref` is not a reference: its value is not a
/// string.
pub(crate) fn for_each_reference(schema: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(to) if key == "$ref" => change(to),
                    // These keywords contain values, not schemas.
                    _ if matches!(key.as_str(), "const" | "enum" | "default" | "examples") => {}
                    _ => for_each_reference(value, change),
                }
            }
        }
        Value::Array(array) => array.iter_mut().for_each(|value| for_each_reference(value, change)),
        _ => {}
    }
}

/// Changes the references with a prefix to types that have a new name.
pub(crate) fn rename_references(schema: &mut Value, prefix: &str, names: &BTreeMap<String, String>) {
    for_each_reference(schema, &mut |to| {
        if let Some(name) = to.strip_prefix(prefix).and_then(|name| names.get(name)) {
            *to = format!("{prefix}{name}");
        }
    });
}

/// Returns the names of the types to which the references with a prefix lead.
pub(super) fn references(schema: &Value, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for_each_reference(&mut schema.clone(), &mut |to| found.extend(to.strip_prefix(prefix).map(str::to_owned)));
    found
}

/// Returns the types whose schema for inputs differs from that for outputs, and those that refer to such a type.
pub(crate) fn types_with_distinct_input<'a>(
    inputs: &(impl Iterator<Item = (&'a String, &'a Value)> + Clone),
    output: impl Fn(&str) -> Option<&'a Value>,
    prefix: &str,
) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    loop {
        let is_new = |(name, input): &(&String, &Value)| {
            !found.contains(*name)
                && output(name).is_some_and(|output| {
                    output != *input || references(input, prefix).iter().any(|to| found.contains(to))
                })
        };
        let more: Vec<String> = inputs.clone().filter(is_new).map(|(name, _)| name.clone()).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_no_references() {
        let mut schema = json!({
            "$ref": "#/$defs/A",
            "default": { "$ref": "#/$defs/A" },
            "properties": { "$ref": { "$ref": "#/$defs/B" } },
        });
        let names = BTreeMap::from([("A".to_owned(), "C".to_owned())]);
        rename_references(&mut schema, "#/$defs/", &names);
        assert_eq!((&schema["$ref"], &schema["default"]["$ref"]), (&json!("#/$defs/C"), &json!("#/$defs/A")));
        assert_eq!(references(&schema, "#/$defs/"), BTreeSet::from(["B".to_owned(), "C".to_owned()]));
    }
}
