//! Integration of the source, and the public part of its app.

use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny},
};
use serde_json::Value;

/// Integration of the source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct SourceIntegration {
    /// Unique key.
    pub unique_key: String,
    /// Name of the provider.
    pub provider: String,
    /// App at the provider; `None` if the auth mode has none, or the response omits it.
    #[serde(default, rename = "credentials")]
    pub app: Option<SourceApp>,
}

/// App of an integration. Its secrets are not kept, only whether there are any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct SourceApp {
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    app_id: Option<Value>,
    #[serde(default, deserialize_with = "list")]
    pub scopes: Vec<String>,
    /// Whether the app has a client secret.
    #[serde(default, rename = "client_secret", deserialize_with = "is_present")]
    pub has_secret: bool,
    /// Whether the app has a private key.
    #[serde(default, rename = "private_key", deserialize_with = "is_present")]
    pub has_private_key: bool,
}

impl SourceApp {
    /// Returns the client id, or the number of the app.
    pub(crate) fn id(&self) -> Option<String> {
        let number = || match self.app_id.as_ref()? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        self.client_id.clone().or_else(number).filter(|id| !id.is_empty())
    }
}

/// Reads scopes that are separated by commas.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    Ok(text.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
}

fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn app_is_read_without_its_secrets() {
        let read = |credentials: Value| {
            let value = json!({ "unique_key": "a", "provider": "p", "novel": 1, "credentials": credentials });
            serde_json::from_value::<SourceIntegration>(value).unwrap().app
        };
        let app = read(json!({
            "type": "OAUTH2", "client_id": "c", "client_secret": "hush", "scopes": "a, b,,c", "webhook_secret": null,
        }));
        let app = app.unwrap();
        assert_eq!(
            (app.id().as_deref(), app.scopes.len(), app.has_secret, app.has_private_key),
            (Some("c"), 3, true, false)
        );
        assert!(!format!("{app:?}").contains("hush"));
        let app = read(json!({ "type": "APP", "app_id": 12, "private_key": "hush", "app_link": null })).unwrap();
        assert_eq!((app.id().as_deref(), app.has_secret, app.has_private_key), (Some("12"), false, true));
        assert_eq!(read(Value::Null), None);
        let empty = read(json!({ "client_id": "", "client_secret": null, "scopes": null })).unwrap();
        assert_eq!((empty.id(), empty.has_secret), (None, false));
    }
}
