//! Which keys the credentials of a kind have, and how they are read.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    auth::time_values,
    declare::suggest,
    provider::{AuthMode, Field, Provider},
};

/// Why a JSON value is not the credentials of a mode. No text of it holds the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these are no {mode} credentials: {reason}; write {shape}")]
pub struct CredentialError {
    /// The mode that was asked for.
    pub mode: AuthMode,
    /// What is wrong.
    pub reason: String,
    /// What they look like.
    pub shape: String,
}

/// The keys of a kind.
struct Shape {
    /// Must be there. Of two in one group, one.
    required: &'static [&'static [&'static str]],
    /// May be there.
    optional: &'static [&'static str],
    /// Whether the provider's entry names further ones.
    extensible: bool,
}

const TOKEN_FIELDS: &[&str] = &["token", "refresh_token", "expires_at", "raw"];
const OAUTH2_FIELDS: &[&str] = &["refresh_token", "expires_at", "config_override", "raw"];

const fn shape(mode: AuthMode) -> Shape {
    match mode {
        AuthMode::ApiKey => Shape { required: &[&["apiKey"]], optional: &[], extensible: false },
        AuthMode::Basic | AuthMode::InstallPlugin => {
            Shape { required: &[&["username"]], optional: &["password"], extensible: false }
        }
        AuthMode::Bearer => Shape { required: &[&["access_token", "token"]], optional: &[], extensible: false },
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => {
            Shape { required: &[&["access_token", "refresh_token"]], optional: OAUTH2_FIELDS, extensible: false }
        }
        AuthMode::OAuth2Cc => Shape {
            required: &[&["client_id"]],
            optional: &["client_secret", "client_certificate", "client_private_key", "token", "expires_at", "raw"],
            extensible: true,
        },
        AuthMode::TwoStep | AuthMode::Jwt => Shape { required: &[], optional: TOKEN_FIELDS, extensible: true },
        AuthMode::OAuth1 => Shape {
            required: &[&["oauth_token"], &["oauth_token_secret"]],
            optional: &["config_override", "raw"],
            extensible: false,
        },
        AuthMode::Tba => {
            Shape { required: &[&["token_id"], &["token_secret"]], optional: &["config_override"], extensible: false }
        }
        AuthMode::App | AuthMode::Custom => Shape {
            required: &[&["installation_id", "access_token"]],
            optional: &["app_id", "access_token", "expires_at", "raw", "jwtToken"],
            extensible: false,
        },
        AuthMode::Signature => {
            Shape { required: &[&["username"], &["password"]], optional: &["token", "expires_at"], extensible: false }
        }
        AuthMode::AwsSigV4 => Shape {
            required: &[&["access_key_id"], &["secret_access_key"], &["region"], &["service"]],
            optional: &["session_token", "role_arn", "expires_at", "external_id", "raw"],
            extensible: false,
        },
        AuthMode::Bill => Shape {
            required: &[&["username"], &["password"], &["organization_id"], &["dev_key"]],
            optional: &["session_id", "user_id", "expires_at", "raw"],
            extensible: false,
        },
        AuthMode::None => Shape { required: &[], optional: &[], extensible: false },
    }
}

/// The keys under which the token of a kind may be; a renewed one is written under the first.
pub(super) const fn token_keys(mode: AuthMode) -> &'static [&'static str] {
    match mode {
        AuthMode::ApiKey => &["apiKey"],
        AuthMode::Bearer
        | AuthMode::OAuth2
        | AuthMode::McpOAuth2
        | AuthMode::McpOAuth2Generic
        | AuthMode::App
        | AuthMode::Custom => &["access_token", "token"],
        AuthMode::OAuth2Cc | AuthMode::TwoStep | AuthMode::Jwt | AuthMode::Signature => &["token"],
        AuthMode::Bill => &["session_id"],
        AuthMode::None
        | AuthMode::Basic
        | AuthMode::InstallPlugin
        | AuthMode::OAuth1
        | AuthMode::Tba
        | AuthMode::AwsSigV4 => &[],
    }
}

/// Whether a token is obtained from what the person gave.
pub(super) const fn obtains_a_token(mode: AuthMode) -> bool {
    matches!(
        mode,
        AuthMode::OAuth2Cc | AuthMode::TwoStep | AuthMode::Jwt | AuthMode::App | AuthMode::Custom | AuthMode::Signature
    )
}

