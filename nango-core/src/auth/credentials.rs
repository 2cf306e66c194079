//! The credentials of a connection, whatever their kind.
//!
//! They are a JSON object in the form that Nango's users know (`{"type": "OAUTH2", "access_token": …}`): what the person
//! gave, and what was obtained with it. [`shape`] says which keys a kind has; [`show`] what of them may be seen.
//!
//! Must stay true: no text of an error holds a value, `Debug` shows the kind alone, and the memory of the values is wiped
//! when they go.

mod import;
mod shape;
mod show;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zeroize::{Zeroize, Zeroizing};

use super::{AuthMode, KeyError, KeyRing, Secret};
use crate::{provider::Provider, store::credentials_context};
pub use shape::CredentialError;
pub(crate) use shape::PromptField;
pub(super) use show::collect as collect_secrets;

/// The credentials of a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    mode: AuthMode,
    /// Everything but `type`.
    fields: Map<String, Value>,
}

/// The key of configuration that is secret: it lies sealed with the credentials.
const SECRET_CONFIG_KEY: &str = "connection_config";

/// What a provider gave for credentials.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ObtainedToken {
    /// The token.
    pub token: Secret,
    /// What renews it; `None`: the one that there was.
    pub refresh_token: Option<Secret>,
    /// When it ends, microseconds since 1970; `None`: that is not known.
    pub expires_at: Option<i64>,
    /// The whole answer.
    pub raw: Value,
    /// Further parts of the credentials, by name.
    pub parts: Map<String, Value>,
    /// Values for the connection's configuration.
    pub config: Map<String, Value>,
}

impl ObtainedToken {
    /// A token of which nothing else is known.
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            token: Secret::new(token),
            refresh_token: None,
            expires_at: None,
            raw: Value::Null,
            parts: Map::new(),
            config: Map::new(),
        }
    }
}

impl Credentials {
    /// None at all.
    pub fn none() -> Self {
        Self { mode: AuthMode::None, fields: Map::new() }
    }

    /// A key.
    pub fn api_key(key: &str) -> Self {
        Self::of(AuthMode::ApiKey, json!({ "apiKey": key }))
    }

    /// A user name and a password.
    pub fn basic(username: &str, password: &str) -> Self {
        Self::of(AuthMode::Basic, json!({ "username": username, "password": password }))
    }

    /// A token that nobody renews.
    pub fn bearer(token: &str) -> Self {
        Self::of(AuthMode::Bearer, json!({ "access_token": token }))
    }

    fn of(mode: AuthMode, fields: Value) -> Self {
        let Value::Object(fields) = fields else { return Self::none() };
        Self { mode, fields }
    }

    /// Reads credentials of a mode from JSON, with or without their `type`: `{"apiKey"}`, `{"username", "password"}`,
    /// `{"access_token", "refresh_token", "expires_at"}` and so on. A key or a token may be a bare string. Where the
    /// provider says what it asks for (logins and signed tokens), its entry decides which keys there are.
    ///
    /// # Errors
    ///
    /// The value has another shape. The error names the key that is wrong or missing, and the shape.
    pub fn parse(mode: AuthMode, value: &Value, provider: Option<&Provider>) -> Result<Self, CredentialError> {
        shape::read(mode, value, provider).map(|fields| Self { mode, fields })
    }

    /// The same for what a person or an application has: also what a token server answered, as it is. Its `expires_in` becomes
    /// `expires_at`, counted from its `created_at` or from `now` (microseconds since 1970), and what credentials do not have
    /// goes into `raw`.
    ///
    /// # Errors
    ///
    /// As [`Credentials::parse`].
    pub fn import(
        mode: AuthMode,
        value: &Value,
        provider: Option<&Provider>,
        now: i64,
    ) -> Result<Self, CredentialError> {
        let answer = import::from_token_response(mode, value, now);
        Self::parse(mode, answer.as_ref().unwrap_or(value), provider)
    }

    /// How credentials of a mode are written: `{"apiKey": "…"}`, with what the provider asks for.
    pub fn example(mode: AuthMode, provider: Option<&Provider>) -> String {
        shape::example(mode, provider)
    }

    /// The parts of credentials of a mode that a person is asked for, with what the provider's entry says of them.
    pub(crate) fn prompt_fields(mode: AuthMode, provider: Option<&Provider>) -> Vec<PromptField> {
        shape::prompt_fields(mode, provider)
    }

    /// The kind of these credentials.
    pub const fn mode(&self) -> AuthMode {
        self.mode
    }

    /// The key or the token that requests are sent with.
    pub fn token(&self) -> Option<&str> {
        shape::token_keys(self.mode).iter().find_map(|key| self.text(key))
    }

    /// What renews the token.
    pub fn refresh_token(&self) -> Option<&str> {
        self.text("refresh_token")
    }

    /// When the token ends, microseconds since 1970, as far as that is known.
    pub fn expires_at(&self) -> Option<i64> {
        Some(self.text("expires_at")?.parse::<Timestamp>().ok()?.as_microsecond())
    }

