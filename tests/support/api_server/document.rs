//! Check of responses against an OpenAPI document.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::lock;

/// An OpenAPI document of a server.
#[derive(Debug)]
pub(super) struct Document {
    json: Value,
    /// Validators by the text of their schema: to make one takes longer than a request.
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Document {
    /// Creates it from the JSON.
    pub(super) fn new(json: Value) -> Self {
        Self { json, validators: Mutex::default() }
    }

    /// Returns the document as JSON.
    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    /// Checks a response: its status must be described, and its body must fit the schema. An error of a path or method
    /// that the document does not have must have the shape of errors.
    ///
    /// # Errors
    ///
    /// Returns what differs.
    pub(super) fn check(
        &self,
        method: &str,
        path: &str,
        status: u16,
        content_type: Option<&str>,
        body: &Value,
    ) -> Result<(), String> {
        let response = match self.operation(method, path) {
            Some(operation) => {
                let described = &operation["responses"][status.to_string()];
                if described.is_null() {
                    return Err(format!("the document has no such status for `{}`", operation["operationId"]));
                }
                described.clone()
            }
            None if status >= 400 => {
                let body = json!({ "schema": { "$ref": "#/components/schemas/ErrorBody" } });
                json!({ "content": { "application/json": body } })
            }
            None => return Err("the document has no such operation".to_owned()),
        };
        let Some(content) = response.get("content") else {
            return if body.is_null() { Ok(()) } else { Err("the document describes no body".to_owned()) };
        };
        let media_type = content_type.and_then(|full| full.split(';').next()).unwrap_or_default();
        let Some(described) = content.get(media_type) else {
            return Err(format!("the type of the content is {content_type:?}"));
        };
        self.validate(&described["schema"], body)
    }

    /// Checks a value against a schema of the document.
    ///
    /// # Errors
    ///
    /// Returns the differences.
    ///
    /// # Panics
    ///
    /// Panics if the schema is not valid.
    fn validate(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let known = lock(&self.validators).get(&schema.to_string()).cloned();
        let validator = known.unwrap_or_else(|| {
            let made = Arc::new(self.validator(schema));
            lock(&self.validators).insert(schema.to_string(), Arc::clone(&made));
            made
        });
        let wrong: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let root = json!({ "components": self.json["components"], "allOf": [schema] });
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&root)
            .unwrap_or_else(|error| panic!("a schema of the document is not valid: {error}: {schema:#}"))
    }

    /// Returns the operation of a path and a method. A path without parameters has precedence.
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or_default();
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        let paths = self.json["paths"].as_object()?;
        let mut found: Vec<(&String, &Value)> = paths.iter().filter(|(template, _)| matches(template, path)).collect();
        found.sort_by_key(|(template, _)| template.matches('{').count());
        let (_, methods) = found.first()?;
        methods.get(method.to_lowercase())
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(path).all(|(part, given)| part.starts_with('{') || *part == given)
}
