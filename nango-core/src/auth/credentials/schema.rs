//! Keys of credentials that a provider accepts: those of the auth mode, and those of the provider's entry. Validation,
//! examples and prompts follow from them.

use serde_json::{Map, Value};

use super::{
    error::CredentialError,
    shape::{Shape, shape, token_keys},
    show,
    value::{checked_text, formatted_date, json_type_name, trimmed_text},
};
use crate::{
    declare::suggest,
    provider::{AuthMode, Field, Provider},
};

/// Validates a JSON value as credentials of a mode. Returns all keys except `type`, with defaults applied.
pub(super) fn read(
    mode: AuthMode,
    value: &Value,
    provider: Option<&Provider>,
) -> Result<Map<String, Value>, CredentialError> {
    let schema = CredentialSchema::of(mode, provider);
    let wrong = |reason: String| CredentialError { mode, reason, shape: schema.example() };
    let given = match (mode, value) {
        (AuthMode::ApiKey | AuthMode::Bearer, Value::String(text)) => {
            let text = trimmed_text("the string", token_keys(mode).first().copied().unwrap_or_default(), text)
                .map_err(wrong)?;
            let key = token_keys(mode).first().copied().unwrap_or_default();
            return Ok(Map::from_iter([(key.to_owned(), Value::String(text))]));
        }
        (AuthMode::None, Value::Null) => Map::new(),
        (_, Value::Object(object)) => object.clone(),
        (_, other) => return Err(wrong(format!("expected an object, found {}", json_type_name(other)))),
    };
    let mut fields = Map::new();
    for (key, value) in given {
        if key == "type" {
            // A bearer token may come from any flow.
            let fits = value.as_str().is_some_and(|name| {
                name.parse() == Ok(mode) || mode == AuthMode::Bearer && matches!(name, "OAUTH2" | "OAUTH2_CC")
            });
            if !fits {
                return Err(wrong(format!("`type` must be `{}`", mode.stored_name())));
            }
        } else if let Some(value) = schema.checked_value(mode, &key, value).map_err(wrong)? {
            fields.insert(key, value);
        }
    }
    schema.apply_defaults(&mut fields).map_err(wrong)?;
    if mode == AuthMode::Bearer
        && let Some(token) = fields.remove("token")
    {
        fields.insert("access_token".to_owned(), token);
    }
    if matches!(mode, AuthMode::Basic | AuthMode::InstallPlugin) {
        let name = fields.get("username").and_then(Value::as_str).unwrap_or_default();
        if name.contains(':') {
            return Err(wrong("`username` contains a `:`, which basic authentication does not allow".to_owned()));
        }
        // Many APIs expect a key as the user name and an empty password.
        fields.entry("password").or_insert_with(|| Value::String(String::new()));
    }
    Ok(fields)
}

/// Returns whether credentials of a mode may have a key.
#[cfg(feature = "server")]
pub(super) fn has_key(mode: AuthMode, key: &str, provider: Option<&Provider>) -> bool {
    let schema = CredentialSchema::of(mode, provider);
    key == "type" || schema.accepts_any_key() || schema.names().any(|name| name == key)
}

/// Returns an example of the credentials of a mode, without values.
pub(super) fn example(mode: AuthMode, provider: Option<&Provider>) -> String {
    CredentialSchema::of(mode, provider).example()
}

/// A credential value to prompt a user for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromptField {
    /// Key in the JSON object.
    pub(crate) key: String,
    /// Display name.
    pub(crate) title: String,
    /// Whether the input is hidden.
    pub(crate) secret: bool,
    /// Whether an empty input is refused.
    pub(crate) required: bool,
}

/// Returns the values to prompt a user for.
pub(super) fn prompt_fields(mode: AuthMode, provider: Option<&Provider>) -> Vec<PromptField> {
    let schema = CredentialSchema::of(mode, provider);
    let declared = provider.map(|provider| provider.credentials.as_slice()).unwrap_or_default();
    let keys = schema.typical_keys();
    let alone = !keys.contains(&"password");
    keys.iter()
        .map(|key| {
            let field = declared.iter().find(|field| field.name == **key);
            PromptField {
                key: (*key).to_owned(),
                title: field.map_or_else(|| (*key).to_owned(), |field| field.title.clone()),
                secret: field.is_some_and(|field| field.secret) || show::is_secret_part(key, alone),
                required: *key != "password",
            }
        })
        .collect()
}

