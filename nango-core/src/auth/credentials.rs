//! The shapes of credentials.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{AuthMode, KeyError, KeyRing, Secret};
use crate::declare::suggest;
use crate::store::credentials_context;

/// The credentials of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// None.
    None,
    /// A key.
    ApiKey(Secret),
    /// A user name and a password, either of which may be empty.
    Basic {
        /// The user name.
        username: Secret,
        /// The password.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
}

/// Why a JSON value is not the credentials of a mode. No text of it holds the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these are no {mode} credentials: {reason}; write {}", shape(*mode))]
pub struct CredentialError {
    /// The mode that was asked for.
    pub mode: AuthMode,
    /// What is wrong.
    pub reason: String,
}

fn shape(mode: AuthMode) -> &'static str {
    match mode {
        AuthMode::ApiKey => r#"{"apiKey": "…"}"#,
        AuthMode::Basic => r#"{"username": "…", "password": "…"}"#,
        AuthMode::Bearer => r#"{"access_token": "…"}"#,
        _ => "{}",
    }
}

/// The keys of a mode; the first of a group that is there counts.
fn keys(mode: AuthMode) -> &'static [&'static [&'static str]] {
    match mode {
        AuthMode::ApiKey => &[&["apiKey"]],
        AuthMode::Basic => &[&["username"], &["password"]],
        AuthMode::Bearer => &[&["access_token", "token"]],
        _ => &[],
    }
}

impl Credentials {
    /// Reads credentials of a mode from JSON: `{"apiKey"}`, `{"username", "password"}`, `{"access_token"}` or
    /// `{"token"}`, `{}`; each with or without its `"type"`. A key or a token may be a bare string.
    ///
    /// # Errors
    ///
    /// The value has another shape. The error names the key that is wrong or missing, and the shape.
    pub fn parse(mode: AuthMode, value: &Value) -> Result<Self, CredentialError> {
        let wrong = |reason: String| CredentialError { mode, reason };
        let empty = Map::new();
        let object = match (mode, value) {
            (AuthMode::ApiKey, Value::String(key)) => return Self::text(mode, "the string", key).map(Self::ApiKey),
            (AuthMode::Bearer, Value::String(token)) => return Self::text(mode, "the string", token).map(Self::Bearer),
            (AuthMode::None, Value::Null) => &empty,
            (_, Value::Object(object)) => object,
            (_, other) => return Err(wrong(format!("they are {}, not an object", kind(other)))),
        };
        if let Some(name) = object.get("type") {
            // A token is a token, whichever way it was obtained.
            let fits = name.as_str().is_some_and(|name| {
                name.parse() == Ok(mode) || mode == AuthMode::Bearer && matches!(name, "OAUTH2" | "OAUTH2_CC")
            });
            if !fits {
                return Err(wrong(format!("their `type` is not `{}`", mode.stored_name())));
            }
        }
        let allowed = || keys(mode).iter().flat_map(|group| group.iter().copied());
        if let Some(extra) = object.keys().find(|key| *key != "type" && !allowed().any(|name| name == *key)) {
            let hint = suggest::nearest(extra, allowed()).map(|near| format!(" (did you mean `{near}`?)"));
            return Err(wrong(format!("`{extra}` is not known{}", hint.unwrap_or_default())));
        }
        let get = |group: &[&'static str]| {
            let name = group.iter().find(|name| object.contains_key(**name)).copied();
            match name.map(|name| (name, &object[name])) {
                None => Err(wrong(format!("`{}` is missing", group.join("` or `")))),
                Some((name, Value::String(text))) if mode == AuthMode::Basic => {
                    Self::plain(mode, &format!("`{name}`"), text)
                }
                Some((name, Value::String(text))) => Self::text(mode, &format!("`{name}`"), text),
                Some((name, other)) => Err(wrong(format!("`{name}` is {}, not a string", kind(other)))),
            }
        };
        Ok(match mode {
            AuthMode::ApiKey => Self::ApiKey(get(&["apiKey"])?),
            AuthMode::Basic => {
                let username = get(&["username"])?;
                if username.expose().contains(':') {
                    return Err(wrong("`username` holds a `:`, which the Basic scheme cannot carry".to_owned()));
                }
                // Many APIs take a key as the user name, and nothing else.
                let password = if object.contains_key("password") { get(&["password"])? } else { Secret::from("") };
                Self::Basic { username, password }
            }
            AuthMode::Bearer => Self::Bearer(get(&["access_token", "token"])?),
            _ => Self::None,
        })
    }

    fn text(mode: AuthMode, what: &str, text: &str) -> Result<Secret, CredentialError> {
        if text.trim().is_empty() {
            return Err(CredentialError { mode, reason: format!("{what} is empty") });
        }
        // What surrounds a pasted key is never part of it.
        Self::plain(mode, what, text.trim())
    }

    fn plain(mode: AuthMode, what: &str, text: &str) -> Result<Secret, CredentialError> {
        if text.chars().any(char::is_control) {
            return Err(CredentialError {
                mode,
                reason: format!("{what} holds a line break or another control character"),
            });
        }
        Ok(Secret::from(text))
    }

    /// The kind of these credentials.
    pub const fn mode(&self) -> AuthMode {
        match self {
            Self::None => AuthMode::None,
            Self::ApiKey(_) => AuthMode::ApiKey,
            Self::Basic { .. } => AuthMode::Basic,
            Self::Bearer(_) => AuthMode::Bearer,
        }
    }

