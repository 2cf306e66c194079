//! Requests to run an action, and the errors of actions.

use reqwest::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::text::ScriptName;
use crate::{
    error::Error,
    json::DecodeError,
    store::StoreError,
    wire::{ApiError, RegistryInput, ValidationError, WireError},
};

/// Body of a request to run an action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionBody {
    /// Name of the action.
    pub action_name: ScriptName,
    /// Input of the action, of the type that it declares.
    #[serde(default)]
    #[schemars(with = "Option<RegistryInput>")]
    pub input: Option<Value>,
}

/// Returns the error of an input that does not fit the type that the action declares.
pub(crate) fn invalid_input(error: &Error) -> ApiError {
    let (path, message) = match error.find::<DecodeError>() {
        Some(error) => (json_path(&error.path), error.message.clone()),
        None => (Vec::new(), error.to_string()),
    };
    let path: Vec<&str> = std::iter::once("input").chain(path.iter().map(String::as_str)).collect();
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_action_input")
        .message(error.to_string())
        .errors(vec![ValidationError::new("custom", message, &path)])
}

/// Splits a path such as `items[1].size` into its parts. A name may contain brackets only at its end.
fn json_path(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let mut rest = name;
        if let Some(at) = name.find('[').filter(|_| name.ends_with(']')) {
            rest = &name[..at];
            let positions = name[at + 1..name.len() - 1].split("][").map(str::to_owned);
            parts.extend((!rest.is_empty()).then(|| rest.to_owned()));
            parts.extend(positions);
            continue;
        }
        parts.push(rest.to_owned());
    }
    parts
}

/// Returns the error of an action that failed.
pub(crate) fn action_error(error: &Error) -> ApiError {
    let is_of_run = |error: &StoreError| {
        matches!(error, StoreError::NoConnection { .. } | StoreError::CheckpointConflict { .. } | StoreError::LeaseLost)
    };
    if let Some(error) = error.find::<StoreError>().filter(|error| !is_of_run(error)) {
        return error.into();
    }
    let WireError { r#type: code, message, payload, additional_properties, .. } = WireError::of(error);
    let status = match code {
        "script_http_error" | "script_api_rate_limit_error" => StatusCode::FAILED_DEPENDENCY,
        "invalid_action_input" | "unknown_connection" | "invalid_credentials" | "invalid_sync_record" => {
            StatusCode::BAD_REQUEST
        }
        "script_aborted" => StatusCode::GONE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut failed = ApiError::new(status, code);
    if let Some(payload) = payload {
        failed = failed.payload(payload);
    }
    // An error of the API has no message, only its response.
    match additional_properties.and_then(|mut details| details.get_mut("upstream_response").map(Value::take)) {
        Some(upstream) => failed.upstream(upstream),
        None => failed.message(message),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::{
        __private::value_type,
        error::{ActionError, ErrorKind, HttpFailure},
    };

    /// Input of an action.
    #[crate::model]
    struct Input {
        items: Vec<Item>,
    }

    /// Part of an input.
    #[crate::model]
    struct Item {
        size: u8,
    }

    #[test]
    fn input_error_has_the_path_and_not_the_value() {
        let check = |value: Value| {
            let error = (value_type::<Input>().check)(&value).unwrap_err();
            serde_json::to_value(invalid_input(&error).body()).unwrap()
        };
        let error = check(json!({ "items": [{ "size": 1 }, { "size": "hush" }] }));
        assert_eq!(error["error"]["code"], "invalid_action_input");
        assert_eq!(error["error"]["errors"][0]["path"], json!(["input", "items", "1", "size"]));
        assert!(!error.to_string().contains("hush"), "{error}");
        assert_eq!(check(json!(5))["error"]["errors"][0]["path"], json!(["input"]));
    }

    #[test]
    fn path_is_split_at_dots_and_positions() {
        assert_eq!(json_path("."), [""; 0]);
        assert_eq!(json_path("a.b[0][2].c"), ["a", "b", "0", "2", "c"]);
        assert_eq!(json_path("[3]"), ["3"]);
    }

    #[test]
    fn action_error_has_the_status_of_its_cause() {
        let of = |error: Error| {
            let error = action_error(&error);
            (error.status().as_u16(), serde_json::to_value(error.body()).unwrap()["error"].take())
        };
        let refused = of(ActionError::new(json!({ "field": "title" })).into());
        assert_eq!((refused.0, &refused.1["code"]), (500, &json!("action_script_runtime_error")));
        assert_eq!(refused.1["payload"], json!({ "field": "title" }));
        let body = Bytes::from_static(br#"{"message":"gone"}"#);
        let failure = HttpFailure::new("GET".into(), "http://h/p".into(), 404, HeaderMap::new(), body, 1);
        let failed = of(failure.into());
        assert_eq!((failed.0, &failed.1["upstream"]["status"]), (424, &json!(404)));
        assert_eq!((&failed.1["payload"], failed.1.get("message")), (&json!({ "message": "gone" }), None));
        assert_eq!(of(Error::new(ErrorKind::Network, "x")).0, 500);
        assert_eq!(of(Error::new(ErrorKind::Interrupted, "x")).0, 410);
        assert_eq!(of(Error::new(ErrorKind::Store, StoreError::Disconnected)).0, 503);
    }
}
