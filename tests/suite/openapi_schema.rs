//! Check of an OpenAPI document against the JSON Schema of the specification, from npm.

use std::fs;

use nango_tests::{npm::NpmProject, tools};
use serde_json::Value;

const PROJECT: NpmProject = NpmProject {
    name: "openapi-schema",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("openapi_schema/package.json")),
        ("package-lock.json", include_str!("openapi_schema/package-lock.json")),
    ],
    prepare: None,
};

/// Returns the problems of a document, or `None` if the schema is missing: see [`tools::skip`].
pub(crate) fn check(document: &Value) -> Option<Vec<String>> {
    let installed = match PROJECT.install() {
        Ok(installed) => installed,
        Err(reason) => return tools::skip("the check of the OpenAPI document", reason),
    };
    let file = installed.join("node_modules/@seriousme/openapi-schema-validator/schemas/v3.1/schema.json");
    let text = fs::read_to_string(file).expect("the schema of the specification");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    Some(validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect())
}