    /// The client id and secret of the app that the token belongs to, if it is another one than the integration's.
    pub fn client(&self) -> Option<(&str, &str)> {
        let client = match self.mode {
            AuthMode::OAuth2Cc => &self.fields,
            _ => self.fields.get("config_override")?.as_object()?,
        };
        let id = client.get("client_id")?.as_str()?;
        Some((id, client.get("client_secret").and_then(Value::as_str).unwrap_or_default()))
    }

    /// A part by its key, if it is a text that is not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The parts by the names that templates use.
    pub(crate) fn parts(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The connection's configuration that is secret.
    pub fn config(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.get(SECRET_CONFIG_KEY).and_then(Value::as_object).into_iter().flatten()
    }

    /// Puts the secret part of the connection's configuration beside the other.
    pub(crate) fn add_secret_config(&self, config: &mut Map<String, Value>) {
        config.extend(self.config().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// These credentials with configuration that is secret.
    #[must_use]
    pub(crate) fn with_config(mut self, config: Map<String, Value>) -> Self {
        if config.is_empty() {
            self.fields.remove(SECRET_CONFIG_KEY);
        } else {
            self.fields.insert(SECRET_CONFIG_KEY.to_owned(), Value::Object(config));
        }
        self
    }

    /// Whether the token is obtained or renewed by us.
    pub fn are_refreshable(&self) -> bool {
        match self.mode {
            AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => self.refresh_token().is_some(),
            mode => shape::obtains_a_token(mode),
        }
    }

    /// These credentials with what was obtained for them.
    #[must_use]
    pub fn with_token(&self, obtained: &ObtainedToken) -> Self {
        let mut fields = self.fields.clone();
        if let Some(key) = shape::token_keys(self.mode).first() {
            fields.insert((*key).to_owned(), Value::String(obtained.token.expose().to_owned()));
        }
        if let Some(token) = &obtained.refresh_token {
            fields.insert("refresh_token".to_owned(), Value::String(token.expose().to_owned()));
        }
        let ends = obtained.expires_at.and_then(|at| Timestamp::from_microsecond(at).ok());
        match ends {
            Some(at) => fields.insert("expires_at".to_owned(), Value::String(format!("{at:.3}"))),
            None => fields.remove("expires_at"),
        };
        if !obtained.raw.is_null() {
            fields.insert("raw".to_owned(), obtained.raw.clone());
        }
        fields.extend(obtained.parts.clone());
        Self { mode: self.mode, fields }
    }

    /// The credentials as JSON, with their `type`; secrets are `***` unless the person asked to see them.
    pub fn to_json(&self, show_secrets: bool) -> Value {
        let mut object = Map::new();
        object.insert("type".to_owned(), Value::String(self.mode.stored_name().to_owned()));
        object.extend(if show_secrets { self.fields.clone() } else { show::redacted_fields(self) });
        Value::Object(object)
    }

    /// The credentials without what renews them, at any depth: who uses a token need not be able to get others.
    #[must_use]
    pub fn without_refresh_token(&self) -> Self {
        let mut fields = self.fields.clone();
        show::drop_refresh_tokens(&mut fields);
        Self { mode: self.mode, fields }
    }

    /// The texts of the credentials that must not be shown.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        show::secrets(self)
    }

    /// Seals the credentials for the row of one connection: in another row they do not open.
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn seal(&self, ring: &KeyRing, integration: &str, connection: &str) -> Result<Vec<u8>, KeyError> {
        let plain = self.to_sealed_json().map_err(|_| KeyError::Damaged)?;
        ring.seal(&plain, &credentials_context(integration, connection))
    }

    /// What is sealed: the form of [`Credentials::to_json`], in memory that is wiped. The buffer has its final size from the
    /// beginning, because what it grew out of would stay in memory.
    fn to_sealed_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        let form = SealedForm { kind: self.mode.stored_name(), fields: &self.fields };
        let mut size = ByteCounter(0);
        serde_json::to_writer(&mut size, &form)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(size.0));
        serde_json::to_writer(&mut *plain, &form)?;
        Ok(plain)
    }

    /// Opens what [`Credentials::seal`] made.
    ///
    /// # Errors
    ///
    /// It was sealed with another key, or for another connection, or is damaged.
    pub fn open(ring: &KeyRing, sealed: &[u8], integration: &str, connection: &str) -> Result<Self, KeyError> {
        let plain = ring.open(sealed, &credentials_context(integration, connection))?;
        let mut fields: Map<String, Value> = serde_json::from_slice(&plain).map_err(|_| KeyError::Damaged)?;
        let kind = fields.remove("type").ok_or(KeyError::Damaged)?;
        let mode = kind.as_str().and_then(|name| name.parse().ok()).ok_or(KeyError::Damaged)?;
        Ok(Self { mode, fields })
    }
}

/// Credentials as JSON, without a copy of them.
#[derive(serde::Serialize)]
struct SealedForm<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

/// Counts the bytes that are written.
struct ByteCounter(usize);

impl std::io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.mode)
    }
}

impl std::fmt::Debug for ObtainedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Obtained").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.fields.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(object) => object.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod frozen;
#[cfg(test)]
mod tests;
