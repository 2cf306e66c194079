//! Checks of values of the command line against the types that functions declare, before anything is stored.
//!
//! A value is decoded as the function will decode it, so that nothing is refused that a function accepts. An error
//! names the field, the expected type, and the fields of the type.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::CommandError;
use crate::{
    declare::{Entry, Item, Registry, ValueType, suggest},
    error::Error,
    export::schema_text,
    json::DecodeError,
};

/// Checks that a value has the declared type. `option` names it in the error.
///
/// # Errors
///
/// Fails if the value does not fit.
pub(super) fn check(option: &str, declared: ValueType, value: &Value) -> Result<(), CommandError> {
    (declared.check)(value).map_err(|error| CommandError::usage(format!("{option}: {error}{}", fields_hint(&declared))))
}

/// Checks a checkpoint: its type, and that it has no field that the type ignores. With a misspelt field the run would
/// start from the beginning.
///
/// # Errors
///
/// Fails if the value does not fit or has an unknown field.
pub(super) fn check_checkpoint(option: &str, declared: ValueType, value: &Value) -> Result<(), CommandError> {
    let ignored = declared.ignored_fields(value);
    if let Some(name) = ignored.first() {
        let fields = declared.fields().unwrap_or_default();
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        let message = Registry::unknown_message("field", name, &names);
        return Err(CommandError::usage(format!("{option}: {message}")));
    }
    check(option, declared, value)
}

/// Checks metadata that is stored against the types that the functions of an integration declare. Returns warnings.
///
/// The functions share the metadata of a connection, so it may have fields that only some of them read, and fields of
/// the application. It is refused if a declared field has another type, if it fits no function, or if no function reads
/// any of its fields. Functions that it does not fit are warnings.
///
/// # Errors
///
/// Fails if the metadata is refused.
pub(super) fn check_metadata(
    registry: &Registry,
    integration: &str,
    metadata: &Map<String, Value>,
) -> Result<Vec<String>, CommandError> {
    let declared: Vec<(String, ValueType)> =
        registry.of(integration).filter_map(|entry| Some((label(entry), metadata_of(entry)?))).collect();
    if declared.is_empty() || metadata.is_empty() {
        return Ok(Vec::new());
    }
    let value = Value::Object(metadata.clone());
    let mut unfit: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (label, of) in &declared {
        let Err(error) = (of.check)(&value) else { continue };
        if is_mistyped(of, &error) {
            return Err(CommandError::usage(format!("the metadata does not fit {label}: {}", reason(of, &error))));
        }
        unfit.entry(reason(of, &error)).or_default().push(label);
    }
    let unknown = unknown_fields(&declared, &value);
    if unknown.len() == metadata.len() {
        let (names, valid) = (suggest::list(unknown.iter().map(|(name, _)| name.as_str())), known_fields(&declared));
        let hint = suggest::hint(unknown.iter().find_map(|(_, near)| near.as_deref()));
        let valid = suggest::list(valid.iter().map(String::as_str));
        return Err(CommandError::usage(format!(
            "the metadata has {names}, which no function of `{integration}` reads; available: {valid}{hint}"
        )));
    }
    let reasons = unfit.iter().map(|(reason, labels)| format!("{}: {reason}", labels.join(", ")));
    if unfit.values().map(Vec::len).sum::<usize>() == declared.len() {
        let reasons: Vec<String> = reasons.collect();
        return Err(CommandError::usage(format!(
            "the metadata fits no function of `{integration}`:\n  {}",
            reasons.join("\n  ")
        )));
    }
    let unfit = reasons.map(|reason| format!("warning: the metadata does not fit {reason}"));
    let misspelt = unknown.into_iter().filter_map(|(name, near)| {
        let near = near?;
        Some(format!("warning: no function of `{integration}` reads the metadata's `{name}`; did you mean `{near}`?"))
    });
    Ok(unfit.chain(misspelt).collect())
}

/// Returns the type of the metadata that a function declares; that of its sync for a webhook handler.
pub(super) fn metadata_of(entry: &Entry) -> Option<ValueType> {
    match entry.item() {
        Item::Sync(def) => def.metadata,
        Item::Action(def) => def.metadata,
        Item::Event(def) => def.metadata,
        Item::Webhook(def) => def.sync.metadata,
    }
}

fn label(entry: &Entry) -> String {
    format!("{} `{}`", entry.kind().name(), entry.name())
}

/// Returns whether a field that is present has another type, in contrast to a missing field.
fn is_mistyped(declared: &ValueType, error: &Error) -> bool {
    let Some(error) = error.find::<DecodeError>() else { return false };
    let first = error.path.split(['.', '[']).next().unwrap_or_default();
    declared.fields().is_some_and(|fields| fields.contains_key(first))
}

