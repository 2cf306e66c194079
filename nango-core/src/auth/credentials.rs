//! Credentials of a connection, in every auth mode.
//!
//! They are a JSON object in Nango's format (`{"type": "OAUTH2", "access_token": …}`) with the values that the user
//! entered and the tokens obtained with them. [`shape`] defines the keys of each auth mode, [`schema`] validates them,
//! and [`show`] defines which of them are secret.
//!
//! Invariants: no error message contains a value, `Debug` prints the auth mode only, and the memory of the values is
//! wiped on drop.

mod error;
mod import;
mod schema;
mod shape;
mod show;
mod value;

use serde_json::{Map, Value, json};
use zeroize::{Zeroize, Zeroizing};

use super::{AuthMode, KeyError, KeyRing, Secret};
use crate::{provider::Provider, store::credentials_context, time::Timestamp};
pub(crate) use error::CredentialError;
pub(crate) use schema::PromptField;
pub(super) use show::collect_secrets;

/// Credentials of a connection: an auth mode and its values.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    mode: AuthMode,
    /// All keys except `type`.
    fields: Map<String, Value>,
}

/// Key of the secret part of the connection configuration, which is encrypted together with the credentials.
const SECRET_CONFIG_KEY: &str = "connection_config";

/// A token that a provider issued, with related values.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ObtainedToken {
    /// The access token or session token.
    pub token: Secret,
    /// The refresh token; `None` keeps the previous one.
    pub refresh_token: Option<Secret>,
    /// Expiry; `None` if it is not known.
    pub expires_at: Option<Timestamp>,
    /// Complete response body.
    pub raw: Value,
    /// Further credential values by name.
    pub parts: Map<String, Value>,
    /// Values for the connection configuration.
    pub config: Map<String, Value>,
}

impl ObtainedToken {
    /// Creates a token without expiry, refresh token and other values.
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
    /// Credentials for APIs without authentication.
    pub fn none() -> Self {
        Self { mode: AuthMode::None, fields: Map::new() }
    }

    /// Credentials with an API key.
    pub fn api_key(key: &str) -> Self {
        Self::of(AuthMode::ApiKey, json!({ "apiKey": key }))
    }

    /// Credentials with a user name and a password.
    pub fn basic(username: &str, password: &str) -> Self {
        Self::of(AuthMode::Basic, json!({ "username": username, "password": password }))
    }

    /// Credentials with a token that is never refreshed.
    pub fn bearer(token: &str) -> Self {
        Self::of(AuthMode::Bearer, json!({ "access_token": token }))
    }

    fn of(mode: AuthMode, fields: Value) -> Self {
        let Value::Object(fields) = fields else { return Self::none() };
        Self { mode, fields }
    }

    /// Reads credentials of a mode from JSON, with or without their `type`: `{"apiKey"}`, `{"username", "password"}`,
    /// `{"access_token", "refresh_token", "expires_at"}` and so on. A key or a token may be a bare string. For logins
    /// and signed tokens, the provider entry defines the keys.
    ///
    /// # Errors
    ///
    /// Fails if the value has another shape. The error contains the invalid or missing key and the expected shape,
    /// never a value.
    pub fn parse(mode: AuthMode, value: &Value, provider: Option<&Provider>) -> Result<Self, CredentialError> {
        schema::read(mode, value, provider).map(|fields| Self { mode, fields })
    }

    /// Like [`Credentials::parse`], but also accepts an unmodified response of a token server. Its `expires_in` becomes
    /// `expires_at`, counted from its `created_at` or from `now`, and keys that are not part
    /// of the credentials are stored in `raw`.
    ///
    /// # Errors
    ///
    /// Fails like [`Credentials::parse`].
    pub fn import(
        mode: AuthMode,
        value: &Value,
        provider: Option<&Provider>,
        now: Timestamp,
    ) -> Result<Self, CredentialError> {
        let imported = import::from_token_response(mode, value, now);
        Self::parse(mode, imported.as_ref().unwrap_or(value), provider)
    }

    /// Returns whether credentials of a mode may have a key.
    #[cfg(feature = "server")]
    pub(crate) fn has_key(mode: AuthMode, key: &str, provider: Option<&Provider>) -> bool {
        schema::has_key(mode, key, provider)
    }

    /// Returns an example of the credentials of a mode, such as `{"apiKey": "…"}`, with the keys that the provider
    /// requires.
    pub fn example(mode: AuthMode, provider: Option<&Provider>) -> String {
        schema::example(mode, provider)
    }

    /// Returns the fields to prompt a user for, with the titles and flags of the provider entry.
    pub(crate) fn prompt_fields(mode: AuthMode, provider: Option<&Provider>) -> Vec<PromptField> {
        schema::prompt_fields(mode, provider)
    }

    /// Returns the auth mode.
    pub const fn mode(&self) -> AuthMode {
        self.mode
    }

    /// Returns the key or token that requests are sent with.
    pub fn token(&self) -> Option<&str> {
        shape::token_keys(self.mode).iter().find_map(|key| self.text(key))
    }

    /// Returns the refresh token.
    pub fn refresh_token(&self) -> Option<&str> {
        self.text("refresh_token")
    }