/// Keys whose values are no texts.
fn is_structured(key: &str) -> bool {
    matches!(key, "raw" | "config_override")
}

/// Keys whose values may have several lines.
fn is_multiline(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("private") || key.contains("certificate") || key.contains("pem") || key.contains("assertion")
}

pub(super) fn read(
    mode: AuthMode,
    value: &Value,
    provider: Option<&Provider>,
) -> Result<Map<String, Value>, CredentialError> {
    let asked = CredentialSchema::of(mode, provider);
    let wrong = |reason: String| CredentialError { mode, reason, shape: asked.example() };
    let given = match (mode, value) {
        (AuthMode::ApiKey | AuthMode::Bearer, Value::String(text)) => {
            let text = trimmed_text("the string", token_keys(mode).first().copied().unwrap_or_default(), text)
                .map_err(wrong)?;
            let key = token_keys(mode).first().copied().unwrap_or_default();
            return Ok(Map::from_iter([(key.to_owned(), Value::String(text))]));
        }
        (AuthMode::None, Value::Null) => Map::new(),
        (_, Value::Object(object)) => object.clone(),
        (_, other) => return Err(wrong(format!("they are {}, not an object", json_type_name(other)))),
    };
    let mut fields = Map::new();
    for (key, value) in given {
        if key == "type" {
            // A token is a token, whichever way it was obtained.
            let fits = value.as_str().is_some_and(|name| {
                name.parse() == Ok(mode) || mode == AuthMode::Bearer && matches!(name, "OAUTH2" | "OAUTH2_CC")
            });
            if !fits {
                return Err(wrong(format!("their `type` is not `{}`", mode.stored_name())));
            }
        } else if let Some(value) = asked.checked_value(mode, &key, value).map_err(wrong)? {
            fields.insert(key, value);
        }
    }
    asked.apply_defaults(&mut fields).map_err(wrong)?;
    if mode == AuthMode::Bearer
        && let Some(token) = fields.remove("token")
    {
        fields.insert("access_token".to_owned(), token);
    }
    if matches!(mode, AuthMode::Basic | AuthMode::InstallPlugin) {
        let name = fields.get("username").and_then(Value::as_str).unwrap_or_default();
        if name.contains(':') {
            return Err(wrong("`username` holds a `:`, which the Basic scheme cannot carry".to_owned()));
        }
        // Many APIs take a key as the user name, and nothing else.
        fields.entry("password").or_insert_with(|| Value::String(String::new()));
    }
    Ok(fields)
}

/// Credentials of a kind as they are written, without their values.
pub(super) fn example(mode: AuthMode, provider: Option<&Provider>) -> String {
    CredentialSchema::of(mode, provider).example()
}

/// A part of credentials that a person is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromptField {
    /// Its key in JSON.
    pub(crate) key: String,
    /// Its name for people.
    pub(crate) title: String,
    /// Whether it is not echoed.
    pub(crate) secret: bool,
    /// Whether it is given even if it is empty.
    pub(crate) required: bool,
}

/// The parts that a person is asked for.
pub(super) fn prompt_fields(mode: AuthMode, provider: Option<&Provider>) -> Vec<PromptField> {
    let asked = CredentialSchema::of(mode, provider);
    let declared = provider.map(|provider| provider.credentials.as_slice()).unwrap_or_default();
    let keys = asked.typical_keys();
    let alone = !keys.contains(&"password");
    keys.iter()
        .map(|key| {
            let field = declared.iter().find(|field| field.name == **key);
            PromptField {
                key: (*key).to_owned(),
                title: field.map_or_else(|| (*key).to_owned(), |field| field.title.clone()),
                secret: field.is_some_and(|field| field.secret) || super::show::is_secret_part(key, alone),
                required: *key != "password",
            }
        })
        .collect()
}

/// What is asked for: by the kind, and by the provider's entry where the kind leaves it open.
struct CredentialSchema<'a> {
    shape: Shape,
    fields: Vec<&'a Field>,
}

