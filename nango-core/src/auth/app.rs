//! The app of an integration: whom a provider knows it as.

use base64::{Engine, engine::general_purpose::STANDARD};

use serde_json::{Map, Value};

use super::{Credentials, Secret};
use crate::http::HostPattern;

/// What the provider gave to whoever registered an app there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct App {
    /// Its client id; where the provider counts its apps, its number.
    pub client_id: Option<String>,
    /// Its client secret.
    pub client_secret: Option<Secret>,
    /// The private key with which it signs, PEM.
    pub private_key: Option<Secret>,
    /// The scopes that it asks for.
    pub scopes: Vec<String>,
    /// Hosts to which its secret may be sent, beside those that the provider's entry names.
    pub token_hosts: Vec<HostPattern>,
}

impl App {
    /// How the variables of the environment begin that hold parts of apps.
    pub const PREFIX: &str = "NANGO_APP_";

    /// The variable of the environment that holds a part of an integration's app: `CLIENT_ID`, `CLIENT_SECRET`,
    /// `PRIVATE_KEY`. What is no letter or digit in the integration's name is `_`.
    pub fn variable(integration: &str, part: &str) -> String {
        let name = integration.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
        format!("{}{}_{part}", Self::PREFIX, name.collect::<String>())
    }

    /// Id and secret of the app that credentials belong to: those that came with them, those of the connection's
    /// configuration (as connections that were moved have them), or the integration's own.
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

    /// Whether a request for a token carries a secret of the operator's: the connection has no client of its own.
    pub(super) fn is_used_by(&self, credentials: &Credentials, config: &Map<String, Value>) -> bool {
        let has_secret = self.client_secret.is_some() || self.private_key.is_some();
        has_secret && own_client(credentials, config).is_none()
    }

    /// What is to be done where an integration needs its app.
    pub(super) fn missing_app_hint(integration: &str) -> String {
        format!(
            "put `client_id = \"…\"` under `[integrations.{integration}]` in nango.toml, and the secret into the \
             environment as `{}`",
            Self::variable(integration, "CLIENT_SECRET")
        )
    }

    /// A private key as the environment holds it: PEM, PEM with `\\n` for its line breaks, or base64 of PEM.
    pub(crate) fn parse_private_key(text: &Secret) -> Secret {
        let plain = text.expose().trim();
        if plain.starts_with("-----") {
            return Secret::new(plain.replace("\\n", "\n"));
        }
        let decoded = STANDARD.decode(plain).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.map_or_else(|| text.clone(), Secret::new)
    }
}

/// Id and secret that came with a connection: beside its credentials, or in its configuration.
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