    /// Returns the expiry of the token, if it is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.text("expires_at")?)
    }

    /// Returns the client id and secret that the token belongs to, if they differ from those of the integration.
    pub fn client(&self) -> Option<(&str, &str)> {
        let client = match self.mode {
            AuthMode::OAuth2Cc => &self.fields,
            _ => self.fields.get("config_override")?.as_object()?,
        };
        let id = client.get("client_id")?.as_str()?;
        Some((id, client.get("client_secret").and_then(Value::as_str).unwrap_or_default()))
    }

    /// Returns a value by its key if it is a non-empty text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns the values by the names that templates use.
    pub(crate) fn parts(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Returns the values of the credentials, without the secret part of the connection configuration.
    fn parts_without_config(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.iter().filter(|(key, _)| *key != SECRET_CONFIG_KEY)
    }

    /// Returns the secret values of the connection configuration.
    pub fn config(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.get(SECRET_CONFIG_KEY).and_then(Value::as_object).into_iter().flatten()
    }

    /// Merges the secret values of the connection configuration into `config`.
    pub(crate) fn add_secret_config(&self, config: &mut Map<String, Value>) {
        config.extend(self.config().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// Returns these credentials with secret configuration; an empty map removes it.
    #[must_use]
    pub(crate) fn with_config(mut self, config: Map<String, Value>) -> Self {
        if config.is_empty() {
            self.fields.remove(SECRET_CONFIG_KEY);
        } else {
            self.fields.insert(SECRET_CONFIG_KEY.to_owned(), Value::Object(config));
        }
        self
    }

    /// Returns whether this program can obtain or refresh the token.
    pub fn are_refreshable(&self) -> bool {
        match self.mode {
            AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => self.refresh_token().is_some(),
            mode => shape::obtains_a_token(mode),
        }
    }

    /// Returns these credentials with a newly obtained token.
    #[must_use]
    pub fn with_token(&self, obtained: &ObtainedToken) -> Self {
        let mut fields = self.fields.clone();
        if let Some(key) = shape::token_keys(self.mode).first() {
            fields.insert((*key).to_owned(), Value::String(obtained.token.expose().to_owned()));
        }
        if let Some(token) = &obtained.refresh_token {
            fields.insert("refresh_token".to_owned(), Value::String(token.expose().to_owned()));
        }
        let expiry = obtained.expires_at.filter(|at| at.is_in_calendar());
        match expiry {
            Some(at) => fields.insert("expires_at".to_owned(), Value::String(format!("{at:.3}"))),
            None => fields.remove("expires_at"),
        };
        if !obtained.raw.is_null() {
            fields.insert("raw".to_owned(), obtained.raw.clone());
        }
        fields.extend(obtained.parts.clone());
        Self { mode: self.mode, fields }
    }

    /// Returns the credentials as JSON with their `type`. Secrets are `***` unless `show_secrets` is true.
    pub fn to_json(&self, show_secrets: bool) -> Value {
        let mut object = Map::new();
        object.insert("type".to_owned(), Value::String(self.mode.stored_name().to_owned()));
        object.extend(if show_secrets { self.fields.clone() } else { show::redacted_fields(self) });
        Value::Object(object)
    }

    /// Returns the credentials without refresh tokens, at any depth, for callers that only need the current token.
    #[must_use]
    pub fn without_refresh_token(&self) -> Self {
        let mut fields = self.fields.clone();
        show::drop_refresh_tokens(&mut fields);
        Self { mode: self.mode, fields }
    }

    /// Returns the secret texts of the credentials, for the redactor.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        show::secrets(self)
    }

    /// Encrypts the credentials for one connection. They cannot be decrypted for another one.
    ///
    /// # Errors
    ///
    /// Fails if the system's random number generator failed.
    pub fn seal(&self, ring: &KeyRing, integration: &str, connection: &str) -> Result<Vec<u8>, KeyError> {
        let plain = self.to_sealed_json().map_err(|_| KeyError::Damaged)?;
        ring.seal(&plain, &credentials_context(integration, connection))
    }

    /// Serializes the credentials for encryption, in the form of [`Credentials::to_json`] and in memory that is wiped.
    /// The buffer is allocated with its final size, because growing it would leave copies in memory.
    fn to_sealed_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        let form = SealedForm { kind: self.mode.stored_name(), fields: &self.fields };
        let mut size = ByteCounter(0);
        serde_json::to_writer(&mut size, &form)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(size.0));
        serde_json::to_writer(&mut *plain, &form)?;
        Ok(plain)
    }

    /// Decrypts credentials from [`Credentials::seal`].
    ///
    /// # Errors
    ///
    /// Fails if the credentials were encrypted with another key or for another connection, or are damaged.
    pub fn open(ring: &KeyRing, sealed: &[u8], integration: &str, connection: &str) -> Result<Self, KeyError> {
        let plain = ring.open(sealed, &credentials_context(integration, connection))?;
        let stored: Value = serde_json::from_slice(&plain).map_err(|_| KeyError::Damaged)?;
        Self::from_stored(stored).ok_or(KeyError::Damaged)
    }

    /// Reads the form of [`Credentials::to_json`] with secrets, without checking the values. Returns `None` if the auth
    /// mode is missing or unknown.
    pub(crate) fn from_stored(stored: Value) -> Option<Self> {
        let Value::Object(mut fields) = stored else { return None };
        let mode = fields.remove("type")?.as_str()?.parse().ok()?;
        Some(Self { mode, fields })
    }
}

/// Serializes credentials without copying them.
#[derive(serde::Serialize)]
struct SealedForm<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

/// A writer that only counts bytes.
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
        f.debug_struct("ObtainedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
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
