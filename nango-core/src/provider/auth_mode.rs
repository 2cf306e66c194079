//! The kinds of credentials.

use std::{fmt, str::FromStr};

use crate::declare::suggest;

/// A kind of credentials: how a connection proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AuthMode {
    /// None at all.
    None,
    /// A key; the provider's entry says where it goes.
    ApiKey,
    /// A user name and a password.
    Basic,
    /// A token in `Authorization: Bearer` that somebody else obtained and nobody renews.
    Bearer,
    /// OAuth 2 with a user: an access token, and a refresh token that renews it.
    OAuth2,
    /// OAuth 2 without a user: client credentials become a token.
    OAuth2Cc,
    /// A login: what the person gave is posted, the answer holds a token.
    TwoStep,
    /// A token that is signed here, with a key of the person's.
    Jwt,
    /// OAuth 1: every request is signed with a token and its secret.
    OAuth1,
    /// OAuth 1 with a token that was made by hand (token-based authentication).
    Tba,
    /// An app's installation: the app's key signs a token, which buys one for the installation.
    App,
    /// An app's installation beside a user's OAuth 2 token.
    Custom,
    /// A user name and a secret that become a short-lived signature (WSSE).
    Signature,
    /// Requests signed as AWS wants it (version 4), with the keys of an assumed role.
    AwsSigV4,
    /// A login whose session the caller puts into its requests.
    Bill,
    /// A plugin that is installed at the provider; it ends as a user name and a password.
    InstallPlugin,
    /// OAuth 2 as servers of the Model Context Protocol offer it.
    McpOAuth2,
    /// The same at a server that the person names.
    McpOAuth2Generic,
}

/// Every kind with its name on the command line, and in databases and files.
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
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(mode, _, _)| mode)
    }

    /// Whether its credentials become a token that stands in requests, so that one that somebody else obtained does as
    /// well.
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

    /// Whether connections can hold its credentials and put them into requests. A session of [`Bill`](Self::Bill) is
    /// obtained by nobody here, and no header carries it.
    pub fn is_supported(self) -> bool {
        self != Self::Bill
    }

    /// The name on the command line: `api-key`.
    pub fn name(self) -> &'static str {
        self.names().0
    }

    /// The name in the database, in provider files and in credentials: `API_KEY`.
    pub fn stored_name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        let found = NAMES.iter().find(|(mode, _, _)| *mode == self);
        // A test holds that every kind is in the list.
        found.map_or(("", ""), |(_, name, stored)| (*name, *stored))
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no kind of credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of credentials: there are {list}{hint}", list = suggest::list(AuthMode::all().map(AuthMode::name)), hint = hint(_0))]
pub struct UnknownAuthMode(pub String);

fn hint(wrong: &str) -> String {
    let near = suggest::nearest(wrong, AuthMode::all().map(AuthMode::name));
    near.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// Reads either name, in any case.
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
        assert!(error.starts_with("`api-kee` is no kind of credentials: there are `none`, `api-key`, `basic`, "));
        assert!(error.ends_with("(did you mean `api-key`?)"), "{error}");
    }
}
