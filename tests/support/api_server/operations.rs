//! Operations of the OpenAPI document of a server, with requests that they accept.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

/// Names of parameters and fields that contain an integration, without `-` and `_`, in lower case.
const INTEGRATION: [&str; 3] = ["providerconfigkey", "uniquekey", "integrationid"];

/// Depth to which the schema of a body is read.
const MAX_DEPTH: u32 = 12;

/// Operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Name of the operation, such as `listConnections`.
    pub id: String,
    /// Method of its requests.
    pub method: Method,
    /// Path with the names of its parameters.
    pub path: String,
    /// Whether it needs no key.
    pub is_public: bool,
    /// Scopes of which a key needs one. Empty: any key.
    pub scopes: Vec<String>,
    /// Whether a parameter or the body names an integration.
    pub names_integration: bool,
    parameters: Vec<Value>,
    body: Option<Value>,
}

/// Request to an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRequest {
    /// Method of the request.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Headers of the operation.
    pub headers: Vec<(String, String)>,
    /// Body, if the operation has one.
    pub body: Option<Value>,
}

/// Returns all operations of a document.
pub fn operations(document: &Value) -> Vec<Operation> {
    let methods = |(path, methods): (&String, &Value)| {
        let path = path.clone();
        let methods = methods.as_object().cloned().unwrap_or_default();
        methods.into_iter().map(move |(method, described)| (path.clone(), method, described))
    };
    let all = document["paths"].as_object().into_iter().flatten().flat_map(methods);
    all.map(|(path, method, described)| Operation::new(document, path, &method, &described)).collect()
}

impl Operation {
    fn new(document: &Value, path: String, method: &str, described: &Value) -> Self {
        let security = described["security"].as_array();
        let scopes: Vec<String> = security
            .into_iter()
            .flatten()
            .flat_map(|alternative| alternative["apiKey"].as_array().cloned().unwrap_or_default())
            .filter_map(|scope| scope.as_str().map(str::to_owned))
            .collect();
        let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
        let body = &described["requestBody"]["content"]["application/json"]["schema"];
        let body = (!body.is_null()).then(|| inlined(document, body, MAX_DEPTH));
        let fields = body.iter().flat_map(|body| body["properties"].as_object().into_iter().flatten());
        let mut names = parameters.iter().filter_map(|one| one["name"].as_str()).chain(fields.map(|(name, _)| &**name));
        Self {
            id: described["operationId"].as_str().unwrap_or_default().to_owned(),
            method: method.to_uppercase().parse().expect("a method"),
            path,
            is_public: security.is_some_and(Vec::is_empty),
            scopes,
            names_integration: names.any(is_integration),
            parameters,
            body,
        }
    }

    /// Returns a request with the required values, and with all that name an integration. `values` are by name without
    /// `-` and `_`, in lower case; what has no value there is made from its schema.
    pub fn sample(&self, values: &BTreeMap<&str, Value>) -> SampleRequest {
        let mut path = self.path.clone();
        let mut query = form_urlencoded::Serializer::new(String::new());
        let (mut headers, mut has_query) = (Vec::new(), false);
        for parameter in &self.parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            if parameter["required"] != true && !is_integration(name) {
                continue;
            }
            let value = sample_of(name, &parameter["schema"], values);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &text),
                Some("query") => {
                    query.append_pair(name, &text);
                    has_query = true;
                }
                _ => headers.push((name.to_owned(), text)),
            }
        }
        if has_query {
            path = format!("{path}?{}", query.finish());
        }
        let body = self.body.as_ref().map(|schema| sample_of("", schema, values));
        SampleRequest { method: self.method.clone(), path, headers, body }
    }
}

fn plain(name: &str) -> String {
    name.replace(['-', '_'], "").to_lowercase()
}

fn is_integration(name: &str) -> bool {
    INTEGRATION.contains(&plain(name).as_str())
}

/// Returns the value for a name, or one that fits the schema.
fn sample_of(name: &str, schema: &Value, values: &BTreeMap<&str, Value>) -> Value {
    let is_list = schema["type"] == "array" || schema["type"][0] == "array";
    if let Some(value) = values.get(plain(name).as_str()) {
        return if is_list && !value.is_array() { json!([value]) } else { value.clone() };
    }
    let first = |keyword: &str| schema[keyword].as_array().and_then(|all| all.first());
    if let Some(value) = schema.get("const").or_else(|| first("enum")) {
        return value.clone();
    }
    if let Some(inner) = first("anyOf").or_else(|| first("oneOf")).or_else(|| first("allOf")) {
        return sample_of(name, inner, values);
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("object") => {
            let required = |field: &str| schema["required"].as_array().is_some_and(|all| all.contains(&json!(field)));
            let fields = schema["properties"].as_object().into_iter().flatten();
            let sent = fields.filter(|(field, _)| required(field) || is_integration(field));
            sent.map(|(field, inner)| (field.clone(), sample_of(field, inner, values))).collect::<Map<_, _>>().into()
        }
        Some("array") => json!([sample_of("", &schema["items"], values)]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        _ => json!("Sample"),
    }
}

/// Returns a schema with the schemas to which it refers in place of the references. A type may contain itself: at the
/// depth 0 every value is allowed.
fn inlined(document: &Value, schema: &Value, depth: u32) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return json!(true) };
    match schema {
        Value::Object(object) => {
            if let Some(to) = object.get("$ref").and_then(Value::as_str) {
                let target = document.pointer(to.trim_start_matches('#')).expect("a reference that resolves");
                return inlined(document, target, depth);
            }
            object
                .iter()
                .map(|(key, value)| (key.clone(), inlined(document, value, depth)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(list) => list.iter().map(|value| inlined(document, value, depth)).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}