/// Keys and fields of credentials: those of the auth mode, and those of the provider entry if the mode is extensible.
struct CredentialSchema<'a> {
    shape: Shape,
    fields: Vec<&'a Field>,
}

impl<'a> CredentialSchema<'a> {
    fn of(mode: AuthMode, provider: Option<&'a Provider>) -> Self {
        let shape = shape(mode);
        let declared = provider.filter(|_| shape.extensible);
        // Nango requests assertion options (the key that signs an assertion) once and does not store them. Here they
        // are stored encrypted, so that an expired assertion can be signed again.
        let fields =
            declared.into_iter().flat_map(|provider| provider.credentials.iter().chain(&provider.assertion_options));
        Self { fields: fields.collect(), shape }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let required = self.shape.required.iter().flat_map(|group| group.iter().copied());
        let declared = self.fields.iter().map(|field| field.name.as_str());
        required.chain(declared).chain(self.shape.optional.iter().copied())
    }

    /// Returns whether keys are not known: those of an extensible mode without a provider entry.
    fn accepts_any_key(&self) -> bool {
        self.shape.extensible && self.fields.is_empty()
    }

    /// Validates a value and returns it in stored form; `None` if it is null.
    fn checked_value(&self, mode: AuthMode, key: &str, value: Value) -> Result<Option<Value>, String> {
        if !self.accepts_any_key() && !self.names().any(|name| name == key) {
            return Err(format!("unknown key `{key}`{}", suggest::hint(suggest::nearest(key, self.names()))));
        }
        if value.is_null() {
            return Ok(None);
        }
        if key == "expires_at" {
            return formatted_date(&value).map(|at| Some(Value::String(at)));
        }
        if is_structured(key) {
            let fits = value.is_object() || (key == "raw" && !value.is_null());
            return if fits {
                Ok(Some(value))
            } else {
                Err(format!("`{key}` must be an object, found {}", json_type_name(&value)))
            };
        }
        match value {
            Value::String(text) => {
                // An empty user name or password is valid.
                let may_be_empty = matches!(mode, AuthMode::Basic | AuthMode::InstallPlugin)
                    || self.fields.iter().any(|field| field.name == key && !field.is_required());
                let name = format!("`{key}`");
                let checked =
                    if may_be_empty { checked_text(&name, key, &text) } else { trimmed_text(&name, key, &text) };
                checked.map(|text| Some(Value::String(text)))
            }
            // Some identifiers are numbers, such as the id of an installation.
            Value::Number(number) if !matches!(mode, AuthMode::ApiKey | AuthMode::Bearer | AuthMode::Basic) => {
                Ok(Some(Value::String(number.to_string())))
            }
            other => Err(format!("`{key}` must be a string, found {}", json_type_name(&other))),
        }
    }

    /// Adds default values, and fails if a required key is missing.
    fn apply_defaults(&self, fields: &mut Map<String, Value>) -> Result<(), String> {
        for group in self.shape.required {
            if !group.iter().any(|key| fields.contains_key(*key)) {
                return Err(format!("`{}` is missing", group.join("` or `")));
            }
        }
        for field in &self.fields {
            if fields.contains_key(&field.name) {
                continue;
            }
            if let Some(default) = &field.default {
                fields.insert(field.name.clone(), Value::String(default.clone()));
            } else if field.is_required() {
                return Err(format!("`{}` ({}) is missing", field.name, field.title));
            }
        }
        Ok(())
    }

    /// Returns the keys that are usually given.
    fn typical_keys(&self) -> Vec<&str> {
        let required = self.shape.required.iter().filter_map(|group| group.first().copied());
        let declared = self.fields.iter().filter(|field| field.is_required()).map(|field| field.name.as_str());
        let mut keys: Vec<&str> = required.collect();
        keys.extend(declared.filter(|name| !self.shape.required.iter().any(|group| group.contains(name))));
        // An optional key that is usually given.
        let usual =
            self.shape.optional.first().filter(|key| matches!(**key, "password" | "refresh_token" | "client_secret"));
        keys.extend(usual);
        keys
    }

    /// Returns an example such as `{"apiKey": "…"}`.
    fn example(&self) -> String {
        let keys: Vec<String> = self.typical_keys().into_iter().map(|key| format!(r#""{key}": "…""#)).collect();
        format!("{{{}}}", keys.join(", "))
    }
}

/// Returns whether the value of a key is not a text.
fn is_structured(key: &str) -> bool {
    matches!(key, "raw" | "config_override")
}
