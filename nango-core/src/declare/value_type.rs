//! Types of the values that users give to functions: checkpoints, metadata, inputs and payloads of webhooks.

use serde_json::{Map, Value};

use crate::{error::Result, model::SchemaFn};

/// Type of a declared value: its schema, and the check of a value that a user gives.
#[derive(Debug, Clone, Copy)]
pub struct ValueType {
    /// JSON Schema of the type.
    pub schema: SchemaFn,
    /// Decodes a value and drops it. The error names the field, and quotes no value.
    pub check: fn(&Value) -> Result<()>,
}

impl ValueType {
    /// Returns the schemas of the fields that the type reads, by JSON name. `None` if it reads any field, or is not a
    /// plain struct.
    pub(crate) fn fields(&self) -> Option<Map<String, Value>> {
        let mut generator = schemars::SchemaGenerator::default();
        let mut schema = (self.schema)(&mut generator).to_value();
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
            schema = generator.take_definitions(true).remove(name)?;
        }
        let open = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
        match schema.get_mut("properties")?.take() {
            Value::Object(properties) if !open => Some(properties),
            _ => None,
        }
    }

    /// Returns the names in an object that the type ignores. A field that is read under another name (`serde(alias)`)
    /// and is required is not ignored.
    pub(crate) fn ignored_fields(&self, value: &Value) -> Vec<String> {
        let (Value::Object(given), Some(fields)) = (value, self.fields()) else { return Vec::new() };
        let is_ignored = |name: &&String| {
            if fields.contains_key(*name) {
                return false;
            }
            let mut rest = given.clone();
            rest.shift_remove(*name);
            (self.check)(&Value::Object(rest)).is_ok() || (self.check)(value).is_err()
        };
        given.keys().filter(is_ignored).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::__private::value_type;

    /// Position that a function stores.
    #[crate::model]
    struct Position {
        #[serde(alias = "page")]
        page_number: u32,
        cursor: Option<String>,
    }

    #[crate::model]
    struct Open {
        #[serde(flatten)]
        rest: std::collections::BTreeMap<String, u8>,
    }

    #[test]
    fn ignored_fields_are_those_that_decoding_does_not_need() {
        let position = value_type::<Position>();
        assert_eq!(position.ignored_fields(&json!({ "page": 1, "curser": "a" })), ["curser"]);
        assert_eq!(position.ignored_fields(&json!({ "page_number": 1, "cursor": null })), [""; 0]);
        assert_eq!(value_type::<Open>().ignored_fields(&json!({ "a": 1 })), [""; 0]);
        assert_eq!(value_type::<Vec<u8>>().ignored_fields(&json!([1])), [""; 0]);
    }

    #[test]
    fn check_names_the_field_and_quotes_no_value() {
        let error = (value_type::<Position>().check)(&json!({ "page_number": "hush" })).unwrap_err();
        let expect = "the value does not fit `Position`: `page_number`: invalid type: a string, expected u32";
        assert_eq!(error.to_string(), expect);
    }
}
