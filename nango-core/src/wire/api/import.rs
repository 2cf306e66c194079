//! Import of a connection with credentials that the application already has.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::{
    profile::{ConnectionPatch, EndUserBody, Tags, WebhookUrl},
    text::{ConnectionId, UniqueKey},
};
use crate::{
    auth::{AuthMode, Credentials},
    config::Limits,
    provider::Provider,
    run::AddConnection,
    time::Timestamp,
    wire::ValidationError,
};

/// Maximum length of a text in credentials without another limit, in characters.
const MAX_TOKEN: usize = 16_384;

/// Body of the import of a connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportBody {
    /// Unique key of the integration.
    pub provider_config_key: UniqueKey,
    /// Id of the connection; an existing one gets the new credentials. Default: a new UUID.
    #[serde(default)]
    pub connection_id: Option<ConnectionId>,
    /// Metadata for functions. Default: that of an existing connection.
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    /// Values for the URLs and headers of the provider.
    #[serde(default)]
    connection_config: Option<Map<String, Value>>,
    /// URL of webhooks.
    #[serde(default)]
    webhook_url_override: Option<WebhookUrl>,
    /// Credentials of the auth mode in `type`.
    credentials: ImportedCredentials,
    /// User of the application to whom the connection belongs.
    #[serde(default)]
    end_user: Option<EndUserBody>,
    /// Tags by which connections are selected.
    #[serde(default)]
    tags: Option<Tags>,
}

impl ImportBody {
    /// Returns the message of metadata that exceed the limit.
    pub(crate) fn too_large_metadata(&self, limits: &Limits) -> Option<String> {
        limits.check_metadata(None, self.metadata.as_ref()?).err()
    }

    /// Returns the connection to add. `id` is the id of a connection whose body has none.
    ///
    /// # Errors
    ///
    /// Fails if the provider does not accept the auth mode, or its credentials have another shape.
    pub(crate) fn into_connection(
        self,
        provider: &Provider,
        id: impl FnOnce() -> String,
        now: Timestamp,
    ) -> Result<AddConnection, ValidationError> {
        let mode = self.credentials.mode;
        if !provider.accepted_modes.contains(&mode) {
            let accepted: Vec<&str> = provider.accepted_modes.iter().map(|mode| mode.stored_name()).collect();
            let message = format!(
                "`{}` does not fit the provider `{}`; accepted: {}",
                mode.stored_name(),
                provider.name,
                accepted.join(", ")
            );
            return Err(ValidationError::new("custom", message, &["credentials", "type"]));
        }
        let credentials = Credentials::import(mode, &self.credentials.value, Some(provider), now)
            .map_err(|error| ValidationError::new("custom", error.to_string(), &["credentials"]))?;
        let mut config = self.connection_config.unwrap_or_default();
        // Scopes apply to a consent page, which an import does not have.
        config.shift_remove("oauth_scopes_override");
        let profile = ConnectionPatch {
            end_user: self.end_user,
            tags: self.tags,
            webhook_url_override: self.webhook_url_override,
        };
        Ok(AddConnection {
            integration: self.provider_config_key.into(),
            id: self.connection_id.map_or_else(id, String::from),
            credentials,
            config,
            metadata: self.metadata,
            profile: profile.into_change(),
            verify: true,
        })
    }
}

/// Credentials with their auth mode in `type`.
struct ImportedCredentials {
    mode: AuthMode,
    /// The object without texts that stand for no value.
    value: Value,
}

/// Shows only the auth mode, because the values are secrets.
impl std::fmt::Debug for ImportedCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportedCredentials").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for ImportedCredentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Map::deserialize(deserializer)?;
        let known = || AuthMode::all().map(AuthMode::stored_name).collect::<Vec<_>>().join(", ");
        let mode = object.get("type").and_then(Value::as_str).and_then(|name| {
            // Only the names of the wire, not those of the command line.
            AuthMode::all().find(|mode| mode.stored_name() == name)
        });
        let mode = mode.ok_or_else(|| de::Error::custom(format!("`type`: expected one of {}", known())))?;
        for (key, value) in &object {
            let limit = max_length(mode, key);
            if value.as_str().is_some_and(|text| text.chars().count() > limit) {
                return Err(de::Error::custom(format!("`{key}`: expected at most {limit} characters")));
            }
        }
        // An API without a password has an empty one.
        if object.get("password").and_then(Value::as_str) == Some("") {
            object.shift_remove("password");
        }
        Ok(Self { mode, value: Value::Object(object) })
    }
}

