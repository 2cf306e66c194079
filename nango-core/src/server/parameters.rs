//! Check of the parameters of a request by the rules of its route.

use axum::http::HeaderMap;

use super::{
    booleans,
    query::{Query, QueryValue},
    route::{Parameter, Place, Rule},
};
use crate::{
    time,
    wire::{ApiError, TextRule, ValidationError},
};

/// Checks the values of the path.
///
/// # Errors
///
/// Fails with the values that are not valid.
pub(super) fn check_path(parameters: &[Parameter], path: &[(String, String)]) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    for (name, value) in path {
        for parameter in parameters.iter().filter(|known| known.place == Place::Path && known.name == name) {
            errors.extend(check_text(&parameter.rule, value, &[name]).err());
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid_uri_params(errors)) }
}

/// Checks the query: unknown and missing keys, and the values of the others.
///
/// # Errors
///
/// Fails with the values that are not valid.
pub(super) fn check_query(parameters: &[Parameter], query: &Query) -> Result<(), ApiError> {
    let known = || parameters.iter().filter(|known| known.place == Place::Query);
    let mut errors = Vec::new();
    for (name, value) in query.entries() {
        match known().find(|parameter| parameter.name == name) {
            Some(parameter) => errors.extend(check_value(&parameter.rule, name, value).err()),
            None => errors.push(ValidationError::unknown_key(name)),
        }
    }
    errors.extend(known().filter(|known| known.required && query.get(known.name).is_none()).map(missing));
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid_query_params(errors)) }
}

/// Checks the headers of the route; others are ignored.
///
/// # Errors
///
/// Fails with the values that are not valid.
pub(super) fn check_headers(parameters: &[Parameter], headers: &HeaderMap) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    for parameter in parameters.iter().filter(|known| known.place == Place::Header) {
        let name = parameter.name.to_ascii_lowercase();
        match headers.get(&name).map(|value| value.to_str()) {
            Some(Ok(value)) => errors.extend(check_text(&parameter.rule, value, &[&name]).err()),
            Some(Err(_)) => {
                let message = "Invalid string: must have only visible ASCII characters";
                errors.push(ValidationError::new("invalid_format", message, &[&name]));
            }
            None if parameter.required => errors.push(missing(parameter)),
            None => {}
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid_headers(errors)) }
}

fn missing(parameter: &Parameter) -> ValidationError {
    let name = match parameter.place {
        Place::Header => parameter.name.to_ascii_lowercase(),
        Place::Path | Place::Query => parameter.name.to_owned(),
    };
    ValidationError::new("invalid_type", "Invalid input: expected string, received undefined", &[&name])
}

fn check_value(rule: &Rule, name: &str, value: &QueryValue) -> Result<(), ValidationError> {
    let wrong_type =
        |expected: &str| ValidationError::new("invalid_type", format!("Invalid input: expected {expected}"), &[name]);
    let too_many = |max: usize| ValidationError::new("too_big", format!("Too big: expected <={max} values"), &[name]);
    match (rule, value) {
        (Rule::List { item, max }, QueryValue::List(list)) => {
            if list.len() > *max {
                return Err(too_many(*max));
            }
            check_each(item, name, list)
        }
        (Rule::List { item, .. }, QueryValue::Text(text)) => item.check(text, &[name]),
        (Rule::List { .. }, QueryValue::Map(_)) => Err(wrong_type("array, received object")),
        (Rule::Map { key, value, max }, QueryValue::Map(entries)) => {
            if entries.len() > *max {
                return Err(too_many(*max));
            }
            entries.iter().try_for_each(|(part, text)| {
                key.check(part, &[name, part])?;
                value.check(text, &[name, part])
            })
        }
        (Rule::Map { .. }, _) => Err(wrong_type("object")),
        (rule, QueryValue::Text(text)) => check_text(rule, text, &[name]),
        (_, QueryValue::List(_)) => Err(wrong_type("string, received array")),
        (_, QueryValue::Map(_)) => Err(wrong_type("string, received object")),
    }
}

fn check_each(rule: &TextRule, name: &str, list: &[String]) -> Result<(), ValidationError> {
    list.iter().enumerate().try_for_each(|(index, text)| rule.check(text, &[name, &index.to_string()]))
}

