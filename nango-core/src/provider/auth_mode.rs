//! Auth modes: the types of credentials that a connection can have, with their names in Nango's format.

use std::{fmt, str::FromStr};

use crate::declare::suggest;

/// Authentication method of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AuthMode {
    /// No authentication.
    None,
    /// An API key, sent as the provider entry defines.
    ApiKey,
    /// A user name and a password.
    Basic,
    /// A token in `Authorization: Bearer` that was obtained elsewhere and is not refreshed.
    Bearer,
    /// OAuth 2 with a user: an access token and a refresh token.
    OAuth2,
    /// OAuth 2 without a user: client credentials are exchanged for a token.
    OAuth2Cc,
    /// A login: the values of the user are posted, and the response contains a token.
    TwoStep,
    /// A token that is signed locally with a key of the user.
    Jwt,
    /// OAuth 1: every request is signed with a token and its secret.
    OAuth1,
    /// OAuth 1 with a manually created token (token-based authentication).
    Tba,
    /// An app installation: a token signed with the key of the app is exchanged for one of the installation.
    App,
    /// An app installation together with an OAuth 2 token of a user.
    Custom,
    /// A user name and a secret, sent as a short-lived signature (WSSE).
    Signature,
    /// Requests signed with AWS Signature Version 4 and the keys of an assumed role.
    AwsSigV4,
    /// A login whose session is sent in the request bodies.
    Bill,
    /// A plugin installed at the provider, which yields a user name and a password.
    InstallPlugin,
    /// OAuth 2 of servers of the Model Context Protocol.
    McpOAuth2,
    /// OAuth 2 of a Model Context Protocol server that the user enters.
    McpOAuth2Generic,
}

/// Every mode with its name on the command line and its name in databases and files.
const NAMES: [(AuthMode, &str, &str); 18] = [
    (AuthMode::None, "none", "NONE"),
    (AuthMode::ApiKey, "api-key", "API_KEY"),
    (AuthMode::Basic, "basic", "BASIC"),
    (AuthMode::Bearer, "bearer", "BEARER"),
    (AuthMode::OAuth2, "oauth2", "OAUTH2"),
    (AuthMode::OAuth2Cc, "oauth2-cc", "OAUTH2_CC"),
    (AuthMode::TwoStep, "two-step", "TWO_STEP"),
    (AuthMode::Jwt, "jwt", "JWT"),
    (AuthMode::OAuth1, "oauth1", "OAUTH1"),
    (AuthMode::Tba, "tba", "TBA"),
    (AuthMode::App, "app", "APP"),
    (AuthMode::Custom, "custom", "CUSTOM"),
    (AuthMode::Signature, "signature", "SIGNATURE"),
    (AuthMode::AwsSigV4, "aws-sigv4", "AWS_SIGV4"),
    (AuthMode::Bill, "bill", "BILL"),
    (AuthMode::InstallPlugin, "install-plugin", "INSTALL_PLUGIN"),
    (AuthMode::McpOAuth2, "mcp-oauth2", "MCP_OAUTH2"),
    (AuthMode::McpOAuth2Generic, "mcp-oauth2-generic", "MCP_OAUTH2_GENERIC"),
];

impl AuthMode {
    /// Returns all auth modes.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(mode, _, _)| mode)
    }

    /// Returns whether credentials of this mode yield a token for requests, so that a token obtained elsewhere can be
    /// used too.
    pub fn yields_token(self) -> bool {
        matches!(
            self,
            Self::OAuth2
                | Self::OAuth2Cc
                | Self::TwoStep
                | Self::Jwt
                | Self::App
                | Self::Custom
                | Self::McpOAuth2
                | Self::McpOAuth2Generic
        )
    }

    /// Returns whether connections can use credentials of this mode. Sessions of [`Bill`](Self::Bill) are not obtained
    /// and not sent.
    pub fn is_supported(self) -> bool {
        self != Self::Bill
    }

    /// Returns the name on the command line, such as `api-key`.
    pub fn name(self) -> &'static str {
        self.names().0
    }

    /// Returns the name in the database, in provider files and in credentials, such as `API_KEY`.
    pub fn stored_name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        let found = NAMES.iter().find(|(mode, _, _)| *mode == self);
        // A test verifies that every mode is in the list.
        found.map_or(("", ""), |(_, name, stored)| (*name, *stored))
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error of a name that is not an auth mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown auth mode `{0}`; available: {list}{hint}",
    list = suggest::list(AuthMode::all().map(AuthMode::name)),
    hint = hint(_0)
)]
pub struct UnknownAuthMode(pub String);

fn hint(wrong: &str) -> String {
    suggest::hint(suggest::nearest(wrong, AuthMode::all().map(AuthMode::name)))
}

/// Parses either name, ignoring case.
impl FromStr for AuthMode {
    type Err = UnknownAuthMode;

    fn from_str(text: &str) -> Result<Self, UnknownAuthMode> {
        let plain = text.to_ascii_lowercase().replace('_', "-");
        AuthMode::all().find(|mode| mode.name() == plain).ok_or_else(|| UnknownAuthMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_mode_is_parsed_from_both_names() {
        assert_eq!(AuthMode::all().last(), Some(AuthMode::McpOAuth2Generic));
        for mode in AuthMode::all() {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(mode.stored_name().parse(), Ok(mode));
        }
        let error = "api-kee".parse::<AuthMode>().unwrap_err().to_string();
        assert!(error.starts_with("unknown auth mode `api-kee`; available: `none`, `api-key`, `basic`, "));
        assert!(error.ends_with("; did you mean `api-key`?"), "{error}");
    }
}