/// Returns the reason without the words that the caller adds.
fn reason(declared: &ValueType, error: &Error) -> String {
    let reason = error.find::<DecodeError>().map_or_else(|| error.to_string(), ToString::to_string);
    format!("{reason}{}", fields_hint(declared))
}

/// Returns the fields of a type with their types: `` ; fields: `page`: integer, `since`: string | null ``.
fn fields_hint(declared: &ValueType) -> String {
    let fields = declared.fields().unwrap_or_default();
    if fields.is_empty() {
        return String::new();
    }
    let fields = fields.iter().map(|(name, schema)| format!("`{name}`: {}", schema_text(schema)));
    format!("; fields: {}", fields.collect::<Vec<_>>().join(", "))
}

/// Returns the fields that no function reads, each with the nearest name. None if a function reads any field.
fn unknown_fields(declared: &[(String, ValueType)], value: &Value) -> Vec<(String, Option<String>)> {
    if declared.iter().any(|(_, of)| of.fields().is_none()) {
        return Vec::new();
    }
    let known = known_fields(declared);
    let mut ignored = declared.iter().map(|(_, of)| of.ignored_fields(value));
    let first = ignored.next().unwrap_or_default();
    let by_all = ignored.fold(first, |common, more| common.into_iter().filter(|name| more.contains(name)).collect());
    let near = |name: &str| suggest::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    by_all.into_iter().map(|name| (name.clone(), near(&name))).collect()
}

fn known_fields(declared: &[(String, ValueType)]) -> Vec<String> {
    let mut names: Vec<String> =
        declared.iter().flat_map(|(_, of)| of.fields().unwrap_or_default()).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        __private::value_type,
        cli::lookup::tests::{action, registry_of},
        declare::ActionDef,
    };

    #[crate::model]
    struct Repository {
        owner: String,
        stars: Option<u32>,
    }

    #[crate::model]
    struct Database {
        database_id: String,
    }

    fn with_metadata(name: &'static str, metadata: Option<ValueType>) -> Item {
        let Item::Action(plain) = action("shop", name) else { return action("shop", name) };
        Item::Action(Box::leak(Box::new(ActionDef { metadata, ..*plain })))
    }

    #[track_caller]
    fn check_both(metadata: &Value, expect: Result<&[&str], &str>) {
        let registry = registry_of(&[
            with_metadata("a", Some(value_type::<Repository>())),
            with_metadata("b", Some(value_type::<Database>())),
            with_metadata("c", None),
        ]);
        let found = check_metadata(&registry, "shop", metadata.as_object().unwrap());
        let found = found.map_err(|error| error.to_string());
        let expect = expect.map(|lines| lines.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(found, expect.map_err(ToOwned::to_owned));
    }

    #[test]
    fn metadata_that_fits_some_functions_is_accepted_with_warnings() {
        check_both(&json!({ "owner": "a", "database_id": "b", "own": 1 }), Ok(&[]));
        let missing = "warning: the metadata does not fit action `b`: missing field `database_id`; fields: \
                       `database_id`: string";
        check_both(&json!({ "owner": "a" }), Ok(&[missing]));
        let misspelt = "warning: no function of `shop` reads the metadata's `databaseId`; did you mean `database_id`?";
        check_both(&json!({ "owner": "a", "databaseId": "b" }), Ok(&[missing, misspelt]));
        check_both(&json!({}), Ok(&[]));
    }

    #[test]
    fn metadata_that_fits_no_function_or_is_mistyped_is_refused() {
        check_both(
            &json!({ "databaseId": "b" }),
            Err("the metadata has `databaseId`, which no function of `shop` reads; available: `database_id`, `owner` \
                 and `stars`; did you mean `database_id`?"),
        );
        check_both(
            &json!({ "stars": 1 }),
            Err("the metadata fits no function of `shop`:\n  action `b`: missing field `database_id`; fields: \
                 `database_id`: string\n  action `a`: missing field `owner`; fields: `owner`: string, `stars`: integer \
                 | null"),
        );
        check_both(
            &json!({ "owner": "a", "stars": "hush", "database_id": "b" }),
            Err(
                "the metadata does not fit action `a`: `stars`: invalid type: a string, expected u32; fields: `owner`: \
                 string, `stars`: integer | null",
            ),
        );
    }

    #[test]
    fn checkpoint_with_unknown_field_is_refused_with_suggestion() {
        let of = value_type::<Repository>();
        let error = check_checkpoint("--checkpoint", of, &json!({ "owner": "a", "star": 1 })).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--checkpoint: unknown field `star`; available: `owner` and `stars`; did you mean `stars`?"
        );
        let error = check_checkpoint("--checkpoint", of, &json!({ "owner": 1 })).unwrap_err();
        assert!(error.to_string().contains("does not fit `Repository`: `owner`: invalid type"), "{error}");
    }
}
