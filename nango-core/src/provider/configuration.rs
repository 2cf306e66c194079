//! Validation of connection configuration: known names, allowed values and defaults.

use serde_json::{Map, Value};
use url::Url;

use super::{Provider, Variable};
use crate::{
    declare::suggest,
    error::{Error, ErrorKind, register_layer_error},
    redact::has_userinfo,
};

/// Names that every provider accepts: an own OAuth client, as migrated connections have it.
const RESERVED_NAMES: [&str; 5] = [
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_client_id_override",
    "oauth_client_secret_override",
    "oauth_scopes_override",
];
/// Prefix that migrated connections may have in their keys.
const LEGACY_KEY_PREFIX: &str = "connectionConfig.";

/// Errors of connection configuration and credentials. No message contains a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionConfigError {
    /// A name that the provider does not define.
    #[error(
        "unknown configuration value `{name}` of `{integration}`; {}{}",
        if known.is_empty() { "none are available".to_owned() } else { format!("available: {known}") },
        suggest::hint(near.as_deref())
    )]
    Unknown {
        /// Unique key of the integration.
        integration: String,
        /// The configuration or credential name.
        name: String,
        /// The most similar name.
        near: Option<String>,
        /// The available names.
        known: String,
    },
    /// A value that is not allowed for its field.
    #[error("the {what} `{name}` of `{integration}` {reason}")]
    Value {
        /// `configuration value` or `credential`.
        what: &'static str,
        /// Unique key of the integration.
        integration: String,
        /// The configuration or credential name.
        name: String,
        /// Requirement that the value does not meet.
        reason: String,
    },
}

register_layer_error!(ConnectionConfigError);

impl ConnectionConfigError {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Connection, self)
    }
}

impl Provider {
    /// Validates the configuration of a connection and returns it with defaults, as it is stored.
    ///
    /// # Errors
    ///
    /// Fails if a name is unknown, a value is not allowed for its field, or a URL contains a user and password.
    pub fn validate_config(
        &self,
        integration: &str,
        given: Map<String, Value>,
    ) -> Result<Map<String, Value>, ConnectionConfigError> {
        let mut config = Map::new();
        for (name, value) in given {
            let name = name.strip_prefix(LEGACY_KEY_PREFIX).map_or(name.clone(), str::to_owned);
            let wrong = |reason: String| ConnectionConfigError::Value {
                what: "configuration value",
                integration: integration.to_owned(),
                name: name.clone(),
                reason,
            };
            if !self.is_known_config(&name) {
                return Err(self.unknown_name_error(integration, name));
            }
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return Err(wrong("must be a text".to_owned())),
            };
            if let Some(field) = self.config.iter().find(|field| field.name == name) {
                field.check(&text).map_err(wrong)?;
            }
            // A password in a URL would be sent to its host without being redacted.
            if contains_userinfo(&name, &text) {
                return Err(wrong("must not contain a user and password: put them into the credentials".to_owned()));
            }
            config.insert(name, value);
        }
        for field in &self.config {
            if let Some(default) = field.default.as_ref().filter(|default| !default.is_empty()) {
                config.entry(&field.name).or_insert_with(|| Value::String(default.clone()));
            }
        }
        Ok(config)
    }

    /// Returns whether a connection may have a configuration value of this name and type, whatever its content.
    #[cfg(feature = "server")]
    pub(crate) fn has_config_value(&self, name: &str, value: &Value) -> bool {
        let name = name.strip_prefix(LEGACY_KEY_PREFIX).unwrap_or(name);
        self.is_known_config(name) && matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
    }

    /// Checks the credential values for which the entry declares fields.
    ///
    /// # Errors
    ///
    /// Fails if a value is not allowed for its field.
    pub fn check_credentials(
        &self,
        integration: &str,
        parts: &Map<String, Value>,
    ) -> Result<(), ConnectionConfigError> {
        for field in self.credentials.iter().chain(&self.assertion_options) {
            let Some(text) = parts.get(&field.name).and_then(Value::as_str) else { continue };
            field.check(text).map_err(|reason| ConnectionConfigError::Value {
                what: "credential",
                integration: integration.to_owned(),
                name: field.name.clone(),
                reason,
            })?;
        }
        Ok(())
    }

    fn is_known_config(&self, name: &str) -> bool {
        RESERVED_NAMES.contains(&name)
            || self.config_names().any(|known| {
                // A template may use a part of a value.
                known == name || known.split('.').next() == Some(name)
            })
    }

    /// Returns the names of the fields, of values in templates, and of values from responses of the provider.
    fn config_names(&self) -> impl Iterator<Item = String> {
        let fields = self.config.iter().map(|field| field.name.clone());
        let template_names = self.templates().into_iter().flat_map(|(_, template)| {
            let names = template.variables().filter_map(|variable| match variable {
                Variable::Config(name) => Some(name.clone()),
                _ => None,
            });
            names.collect::<Vec<_>>()
        });
        fields
            .chain(template_names)
            .chain(self.response_config.iter().cloned())
            .chain(self.proxy.required_config.iter().cloned())
    }

    fn unknown_name_error(&self, integration: &str, name: String) -> ConnectionConfigError {
        let mut names: Vec<String> = self.config_names().collect();
        names.sort();
        names.dedup();
        let all = names.iter().map(String::as_str).chain(RESERVED_NAMES);
        ConnectionConfigError::Unknown {
            integration: integration.to_owned(),
            near: suggest::nearest(&name, all).map(str::to_owned),
            known: suggest::list(names.iter().map(String::as_str)),
            name,
        }
    }
}

