//! Operations of the document: parameters, body, responses and errors of a route.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::components::{Components, rename};
use crate::{
    server::{
        booleans::BOOLEANS,
        route::{Access, ErrorDoc, Parameter, Place, Route, Rule, schema_of},
    },
    wire::ErrorBody,
};

/// Errors of every route.
const COMMON: &[ErrorDoc] = &[
    ErrorDoc {
        status: StatusCode::BAD_REQUEST,
        codes: &[
            ("invalid_query_params", "a parameter of the query is unknown, missing or not valid"),
            ("invalid_headers", "a header is missing or not valid"),
        ],
    },
    ErrorDoc { status: StatusCode::REQUEST_TIMEOUT, codes: &[("request_timeout", "the body did not arrive in time")] },
    ErrorDoc { status: StatusCode::PAYLOAD_TOO_LARGE, codes: &[("request_too_large", "the body exceeds the limit")] },
    ErrorDoc { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, codes: &[("invalid_content_type", "the body is not JSON")] },
    ErrorDoc {
        status: StatusCode::MISDIRECTED_REQUEST,
        codes: &[("misdirected_request", "the header `Host` is not a name of the server")],
    },
    ErrorDoc {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        codes: &[("request_head_too_large", "the URL and the headers exceed the limit")],
    },
    ErrorDoc {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        codes: &[
            ("generic_error_support", "the server failed; `payload` is the id of the request in its log"),
            ("server_error", "the server failed"),
        ],
    },
    ErrorDoc {
        status: StatusCode::SERVICE_UNAVAILABLE,
        codes: &[("server_stopping", "the server is stopping; nothing was done")],
    },
];
/// Errors of routes whose body is read.
const OF_BODY: &[ErrorDoc] = &[ErrorDoc {
    status: StatusCode::BAD_REQUEST,
    codes: &[("invalid_json", "the body is not JSON"), ("invalid_body", "a value of the body is not valid")],
}];
/// Errors of routes with parameters in the path.
const OF_PATH: &[ErrorDoc] = &[ErrorDoc {
    status: StatusCode::BAD_REQUEST,
    codes: &[("invalid_uri_params", "a parameter of the path is not valid")],
}];
/// Errors of routes that need a key.
const OF_KEY: &[ErrorDoc] = &[
    ErrorDoc {
        status: StatusCode::UNAUTHORIZED,
        codes: &[
            ("missing_auth_header", "the header `Authorization` is missing"),
            ("malformed_auth_header", "the header `Authorization` has no key"),
            ("unknown_account", "the key is unknown, was revoked, or has expired"),
        ],
    },
    ErrorDoc { status: StatusCode::FORBIDDEN, codes: &[("forbidden", "the key lacks the scope")] },
    ErrorDoc {
        status: StatusCode::SERVICE_UNAVAILABLE,
        codes: &[("database_unavailable", "the database does not respond; with `Retry-After`, nothing was done")],
    },
];

/// Returns the operation of a route.
pub(super) fn operation(route: &Route, components: &mut Components) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": route.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(route, components),
    });
    let Some(object) = operation.as_object_mut() else { return operation };
    match route.access {
        Access::Public => {
            object.insert("security".into(), json!([]));
        }
        Access::Key(scopes) => {
            let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
            let text = format!("Needs an API key with one of the scopes {}.", names.join(", "));
            object.insert("description".into(), text.into());
            // Alternatives: one of them is enough.
            let alternatives = names.iter().map(|name| json!({ "apiKey": [name] })).collect();
            object.insert("security".into(), Value::Array(alternatives));
        }
        Access::Operator => {
            let text = "Needs an API key with any scope, or the listener for operators.";
            object.insert("description".into(), text.into());
        }
    }
    if let Some(body) = route.body {
        let schema = components.read(body.schema);
        object.insert(
            "requestBody".into(),
            json!({
                "description": body.description,
                // An empty body counts as `{}`.
                "required": components.has_required_field(&schema),
                "content": { "application/json": { "schema": schema } },
            }),
        );
    }
    operation
}

/// Changes the references of request bodies to renamed schemas.
pub(super) fn rename_inputs(paths: &mut Value, renamed: &BTreeMap<String, String>) {
    let operations = paths.as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for body in operations
        .filter_map(Value::as_object_mut)
        .flat_map(|methods| methods.values_mut())
        .filter_map(|operation| operation.get_mut("requestBody"))
    {
        rename(body, renamed);
    }
}

fn responses(route: &Route, components: &mut Components) -> Value {
    let mut responses: BTreeMap<u16, Value> = BTreeMap::new();
    for reply in route.replies {
        let content = json!({ reply.media_type: { "schema": components.written(reply.schema) } });
        let response = json!({ "description": reply.description, "content": content });
        responses.insert(reply.status.as_u16(), response);
    }
    for (status, codes) in errors(route) {
        let list: Vec<&str> = codes.iter().map(|(code, _)| *code).collect();
        let reasons: Vec<String> = codes.iter().map(|(code, reason)| format!("`{code}`: {reason}")).collect();
        let body = components.written(schema_of::<ErrorBody>);
        let of_codes = json!({ "properties": { "error": { "properties": { "code": { "enum": list } } } } });
        let response = json!({
            "description": reasons.join("; "),
            "content": { "application/json": { "schema": { "allOf": [body, of_codes] } } },
        });
        responses.insert(status, response);
    }
    responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect::<Map<_, _>>().into()
}

/// Returns the codes of a route's errors by status, with the reason of each.
fn errors(route: &Route) -> BTreeMap<u16, Vec<(&'static str, &'static str)>> {
    let body = if route.body.is_some() || route.method != Method::GET { OF_BODY } else { &[] };
    let has_path = route.parameters.iter().any(|parameter| parameter.place == Place::Path);
    let key = if route.access == Access::Public { &[] } else { OF_KEY };
    let mut errors: BTreeMap<u16, Vec<(&str, &str)>> = BTreeMap::new();
    let all = route.errors.iter().chain(COMMON).chain(body).chain(if has_path { OF_PATH } else { &[] }).chain(key);
    for error in all {
        let codes = errors.entry(error.status.as_u16()).or_default();
        for code in error.codes {
            if !codes.iter().any(|(known, _)| *known == code.0) {
                codes.push(*code);
            }
        }
    }
    errors
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let mut json = json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": schema(&parameter.rule),
    });
    let style = match parameter.rule {
        Rule::List { .. } => Some("form"),
        Rule::Map { .. } => Some("deepObject"),
        _ => None,
    };
    if let (Some(style), Some(object)) = (style, json.as_object_mut()) {
        object.insert("style".into(), style.into());
        object.insert("explode".into(), true.into());
    }
    json
}

fn schema(rule: &Rule) -> Value {
    match rule {
        Rule::Text(rule) => rule.schema().to_value(),
        Rule::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Rule::OneOf(allowed) => json!({ "type": "string", "enum": allowed }),
        Rule::Boolean => json!({ "type": "string", "enum": BOOLEANS.map(|(spelling, _)| spelling) }),
        Rule::Time => json!({ "type": "string", "format": "date-time" }),
        Rule::List { item, max } => {
            json!({ "type": "array", "items": item.schema(), "minItems": 1, "maxItems": max })
        }
        Rule::Map { key, value, max } => json!({
            "type": "object",
            "propertyNames": key.schema(),
            "additionalProperties": value.schema(),
            "maxProperties": max,
        }),
    }
}