fn check_text(rule: &Rule, text: &str, path: &[&str]) -> Result<(), ValidationError> {
    match rule {
        Rule::Text(rule) => rule.check(text, path),
        Rule::Integer { min, max } => match text.parse::<u64>() {
            Ok(number) if number < *min => {
                Err(ValidationError::new("too_small", format!("Too small: expected number to be >={min}"), path))
            }
            Ok(number) if number > *max => {
                Err(ValidationError::new("too_big", format!("Too big: expected number to be <={max}"), path))
            }
            Ok(_) => Ok(()),
            Err(_) => Err(ValidationError::new("invalid_type", "Invalid input: expected number", path)),
        },
        Rule::OneOf(allowed) if allowed.contains(&text) => Ok(()),
        Rule::OneOf(allowed) => {
            let allowed = allowed.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join("|");
            Err(ValidationError::new("invalid_value", format!("Invalid option: expected one of {allowed}"), path))
        }
        Rule::Boolean if booleans::parse(text).is_some() => Ok(()),
        Rule::Boolean => Err(ValidationError::new("invalid_value", "Invalid option: expected a boolean", path)),
        Rule::Time if text.contains(['T', 't']) && time::from_text(text).is_some() => Ok(()),
        Rule::Time => {
            let message = "Invalid ISO datetime: expected a time such as 2026-01-31T12:00:00Z";
            Err(ValidationError::new("invalid_format", message, path))
        }
        Rule::List { item, .. } => item.check(text, path),
        Rule::Map { .. } => Err(ValidationError::new("invalid_type", "Invalid input: expected object", path)),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter::path("id", TextRule::NAME, "Id"),
        Parameter::query("model", Rule::Text(TextRule::MODEL), "Model").required(),
        Parameter::query("limit", Rule::Integer { min: 1, max: 10 }, "Limit"),
        Parameter::query("deep", Rule::Boolean, "Deep"),
        Parameter::query("since", Rule::Time, "Since"),
        Parameter::query("type", Rule::OneOf(&["sync", "action"]), "Type"),
        Parameter::query("ids", Rule::List { item: TextRule::NAME, max: 2 }, "Ids"),
        Parameter::query("tags", Rule::Map { key: TextRule::NAME, value: TextRule::any(1, 5), max: 2 }, "Tags"),
        Parameter::header("Connection-Id", TextRule::CONNECTION_ID, "Connection"),
    ];

    fn query(text: &str) -> Result<(), String> {
        check_query(PARAMETERS, &Query::parse(text).unwrap())
            .map_err(|error| serde_json::to_string(error.body()).unwrap())
    }

    #[test]
    fn valid_query_passes() {
        for text in ["", "limit=10", "deep=1", "since=2026-01-31T12:00:00Z", "type=sync", "ids=a&ids=b", "tags[a]=b"] {
            assert_eq!(query(&format!("model=Issue&{text}")), Ok(()), "{text}");
        }
    }

    #[test]
    fn each_wrong_parameter_is_reported_with_its_path() {
        for (text, code, path) in [
            ("limit=0", "too_small", "\"limit\""),
            ("limit=11", "too_big", "\"limit\""),
            ("limit=x", "invalid_type", "\"limit\""),
            ("limit=1&limit=2", "invalid_type", "\"limit\""),
            ("deep=maybe", "invalid_value", "\"deep\""),
            ("since=yesterday", "invalid_format", "\"since\""),
            ("type=x", "invalid_value", "\"type\""),
            ("ids=a&ids=b&ids=c", "too_big", "\"ids\""),
            ("ids=a&ids=%20", "invalid_format", "\"ids\",\"1\""),
            ("tags[a]=123456", "too_big", "\"tags\",\"a\""),
            ("tags=1", "invalid_type", "\"tags\""),
            ("other=1", "unrecognized_keys", ""),
            ("model=issue", "invalid_format", "\"model\""),
        ] {
            let text = if text.starts_with("model") { text.to_owned() } else { format!("model=Issue&{text}") };
            let body = query(&text).unwrap_err();
            assert!(body.contains("\"invalid_query_params\""), "{body}");
            assert!(
                body.contains(&format!("\"code\":\"{code}\"")) && body.contains(&format!("\"path\":[{path}]")),
                "{body}"
            );
        }
        assert!(query("").unwrap_err().contains("received undefined"));
    }

    #[test]
    fn path_and_headers_are_checked() {
        assert!(check_path(PARAMETERS, &[("id".into(), "a".into())]).is_ok());
        assert_eq!(check_path(PARAMETERS, &[("id".into(), "a/b".into())]).unwrap_err().code(), "invalid_uri_params");
        let mut headers = HeaderMap::new();
        assert_eq!(check_headers(PARAMETERS, &headers).unwrap_err().code(), "invalid_headers");
        headers.insert(HeaderName::from_static("connection-id"), HeaderValue::from_static("acme"));
        assert!(check_headers(PARAMETERS, &headers).is_ok());
    }
}