/// Returns whether a value is a URL or host with a user in it.
fn contains_userinfo(name: &str, text: &str) -> bool {
    let in_host = || text.split('/').next().is_some_and(|host| host.contains('@'));
    Url::parse(text).is_ok_and(|url| has_userinfo(&url)) || (is_host_field(name) && in_host())
}

/// Returns whether a configuration name is that of a host or URL.
fn is_host_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["host", "domain", "server", "url"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Catalogue;
    use super::*;

    const YAML: &str = "
acme:
  auth_mode: TWO_STEP
  token_url: https://accounts.acme.${connectionConfig.extension}/token
  token_response_metadata: [instance]
  proxy:
    base_url: https://${connectionConfig.hostname}
    headers: { x-site: '${connectionConfig.site} || none' }
  connection_config:
    hostname: { format: hostname }
    extension: { enum: [com, eu], default_value: com }
    serverUrl: { optional: true }
  credentials:
    key: { pattern: '^k-' }
";

    fn validate(given: Value) -> Result<Value, String> {
        let catalogue = Catalogue::parse(YAML).unwrap();
        let acme = catalogue.find("acme").unwrap();
        let Value::Object(given) = given else { panic!("an object") };
        acme.validate_config("acme-eu", given).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn configuration_has_known_names_fitting_values_and_defaults() {
        assert_eq!(validate(json!({ "hostname": "h.test" })), Ok(json!({ "hostname": "h.test", "extension": "com" })));
        let all =
            json!({ "connectionConfig.site": "s", "instance": "i", "oauth_client_secret": "c", "extension": "eu" });
        let read = json!({ "site": "s", "instance": "i", "oauth_client_secret": "c", "extension": "eu" });
        assert_eq!(validate(all), Ok(read));
        let check = |given: Value, expect: &str| assert_eq!(validate(given).unwrap_err(), expect);
        check(
            json!({ "extention": "eu" }),
            "unknown configuration value `extention` of `acme-eu`; available: `extension`, `hostname`, `instance`, \
             `serverUrl` and `site`; did you mean `extension`?",
        );
        check(
            json!({ "extension": "evil.example" }),
            "the configuration value `extension` of `acme-eu` must be one of `com` and `eu`",
        );
        let user = "the configuration value `serverUrl` of `acme-eu` must not contain a user and password: put them \
                    into the credentials";
        check(json!({ "serverUrl": "https://a:hush@h.test/x" }), user);
        check(json!({ "serverUrl": "a:hush@h.test" }), user);
        check(json!({ "site": ["x"] }), "the configuration value `site` of `acme-eu` must be a text");
    }

    #[test]
    fn credentials_fit_their_fields() {
        let catalogue = Catalogue::parse(YAML).unwrap();
        let acme = catalogue.find("acme").unwrap();
        let check =
            |parts: Value| acme.check_credentials("acme", parts.as_object().unwrap()).map_err(|e| e.to_string());
        assert_eq!(check(json!({ "key": "k-1", "other": "x" })), Ok(()));
        let error = check(json!({ "key": "hush" })).unwrap_err();
        assert_eq!(error, "the credential `key` of `acme` must match the pattern `^k-`");
    }

    #[test]
    fn question_mark_operator_keeps_the_kind() {
        let (integration, name, reason) = ("acme".to_owned(), "site".to_owned(), "must be a text".to_owned());
        let error =
            Error::from(ConnectionConfigError::Value { what: "configuration value", integration, name, reason });
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Connection, None));
        assert_eq!(error.to_string(), "the configuration value `site` of `acme` must be a text");
    }
}
