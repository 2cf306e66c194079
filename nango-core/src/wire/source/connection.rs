//! Connection of the source, and its conversion into the body of an import.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::SourceRow;
use crate::{
    auth::{AuthMode, Credentials},
    json,
    provider::Provider,
    run::AddConnection,
    time::Timestamp,
    wire::{
        api::ImportBody,
        names::{CONNECTION_ID, PROVIDER_CONFIG_KEY},
    },
};

/// Connection of the source with its credentials.
#[derive(Deserialize)]
pub(crate) struct SourceConnection {
    #[serde(default)]
    credentials: Option<Map<String, Value>>,
    #[serde(default)]
    connection_config: Option<Map<String, Value>>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    end_user: Option<Map<String, Value>>,
    #[serde(default)]
    webhook_url_override: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
}

/// Fields of an end user that are imported.
const END_USER: [&str; 5] = ["id", "email", "display_name", "tags", "organization"];
/// Fields of an organization that are imported.
const ORGANIZATION: [&str; 2] = ["id", "display_name"];

impl SourceConnection {
    /// Returns the time of the last change at the source; `None` if it is not known.
    pub(crate) fn changed_at(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.updated_at.as_deref()?)
    }

    /// Returns the connection to add, and the names of the values that cannot be stored here.
    ///
    /// # Errors
    ///
    /// Fails if the auth mode is unknown, the provider does not accept it, or a value has another shape. The message
    /// contains no value.
    pub(crate) fn into_new(
        self,
        row: &SourceRow,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<(AddConnection, Vec<String>), String> {
        let mut ignored = Vec::new();
        let mut config = self.connection_config.unwrap_or_default();
        let credentials = login(self.credentials.unwrap_or_default(), &config, provider, &mut ignored)?;
        config.retain(|name, value| {
            let is_known = provider.has_config_value(name, value) || name == "oauth_scopes_override";
            if !is_known && !value.is_null() {
                ignored.push(format!("connection_config.{name}"));
            }
            is_known
        });
        let body = json!({
            PROVIDER_CONFIG_KEY: row.integration,
            CONNECTION_ID: row.id,
            "credentials": credentials,
            "connection_config": config,
            "metadata": self.metadata,
            "tags": self.tags.filter(|tags| !tags.is_empty()),
            "end_user": self.end_user.map(end_user),
            // An empty text removes the stored one.
            "webhook_url_override": self.webhook_url_override.unwrap_or_default(),
        });
        let text = Zeroizing::new(body.to_string());
        let body: ImportBody = json::decode_str(&text).map_err(|error| error.to_string())?;
        let id = row.id.clone();
        let new = body.into_connection(provider, || id, now);
        let mut new = new.map_err(|error| format!("{}: {}", error.path.join("."), error.message))?;
        // The source has used the credentials; a request for each would need hours and many rate limits.
        new.verify = false;
        Ok((new, ignored))
    }
}

/// Returns the credentials in the form of an import: without empty values, and without keys that their mode does not
/// have here.
fn login(
    mut given: Map<String, Value>,
    config: &Map<String, Value>,
    provider: &Provider,
    ignored: &mut Vec<String>,
) -> Result<Map<String, Value>, String> {
    if given.is_empty() && provider.auth_mode == AuthMode::None {
        given.insert("type".to_owned(), AuthMode::None.stored_name().into());
    }
    let Some(name) = given.get("type").and_then(Value::as_str) else {
        return Err("the source returned no credentials".to_owned());
    };
    let Some(mode) = AuthMode::all().find(|mode| mode.stored_name() == name) else {
        return Err("its auth mode is unknown here".to_owned());
    };
    if matches!(mode, AuthMode::App | AuthMode::Custom) {
        if let Some(Value::Object(app)) = given.remove("app") {
            for (key, value) in app {
                given.entry(key).or_insert(value);
            }
        }
        // The source stores the installation with the configuration.
        for key in ["installation_id", "app_id"] {
            if let Some(value) = config.get(key).filter(|_| !given.contains_key(key)) {
                given.insert(key.to_owned(), value.clone());
            }
        }
    }
    given.retain(|key, value| {
        let is_empty =
            value.is_null() || value.as_str() == Some("") && !matches!(key.as_str(), "username" | "password");
        let is_known = Credentials::has_key(mode, key, Some(provider));
        if !is_known && !is_empty {
            ignored.push(format!("credentials.{key}"));
        }
        is_known && !is_empty
    });
    Ok(given)
}

/// Returns the known fields of an end user that have a value.
fn end_user(mut given: Map<String, Value>) -> Map<String, Value> {
    keep(&mut given, &END_USER);
    if let Some(Value::Object(organization)) = given.get_mut("organization") {
        keep(organization, &ORGANIZATION);
    }
    given
}