    /// The key or the token, for what must carry it in a place of its own.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::ApiKey(secret) | Self::Bearer(secret) => Some(secret.expose()),
            Self::None | Self::Basic { .. } => None,
        }
    }

    /// The credentials as JSON, with their `type`; secrets are `***` unless the person asked to see them. A user name is
    /// shown, except where it stands alone: then it is a key.
    pub fn to_json(&self, show_secrets: bool) -> Value {
        let show = |secret: &Secret| if show_secrets { secret.expose().to_owned() } else { "***".to_owned() };
        let kind = self.mode().stored_name();
        match self {
            Self::None => json!({ "type": kind }),
            Self::ApiKey(key) => json!({ "type": kind, "apiKey": show(key) }),
            Self::Basic { username, password } => {
                let name = if password.expose().is_empty() { show(username) } else { username.expose().to_owned() };
                json!({ "type": kind, "username": name, "password": show(password) })
            }
            Self::Bearer(token) => json!({ "type": kind, "access_token": show(token) }),
        }
    }

    /// The parts by the names that templates use.
    pub(super) fn parts(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::None => Vec::new(),
            Self::ApiKey(key) => vec![("apiKey", key.expose())],
            Self::Basic { username, password } => {
                vec![("username", username.expose()), ("password", password.expose())]
            }
            Self::Bearer(token) => {
                vec![("accessToken", token.expose()), ("access_token", token.expose()), ("token", token.expose())]
            }
        }
    }

    /// Seals the credentials for the row of one connection: in another row they do not open.
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn seal(&self, ring: &KeyRing, integration: &str, connection: &str) -> Result<Vec<u8>, KeyError> {
        let plain = Zeroizing::new(self.to_json(true).to_string());
        ring.seal(plain.as_bytes(), &credentials_context(integration, connection))
    }

    /// Opens what [`Credentials::seal`] made.
    ///
    /// # Errors
    ///
    /// It was sealed with another key, or for another connection, or is damaged.
    pub fn open(ring: &KeyRing, sealed: &[u8], integration: &str, connection: &str) -> Result<Self, KeyError> {
        let plain = ring.open(sealed, &credentials_context(integration, connection))?;
        let value: Value = serde_json::from_slice(&plain).map_err(|_| KeyError::Damaged)?;
        let mode = value["type"].as_str().and_then(|name| name.parse().ok()).ok_or(KeyError::Damaged)?;
        Self::parse(mode, &value).map_err(|_| KeyError::Damaged)
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mode: &str, value: &Value, expect: Result<Value, &str>) {
        let got = Credentials::parse(mode.parse().unwrap(), value).map_err(|error| error.to_string());
        if let Ok(credentials) = &got {
            assert_eq!(Credentials::parse(credentials.mode(), &credentials.to_json(true)).as_ref(), Ok(credentials));
            assert!(!format!("{credentials:?}{}", credentials.to_json(false)).contains("hush"));
        }
        assert_eq!(got.map(|credentials| credentials.to_json(true)), expect.map_err(str::to_owned), "{value}");
    }

    #[test]
    fn shapes() {
        check("none", &json!(null), Ok(json!({ "type": "NONE" })));
        check("none", &json!({ "type": "NONE" }), Ok(json!({ "type": "NONE" })));
        let key = json!({ "type": "API_KEY", "apiKey": "hush" });
        check("api-key", &json!({ "apiKey": "hush" }), Ok(key.clone()));
        check("api-key", &json!(" hush\n"), Ok(key));
        let basic = |password| Ok(json!({ "type": "BASIC", "username": "ann", "password": password }));
        check("basic", &json!({ "type": "BASIC", "username": "ann", "password": "hush" }), basic("hush"));
        check("basic", &json!({ "username": "ann" }), basic(""));
        let token = || Ok(json!({ "type": "BEARER", "access_token": "hush" }));
        for given in [json!("hush"), json!({ "token": "hush" }), json!({ "type": "OAUTH2", "access_token": "hush" })] {
            check("bearer", &given, token());
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        let key = "these are no api-key credentials: ";
        let help = r#"; write {"apiKey": "…"}"#;
        let check_key = |value: Value, reason: &str| check("api-key", &value, Err(&format!("{key}{reason}{help}")));
        check_key(json!({}), "`apiKey` is missing");
        check_key(json!({ "apikey": "hush" }), "`apikey` is not known (did you mean `apiKey`?)");
        check_key(json!({ "apiKey": 5 }), "`apiKey` is a number, not a string");
        check_key(json!({ "apiKey": " " }), "`apiKey` is empty");
        check_key(json!({ "apiKey": "hu\nsh" }), "`apiKey` holds a line break or another control character");
        check_key(json!({ "type": "BASIC", "apiKey": "hush" }), "their `type` is not `API_KEY`");
        check_key(json!(["hush"]), "they are a list, not an object");
        let help = r#"write {"username": "…", "password": "…"}"#;
        check(
            "basic",
            &json!("a:b"),
            Err(&format!("these are no basic credentials: they are a string, not an object; {help}")),
        );
        check(
            "bearer",
            &json!({}),
            Err(
                r#"these are no bearer credentials: `access_token` or `token` is missing; write {"access_token": "…"}"#,
            ),
        );
        check(
            "none",
            &json!({ "apiKey": "hush" }),
            Err("these are no none credentials: `apiKey` is not known; write {}"),
        );
    }

    #[test]
    fn they_open_in_their_own_row_only() {
        let ring = KeyRing::ephemeral().unwrap();
        let credentials = Credentials::Bearer("hush".into());
        let sealed = credentials.seal(&ring, "github", "ann").unwrap();
        assert_eq!(Credentials::open(&ring, &sealed, "github", "ann"), Ok(credentials));
        assert_eq!(Credentials::open(&ring, &sealed, "github", "bob"), Err(KeyError::Damaged));
    }
}
