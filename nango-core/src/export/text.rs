//! Short text of a type, for tables: `Issue`, `Issue[]`, `string | null`.

use schemars::generate::Contract;
use serde_json::Value;

use super::definitions::{DEFS_PREFIX, Definitions};
use crate::model::SchemaFn;

/// Returns the name of a type, or a short form if it has none. `None` for the unit type, `()`.
pub(crate) fn type_text(schema: SchemaFn, contract: Contract) -> Option<String> {
    let schema = schema(&mut Definitions::settings(contract).into_generator()).to_value();
    (schema.get("type") != Some(&Value::from("null"))).then(|| schema_text(&schema))
}

/// Returns the name or short form of the type of a schema.
pub(crate) fn schema_text(schema: &Value) -> String {
    if let Some(to) = schema.get("$ref").and_then(Value::as_str) {
        return to.strip_prefix(DEFS_PREFIX).or_else(|| to.rsplit('/').next()).unwrap_or(to).to_owned();
    }
    for of in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema.get(of).and_then(Value::as_array) {
            return alternatives.iter().map(schema_text).collect::<Vec<_>>().join(" | ");
        }
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    match schema.get("type") {
        Some(Value::String(kind)) => typed_schema_text(kind, schema),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .map(|kind| typed_schema_text(kind, schema))
            .collect::<Vec<_>>()
            .join(" | "),
        _ => "any".to_owned(),
    }
}

fn typed_schema_text(kind: &str, schema: &Value) -> String {
    match (kind, schema.get("items"), schema.get("additionalProperties")) {
        ("array", Some(items), _) => {
            let items = schema_text(items);
            if items.contains(' ') { format!("({items})[]") } else { format!("{items}[]") }
        }
        ("array", None, _) => "any[]".to_owned(),
        ("object", _, Some(values)) if values.is_object() => format!("map of {}", schema_text(values)),
        _ => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;

    use super::*;

    #[derive(JsonSchema)]
    struct Issue {
        #[expect(dead_code, reason = "only its schema is read")]
        id: u64,
    }

    #[track_caller]
    fn check<T: JsonSchema>(expect: Option<&str>) {
        assert_eq!(type_text(schemars::SchemaGenerator::subschema_for::<T>, Contract::Serialize).as_deref(), expect);
    }

    #[test]
    fn type_text_is_a_name_or_a_short_form() {
        check::<()>(None);
        check::<Issue>(Some("Issue"));
        check::<Vec<Issue>>(Some("Issue[]"));
        check::<Option<Issue>>(Some("Issue | null"));
        check::<Vec<Option<Issue>>>(Some("(Issue | null)[]"));
        check::<Option<String>>(Some("string | null"));
        check::<BTreeMap<String, u8>>(Some("map of integer"));
        check::<Value>(Some("any"));
    }
}