fn keep(object: &mut Map<String, Value>, names: &[&str]) {
    object.retain(|name, value| names.contains(&name.as_str()) && !value.is_null() && value.as_str() != Some(""));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{provider::Catalogue, store::TagsChange};

    const YAML: &str = "
acme:
  auth_mode: OAUTH2
  authorization_url: https://a.example/authorize
  token_url: https://a.example/token
  proxy: { base_url: 'https://${connectionConfig.site}.a.example' }
open: { auth_mode: NONE, proxy: { base_url: 'https://a.example' } }
app: { auth_mode: APP, authorization_url: 'https://a.example/i', token_url: 'https://a.example/t', proxy: { base_url: 'https://a.example' } }
";

    fn convert(provider: &str, value: Value) -> Result<(AddConnection, Vec<String>), String> {
        let catalogue = Catalogue::parse(YAML).unwrap();
        let row = json!({ CONNECTION_ID: "c", PROVIDER_CONFIG_KEY: "acme-eu" });
        let row: SourceRow = serde_json::from_value(row).unwrap();
        let connection: SourceConnection = serde_json::from_value(value).map_err(|error| error.to_string())?;
        connection.into_new(&row, catalogue.find(provider).unwrap(), Timestamp::from_micros(0))
    }

    #[test]
    fn connection_is_taken_along_with_all_that_can_be_stored() {
        let (new, ignored) = convert(
            "acme",
            json!({
                "id": 7, "provider": "acme", "errors": [], "last_fetched_at": null, "not_in_the_contract": [1],
                "created_at": "2026-01-01T00:00:00.000+00:00", "updated_at": "2026-02-01T00:00:00.000+00:00",
                "credentials": {
                    "type": "OAUTH2", "access_token": "a", "refresh_token": "r",
                    "expires_at": "2026-03-01T00:00:00.000Z",
                    "config_override": null, "raw": { "access_token": "a" }, "novel": "n",
                },
                "connection_config": { "site": "eu", "oauth_scopes_override": ["x"], "pending": true, "gone": null },
                "metadata": { "m": 1 }, "tags": { "plan": "pro" }, "webhook_url_override": "https://h.example/x",
                "end_user": {
                    "id": "u", "display_name": null, "email": "", "tags": null, "novel": 1,
                    "organization": { "id": "o", "display_name": null, "novel": 1 },
                },
            }),
        )
        .unwrap();
        assert_eq!((new.integration.as_str(), new.id.as_str(), new.verify), ("acme-eu", "c", false));
        assert_eq!((new.credentials.token(), new.credentials.refresh_token()), (Some("a"), Some("r")));
        assert_eq!(Value::Object(new.config), json!({ "site": "eu" }));
        assert_eq!(new.metadata.map(Value::Object), Some(json!({ "m": 1 })));
        assert_eq!(new.profile.webhook_url, Some(Some("https://h.example/x".to_owned())));
        assert_eq!(new.profile.end_user.unwrap().organization.unwrap().id, "o");
        let Some(TagsChange::Replace(tags)) = new.profile.tags else { panic!("not replaced") };
        assert_eq!(tags.into_keys().collect::<Vec<_>>(), ["end_user_id", "organization_id", "plan"]);
        assert_eq!(ignored, ["credentials.novel", "connection_config.pending"]);
    }

    #[test]
    fn time_of_the_change_is_read() {
        let read = |at: Value| serde_json::from_value::<SourceConnection>(json!({ "updated_at": at })).unwrap();
        let at = read(json!("2026-02-01T00:00:00.000+00:00")).changed_at();
        assert_eq!(at, Timestamp::parse_rfc3339("2026-02-01T00:00:00Z"));
        assert_eq!((read(json!(null)).changed_at(), read(json!("soon")).changed_at()), (None, None));
    }

    #[test]
    fn credentials_of_other_shapes_are_read() {
        assert_eq!(convert("open", json!({ "credentials": {} })).unwrap().0.credentials.mode(), AuthMode::None);
        let app = json!({
            "credentials": { "type": "APP", "access_token": "t", "expires_at": null, "raw": {} },
            "connection_config": { "installation_id": "12", "app_id": 3 },
        });
        let (new, _) = convert("app", app).unwrap();
        assert_eq!((new.credentials.text("installation_id"), new.credentials.text("app_id")), (Some("12"), Some("3")));
    }

    #[test]
    fn connection_that_does_not_fit_is_refused_without_its_values() {
        for (value, expect) in [
            (json!({}), "the source returned no credentials"),
            (json!({ "credentials": {} }), "the source returned no credentials"),
            (json!({ "credentials": { "type": "QUANTUM", "k": "hush" } }), "its auth mode is unknown here"),
            (json!({ "credentials": { "type": "API_KEY", "apiKey": "hush" } }), "`API_KEY` does not fit the provider"),
            (
                json!({ "credentials": { "type": "OAUTH2", "access_token": ["hush"] } }),
                "`access_token` must be a string",
            ),
            (json!({ "credentials": { "type": "OAUTH2", "access_token": "" } }), "is missing"),
            (
                json!({
                    "credentials": { "type": "OAUTH2", "access_token": "hush" },
                    "webhook_url_override": "https://u:hush@h.example",
                }),
                "expected an absolute",
            ),
        ] {
            let error = convert("acme", value.clone()).map(|_| ()).unwrap_err();
            assert!(error.contains(expect) && !error.contains("hush"), "{value}: {error}");
        }
    }
}