/// Returns the maximum length of a text in credentials.
fn max_length(mode: AuthMode, key: &str) -> usize {
    match (mode, key) {
        (AuthMode::ApiKey, "apiKey") | (AuthMode::Basic, "username" | "password") => 1_024,
        (AuthMode::OAuth2Cc, "token") => 4_096,
        _ => MAX_TOKEN,
    }
}

impl JsonSchema for ImportedCredentials {
    fn schema_name() -> Cow<'static, str> {
        "ImportedCredentials".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let modes: Vec<&str> = AuthMode::all().map(AuthMode::stored_name).collect();
        json_schema!({
            "description": "Credentials of the auth mode in `type`; further fields depend on it.",
            "type": "object",
            "properties": { "type": { "type": "string", "enum": modes } },
            "required": ["type"],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::Catalogue;

    const YAML: &str = "
acme: { display_name: Acme, auth_mode: API_KEY, proxy: { base_url: 'https://a.example' } }
shop: { display_name: Shop, auth_mode: BASIC, proxy: { base_url: 'https://a.example' } }
";

    fn import(provider: &str, value: Value) -> Result<AddConnection, String> {
        let catalogue = Catalogue::parse(YAML).unwrap();
        let body: ImportBody = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let connection = body.into_connection(
            catalogue.find(provider).unwrap(),
            || "generated".to_owned(),
            Timestamp::from_micros(0),
        );
        connection.map_err(|invalid| format!("{}: {}", invalid.path.join("."), invalid.message))
    }

    #[test]
    fn imported_connection_has_the_values_of_the_body() {
        let added = import(
            "acme",
            json!({
                "provider_config_key": "acme-eu", "credentials": { "type": "API_KEY", "apiKey": "k" },
                "connection_config": { "site": "a", "oauth_scopes_override": ["x"] }, "metadata": { "a": 1 },
                "tags": { "Plan": "pro" }, "webhook_url_override": "https://h.example",
            }),
        );
        let added = added.unwrap();
        assert_eq!((added.integration.as_str(), added.id.as_str(), added.verify), ("acme-eu", "generated", true));
        assert_eq!(Value::Object(added.config), json!({ "site": "a" }));
        assert_eq!(added.credentials.token(), Some("k"));
        assert_eq!(added.profile.webhook_url, Some(Some("https://h.example".to_owned())));
        assert!(added.profile.tags.is_some() && added.metadata.is_some());
    }

    #[test]
    fn credentials_fit_the_provider_and_errors_contain_no_value() {
        let of = |provider: &str, credentials: Value| {
            let body = json!({ "provider_config_key": "x", "connection_id": "c", "credentials": credentials });
            import(provider, body).map(|added| added.id)
        };
        assert_eq!(of("acme", json!({ "type": "API_KEY", "apiKey": "hush" })), Ok("c".to_owned()));
        assert_eq!(of("shop", json!({ "type": "BASIC", "username": "u", "password": "" })), Ok("c".to_owned()));
        for (provider, credentials, expect) in [
            ("acme", json!({ "type": "BASIC", "username": "hush" }), "credentials.type: `BASIC` does not fit"),
            ("acme", json!({ "type": "API_KEY", "apikey": "hush" }), "credentials: invalid api-key credentials"),
            ("acme", json!({ "type": "api-key", "apiKey": "hush" }), "`type`: expected one of"),
            ("acme", json!({ "apiKey": "hush" }), "`type`: expected one of"),
            ("acme", json!({ "type": "API_KEY", "apiKey": "hush".repeat(300) }), "`apiKey`: expected at most 1024"),
        ] {
            let error = of(provider, credentials).unwrap_err();
            assert!(error.contains(expect) && !error.contains("hush"), "{error}");
        }
    }
}