impl<'a> CredentialSchema<'a> {
    fn of(mode: AuthMode, provider: Option<&'a Provider>) -> Self {
        let shape = shape(mode);
        let declared = provider.filter(|_| shape.extensible);
        // What the original asks for once (the key that signs an assertion) is kept here, sealed like the rest, so that
        // an assertion that ends can be signed again.
        let fields =
            declared.into_iter().flat_map(|provider| provider.credentials.iter().chain(&provider.assertion_options));
        Self { fields: fields.collect(), shape }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let required = self.shape.required.iter().flat_map(|group| group.iter().copied());
        let declared = self.fields.iter().map(|field| field.name.as_str());
        required.chain(declared).chain(self.shape.optional.iter().copied())
    }

    /// A value as it is kept; `None`: it says nothing.
    fn checked_value(&self, mode: AuthMode, key: &str, value: Value) -> Result<Option<Value>, String> {
        // Without a provider's entry nobody knows which keys an open kind has.
        let open = self.shape.extensible && self.fields.is_empty();
        if !open && !self.names().any(|name| name == key) {
            let hint = suggest::nearest(key, self.names()).map(|near| format!(" (did you mean `{near}`?)"));
            return Err(format!("`{key}` is not known{}", hint.unwrap_or_default()));
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
                Err(format!("`{key}` is {}, not an object", json_type_name(&value)))
            };
        }
        match value {
            Value::String(text) => {
                // An empty user name or password is one.
                let may_be_empty = matches!(mode, AuthMode::Basic | AuthMode::InstallPlugin)
                    || self.fields.iter().any(|field| field.name == key && !field.is_required());
                let name = format!("`{key}`");
                let read = if may_be_empty { checked_text(&name, key, &text) } else { trimmed_text(&name, key, &text) };
                read.map(|text| Some(Value::String(text)))
            }
            // A number that stands for a text, such as an installation's.
            Value::Number(number) if !matches!(mode, AuthMode::ApiKey | AuthMode::Bearer | AuthMode::Basic) => {
                Ok(Some(Value::String(number.to_string())))
            }
            other => Err(format!("`{key}` is {}, not a string", json_type_name(&other))),
        }
    }

    /// Puts defaults in, and asks for what is missing.
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

    /// The keys that are given as a rule.
    fn typical_keys(&self) -> Vec<&str> {
        let required = self.shape.required.iter().filter_map(|group| group.first().copied());
        let declared = self.fields.iter().filter(|field| field.is_required()).map(|field| field.name.as_str());
        let mut keys: Vec<&str> = required.collect();
        keys.extend(declared.filter(|name| !self.shape.required.iter().any(|group| group.contains(name))));
        // What is worth giving although it may be left out.
        let second =
            self.shape.optional.first().filter(|key| matches!(**key, "password" | "refresh_token" | "client_secret"));
        keys.extend(second);
        keys
    }

    /// `{"apiKey": "…"}`
    fn example(&self) -> String {
        let keys: Vec<String> = self.typical_keys().into_iter().map(|key| format!(r#""{key}": "…""#)).collect();
        format!("{{{}}}", keys.join(", "))
    }
}

/// A text that is not empty, without what surrounds a pasted key.
fn trimmed_text(what: &str, key: &str, text: &str) -> Result<String, String> {
    // Of a password everything counts; what surrounds a pasted key does not.
    let pasted = if key.to_ascii_lowercase().contains("password") { text } else { text.trim() };
    let token = if key == "access_token" { without_scheme(pasted) } else { pasted };
    if token.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    checked_text(what, key, token)
}

/// A token as it was copied from a header, without its scheme, which is added when it is sent. A token has no blank.
fn without_scheme(token: &str) -> &str {
    const SCHEME: &str = "bearer";
    match token.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => token.trim_start(),
        _ if token.eq_ignore_ascii_case(SCHEME) => "",
        _ => token,
    }
}

fn checked_text(what: &str, key: &str, text: &str) -> Result<String, String> {
    let odd = |c: char| c.is_control() && !(is_multiline(key) && matches!(c, '\n' | '\r' | '\t'));
    if text.chars().any(odd) {
        return Err(format!("{what} holds a line break or another control character"));
    }
    Ok(text.to_owned())
}

/// A point in time, as a date.
fn formatted_date(value: &Value) -> Result<String, String> {
    let stamp = time_values::parse_timestamp(value).and_then(|at| Timestamp::from_microsecond(at).ok());
    stamp.map(|stamp| format!("{stamp:.3}")).ok_or_else(|| {
        "`expires_at` is no point in time: write it as `2026-11-22T12:00:00Z`, or in seconds since 1970".to_owned()
    })
}

fn json_type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
