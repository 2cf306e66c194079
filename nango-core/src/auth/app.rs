//! The app of an integration, as registered at its provider.

use base64::{Engine, engine::general_purpose::STANDARD};

use serde_json::{Map, Value};

use super::{Credentials, Secret};
use crate::http::HostPattern;

/// Credentials of the app that the operator registered at a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct App {
    /// Client id, or the number of the app if the provider numbers its apps.
    pub client_id: Option<String>,
    /// Client secret of the app.
    pub client_secret: Option<Secret>,
    /// Private key that signs the tokens of the app, in PEM.
    pub private_key: Option<Secret>,
    /// Scopes that the app requests.
    pub scopes: Vec<String>,
    /// Hosts that may receive the secret, in addition to those of the provider entry.
    pub token_hosts: Vec<HostPattern>,
}

impl App {
    /// Prefix of the environment variables with the credentials of apps.
    pub const PREFIX: &str = "NANGO_APP_";

    /// Returns the environment variable for a part of an integration's app: `CLIENT_ID`, `CLIENT_SECRET` or
    /// `PRIVATE_KEY`. Characters of the integration that are not letters or digits become `_`.
    pub fn variable(integration: &str, part: &str) -> String {
        let name = integration.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
        format!("{}{}_{part}", Self::PREFIX, name.collect::<String>())
    }

    /// Returns the client id and secret that credentials belong to: those of the credentials, those of the connection
    /// configuration (used by migrated connections), or those of the integration.
    pub(super) fn client<'a>(
        &'a self,
        credentials: &'a Credentials,
        config: &'a Map<String, Value>,
    ) -> Option<(&'a str, &'a str)> {
        own_client(credentials, config).or_else(|| {
            let secret = self.client_secret.as_ref().map(Secret::expose);
            Some((self.client_id.as_deref()?, secret.unwrap_or_default()))
        })
    }

    /// Returns whether a token request contains a secret of the operator, because the connection has no own client.
    pub(super) fn is_used_by(&self, credentials: &Credentials, config: &Map<String, Value>) -> bool {
        let has_secret = self.client_secret.is_some() || self.private_key.is_some();
        has_secret && own_client(credentials, config).is_none()
    }

    /// Returns the instruction to configure the app of an integration.
    pub(super) fn missing_app_hint(integration: &str) -> String {
        format!(
            "set `client_id = \"…\"` under `[integrations.{integration}]` in nango.toml, and the environment variable \
             `{}` to the secret",
            Self::variable(integration, "CLIENT_SECRET")
        )
    }

    /// Parses a private key from an environment variable: PEM, PEM with `\\n` instead of line breaks, or base64 of PEM.
    pub(crate) fn parse_private_key(text: &Secret) -> Secret {
        let plain = text.expose().trim();
        if plain.starts_with("-----") {
            return Secret::new(plain.replace("\\n", "\n"));
        }
        let decoded = STANDARD.decode(plain).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.map_or_else(|| text.clone(), Secret::new)
    }
}

/// Returns the client id and secret of a connection, from its credentials or its configuration.
fn own_client<'a>(credentials: &'a Credentials, config: &'a Map<String, Value>) -> Option<(&'a str, &'a str)> {
    let text = |names: [&str; 2]| names.iter().find_map(|name| config.get(*name)?.as_str());
    credentials.client().or_else(|| {
        let id = text(["oauth_client_id_override", "oauth_client_id"])?;
        Some((id, text(["oauth_client_secret_override", "oauth_client_secret"]).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_key_is_read_from_one_line() {
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        for text in [pem.to_owned(), pem.replace('\n', "\\n"), STANDARD.encode(pem)] {
            assert_eq!(App::parse_private_key(&Secret::new(text)).expose(), pem);
        }
        assert_eq!(App::parse_private_key(&"no key".into()).expose(), "no key");
    }

    #[test]
    fn variable_names_are_derived_from_the_integration() {
        assert_eq!(App::variable("github-eu.2", "CLIENT_SECRET"), "NANGO_APP_GITHUB_EU_2_CLIENT_SECRET");
    }
}
