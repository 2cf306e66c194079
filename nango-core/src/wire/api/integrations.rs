//! Integrations, as the program and its configuration declare them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    auth::{App, AuthMode, Secret},
    time::Timestamp,
    wire::{provider_logo, time::millis_utc},
};

/// Query of one integration.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct IntegrationQuery {
    /// Parts to add.
    #[serde(default)]
    include: Vec<Include>,
}

/// Part of an integration that is added on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Include {
    /// URL that receives the webhooks of the provider.
    Webhook,
    /// Credentials of the app. Omitted if the key may not read them.
    Credentials,
}

impl IntegrationQuery {
    /// Returns whether the URL of webhooks is requested.
    pub(crate) fn includes_webhook(&self) -> bool {
        self.include.contains(&Include::Webhook)
    }

    /// Returns whether the credentials of the app are requested.
    pub(crate) fn includes_credentials(&self) -> bool {
        self.include.contains(&Include::Credentials)
    }
}

/// Integration as the API returns it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Integration")]
pub(crate) struct IntegrationJson<'a> {
    unique_key: &'a str,
    provider: &'a str,
    display_name: &'a str,
    /// URL of the logo.
    logo: String,
    /// Whether webhooks of the provider are sent on to the application.
    forward_webhooks: bool,
    created_at: String,
    updated_at: String,
    /// URL that receives the webhooks of the provider; `null` if the integration receives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(clippy::option_option, reason = "absent, or null")]
    webhook_url: Option<Option<String>>,
    /// Credentials of the app; `null` if the auth mode has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(clippy::option_option, reason = "absent, or null")]
    credentials: Option<Option<AppCredentials>>,
}

/// Credentials of the app of an integration at its provider.
#[derive(Debug, Serialize, JsonSchema)]
struct AppCredentials {
    r#type: &'static str,
    #[serde(flatten)]
    client: Option<Client>,
    #[serde(flatten)]
    app: Option<PrivateApp>,
}

/// Client of an OAuth app.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct Client {
    client_id: Option<String>,
    client_secret: Option<String>,
    /// Scopes that the app requests, separated by commas.
    scopes: Option<String>,
    webhook_secret: Option<String>,
}

/// App that signs its requests with a private key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct PrivateApp {
    app_id: Option<String>,
    app_link: Option<String>,
    private_key: Option<String>,
}

impl AppCredentials {
    /// Returns the credentials of an app; `None` if the auth mode has none.
    fn new(mode: AuthMode, app: &App) -> Option<Self> {
        let exposed = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        let client = || Client {
            client_id: app.client_id.clone(),
            client_secret: exposed(&app.client_secret),
            scopes: (!app.scopes.is_empty()).then(|| app.scopes.join(",")),
            webhook_secret: None,
        };
        let private =
            || PrivateApp { app_id: app.client_id.clone(), app_link: None, private_key: exposed(&app.private_key) };
        let (client, app) = match mode {
            AuthMode::OAuth1 | AuthMode::OAuth2 | AuthMode::Tba => (Some(client()), None),
            AuthMode::App => (None, Some(private())),
            AuthMode::Custom => (Some(client()), Some(private())),
            _ => return None,
        };
        Some(Self { r#type: mode.stored_name(), client, app })
    }
}

impl<'a> IntegrationJson<'a> {
    /// Creates the JSON of an integration. `declared_at` is the time since which this program declares it.
    pub(crate) fn new(
        unique_key: &'a str,
        provider: &'a str,
        display_name: &'a str,
        public_url: &str,
        declared_at: Timestamp,
    ) -> Self {
        let declared_at = millis_utc(declared_at);
        Self {
            unique_key,
            provider,
            display_name,
            logo: provider_logo(public_url, provider),
            forward_webhooks: false,
            created_at: declared_at.clone(),
            updated_at: declared_at,
            webhook_url: None,
            credentials: None,
        }
    }

    /// Adds the URL of webhooks. It is `null`: no integration receives webhooks over HTTP.
    #[must_use]
    pub(crate) fn with_webhook(mut self) -> Self {
        self.webhook_url = Some(None);
        self
    }

    /// Adds the credentials of the app.
    #[must_use]
    pub(crate) fn with_credentials(mut self, mode: AuthMode, app: &App) -> Self {
        self.credentials = Some(AppCredentials::new(mode, app));
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn integration_has_requested_parts_only() {
        let at = Timestamp::from_micros(1_795_348_800_000_000);
        let plain =
            serde_json::to_value(IntegrationJson::new("acme-eu", "acme", "Acme", "https://n.example", at)).unwrap();
        assert_eq!(
            plain,
            json!({
                "unique_key": "acme-eu", "provider": "acme", "display_name": "Acme", "logo": "https://n.example/images/template-logos/acme.svg",
                "forward_webhooks": false, "created_at": "2026-11-22T12:00:00.000Z",
                "updated_at": "2026-11-22T12:00:00.000Z",
            })
        );
        let full = IntegrationJson::new("acme-eu", "acme", "Acme", "https://n.example", at).with_webhook();
        let full = serde_json::to_value(full.with_credentials(AuthMode::ApiKey, &App::default())).unwrap();
        assert_eq!((&full["webhook_url"], &full["credentials"]), (&Value::Null, &Value::Null));
        assert!(full.as_object().unwrap().contains_key("credentials"));
    }

    #[test]
    fn app_credentials_have_the_fields_of_the_auth_mode() {
        let app = App {
            client_id: Some("c".into()),
            client_secret: Some(Secret::new("s")),
            private_key: Some(Secret::new("k")),
            scopes: vec!["a".into(), "b".into()],
            token_hosts: Vec::new(),
        };
        let of = |mode| serde_json::to_value(AppCredentials::new(mode, &app)).unwrap();
        let client = json!({
            "type": "OAUTH2", "client_id": "c", "client_secret": "s", "scopes": "a,b", "webhook_secret": null
        });
        assert_eq!(of(AuthMode::OAuth2), client);
        assert_eq!(of(AuthMode::App), json!({ "type": "APP", "app_id": "c", "app_link": null, "private_key": "k" }));
        assert_eq!(of(AuthMode::Custom).as_object().unwrap().len(), 8);
        assert_eq!(of(AuthMode::Basic), Value::Null);
    }

    #[test]
    fn include_accepts_one_value_or_several() {
        let read = |value: Value| serde_json::from_value::<IntegrationQuery>(value);
        let both = read(json!({ "include": ["webhook", "credentials"] })).unwrap();
        assert!(both.includes_webhook() && both.includes_credentials());
        let one = read(json!({ "include": ["credentials"] })).unwrap();
        assert!(!one.includes_webhook() && one.includes_credentials());
        assert!(read(json!({ "include": ["secrets"] })).is_err());
    }
}
